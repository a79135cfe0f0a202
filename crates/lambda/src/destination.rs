//! Where records of invocations go.
//!
//! "Capturing records of Lambda asynchronous invocations" and "Retain discarded records for a
//! DynamoDB event source in Lambda" in the developer guide. Functions and buckets are reached
//! through the one door, as the function's own role. There are no queues, topics and event buses
//! here: who names one hears so when he does, not when a record is lost.

use bytes::Bytes;
use cumulet_api_lambda::ops::{InvocationRequest, Invoke};
use cumulet_api_lambda::types::{DestinationConfig, InvocationType, OnFailure, OnSuccess};
use cumulet_api_s3::ops::{HeadBucket, HeadBucketRequest, PutObject, PutObjectRequest};
use cumulet_base::{Arn, Body, Timestamp};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_shape::Streaming;

use crate::error::Error;
use crate::name::FunctionName;
use crate::queue;
use crate::role;

/// Bytes of a record at most: what one job of the queue holds.
const MAX_RECORD: usize = 3 << 20;

/// A place that takes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The ARN of a function, or of its version or alias.
    Function(String),
    /// The name of a bucket.
    Bucket(String),
}

/// What records are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Asynchronous invocations that succeeded.
    Success,
    /// Asynchronous invocations that failed.
    Failure,
    /// Batches of an event source that were given up.
    Discarded,
}

impl Destination {
    /// The place that an ARN names. Refuses what takes no records of this kind, and what there is
    /// none of here.
    pub(crate) fn parse(arn: &str, purpose: Purpose) -> Result<Self> {
        let invalid = || Error::Invalid(format!("The destination ARN {arn} is invalid."));
        let named: Arn = arn.parse().map_err(|_| invalid())?;
        match (named.service(), purpose) {
            ("lambda", Purpose::Success | Purpose::Failure)
                if named.resource().starts_with("function:") =>
            {
                Ok(Self::Function(arn.to_owned()))
            }
            ("s3", Purpose::Failure | Purpose::Discarded) if !named.resource().contains('/') => {
                Ok(Self::Bucket(named.resource().to_owned()))
            }
            ("events", Purpose::Discarded) => Err(invalid().into()),
            ("sqs" | "sns" | "events", _) => Err(not_here(&named, "a destination")),
            _ => Err(invalid().into()),
        }
    }

    /// Bytes that a record for this place may have.
    pub(crate) fn limit(&self) -> usize {
        match self {
            Self::Function(_) => queue::MAX_EVENT,
            Self::Bucket(_) => MAX_RECORD,
        }
    }

    /// Hands a record over, as the principal of `cx`. In a bucket it becomes the object `key`.
    pub(crate) async fn deliver(&self, cx: &Cx, record: Vec<u8>, key: &str) -> Result<()> {
        match self {
            Self::Function(arn) => {
                let input = InvocationRequest {
                    function_name: arn.clone(),
                    invocation_type: Some(InvocationType::Event),
                    payload: Some(Bytes::from(record)),
                    ..InvocationRequest::default()
                };
                cx.call::<Invoke>(input).await.map(drop)
            }
            Self::Bucket(bucket) => {
                let input = PutObjectRequest {
                    bucket: bucket.clone(),
                    key: key.to_owned(),
                    content_length: i64::try_from(record.len()).ok(),
                    content_type: Some("application/json".to_owned()),
                    body: Some(Streaming(Body::from(record))),
                    ..PutObjectRequest::default()
                };
                cx.call::<PutObject>(input).await.map(drop)
            }
        }
    }

    /// Refuses a place that is not there, or that the principal of `cx`, the function's role, may
    /// not send to.
    async fn check(&self, cx: &Cx, arn: &str) -> Result<()> {
        let (action, answered) = match self {
            Self::Function(arn) => {
                let input = InvocationRequest {
                    function_name: arn.clone(),
                    invocation_type: Some(InvocationType::DryRun),
                    ..InvocationRequest::default()
                };
                ("InvokeFunction", cx.call::<Invoke>(input).await.map(drop))
            }
            // "Lambda needs s3:PutObject and s3:ListBucket": with the latter it looks for the
            // bucket. Whether it may write shows when it does.
            Self::Bucket(bucket) => {
                let input =
                    HeadBucketRequest { bucket: bucket.clone(), ..HeadBucketRequest::default() };
                ("ListBucket", cx.call::<HeadBucket>(input).await.map(drop))
            }
        };
        match answered {
            Ok(()) => Ok(()),
            Err(error) if error.status >= 500 => Err(error),
            Err(error) if error.status == 404 => {
                Err(Error::Invalid(format!("The destination ARN {arn} is invalid.")).into())
            }
            Err(error) => {
                let refused: ServiceError = Error::Invalid(format!(
                    "The function's execution role does not have permissions to call {action} on \
                     {arn}"
                ))
                .into();
                Err(refused.because(error))
            }
        }
    }
}

/// The refusal of a queue, topic or bus, by the operation that is missing.
pub(crate) fn not_here(arn: &Arn, as_what: &str) -> ServiceError {
    let operation = match arn.service() {
        "sqs" => "SendMessage",
        "sns" => "Publish",
        "events" => "PutEvents",
        _ => "Send",
    };
    ServiceError::not_implemented(
        arn.service(),
        &format!("{operation}, which {arn} as {as_what} needs"),
    )
}

/// The destinations that an event invoke config asks for, each an ARN: on success, on failure. An
/// empty text asks for none.
pub(crate) fn asked(config: Option<&DestinationConfig>) -> (Option<&str>, Option<&str>) {
    fn text(to: Option<&String>) -> Option<&str> {
        to.map(String::as_str).filter(|arn| !arn.is_empty())
    }
    let on_success = config.and_then(|config| config.on_success.as_ref());
    let on_failure = config.and_then(|config| config.on_failure.as_ref());
    (
        text(on_success.and_then(|to| to.destination.as_ref())),
        text(on_failure.and_then(|to| to.destination.as_ref())),
    )
}

/// Destinations as answers show them.
pub(crate) fn describe(success: Option<&String>, failure: Option<&String>) -> DestinationConfig {
    DestinationConfig {
        on_success: Some(OnSuccess { destination: success.cloned() }),
        on_failure: Some(OnFailure { destination: failure.cloned() }),
    }
}

/// Refuses destinations that `name`'s role could not send to.
pub(crate) async fn check(
    cx: &Cx,
    name: &FunctionName,
    role: &str,
    wanted: &[(&str, Purpose)],
) -> Result<()> {
    let mut parsed = Vec::new();
    for (arn, purpose) in wanted {
        let destination = Destination::parse(arn, *purpose)?;
        if let Destination::Function(arn) = &destination
            && FunctionName::parse(cx, arn)?.arn() == name.arn()
        {
            return Err(Error::Invalid(
                "You cannot specify the function as a destination for itself.".to_owned(),
            )
            .into());
        }
        parsed.push((arn, destination));
    }
    if parsed.is_empty() {
        return Ok(());
    }
    let cx = cx.acting_as(role::principal(cx, name, role).await?);
    for (arn, destination) in parsed {
        destination.check(&cx, arn).await?;
    }
    Ok(())
}

/// The name of a record in a bucket: below `folder`, by day, ending in a UUID. ("Capturing records
/// of Lambda asynchronous invocations": `aws/lambda/async/<function-name>/YYYY/MM/DD/…`)
pub(crate) fn object_key(folder: &str, at: Timestamp, id: &str) -> String {
    let (year, month, day, hour, minute, second, _) = at.civil();
    format!(
        "aws/lambda/{folder}/{year:04}/{month:02}/{day:02}/\
         {year:04}-{month:02}-{day:02}T{hour:02}.{minute:02}.{second:02}-{id}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:q";
    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f:live";

    #[test]
    fn which_places_take_which_records() {
        use Purpose::{Discarded, Failure, Success};
        let bucket = Destination::Bucket("letters".to_owned());
        for (arn, purpose, wanted) in [
            (FUNCTION, Success, Some(Destination::Function(FUNCTION.to_owned()))),
            (FUNCTION, Failure, Some(Destination::Function(FUNCTION.to_owned()))),
            (FUNCTION, Discarded, None),
            ("arn:aws:s3:::letters", Failure, Some(bucket.clone())),
            ("arn:aws:s3:::letters", Discarded, Some(bucket)),
            ("arn:aws:s3:::letters", Success, None),
            ("arn:aws:s3:::letters/key", Failure, None),
            ("arn:aws:lambda:eu-west-1:123456789012:layer:l", Failure, None),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/t", Failure, None),
            ("letters", Failure, None),
        ] {
            let found = Destination::parse(arn, purpose);
            if wanted.is_none() {
                let refused = found.as_ref().unwrap_err();
                assert_eq!(refused.message, format!("The destination ARN {arn} is invalid."));
            }
            assert_eq!(found.ok(), wanted, "{arn} {purpose:?}");
        }
    }

    #[test]
    fn what_is_not_here_is_named() {
        let refused = Destination::parse(QUEUE, Purpose::Failure).unwrap_err();
        assert_eq!(refused.status, 501);
        let text = format!(
            "Cumulet does not implement sqs:SendMessage, which {QUEUE} as a destination needs."
        );
        assert_eq!(refused.message, text);
        for (arn, operation) in [
            ("arn:aws:sns:eu-west-1:123456789012:t", "sns:Publish"),
            ("arn:aws:events:eu-west-1:123456789012:event-bus/b", "events:PutEvents"),
        ] {
            let refused = Destination::parse(arn, Purpose::Success).unwrap_err();
            assert!(refused.status == 501 && refused.message.contains(operation), "{refused}");
        }
    }

    #[test]
    fn objects_lie_by_day() {
        let at = Timestamp::from_civil(2026, 1, 2, (3, 4, 5), 678).unwrap();
        assert_eq!(
            object_key("async/f", at, "id"),
            "aws/lambda/async/f/2026/01/02/2026-01-02T03.04.05-id"
        );
    }
}
