//! Node.js: handler styles, modules, the context, streaming.

use cumulet_sandbox::StreamPart;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::rig::{Plan, Rig, error, event, node, value};

#[tokio::test]
async fn handler_styles() {
    for (what, file, text, want) in [
        ("async", "index.js", "exports.handler = async (e) => e.n + 1", json!(3)),
        ("promise", "index.js", "exports.handler = (e) => Promise.resolve(e.n)", json!(2)),
        ("thenable", "index.cjs", "exports.handler = () => ({ then: (f) => f('x') })", json!("x")),
        ("callback", "index.js", "exports.handler = (e, c, cb) => cb(null, e.n * 2)", json!(4)),
        (
            "callback that waits for the event loop",
            "index.js",
            "exports.handler = (e, c, cb) => { const r = []; cb(null, r); setTimeout(() => r.push(1), 20) }",
            json!([1]),
        ),
        (
            "callback that does not",
            "index.js",
            "exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false;
             const r = []; cb(null, r); setTimeout(() => r.push(1), 20) }",
            json!([]),
        ),
        ("done", "index.js", "exports.handler = (e, c) => c.done(null, 'd')", json!("d")),
        ("succeed", "index.js", "exports.handler = (e, c) => c.succeed('s')", json!("s")),
        (
            "ES module",
            "index.mjs",
            "export const handler = async (e) => ({ e })",
            json!({"e": {"n": 2}}),
        ),
        ("nothing returned", "index.js", "exports.handler = async () => {}", Value::Null),
        ("a value without a promise", "index.js", "exports.handler = () => 1", Value::Null),
        (
            "a promise that never settles",
            "index.js",
            "exports.handler = () => new Promise(() => {})",
            Value::Null,
        ),
        (
            "nested handler name",
            "index.js",
            "exports.handler = async () => 1; exports.a = { b: async () => 'ab' }",
            json!("ab"),
        ),
    ] {
        let handler = if what.starts_with("nested") { "index.a.b" } else { "index.handler" };
        let rig = Plan::new("nodejs20.x", handler, &[(file, text)]).start();
        assert_eq!(rig.value(r#"{"n":2}"#).await, want, "{what}");
        assert_eq!(rig.value(r#"{"n":2}"#).await, want, "{what}, warm");
        assert_eq!(rig.log.count("INIT_START"), 1, "{what}");
    }
}

#[tokio::test]
async fn modules_are_found_as_on_aws() {
    let check = async |handler: &str, files: &[(&str, &str)]| {
        let rig = Plan::new("nodejs20.x", handler, files).start();
        assert_eq!(rig.value("{}").await, json!("ok"), "{handler} {files:?}");
    };
    let common = "exports.handler = async () => 'ok'";
    let module = "export const handler = async () => 'ok'";
    check("src/deep/index.handler", &[("src/deep/index.js", common)]).await;
    check("index.handler", &[("index.js", module), ("package.json", r#"{"type":"module"}"#)]).await;
    check(
        "lib/index.handler",
        &[("lib/index.js", module), ("package.json", r#"{"type":"module"}"#)],
    )
    .await;
    check("index.handler", &[("index.js", common), ("index.mjs", "export const handler = 1")])
        .await;
    check("pkg.handler", &[("node_modules/pkg/index.js", common)]).await;
    check(
        "index.handler",
        &[
            ("index.js", "exports.handler = async () => require('dep')"),
            ("node_modules/dep/index.js", "module.exports = 'ok'"),
        ],
    )
    .await;
    check(
        "index.handler",
        &[(
            "index.mjs",
            "const v = await Promise.resolve('ok'); export const handler = async () => v",
        )],
    )
    .await;
}

#[tokio::test]
async fn the_context() {
    let text = "exports.handler = async (e, c) => {
        const left = c.getRemainingTimeInMillis();
        return { ...c, left: left > 1000 && left <= 60000, trace: process.env._X_AMZN_TRACE_ID,
                 cwd: process.cwd() === process.env.LAMBDA_TASK_ROOT };
    }";
    let rig = node("index.js", text).start();
    let mut invocation = event("{}");
    invocation.trace = Some("Root=1-2-3".to_owned());
    invocation.client_context = Some(r#"{"custom":{"k":"é"}}"#.to_owned());
    invocation.cognito_identity = Some(r#"{"cognitoIdentityId":"i"}"#.to_owned());
    let got = value(&rig.pool.invoke(&invocation, None).await.unwrap());
    let stream = got["logStreamName"].as_str().unwrap();
    assert!(stream.contains("/[$LATEST]") && stream.len() == 10 + 1 + 9 + 32, "{stream}");
    let want = json!({
        "callbackWaitsForEmptyEventLoop": true, "functionVersion": "$LATEST", "functionName": "fn",
        "memoryLimitInMB": "256", "logGroupName": "/aws/lambda/fn", "logStreamName": stream,
        "clientContext": {"custom": {"k": "é"}}, "identity": {"cognitoIdentityId": "i"},
        "invokedFunctionArn": invocation.function_arn, "awsRequestId": invocation.request_id,
        "left": true, "trace": "Root=1-2-3", "cwd": true,
    });
    assert_eq!(got, want);
    assert_eq!(rig.value("{}").await.get("trace"), None, "the trace belongs to one invocation");
}

/// Runs a streaming invocation; its parts, joined, and the outcome.
async fn stream(
    rig: &Rig,
    payload: &str,
) -> (Option<String>, Vec<Vec<u8>>, cumulet_sandbox::Outcome) {
    let (sender, mut receiver) = mpsc::channel(4);
    let (pool, invocation) = (rig.pool.clone(), event(payload));
    let run = tokio::spawn(async move { pool.invoke(&invocation, Some(sender)).await.unwrap() });
    let (mut kind, mut parts) = (None, Vec::new());
    while let Some(part) = receiver.recv().await {
        match part {
            StreamPart::Start { content_type } => kind = content_type,
            StreamPart::Data(data) => parts.push(data.to_vec()),
        }
    }
    (kind, parts, run.await.unwrap())
}

const STREAMING: &str = "
    const { pipeline } = require('node:stream/promises');
    const pause = () => new Promise((r) => setTimeout(r, 30));
    exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
        if (event.http) {
            stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: 'b' } });
        }
        if (event.early) throw new TypeError('early');
        stream.write('one');
        await pause();
        if (event.lost) setTimeout(() => { throw new TypeError('lost') });
        if (event.lost) await new Promise(() => setTimeout(() => {}, 5000));
        if (event.late) throw new TypeError('late');
        stream.write('two');
        if (event.big) await pipeline(async function* () {
            for (let i = 0; i < event.big; i++) yield Buffer.alloc(1 << 20, 'x');
        }, stream);
        stream.end();
        await stream.finished;
    });";

#[tokio::test]
async fn responses_stream_as_they_are_made() {
    let rig = node("index.js", STREAMING).start();
    let (kind, parts, outcome) = stream(&rig, "{}").await;
    assert_eq!(kind.as_deref(), Some("application/octet-stream"));
    assert_eq!(parts, [b"one", b"two"], "each write came by itself");
    assert!(outcome.result.unwrap().is_empty());

    let (kind, parts, _) = stream(&rig, r#"{"http":true}"#).await;
    assert_eq!(kind.as_deref(), Some("application/vnd.awslambda.http-integration-response"));
    let body = parts.concat();
    let prelude = br#"{"statusCode":201,"headers":{"a":"b"}}"#;
    assert_eq!(body, [&prelude[..], &[0; 8], b"onetwo"].concat());

    // More than a buffered response may hold, through a channel of four parts.
    let (_, parts, outcome) = stream(&rig, r#"{"big":9}"#).await;
    assert_eq!(parts.concat().len(), 6 + (9 << 20));
    assert!(outcome.result.is_ok());
}

#[tokio::test]
async fn streams_may_fail_before_and_after_they_began() {
    let rig = node("index.js", STREAMING).start();
    let (_, parts, outcome) = stream(&rig, r#"{"late":true}"#).await;
    assert_eq!(parts.concat(), b"one");
    let (failure, body) = error(&outcome);
    assert_eq!(failure.error_type, "TypeError");
    assert_eq!(body["errorMessage"], "late");
    let (_, parts, outcome) = stream(&rig, r#"{"early":true}"#).await;
    assert!(parts.is_empty());
    assert_eq!(error(&outcome).1["errorMessage"], "early");
    assert_eq!(rig.log.count("INIT_START"), 1, "a failed stream spends no sandbox");
    let (_, parts, outcome) = stream(&rig, r#"{"lost":true}"#).await;
    assert_eq!(parts.concat(), b"one");
    assert_eq!(error(&outcome).1["errorMessage"], "lost");
}

#[tokio::test]
async fn streaming_and_buffered_callers_and_functions_mix() {
    let rig = node("index.js", STREAMING).start();
    assert_eq!(rig.invoke("{}").await.result.unwrap(), "onetwo");
    let (failure, _) = rig.error(r#"{"late":true}"#).await;
    assert_eq!(failure.error_type, "TypeError");
    let (failure, _) = rig.error(r#"{"big":9}"#).await;
    assert_eq!(failure.error_type, "Function.ResponseSizeTooLarge");

    let plain = node("index.js", "exports.handler = async () => 'whole'").start();
    let (kind, parts, _) = stream(&plain, "{}").await;
    assert_eq!((kind.as_deref(), parts), (Some("application/json"), vec![br#""whole""#.to_vec()]));
}

#[tokio::test]
async fn a_reader_that_leaves_does_not_stop_the_function() {
    let rig = node("index.js", STREAMING).start();
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let outcome = rig.pool.invoke(&event(r#"{"big":2}"#), Some(sender)).await.unwrap();
    assert!(outcome.result.is_ok());
}

#[tokio::test]
async fn node_24_knows_no_callbacks() {
    let mut plan = node("index.js", "exports.handler = (e, c, cb) => cb(null, 1)");
    // Runs on what the machine has; the runtime's name decides.
    plan.function.runtime = "nodejs24.x".parse().unwrap();
    let rig = plan.start();
    let (failure, _) = rig.error("{}").await;
    assert_eq!(failure.error_type, "Runtime.CallbackHandlerDeprecated");
    let mut plan = node("index.js", "exports.handler = (e, c) => 1");
    plan.function.runtime = "nodejs24.x".parse().unwrap();
    assert_eq!(plan.start().value("{}").await, json!(1));
}
