//! How stacks make what Lambda has.

mod alias;
mod event_invoke_config;
mod event_source_mapping;
mod function;
mod layer_version;
mod permission;
mod properties;
mod url;
mod version;

use cumulet_service::{Resource, Result};

/// Every resource type of this service.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    vec![
        &alias::Alias,
        &event_invoke_config::EventInvokeConfig,
        &event_source_mapping::EventSourceMapping,
        &function::Function,
        &layer_version::LayerVersion,
        &permission::Permission,
        &url::Url,
        &version::Version,
    ]
}

/// That what is to be deleted is gone already is no error.
fn unless_gone<T>(deleted: Result<T>) -> Result<()> {
    match deleted {
        Err(error) if error.status == 404 => Ok(()),
        done => done.map(drop),
    }
}

/// A physical id of a function's name and a part of it: `name|part`.
pub(crate) fn joined(function: &str, part: &str) -> String {
    format!("{function}|{part}")
}

fn split(physical_id: &str) -> (String, String) {
    let (function, part) = physical_id.split_once('|').unwrap_or((physical_id, ""));
    (function.to_owned(), part.to_owned())
}

#[cfg(test)]
mod tests {
    use cumulet_api_lambda::ops::{InvocationRequest, Invoke};
    use cumulet_base::Arn;
    use cumulet_service::{Actual, Changed, Cx, Desired, Principal, Resource as _};
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::testing::TestCloud;

    fn map(value: &Value) -> &Map<String, Value> {
        value.as_object().unwrap()
    }

    async fn make(cx: &Cx, kind: &str, properties: &Value) -> Actual {
        // The same properties are the same attempt.
        let kind = cx.cloud().registry().resource(kind).unwrap();
        let desired = Desired { name: "stack-it-AbC1", properties: map(properties), tags: &[] };
        kind.create(&cx.attempting(&properties.to_string()), desired).await.unwrap()
    }

    async fn invoke(cx: &Cx, name: &str) -> Result<String> {
        let input =
            InvocationRequest { function_name: name.to_owned(), ..InvocationRequest::default() };
        let payload = cx.call::<Invoke>(input).await?.payload.unwrap();
        Ok(String::from_utf8(payload.to_vec()).unwrap())
    }

    fn function(cloud: &TestCloud, word: &str) -> Value {
        let code = format!("def handler(event, context):\n    return '{word}'\n");
        json!({
            "Runtime": "python3.9",
            "Handler": "index.handler",
            "Role": cloud.role,
            "Code": { "ZipFile": code },
            "Timeout": "20",
            "Tags": [{ "Key": "a", "Value": "b" }],
        })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_stack_makes_changes_and_deletes_a_function() {
        let cloud = TestCloud::start().await;
        let cx = &cloud.cx;
        let before = function(&cloud, "one");
        let made = make(cx, "AWS::Lambda::Function", &before).await;
        assert_eq!(made.physical_id, "stack-it-AbC1");
        assert_eq!(invoke(cx, &made.physical_id).await.unwrap(), "\"one\"");
        // Again after a crash: the same function.
        assert_eq!(make(cx, "AWS::Lambda::Function", &before).await.attributes, made.attributes);
        let after = function(&cloud, "two");
        let changed = Changed {
            physical_id: &made.physical_id,
            before: map(&before),
            after: Desired { name: "stack-it-AbC1", properties: map(&after), tags: &[] },
        };
        function::Function.update(cx, changed).await.unwrap();
        assert_eq!(invoke(cx, &made.physical_id).await.unwrap(), "\"two\"");
        for _ in 0..2 {
            function::Function.delete(cx, &made.physical_id).await.unwrap();
        }
        assert_eq!(invoke(cx, &made.physical_id).await.unwrap_err().status, 404);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_service_may_invoke_what_a_permission_says() {
        let cloud = TestCloud::start().await;
        let cx = &cloud.cx;
        let made = make(cx, "AWS::Lambda::Function", &function(&cloud, "one")).await;
        let name = made.physical_id.as_str();
        let version = make(cx, "AWS::Lambda::Version", &json!({ "FunctionName": name })).await;
        assert_eq!(version.attributes["Version"], "1");
        let alias = json!({ "FunctionName": name, "Name": "live", "FunctionVersion": "1" });
        let alias = make(cx, "AWS::Lambda::Alias", &alias).await;
        let api = |id: &str| {
            let arn: Arn = format!("arn:aws:execute-api:eu-west-1:000000000000:{id}/prod/GET/")
                .parse()
                .unwrap();
            cx.acting_as(Principal::service_for("apigateway.amazonaws.com", cx.account(), &arn))
        };
        assert_eq!(invoke(&api("abc"), name).await.unwrap_err().code, "AccessDeniedException");
        let permission = json!({
            "FunctionName": name,
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": "arn:aws:execute-api:eu-west-1:000000000000:abc/*",
        });
        let permission = make(cx, "AWS::Lambda::Permission", &permission).await;
        assert_eq!(invoke(&api("abc"), name).await.unwrap(), "\"one\"");
        // Neither another API nor another qualifier.
        for (id, name) in [("xyz", name), ("abc", alias.physical_id.as_str())] {
            let refused = invoke(&api(id), name).await.unwrap_err();
            assert_eq!(refused.code, "AccessDeniedException", "{id} {name}");
        }
        permission::Permission.delete(cx, &permission.physical_id).await.unwrap();
        assert!(invoke(&api("abc"), name).await.is_err());
    }
}
