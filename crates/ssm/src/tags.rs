//! Tags in requests.

use cumulet_api_ssm::types::Tag;
use cumulet_service::Access;

use crate::error::Error;

pub(crate) const MOST_TAGS: usize = 50;

/// With the condition keys of tags that a request brings.
pub(crate) fn requesting(access: Access, tags: &[Tag]) -> Access {
    access.tagging(tags.iter().map(|Tag { key, value }| (key.clone(), value.clone())))
}

/// What can be said of tags without knowing the parameter.
pub(crate) fn check(tags: &[Tag]) -> Result<(), Error> {
    if tags.len() > MOST_TAGS {
        return Err(Error::TooManyTags);
    }
    if tags.iter().any(|tag| tag.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(Error::validation("Tag keys starting with 'aws:' are reserved for AWS."));
    }
    Ok(())
}
