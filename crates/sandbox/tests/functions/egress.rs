//! Where a function in a sandbox may go. What the relay does in every case is tested in
//! `tests/egress`; this is that functions get it, with everything else that confines them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cumulet_sandbox::climb;
use cumulet_sandbox::egress::{Egress, EgressLimits, EgressPolicy, Protocol, Resolvers, Way};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{example, node, python, value};

/// A server that answers each request with its own name, and closes.
async fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{name}");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

fn egress(policy: EgressPolicy) -> Arc<Egress> {
    let nobody = Resolvers::new(Vec::new());
    Arc::new(Egress::new(policy, EgressLimits::default(), nobody))
}

const FETCH: &str = "
import urllib.request
def fetch(url):
    try:
        return urllib.request.urlopen(url, timeout=20).read().decode()
    except OSError as error:
        return type(getattr(error, 'reason', error)).__name__
def handler(event, context):
    return [fetch(url) for url in event]
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_and_what_is_not() {
    let (remote, cloud, private) =
        (server("remote").await, server("cloud").await, server("private").await);
    let mut policy = EgressPolicy::default();
    policy.lead(Protocol::Tcp, "203.0.113.7:80".parse().unwrap(), remote);
    policy.cloud(cloud, []);
    let urls = json!([
        "http://203.0.113.7/",
        format!("http://{cloud}/"),
        format!("http://localhost:{}/", cloud.port()),
        format!("http://api.execute-api.us-east-1.localhost:{}/", cloud.port()),
        format!("http://{private}/"),
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://127.0.0.1:15001/",
    ]);
    let mut plan = python(FETCH);
    plan.function.timeout = Duration::from_secs(60);
    plan.egress = Some(egress(policy.clone()));
    let reached = plan.start().value(&urls.to_string()).await;
    let (refused, reset) = ("ConnectionRefusedError", "ConnectionResetError");
    assert_eq!(reached, json!(["remote", "cloud", "cloud", "cloud", refused, reset, reset, reset]));
    // Each of those is refused by the policy and by nothing else.
    policy.allow(&private.to_string()).unwrap();
    for closed in ["169.254.169.254:80", "10.0.0.1:80", "127.0.0.1:15001"] {
        policy.lead(Protocol::Tcp, closed.parse().unwrap(), private);
    }
    let mut plan = python(FETCH);
    plan.function.timeout = Duration::from_secs(60);
    plan.egress = Some(egress(policy));
    let reached = plan.start().value(&urls.to_string()).await;
    let (own, open) = ("cloud", "private");
    assert_eq!(reached, json!(["remote", own, own, own, open, open, open, open]));
    // And without a way out there is none.
    let mut plan = python(FETCH);
    plan.function.timeout = Duration::from_secs(60);
    let reached = plan.start().value(&urls.to_string()).await;
    assert!(!reached.to_string().contains("remote") && !reached.to_string().contains("cloud"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_fetch() {
    let mut policy = EgressPolicy::default();
    let remote = server("remote").await;
    policy.lead(Protocol::Tcp, "203.0.113.7:80".parse().unwrap(), remote);
    let mut plan = node(
        "index.mjs",
        "export const handler = async urls => Promise.all(urls.map(url =>
            fetch(url).then(answer => answer.text(), error => 'refused')))",
    );
    plan.function.timeout = Duration::from_secs(60);
    plan.egress = Some(egress(policy));
    let outcome = plan.start().invoke(r#"["http://203.0.113.7/", "http://192.168.1.1/"]"#).await;
    assert_eq!(value(&outcome), json!(["remote", "refused"]));
}

/// The ladder says how far out functions get.
#[tokio::test]
async fn the_way_out_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let way = |egress| climb(example("launcher"), folder.path(), egress).unwrap().egress.unwrap();
    assert_eq!(way(None), Way::Nowhere);
    assert!(way(Some(egress(EgressPolicy::default()))) < Way::Nowhere);
}
