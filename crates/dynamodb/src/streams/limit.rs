//! The `Limit` parameters of the four operations.

use super::StreamError;

/// How many are wanted, `most` where nothing is said. (The text is DynamoDB Local's.)
pub(crate) fn limit(wanted: Option<i32>, most: usize) -> Result<usize, StreamError> {
    let wanted = wanted.and_then(|n| usize::try_from(n).ok()).unwrap_or(most);
    if wanted > most {
        let text = format!("Limit should be less than or equal to {most}");
        return Err(StreamError::Parameter(text));
    }
    Ok(wanted)
}
