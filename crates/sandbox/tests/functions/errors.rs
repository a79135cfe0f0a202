//! How failures read, from either runtime.

use std::time::{Duration, Instant};

use cumulet_sandbox::ErrorKind;
use serde_json::Value;

use crate::rig::{Plan, event, node, python, until};

/// Invokes and checks type and message; the whole body comes back.
async fn check(plan: Plan, error_type: &str, message: &str) -> Value {
    let rig = plan.start();
    let (failure, body) = rig.error("{}").await;
    assert_eq!(failure.error_type, error_type, "{body}");
    assert_eq!(failure.kind, ErrorKind::Unhandled);
    assert_eq!(body["errorType"], error_type, "{body}");
    let got = body["errorMessage"].as_str().unwrap();
    assert!(got.starts_with(message), "{got:?} should begin with {message:?}");
    body
}

#[tokio::test]
async fn node_errors_of_the_handler() {
    let thrown = node("index.js", "exports.handler = async () => { throw new RangeError('no') }");
    let body = check(thrown, "RangeError", "no").await;
    assert_eq!(body["trace"][0], "RangeError: no");
    assert!(body["trace"][1].as_str().unwrap().contains("index.js:1"), "{body}");
    check(node("index.js", "exports.handler = () => { throw 'text' }"), "string", "text").await;
    check(node("index.js", "exports.handler = (e, c, cb) => cb(new Error('cb'))"), "Error", "cb")
        .await;
    check(node("index.js", "exports.handler = (e, c) => c.fail('f')"), "string", "f").await;
    let named = "class Mine extends Error { constructor() { super('m'); this.name = 'Mine' } }
                 exports.handler = async () => { throw new Mine() }";
    check(node("index.js", named), "Mine", "m").await;
    let circular = "exports.handler = async () => { const a = {}; a.a = a; return a }";
    check(node("index.js", circular), "Runtime.JSONStringifyError", "Unable to stringify").await;
}

#[tokio::test]
async fn node_errors_of_loading() {
    let body = check(
        node("other.js", ""),
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'index'",
    )
    .await;
    assert!(body["trace"][0].as_str().unwrap().starts_with("Runtime.ImportModuleError: Error"));
    let missing = "require('nowhere'); exports.handler = 1";
    check(
        node("index.js", missing),
        "Runtime.ImportModuleError",
        "Error: Cannot find module 'nowhere'",
    )
    .await;
    check(node("index.mjs", "import 'nowhere'"), "Error", "Cannot find package 'nowhere'").await;
    check(node("index.js", "exports = {"), "Runtime.UserCodeSyntaxError", "SyntaxError: ").await;
    check(node("index.mjs", "export const = 1"), "Runtime.UserCodeSyntaxError", "SyntaxError: ")
        .await;
    check(
        node("index.js", "exports.other = 1"),
        "Runtime.HandlerNotFound",
        "index.handler is undefined or not exported",
    )
    .await;
    check(
        node("index.js", "exports.handler = 1"),
        "Runtime.HandlerNotFound",
        "index.handler is not",
    )
    .await;
    check(node("index.js", "throw new TypeError('at load')"), "TypeError", "at load").await;
    let mut plan = node("index.js", "");
    plan.function.handler = "index".to_owned();
    check(plan, "Runtime.MalformedHandlerName", "Bad handler").await;
    let mut plan = node("index.js", "");
    plan.function.handler = "../index.handler".to_owned();
    check(plan, "Runtime.MalformedHandlerName", "'../index.handler' is not a valid").await;
}

#[tokio::test]
async fn node_errors_outside_of_the_handler() {
    let lost = "exports.handler = () => new Promise(() => { setTimeout(() => { throw new Error('lost') }) })";
    check(node("index.js", lost), "Error", "lost").await;
    let unhandled = "exports.handler = async () => { Promise.reject(new Error('boo')); await new Promise((r) => setTimeout(r, 50)) }";
    check(node("index.js", unhandled), "Runtime.UnhandledPromiseRejection", "Error: boo").await;
    check(
        node("index.js", "exports.handler = () => process.exit(3)"),
        "Runtime.ExitError",
        "RequestId: ",
    )
    .await;
}

#[tokio::test]
async fn what_breaks_after_the_answer_harms_no_other_call() {
    let text = "exports.handler = async (e) => {
        if (e.micro) Promise.resolve().then(() => {}).then(() => { throw new Error('micro') });
        if (e.later) setTimeout(() => Promise.reject(new Error('later')), e.later);
        return 'fine' }";
    let rig = node("index.js", text).start();
    for later in [1, 2, 5] {
        assert_eq!(rig.value("{}").await, "fine");
        let started = rig.log.count("INIT_START");
        // Each ends its sandbox, before or after it has answered; none may hang.
        let outcome = rig.invoke(&format!("{{\"later\":{later}}}")).await;
        assert!(outcome.duration < rig.timeout);
        // Until then the sandbox counts as fit, and a later call may be the one that breaks: also
        // because the sandbox is frozen before its time has come.
        let start = Instant::now();
        while rig.log.count("INIT_START") == started {
            assert!(start.elapsed() < Duration::from_secs(30), "it does not break");
            assert!(rig.invoke("{}").await.duration < rig.timeout);
        }
        assert_eq!(rig.value("{}").await, "fine");
    }
    let outcome = rig.invoke(r#"{"micro":true}"#).await;
    assert!(outcome.duration < rig.timeout);
}

#[tokio::test]
async fn python_errors_of_the_handler() {
    let text = "def inner():\n    raise KeyError('k')\ndef handler(event, context):\n    inner()\n";
    let body = check(python(text), "KeyError", "'k'").await;
    let trace = body["stackTrace"].as_array().unwrap();
    assert_eq!(trace.len(), 2, "only the function's own frames: {body}");
    assert!(trace[0].as_str().unwrap().contains("index.py\", line 4, in handler\n    inner()\n"));
    assert_eq!(body["requestId"].as_str().unwrap().len(), 36);
    let set = "def handler(event, context):\n    return {1}\n";
    check(
        python(set),
        "Runtime.MarshalError",
        "Unable to marshal response: Object of type set is not JSON serializable",
    )
    .await;
    check(
        python("import sys\ndef handler(event, context):\n    sys.exit(4)\n"),
        "Runtime.ExitError",
        "RequestId: ",
    )
    .await;
}

#[tokio::test]
async fn python_errors_of_loading() {
    let import = check(
        Plan::new("python3.11", "index.handler", &[("other.py", "")]),
        "Runtime.ImportModuleError",
        "Unable to import module 'index': No module named 'index'",
    )
    .await;
    assert_eq!(import["stackTrace"], serde_json::json!([]));
    check(
        python("import nowhere\n"),
        "Runtime.ImportModuleError",
        "Unable to import module 'index': No module named 'nowhere'",
    )
    .await;
    let syntax = check(
        python("def (:\n"),
        "Runtime.UserCodeSyntaxError",
        "Syntax error in module 'index': ",
    )
    .await;
    assert!(syntax["stackTrace"][0].as_str().unwrap().contains("Line 1\n    def (:"));
    check(
        python("x = 1\n"),
        "Runtime.HandlerNotFound",
        "Handler 'handler' missing on module 'index'",
    )
    .await;
    let raising = check(python("raise ValueError('at load')\n"), "ValueError", "at load").await;
    let last = raising["stackTrace"].as_array().unwrap().last().unwrap();
    assert!(last.as_str().unwrap().contains("index.py\", line 1"), "{raising}");
    check(
        Plan::new("python3.11", "index", &[("index.py", "")]),
        "Runtime.MalformedHandlerName",
        "Bad handler 'index': not enough values to unpack",
    )
    .await;
    check(
        Plan::new("python3.11", "sys.exit", &[("sys.py", "")]),
        "Runtime.BuiltInModuleConflict",
        "Cannot use built-in module sys as a handler module",
    )
    .await;
}

#[tokio::test]
async fn a_start_that_fails_is_tried_again_within_the_invocation() {
    // Fails on its first start only.
    let text = "
import os, sys, time
mark = os.environ['LAMBDA_TASK_ROOT'] + '/mark'
if not os.path.exists(mark):
    print('first start')
    while not os.path.exists(mark): time.sleep(0.01)
    sys.exit(1)
def handler(event, context):
    return 'second'
";
    let plan = python(text);
    let mark = plan.function.code.join("mark");
    let rig = plan.start();
    let pool = rig.pool.clone();
    let call = tokio::spawn(async move { pool.invoke(&event("{}"), None).await.unwrap() });
    until("the first start", || rig.log.count("first start") == 1).await;
    std::fs::write(mark, "").unwrap();
    let outcome = call.await.unwrap();
    assert_eq!(outcome.result.unwrap(), "\"second\"");
    assert_eq!(outcome.init_duration, None);
    assert_eq!(rig.log.count("INIT_REPORT"), 1);
    assert_eq!(rig.log.count("Phase: init\tStatus: error\tError Type: Runtime.ExitError"), 1);
    assert_eq!(rig.log.count("REPORT RequestId"), 1);

    let broken = python("import nowhere\n").start();
    let (failure, _) = broken.error("{}").await;
    assert_eq!(failure.error_type, "Runtime.ImportModuleError");
    assert_eq!(
        broken.log.count("Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError"),
        1
    );
    assert_eq!(
        broken.log.count("Phase: invoke\tStatus: error\tError Type: Runtime.ImportModuleError"),
        1
    );
    assert_eq!(broken.log.count("[ERROR] Runtime.ImportModuleError: Unable to import"), 2);
}

#[tokio::test]
async fn crashes_name_their_cause() {
    let check = async |text: &str, reason: &str| {
        let rig = python(text).start();
        let (failure, body) = rig.error("{}").await;
        assert_eq!(failure.error_type, "Runtime.ExitError");
        let message = body["errorMessage"].as_str().unwrap();
        assert!(message.ends_with(reason), "{message}");
        assert_eq!(rig.log.count(&format!("Error: {reason}\nRuntime.ExitError")), 1);
        assert_eq!(rig.log.count("Status: error\tError Type: Runtime.ExitError"), 1);
        // The next call has a sandbox of its own.
        assert_eq!(rig.value(r#"{"live":1}"#).await, 1);
    };
    let with = |end: &str| {
        format!(
            "import os, signal\ndef handler(event, context):\n    if event: return 1\n    {end}\n"
        )
    };
    check(&with("os._exit(1)"), "Runtime exited with error: exit status 1").await;
    check(&with("os._exit(0)"), "Runtime exited without providing a reason").await;
    check(
        &with("os.kill(os.getpid(), signal.SIGSEGV)"),
        "Runtime exited with error: signal: segmentation fault",
    )
    .await;
}
