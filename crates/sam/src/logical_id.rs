//! Logical ids that carry a hash of what they stand for.

use aws_lc_rs::digest;

use crate::node::Node;
use crate::python::Json;

/// Hexadecimal digits of the hash in a logical id.
const LENGTH: usize = 10;

/// SHA-1 in hexadecimal: text as it is, everything else as canonical JSON. Empty for nothing.
pub(crate) fn digest(data: &Node) -> String {
    if !data.truthy() {
        return String::new();
    }
    let text = match data {
        Node::Text(text) => text.text.clone(),
        other => Json::CANONICAL.write(other),
    };
    hex(&text)
}

/// SHA-1 in hexadecimal.
pub(crate) fn hex(text: &str) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first ten digits, as they stand in ids.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..LENGTH).unwrap_or(digest)
}

/// `prefix` and the short hash of `data`.
pub(crate) fn with_hash(prefix: &str, data: &Node) -> String {
    format!("{prefix}{}", short(&digest(data)))
}

/// Python's `str.isalnum`: letters and digits, and at least one.
pub(crate) fn is_alphanumeric(text: &str) -> bool {
    !text.is_empty() && text.chars().all(char::is_alphanumeric)
}

/// `prefix` and `suffix` where the suffix fits in an id, else the suffix's hash.
pub(crate) fn with_suffix(prefix: &str, suffix: &str) -> String {
    if is_alphanumeric(suffix) {
        return format!("{prefix}{suffix}");
    }
    with_hash(prefix, &suffix.into())
}
