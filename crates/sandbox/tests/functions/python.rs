//! Python: handlers, modules, the context, values; and a program of the package's own.

use serde_json::json;

use crate::rig::{Plan, event, interpreters, python, value};

#[tokio::test]
async fn values_travel_both_ways() {
    let text = "import decimal\ndef handler(event, context):\n    return event if event else {'d': decimal.Decimal('1.50'), 'i': decimal.Decimal('12345678901234567890123'), 't': (1, 2), 'n': None}\n";
    let rig = python(text).start();
    for payload in [r#"{"a":["é","😀",1.25,true,null]}"#, r#""text""#, "[1]", "7"] {
        let want: serde_json::Value = serde_json::from_str(payload).unwrap();
        assert_eq!(rig.value(payload).await, want);
    }
    let exact = r#"{"d": 1.50, "i": 12345678901234567890123, "t": [1, 2], "n": null}"#;
    assert_eq!(rig.invoke("{}").await.result.unwrap(), exact);
    assert_eq!(rig.invoke("\"é\"").await.result.unwrap(), "\"\\u00e9\"", "up to 3.11");
    let large = format!("\"{}\"", "x".repeat(5 << 20));
    assert_eq!(rig.invoke(&large).await.result.unwrap().len(), large.len());
}

#[tokio::test]
async fn handlers_in_packages_and_layers() {
    let check = async |handler: &str, files: &[(&str, &str)]| {
        let rig = Plan::new("python3.11", handler, files).start();
        assert_eq!(rig.value("{}").await, json!("ok"), "{handler}");
    };
    let text = "def run(event, context):\n    return 'ok'\n";
    check("app.run", &[("app.py", text)]).await;
    check("src/app.run", &[("src/app.py", text)]).await;
    check("src.deep.app.run", &[("src/deep/app.py", text)]).await;
    check("app.run", &[("app/__init__.py", text)]).await;
    check("bootstrap.run", &[("bootstrap.py", text)]).await;
    check("python.run", &[("python.py", text)]).await;
    check("main.run", &[("main.py", "from other import run\n"), ("other.py", text)]).await;

    let mut plan = Plan::new(
        "python3.11",
        "app.run",
        &[("app.py", "from dep import run\n"), ("../opt/python/dep.py", text)],
    );
    plan.function.layers = Some(plan.function.code.parent().unwrap().join("opt"));
    assert_eq!(plan.start().value("{}").await, json!("ok"));
}

#[tokio::test]
async fn the_context() {
    let text = "
import os
def handler(event, c):
    left = c.get_remaining_time_in_millis()
    return [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb,
            c.invoked_function_arn, c.log_group_name, c.log_stream_name == os.environ['AWS_LAMBDA_LOG_STREAM_NAME'],
            1000 < left <= 60000, c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id,
            c.client_context and c.client_context.custom, c.client_context and c.client_context.client.app_title,
            os.environ.get('_X_AMZN_TRACE_ID'), os.getcwd() == os.environ['LAMBDA_TASK_ROOT']]
";
    let rig = python(text).start();
    let mut invocation = event("{}");
    invocation.trace = Some("Root=1-2-3".to_owned());
    invocation.client_context =
        Some("{\n\"custom\":{\"k\":\"é\"},\"client\":{\"app_title\":\"t\"}}".to_owned());
    invocation.cognito_identity =
        Some(r#"{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}"#.to_owned());
    let got = value(&rig.pool.invoke(&invocation, None).await.unwrap());
    let arn = &invocation.function_arn;
    let id = &invocation.request_id;
    assert_eq!(
        got,
        json!([id, "fn", "$LATEST", "256", arn, "/aws/lambda/fn", true, true, "i", "p", {"k": "é"}, "t", "Root=1-2-3", true])
    );
    let got = rig.value("{}").await;
    assert_eq!((&got[8], &got[10], &got[12]), (&json!(null), &json!(null), &json!(null)));
}

#[tokio::test]
async fn every_python_of_this_machine() {
    for found in interpreters().iter().filter(|found| found.version.0 == 3 && found.version.1 >= 9)
    {
        if found.family != cumulet_sandbox::Family::Python {
            continue;
        }
        let mut plan = python(
            "import sys\ndef handler(e, c):\n    print('hi')\n    return list(sys.version_info[:2])\n",
        );
        plan.function.interpreter = Some(found.clone());
        let rig = plan.start();
        assert_eq!(rig.value("{}").await, json!([found.version.0, found.version.1]), "{found:?}");
        assert_eq!(rig.log.count("hi"), 1);
    }
}

/// A runtime client in a dozen lines of somebody else's making: what custom runtimes look like.
const BOOTSTRAP: &str = r#"#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  head=$(mktemp)
  body=$(curl -sS -D "$head" "$api/next")
  id=$(grep -i lambda-runtime-aws-request-id "$head" | tr -d '\r' | cut -d' ' -f2)
  curl -sS -o /dev/null "$api/$id/response" -d "{\"got\":$body,\"handler\":\"$_HANDLER\"}"
done
"#;

#[tokio::test]
async fn a_package_with_its_own_bootstrap() {
    let rig = Plan::new("provided.al2023", "h", &[("bootstrap", BOOTSTRAP)]).start();
    assert_eq!(rig.value(r#"{"a":1}"#).await, json!({"got": {"a": 1}, "handler": "h"}));
    assert_eq!(rig.value("2").await, json!({"got": 2, "handler": "h"}));
    assert_eq!(rig.log.count("INIT_START Runtime Version: provided:al2023"), 1);

    let none = Plan::new("provided.al2023", "h", &[("other", "")]).start();
    let (failure, body) = none.error("{}").await;
    assert_eq!(failure.error_type, "Runtime.InvalidEntrypoint");
    assert!(
        body["errorMessage"].as_str().unwrap().ends_with("[/var/task/bootstrap /opt/bootstrap]")
    );
}
