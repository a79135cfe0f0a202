//! What functions write: its form, its request, its bounds.

use std::time::Instant;

use cumulet_sandbox::{LINE_LIMIT, LogFormat, LogLine};
use serde_json::Value;

use crate::rig::{Rig, event, node, python, until};

/// The lines of one request, without START, END and REPORT or the events that take their place.
fn own_lines(rig: &Rig, request_id: &str) -> Vec<LogLine> {
    let own = |line: &LogLine| line.request_id.as_deref() == Some(request_id);
    let platform = ["START ", "END ", "REPORT ", "{\"time\":"];
    rig.log
        .lines()
        .into_iter()
        .filter(|line| own(line) && !platform.iter().any(|word| line.text.starts_with(word)))
        .collect()
}

#[tokio::test]
async fn the_lines_around_an_invocation() {
    let rig =
        python("print('loading')\ndef handler(event, context):\n    print('at work')\n").start();
    let first = event("{}");
    let cold = rig.pool.invoke(&first, None).await.unwrap();
    let second = event("{}");
    let warm = rig.pool.invoke(&second, None).await.unwrap();
    let (id1, id2) = (&first.request_id, &second.request_id);
    let texts = rig.log.texts();
    let begin = |at: usize, text: &str| assert!(texts[at].starts_with(text), "{at}: {}", texts[at]);
    begin(0, "INIT_START Runtime Version: python:3.");
    begin(1, "loading");
    begin(2, &format!("START RequestId: {id1} Version: $LATEST"));
    begin(3, "at work");
    begin(4, &format!("END RequestId: {id1}"));
    begin(5, &format!("REPORT RequestId: {id1}\tDuration: "));
    begin(6, &format!("START RequestId: {id2} Version: $LATEST"));
    assert_eq!(texts.len(), 10);
    assert!(texts[5].contains("\tMemory Size: 256 MB\tMax Memory Used: "), "{}", texts[5]);
    assert!(texts[5].contains(" MB\tInit Duration: "), "{}", texts[5]);
    assert!(!texts[9].contains("Init Duration"), "{}", texts[9]);
    assert_eq!(rig.log.lines()[1].request_id, None);
    assert_eq!(cold.log_tail, format!("{}\n", texts[2..6].join("\n")));
    assert_eq!(warm.log_tail, format!("{}\n", texts[6..].join("\n")));
    assert!(cold.init_duration.is_some() && warm.init_duration.is_none());
    assert!(cold.billed >= cold.duration + cold.init_duration.unwrap());
    assert_eq!(warm.billed.as_micros() % 1000, 0);
}

#[tokio::test]
async fn lines_belong_to_the_request_that_wrote_them() {
    let text = "import os, sys\ndef handler(event, context):\n    print('out', event)\n    print('err', event, file=sys.stderr)\n    os.write(1, b'raw %d' % event)\n    return event\n";
    let rig = python(text).start();
    for number in 0..100 {
        let invocation = event(&number.to_string());
        rig.pool.invoke(&invocation, None).await.unwrap();
        let got: Vec<_> =
            own_lines(&rig, &invocation.request_id).into_iter().map(|line| line.text).collect();
        let want = [format!("out {number}"), format!("err {number}"), format!("raw {number}")];
        assert_eq!(got, want);
    }
}

#[tokio::test]
async fn node_text_lines() {
    let text = "console.log('loading');
    exports.handler = async () => {
        console.log('a', 1, { b: [2] }); console.info('%s!', 'i'); console.warn('w');
        console.error(new Error('e')); console.debug('two\\nlines'); console.trace('t');
        process.stdout.write('plain\\n');
        throw new Error('end');
    }";
    let rig = node("index.js", text).start();
    let invocation = event("{}");
    rig.pool.invoke(&invocation, None).await.unwrap();
    let id = &invocation.request_id;
    assert_eq!(rig.log.count("Z\tundefined\tINFO\tloading"), 1);
    let lines = own_lines(&rig, id);
    let check = |at: usize, want: &str| {
        let text = &lines[at].text;
        let (time, rest) = text.split_at(24);
        assert!(time.ends_with('Z') && time.contains('T'), "{text}");
        assert!(rest.starts_with(&format!("\t{id}\t{want}")), "{text:?} wants {want:?}");
    };
    check(0, "INFO\ta 1 { b: [ 2 ] }");
    check(1, "INFO\ti!");
    check(2, "WARN\tw");
    check(3, "ERROR\tError: e\n    at ");
    check(4, "DEBUG\ttwo\nlines");
    check(5, "TRACE\tt");
    assert_eq!(lines[6].text, "plain");
    check(
        7,
        "ERROR\tInvoke Error \t{\"errorType\":\"Error\",\"errorMessage\":\"end\",\"stack\":[\"Error: end\"",
    );
}

#[tokio::test]
async fn node_json_lines() {
    let text = "exports.handler = async () => {
        console.debug('hidden'); console.log('a %d', 1); console.log({ k: 1 });
        console.error('with', new TypeError('t')); throw new RangeError('end');
    }";
    let mut plan = node("index.js", text);
    plan.function.log_format = LogFormat::Json;
    plan.function.log_level = Some("INFO".to_owned());
    let rig = plan.start();
    let invocation = event("{}");
    rig.pool.invoke(&invocation, None).await.unwrap();
    let lines: Vec<Value> = own_lines(&rig, &invocation.request_id)
        .iter()
        .map(|line| serde_json::from_str(&line.text).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["message"], "a 1");
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["requestId"], *invocation.request_id);
    assert_eq!(lines[1]["message"]["k"], 1);
    assert_eq!(lines[2]["errorType"], "TypeError");
    assert_eq!(lines[3]["message"]["errorType"], "RangeError");
    assert_eq!(lines[3]["level"], "ERROR");
    let all = rig.log.texts();
    let events: Vec<Value> = all
        .iter()
        .filter(|text| text.starts_with("{\"time\":"))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["platform.initStart", "platform.start", "platform.report"]);
    assert_eq!(events[2]["record"]["requestId"], *invocation.request_id);
    assert_eq!(events[2]["record"]["metrics"]["memorySizeMB"], 256);
}

const PYTHON_LOGGER: &str = "
import logging
log = logging.getLogger('mine')
def handler(event, context):
    log.info('info'); log.warning('warn %d', 1, extra={'x': 5}); print('plain')
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception('caught')
    raise ValueError('end')
";

#[tokio::test]
async fn python_text_lines() {
    let rig = python(PYTHON_LOGGER).start();
    let invocation = event("{}");
    rig.pool.invoke(&invocation, None).await.unwrap();
    let id = &invocation.request_id;
    let texts: Vec<_> = own_lines(&rig, id).into_iter().map(|line| line.text).collect();
    assert!(texts[0].starts_with("[WARNING]\t20"), "{texts:?}");
    assert!(texts[0].ends_with(&format!("Z\t{id}\twarn 1")), "{texts:?}");
    assert_eq!(texts[1], "plain");
    assert!(texts[2].starts_with("[ERROR]\t20") && texts[2].contains("\tcaught\nTraceback"));
    assert!(
        texts[3].starts_with(
            "[ERROR] ValueError: end\nTraceback (most recent call last):\n\u{a0}\u{a0}File"
        ),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 4, "{texts:?}");
}

#[tokio::test]
async fn python_json_lines() {
    let mut plan = python(PYTHON_LOGGER);
    plan.function.log_format = LogFormat::Json;
    plan.function.log_level = Some("INFO".to_owned());
    let rig = plan.start();
    let invocation = event("{}");
    rig.pool.invoke(&invocation, None).await.unwrap();
    let lines = own_lines(&rig, &invocation.request_id);
    assert_eq!(lines[2].text, "plain");
    let json = |at: usize| -> Value { serde_json::from_str(&lines[at].text).unwrap() };
    assert_eq!(json(0)["message"], "info");
    assert_eq!(json(1)["requestId"], *invocation.request_id);
    assert_eq!((&json(1)["level"], &json(1)["x"]), (&"WARNING".into(), &5.into()));
    assert_eq!(
        (&json(3)["errorType"], &json(3)["logger"]),
        (&"ZeroDivisionError".into(), &"mine".into())
    );
    assert_eq!((&json(4)["errorType"], &json(4)["level"]), (&"ValueError".into(), &"ERROR".into()));
}

#[tokio::test]
async fn a_flood_neither_blocks_nor_fills_memory() {
    let text = "import os\ndef handler(event, context):\n    line = b'x' * 1023 + b'\\n'\n    for _ in range(64):\n        os.write(1, line * 1024)\n    os.write(1, b'y' * 1000000)\n    return 'done'\n";
    let rig = python(text).start();
    let start = Instant::now();
    assert_eq!(rig.value("{}").await, "done");
    // 16 MB at once and 4 MB a second, which on a busy machine may be all of it.
    let allowed = (16 << 20) + (4 << 20) * (start.elapsed().as_secs() as usize + 1);
    let lines = rig.log.lines();
    let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
    assert!(bytes <= allowed, "{bytes} kept, {allowed} allowed");
    assert!(bytes > 8 << 20, "{bytes}");
    assert!(lines.iter().all(|line| line.text.len() <= LINE_LIMIT));
    let lost = bytes < 64 << 20;
    assert_eq!(rig.value("{}").await, "done");
    let told = || rig.log.count("log lines dropped: the function wrote too fast") > 0;
    until("the loss is told", || told() == lost).await;
}
