//! AWS::CloudFormation::CustomResource and `Custom::*`: made, changed and removed by a function.
//!
//! The function named by `ServiceToken` is invoked with a request and answers it at the address in
//! the request ("Custom resource request objects", "… response objects"). After a crash it is asked
//! again under the same `RequestId`, unless it has answered. `Ref` gives the physical id of its
//! answer, attributes are the answer's `Data`. Topics as service tokens are not here.

use std::fmt::Display;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use cumulet_api_lambda::ops::{InvocationRequest, Invoke};
use cumulet_api_lambda::types::InvocationType;
use cumulet_service::{
    Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result, StackPart,
};
use cumulet_store::{Direction, Key, Read as _};
use serde_json::{Map, Value, json};

use crate::responses::{self, Asked, Awaited};

/// How often is looked for an answer.
const PAUSE: Duration = Duration::from_millis(100);
/// Seconds that a function has for its answer where the template says nothing ("ServiceTimeout").
const TIMEOUT: u64 = 3_600;
/// Characters of the address's token.
const TOKEN: usize = 48;
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

type Properties = Map<String, Value>;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Custom;

impl Resource for Custom {
    fn type_name(&self) -> &'static str {
        "AWS::CloudFormation::CustomResource"
    }

    fn replaces(&self, property: &str) -> bool {
        property == "ServiceToken"
    }

    /// Only its answer tells that a function has made something: it is asked to remove it anyway.
    fn is_noted(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let question = Question::of(cx, &[&"Create", &desired.name])?;
            let asked = json!({"RequestType": "Create"});
            question.ask(asked, desired.properties, None).await
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let (before, after) = (told(changed.before), told(changed.after.properties));
            let question = Question::of(cx, &[&"Update", &changed.physical_id, &before, &after])?;
            let asked = json!({
                "RequestType": "Update",
                "PhysicalResourceId": changed.physical_id,
                "OldResourceProperties": before,
            });
            question.ask(asked, changed.after.properties, Some(changed.physical_id)).await
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        let cause = format!("the id {physical_id} does not say whose it is: use remove");
        Box::pin(std::future::ready(Err(Error::internal(cause))))
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Properties,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let question = Question::of(cx, &[&"Delete", &physical_id])?;
            let asked = json!({"RequestType": "Delete", "PhysicalResourceId": physical_id});
            question.ask(asked, before, Some(physical_id)).await?;
            question.forget(None).await
        })
    }
}

/// What a function is asked about a resource. The question stays until the next one about the same
/// resource, so that after a crash it is found again, and the answer with it.
struct Question<'a> {
    cx: &'a Cx,
    part: &'a StackPart,
    key: Key,
}

impl<'a> Question<'a> {
    /// The question about these things: the same on every try.
    fn of(cx: &'a Cx, about: &[&dyn Display]) -> Result<Self> {
        let outside = || Error::internal("a custom resource outside of a stack");
        let part = cx.part().ok_or_else(outside)?;
        let key = responses::questions(cx, part).bytes(&digest(about));
        Ok(Self { cx, part, key })
    }

    /// Asks the function and waits for its answer.
    async fn ask(
        &self,
        request: Value,
        properties: &Properties,
        physical_id: Option<&str>,
    ) -> Result<Actual> {
        let missing = || Error::validation("A custom resource needs the property ServiceToken.");
        let function = properties.get("ServiceToken").and_then(Value::as_str);
        let function = function.ok_or_else(missing)?;
        let asked = self.put().await?;
        if awaited(self.cx, &asked).await?.is_none() {
            self.send(function, request, properties, &asked).await?;
        }
        let actual = match wait(self.cx, &asked, seconds(properties)).await {
            Ok(answer) => read(&answer, physical_id),
            Err(error) if error.status >= 500 => return Err(error),
            Err(error) => Err((None, error)),
        };
        let failed = actual.is_err();
        let (id, outcome) = match actual {
            Ok(actual) => (Some(actual.physical_id.clone()), Ok(actual)),
            Err((id, error)) => (id, Err(error)),
        };
        let (id, asked) = (&id, &asked);
        self.cx
            .store()
            .transact(|tx| async move {
                if let Some(id) = id {
                    self.cx.note_made(&tx, id);
                }
                // Asked again, it may turn out otherwise.
                if failed {
                    tx.delete(self.key.clone());
                    tx.delete(responses::answer(self.cx, &asked.token));
                }
                Ok::<_, Error>(())
            })
            .await?;
        outcome
    }

    async fn send(
        &self,
        function: &str,
        mut request: Value,
        properties: &Properties,
        asked: &Asked,
    ) -> Result<()> {
        if self.cx.request().endpoint.is_empty() {
            let words = "Custom resources need a stack that was asked for over HTTP.";
            return Err(Error::validation(words));
        }
        let known = json!({
            "RequestId": asked.request_id,
            "ResponseURL": responses::url(self.cx, &asked.token),
            "StackId": self.part.stack,
            "LogicalResourceId": self.part.logical_id,
            "ResourceType": self.part.type_name,
            "ServiceToken": function,
            "ResourceProperties": told(properties),
        });
        if let (Some(request), Value::Object(known)) = (request.as_object_mut(), known) {
            request.extend(known);
        }
        let input = InvocationRequest {
            function_name: function.to_owned(),
            invocation_type: Some(InvocationType::Event),
            payload: Some(request.to_string().into_bytes().into()),
            ..InvocationRequest::default()
        };
        self.cx.call::<Invoke>(input).await.map(drop)
    }

    /// Writes the question down in place of others about the resource; or finds it.
    async fn put(&self) -> Result<Asked> {
        if let Some(asked) = self.cx.store().snapshot().get_record(&self.key).await? {
            return Ok(asked);
        }
        let ids = self.cx.ids();
        let asked = Asked { token: ids.text(TOKEN, ALPHABET), request_id: ids.uuid() };
        self.forget(Some(&asked)).await?;
        Ok(asked)
    }

    /// Removes the questions about the resource, and puts this one in their place.
    async fn forget(&self, asked: Option<&Asked>) -> Result<()> {
        let all = responses::questions(self.cx, self.part).prefix();
        let all = &all;
        self.cx
            .store()
            .transact(|tx| async move {
                let old = tx.range_records::<Asked>(all, Direction::Forward, usize::MAX).await?;
                for (key, old) in old.items {
                    tx.delete(key);
                    tx.delete(responses::answer(self.cx, &old.token));
                }
                if let Some(asked) = asked {
                    tx.put_record(self.key.clone(), asked);
                    let key = responses::answer(self.cx, &asked.token);
                    tx.put_record(key, &Awaited::default());
                }
                Ok::<_, Error>(())
            })
            .await
    }
}

/// What stands for these things in keys, which must be the same in every build.
fn digest(about: &[&dyn Display]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    for thing in about {
        let text = thing.to_string();
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finish().as_ref().to_vec()
}

async fn awaited(cx: &Cx, asked: &Asked) -> Result<Option<Value>> {
    let key = responses::answer(cx, &asked.token);
    let found: Option<Awaited> = cx.store().snapshot().get_record(&key).await?;
    Ok(found.and_then(|found| found.answer))
}

async fn wait(cx: &Cx, asked: &Asked, seconds: u64) -> Result<Value> {
    let looked = async {
        loop {
            if let Some(answer) = awaited(cx, asked).await? {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let late = "CloudFormation did not receive a response from your Custom Resource. Please check \
                your logs for requestId";
    let late = |_| Err(Error::validation(format!("{late} [{}].", asked.request_id)));
    tokio::time::timeout(Duration::from_secs(seconds), looked).await.unwrap_or_else(late)
}

fn seconds(properties: &Properties) -> u64 {
    let given = properties.get("ServiceTimeout");
    let given = given.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    given.filter(|seconds| (1..=TIMEOUT).contains(seconds)).unwrap_or(TIMEOUT)
}

/// What the answer says; an error with the physical id that it names.
fn read(
    answer: &Value,
    before: Option<&str>,
) -> std::result::Result<Actual, (Option<String>, Error)> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let named = text("PhysicalResourceId").or(before).map(str::to_owned);
    if text("Status") != Some("SUCCESS") {
        let why = text("Reason").unwrap_or("no reason was given");
        let words = format!("Received response status [FAILED] from custom resource: {why}");
        return Err((named, Error::validation(words)));
    }
    let Some(physical_id) = named.filter(|id| !id.is_empty()) else {
        return Err((None, Error::validation("Invalid PhysicalResourceId")));
    };
    let attributes = answer.get("Data").and_then(Value::as_object).cloned().unwrap_or_default();
    Ok(Actual { physical_id, attributes })
}

/// Properties as functions see them: numbers and truths as texts.
fn told(properties: &Properties) -> Value {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Number(number) => Value::String(number.to_string()),
            Value::Bool(truth) => Value::String(truth.to_string()),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(map) => {
                map.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
            }
            other => other.clone(),
        }
    }
    properties.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let done = json!({"Status": "SUCCESS", "PhysicalResourceId": "x", "Data": {"A": 1}});
        let actual = read(&done, None).unwrap();
        assert_eq!((actual.physical_id.as_str(), &actual.attributes["A"]), ("x", &json!(1)));
        let kept = read(&json!({"Status": "SUCCESS"}), Some("old")).unwrap();
        assert_eq!(kept.physical_id, "old");
        let failed = json!({"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "x"});
        let (id, error) = read(&failed, None).unwrap_err();
        assert_eq!(id.as_deref(), Some("x"));
        assert!(error.message.ends_with(": no"), "{}", error.message);
        for wrong in [json!({"Status": "SUCCESS"}), json!([]), json!({"Status": 1})] {
            assert!(read(&wrong, None).is_err());
        }
    }

    #[test]
    fn a_question_has_the_same_key_in_every_build() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        // Of `0000000000000006` and `Create`, and of `0000000000000001` and `n`.
        let expected = "91a91e01799d90045d303c90b7db861d4d7968cab40793f70eafecb786e9693f";
        assert_eq!(hex(digest(&[&"Create", &"n"])), expected);
        assert_ne!(digest(&[&"Create", &"n"]), digest(&[&"Createn", &""]));
    }

    #[test]
    fn properties_are_told_as_text() {
        let properties = json!({"N": 1, "B": [true, {"X": 2.5}], "T": "t"});
        let expected = json!({"N": "1", "B": ["true", {"X": "2.5"}], "T": "t"});
        assert_eq!(told(properties.as_object().unwrap()), expected);
        for (given, expected) in [(json!({}), 3_600), (json!({"ServiceTimeout": "5"}), 5)] {
            assert_eq!(seconds(given.as_object().unwrap()), expected);
        }
    }
}
