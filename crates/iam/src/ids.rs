//! Unique ids ("IAM unique identifiers", IAM user guide).

use cumulet_service::Cx;

/// A new unique id: four letters that say of what, and 17 of [A-Z2-7].
pub(crate) fn unique(cx: &Cx, prefix: &str) -> String {
    format!("{prefix}{}", cx.ids().text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
}
