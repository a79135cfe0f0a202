//! Operations on the caller's own user.

use cumulet_service::{Cx, Principal};

use crate::error::{Error, Result};

/// The user that is named, or else the caller, who must then be one. AWS's root may leave its name
/// out as well, for access keys of its own; here root has the one key that the cloud began with.
pub(crate) fn or_self(cx: &Cx, name: Option<&str>) -> Result<String> {
    match (name, cx.principal()) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Principal::User { name, .. }) => Ok(name.clone()),
        (None, _) => {
            let message = "Must specify userName when calling with non-User credentials";
            Err(Error::Validation(message.to_owned()))
        }
    }
}
