//! What a session carries: policies, tags, a source identity; and how long it lasts.
//!
//! Sources: "Session policies", "Passing session tags in AWS STS" and "Monitor and control actions
//! taken with assumed roles" in the IAM user guide.

use std::collections::BTreeMap;

use cumulet_api_sts::ops::AssumeRoleRequest;
use cumulet_api_sts::types::Tag;
use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Timestamp;
use cumulet_service::{Principal, Session};

use crate::error::{Error, Result};

/// Characters of all session policies together.
const POLICIES: usize = 2048;
/// Managed session policies.
const ARNS: usize = 10;
/// Seconds of a session that another session of a role asked for.
const CHAINED: i32 = 3600;

/// The session that `caller` asks for, as of `now`. Leave is checked elsewhere.
pub(crate) fn assumed(
    caller: &Principal,
    request: &AssumeRoleRequest,
    now: Timestamp,
) -> Result<Session> {
    let policy_arns: Vec<String> =
        request.policy_arns.iter().flatten().filter_map(|it| it.arn.clone()).collect();
    check_policies(request.policy.as_deref(), &policy_arns)?;
    let before = match caller {
        Principal::Role { session, .. } => Some(session.as_ref()),
        _ => None,
    };
    let tags = request.tags.as_deref().unwrap_or_default();
    let (tags, transitive_tags) =
        all_tags(before, tags, request.transitive_tag_keys.as_deref().unwrap_or_default())?;
    Ok(Session {
        name: request.role_session_name.clone(),
        policy: request.policy.clone(),
        policy_arns,
        tags,
        transitive_tags,
        source_identity: source_identity(before, request.source_identity.as_deref())?,
        issued_at: now.secs(),
        context: context(caller),
    })
}

/// What a function's credentials say of it: "the ARN of the Lambda function from which the request
/// originated" ("Using source function ARN to control function access behavior", Lambda guide).
fn context(caller: &Principal) -> BTreeMap<String, String> {
    match caller {
        Principal::Service { name, source_arn: Some(arn), .. }
            if name == "lambda.amazonaws.com" =>
        {
            BTreeMap::from([("lambda:SourceFunctionArn".to_owned(), arn.clone())])
        }
        _ => BTreeMap::new(),
    }
}

fn check_policies(inline: Option<&str>, arns: &[String]) -> Result<()> {
    if arns.len() > ARNS {
        let message = format!("A session has at most {ARNS} managed session policies.");
        return Err(Error::Validation(message));
    }
    // AWS packs policies and tags and states the share of a size that it does not publish; the
    // limit of their plain text is the published one.
    let plain = inline.map_or(0, str::len) + arns.iter().map(String::len).sum::<usize>();
    if plain > POLICIES {
        let message = format!(
            "The session policies have {plain} characters; the limit is {POLICIES} for all of them."
        );
        return Err(Error::PackedPolicyTooLarge(message));
    }
    let parsed = inline.map(|text| Document::parse(text, Grammar::Identity)).transpose();
    parsed.map(drop).map_err(|why| Error::MalformedPolicyDocument(why.to_string()))
}

/// The tags of the new session and the keys of those that sessions after it inherit: what the
/// caller's session hands on cannot be set anew.
fn all_tags(
    before: Option<&Session>,
    new: &[Tag],
    transitive: &[String],
) -> Result<(BTreeMap<String, String>, Vec<String>)> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let mut handed_on: Vec<String> =
        before.map(|session| session.transitive_tags.clone()).unwrap_or_default();
    let mut tags = BTreeMap::new();
    for (key, value) in before.iter().flat_map(|session| &session.tags) {
        if handed_on.iter().any(|inherited| same(inherited, key)) {
            tags.insert(key.clone(), value.clone());
        }
    }
    for (at, tag) in new.iter().enumerate() {
        if handed_on.iter().any(|inherited| same(inherited, &tag.key)) {
            let message = "One of the specified transitive tag keys can't be set because it \
                           conflicts with a transitive tag key from the calling session.";
            return Err(Error::InvalidParameterValue(message.to_owned()));
        }
        if new.iter().skip(at + 1).any(|other| same(&other.key, &tag.key)) {
            let message =
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(Error::InvalidParameterValue(message.to_owned()));
        }
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    for key in transitive {
        if !tags.keys().any(|tag| same(tag, key)) {
            let message = format!("The transitive tag key {key} is not among the session's tags.");
            return Err(Error::InvalidParameterValue(message));
        }
        handed_on.push(key.clone());
    }
    Ok((tags, handed_on))
}

/// A source identity stays for all sessions after it.
fn source_identity(before: Option<&Session>, asked: Option<&str>) -> Result<Option<String>> {
    let sticky = before.and_then(|session| session.source_identity.as_deref());
    match (sticky, asked) {
        (Some(sticky), Some(asked)) if sticky != asked => {
            Err(Error::AccessDenied("The source identity of a session cannot be changed."))
        }
        (sticky, asked) => Ok(sticky.or(asked).map(str::to_owned)),
    }
}

/// Seconds that a session of a role with `max_session` lasts. What the request does not say is an
/// hour.
pub(crate) fn duration(caller: &Principal, asked: Option<i32>, max_session: i32) -> Result<i32> {
    let asked = asked.unwrap_or(CHAINED);
    if matches!(caller, Principal::Role { .. }) && asked > CHAINED {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles \
                       assumed by role chaining.";
        return Err(Error::Validation(message.to_owned()));
    }
    if asked > max_session {
        let message =
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(Error::Validation(message.to_owned()));
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: value.to_owned() }
    }

    fn caller(session: Session) -> Principal {
        Principal::Role {
            account: "000000000000".to_owned(),
            name: "r".to_owned(),
            path: "/".to_owned(),
            id: "AROA".to_owned(),
            session: Box::new(session),
        }
    }

    #[test]
    fn chained_sessions_inherit_transitive_tags_and_the_source_identity() {
        let first = AssumeRoleRequest {
            tags: Some(vec![tag("team", "red"), tag("step", "1")]),
            transitive_tag_keys: Some(vec!["Team".to_owned()]),
            source_identity: Some("alice".to_owned()),
            ..AssumeRoleRequest::default()
        };
        let service = Principal::service("lambda.amazonaws.com");
        let first = assumed(&service, &first, Timestamp::default()).unwrap();
        let again = |request: &AssumeRoleRequest| {
            assumed(&caller(first.clone()), request, Timestamp::default())
        };
        let second = again(&AssumeRoleRequest::default()).unwrap();
        assert_eq!(second.tags, BTreeMap::from([("team".to_owned(), "red".to_owned())]));
        assert_eq!(second.source_identity.as_deref(), Some("alice"));
        let tags = Some(vec![tag("TEAM", "blue")]);
        let overridden = again(&AssumeRoleRequest { tags, ..AssumeRoleRequest::default() });
        assert!(matches!(overridden, Err(Error::InvalidParameterValue(_))));
        let source_identity = Some("bob".to_owned());
        let other = again(&AssumeRoleRequest { source_identity, ..AssumeRoleRequest::default() });
        assert!(matches!(other, Err(Error::AccessDenied(_))));
    }

    #[test]
    fn durations_end_at_the_roles_and_at_an_hour_when_chained() {
        let service = Principal::service("lambda.amazonaws.com");
        assert_eq!(duration(&service, None, 3600).unwrap(), 3600);
        assert_eq!(duration(&service, Some(43_200), 43_200).unwrap(), 43_200);
        assert!(duration(&service, Some(3601), 3600).is_err());
        assert!(duration(&caller(Session::default()), Some(3601), 43_200).is_err());
    }

    #[test]
    fn session_policies_are_checked() {
        assert!(check_policies(None, &[]).is_ok());
        assert!(matches!(check_policies(Some("{}"), &[]), Err(Error::MalformedPolicyDocument(_))));
        let long = "x".repeat(2049);
        assert!(matches!(check_policies(Some(&long), &[]), Err(Error::PackedPolicyTooLarge(_))));
        let arns = vec![String::new(); 11];
        assert!(matches!(check_policies(None, &arns), Err(Error::Validation(_))));
    }
}
