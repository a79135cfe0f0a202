//! Policies as texts: what may be stored, and how texts are answered.

use cumulet_auth::policy::{Document, Grammar, size};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Result};

/// Characters of a managed policy ("IAM and AWS STS quotas"), white space not counted.
const MANAGED: usize = 6144;

/// What RFC 3986 leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A policy as IAM answers it: "URL-encoded compliant with RFC 3986".
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Refuses what is no policy of an identity.
pub(crate) fn check(text: &str) -> Result<()> {
    parse(text, Grammar::Identity)
}

/// Refuses what is no managed policy.
pub(crate) fn check_managed(text: &str) -> Result<()> {
    if size(text) > MANAGED {
        return Err(Error::LimitExceeded(format!("Cannot exceed quota for PolicySize: {MANAGED}")));
    }
    check(text)
}

/// Refuses what is no policy of this grammar.
pub(crate) fn parse(text: &str, grammar: Grammar) -> Result<()> {
    let parsed = Document::parse(text, grammar);
    parsed.map(drop).map_err(|why| Error::MalformedPolicyDocument(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_as_rfc_3986_says() {
        assert_eq!(encode("{\"a\": \"-._~*\"}\u{e9}"), "%7B%22a%22%3A%20%22-._~%2A%22%7D%C3%A9");
    }

    #[test]
    fn what_breaks_a_quota_or_the_grammar_is_refused() {
        let policy = |resource: &str| {
            format!(
                r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow",
                "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{resource}"}}]}}"#
            )
        };
        assert!(check_managed(&policy("b")).is_ok());
        let long = check_managed(&policy(&"b".repeat(6144)));
        assert!(matches!(long, Err(Error::LimitExceeded(_))));
        let wrong = check_managed("{}");
        assert!(matches!(wrong, Err(Error::MalformedPolicyDocument(_))));
    }
}
