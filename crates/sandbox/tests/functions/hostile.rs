//! Functions that do not play by the rules, and neighbours that would like to.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

use serde_json::json;

use crate::rig::{event, node, python, until};

#[tokio::test]
async fn the_environment_is_what_aws_lists_and_nothing_else() {
    let text = "import os\ndef handler(event, context):\n    return sorted(os.environ)\n";
    let mut plan = python(text);
    plan.function.environment.insert("MINE".to_owned(), "1".to_owned());
    plan.function.endpoint = Some("http://127.0.0.1:1".to_owned());
    let got: BTreeSet<String> = serde_json::from_value(plan.start().value("{}").await).unwrap();
    let want: BTreeSet<String> = [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_XRAY_CONTEXT_MISSING",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "MINE",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
    ]
    .map(str::to_owned)
    .into_iter()
    // There `/tmp` is the sandbox's own.
    .filter(|name| !crate::ISOLATED || name != "TMPDIR")
    .collect();
    // Python itself may set LC_CTYPE where the locale is not installed.
    let got: BTreeSet<String> = got.into_iter().filter(|name| name != "LC_CTYPE").collect();
    assert_eq!(got, want);
}

#[tokio::test]
async fn nothing_open_is_inherited() {
    // A file that any program started from here would inherit, were nothing done about it.
    let secret = tempfile::NamedTempFile::new().unwrap();
    rustix::io::fcntl_setfd(secret.as_file().as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let text = "import os\ndef handler(event, context):\n    fds = {}\n    for fd in os.listdir('/proc/self/fd'):\n        try: fds[fd] = os.readlink('/proc/self/fd/' + fd)\n        except OSError: pass\n    return fds\n";
    let fds = python(text).start().value("{}").await;
    let fds = fds.as_object().unwrap();
    assert_eq!(fds["0"], "/dev/null");
    assert_eq!(fds["1"], fds["2"], "one pipe, so that the order of lines is kept");
    let others: Vec<_> =
        fds.iter().filter(|(fd, _)| !["0", "1", "2"].contains(&fd.as_str())).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(others[0].1.as_str().unwrap().starts_with("socket:"), "{others:?}");
}

#[tokio::test]
async fn each_sandbox_has_a_session_and_a_temporary_folder_of_its_own() {
    let text = "import os, resource, tempfile\ndef handler(event, context):\n    open(tempfile.gettempdir() + '/mine', 'w').close()\n    return [os.getsid(0) == os.getpid() == os.getpgid(0), tempfile.gettempdir(), resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)]\n";
    let rig = python(text).start();
    let got = rig.value("{}").await;
    assert_eq!(got[0], true);
    assert_eq!((&got[2], &got[3]), (&json!([1024, 1024]), &json!([0, 0])));
    let folder = std::path::PathBuf::from(got[1].as_str().unwrap());
    if crate::ISOLATED {
        assert_eq!(folder, std::path::Path::new("/tmp"));
        return assert!(!folder.join("mine").exists(), "it is another one");
    }
    assert!(folder.join("mine").exists());
    drop(rig.pool);
    until("the folder is removed", || !folder.exists()).await;
}

#[tokio::test]
async fn a_neighbour_cannot_speak_for_the_function() {
    if crate::ISOLATED {
        return; // The address is in a network that no neighbour is in.
    }
    let text = "import os, time\ndef handler(event, context):\n    print('api=' + os.environ['AWS_LAMBDA_RUNTIME_API'] + ' id=' + context.aws_request_id)\n    time.sleep(1)\n    return 'mine'\n";
    let rig = python(text).start();
    let pool = rig.pool.clone();
    let call = tokio::spawn(async move { pool.invoke(&event("{}"), None).await.unwrap() });
    until("it runs", || rig.log.count("api=") == 1).await;
    let line = rig.log.texts().into_iter().find(|text| text.starts_with("api=")).unwrap();
    let (api, id) = line[4..].split_once(" id=").unwrap();
    let (api, id) = (api.to_owned(), id.to_owned());
    let heard = tokio::task::spawn_blocking(move || {
        ["GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n".to_owned(),
         format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nContent-Length: 4\r\n\r\nevil")]
        .map(|request| {
            let mut stream = TcpStream::connect(&api).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
            let _ = stream.write_all(request.as_bytes());
            let mut answer = Vec::new();
            // A reset is as good as an end.
            let _ = stream.read_to_end(&mut answer);
            answer
        })
    })
    .await
    .unwrap();
    assert_eq!(heard, [b"", b""]);
    assert_eq!(call.await.unwrap().result.unwrap(), "\"mine\"");
}

/// Speaks to the Runtime API behind the runtime client's back.
const MEDDLER: &str = "
import os, socket, time
last = None
def call(line, body=b'', extra=''):
    s = socket.create_connection(os.environ['AWS_LAMBDA_RUNTIME_API'].split(':'))
    s.sendall((line + ' HTTP/1.1\\r\\nConnection: close\\r\\n' + extra +
               'Content-Length: %d\\r\\n\\r\\n' % len(body)).encode() + body)
    data = b''
    while True:
        more = s.recv(65536)
        if not more: return int(data.split(b' ')[1]) if data else 0
        data += more
def post(id, kind='response', body=b'\"early\"'):
    return call('POST /2018-06-01/runtime/invocation/%s/%s' % (id, kind), body)
def handler(event, context):
    global last
    mine, before, last = context.aws_request_id, last, context.aws_request_id
    if event == 'other':
        return [post('x'), post('x', 'error'), post(before), call('GET /2018-06-01/runtime/invocation/next'),
                call('POST /2018-06-01/runtime/init/error', b'{}'), call('GET /nowhere'),
                call('GET / HTTP/1.0'), call('GET /', b'', 'Transfer-Encoding: chunked\\r\\n')]
    if event == 'twice':
        print([post(mine), post(mine), post(mine, 'error')])
        return 'late'
    return 'plain'
";

#[tokio::test]
async fn answers_to_other_requests_second_ones_and_late_ones_are_refused() {
    let rig = python(MEDDLER).start();
    assert_eq!(rig.value("0").await, "plain");
    assert_eq!(rig.value(r#""other""#).await, json!([400, 400, 400, 403, 403, 404, 400, 400]));
    // What was said first is the answer; the client's own, second one is refused.
    assert_eq!(rig.value(r#""twice""#).await, "early");
    assert_eq!(rig.log.count("[202, 400, 400]"), 1);
    assert_eq!(rig.value("0").await, "plain");
    assert_eq!(rig.log.count("INIT_START"), 1, "all in one sandbox");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let text = "
const net = require('node:net');
exports.handler = (event, context) => new Promise(() => {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
    const socket = net.connect(port, host, () => {
        socket.write(`POST /2018-06-01/runtime/invocation/${context.awsRequestId}/response HTTP/1.1\\r\\nContent-Length: 100\\r\\n\\r\\nhalf`);
        setTimeout(() => socket.destroy(), 3000);
    });
});";
    let rig = node("index.js", text).start();
    let (failure, _) = rig.error("{}").await;
    assert_eq!(failure.error_type, "Runtime.TruncatedResponse");
}

#[tokio::test]
async fn a_thousand_connections_do_not_stop_the_function() {
    let text = "
import os, socket
def handler(event, context):
    held = []
    for _ in range(200):
        held.append(socket.create_connection(os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')))
    for s in held:
        try: s.sendall(b'x' * 100000)
        except OSError: pass
    return 'still here'
";
    let rig = python(text).start();
    for _ in 0..3 {
        assert_eq!(rig.value("{}").await, "still here");
    }
}
