//! Names, as programs in the sandbox resolve them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use crate::relay::script;
use crate::rig::{REMOTE, REMOTE_V6, Rig, echo, serve};

const A: u16 = 1;
const TXT: u16 = 16;
const AAAA: u16 = 28;

/// A resolver for the tests, which knows `remote.test` and says of all else that it is not there.
/// Long texts only fit over TCP.
pub(crate) async fn resolver() -> SocketAddr {
    let at = serve(|mut stream| async move {
        while let Ok(length) = stream.read_u16().await {
            let mut query = vec![0; length.into()];
            stream.read_exact(&mut query).await.unwrap();
            let answer = answer(&query, usize::MAX);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    })
    .await;
    let socket = UdpSocket::bind(at).await.unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&answer(&buffer[..length], 512), from).await;
        }
    });
    at
}

fn answer(query: &[u8], room: usize) -> Vec<u8> {
    let end = query[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
    let kind = u16::from_be_bytes([query[end], query[end + 1]]);
    let known = query[12..end].eq_ignore_ascii_case(b"\x06remote\x04test\0");
    let data = match kind {
        A => REMOTE.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        AAAA => REMOTE_V6.parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
        TXT => [&[250][..], &[b'x'; 250]].concat().repeat(4),
        _ => Vec::new(),
    };
    let mut message = query[..2].to_vec();
    let fits = end + 4 + 12 + data.len() <= room;
    let answers = u8::from(known && fits && !data.is_empty());
    let flags = if known && !fits { 0x83 } else { 0x81 };
    message.extend([flags, if known { 0x80 } else { 0x83 }, 0, 1, 0, answers, 0, 0, 0, 0]);
    message.extend(&query[12..end + 4]);
    if answers == 1 {
        message.extend([0xc0, 12]);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 0, 9]);
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_the_internet() {
    let mut rig = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    let server = echo().await;
    rig.lead(&format!("{REMOTE}:80"), server);
    rig.lead(&format!("[{REMOTE_V6}]:80"), server);
    let code = "print(talk('remote.test', 80))
for family in (socket.AF_INET, socket.AF_INET6):
    print(socket.getaddrinfo('remote.test', 80, family, socket.SOCK_STREAM)[0][4][0])
try:
    socket.getaddrinfo('unknown.test', 80)
except socket.gaierror as error:
    print(error.errno == socket.EAI_NONAME)";
    let want = format!("hello\n{REMOTE}\n{REMOTE_V6}\nTrue");
    assert_eq!(rig.python(&script(code)).await, want);
}

/// c-ares, Node's own resolver, which speaks to the server in resolv.conf by itself, and asks
/// again over TCP.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_that_is_not_the_c_librarys() {
    let rig = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    let code = "const dns = require('dns').promises;
(async () => {
  console.log(await dns.resolve4('remote.test'), await dns.resolve6('remote.test'));
  console.log((await dns.resolveTxt('remote.test'))[0].map(part => part.length).join());
  console.log(await dns.resolve4('unknown.test').catch(error => error.code));
  console.log(await dns.resolve4('a.execute-api.us-east-1.localhost'));
  console.log(await dns.resolve6('a.localhost').catch(error => error.code));
})();";
    let want = format!(
        "[ '{REMOTE}' ] [ '{REMOTE_V6}' ]\n250,250,250,250\nENOTFOUND\n[ '198.18.0.1' ]\nENODATA"
    );
    assert_eq!(rig.node(code).await, want);
}

/// A name that leads to what the policy closes leads nowhere, whoever says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_opens_nothing() {
    let mut open = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    open.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script("print(talk('remote.test', 80))");
    assert_eq!(open.python(&code).await, "hello");
    let closed = Rig { resolvers: open.resolvers.clone(), ..Rig::default() };
    assert_ne!(closed.python(&code).await, "hello");
}

/// A host that the owner opened by name: the platform resolves it, as the host does.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_opened_by_name() {
    // The one name that every machine resolves, and to itself.
    let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") else { return };
    let name = name.trim().to_owned();
    let resolves = tokio::net::lookup_host((name.as_str(), 1)).await;
    let Some(at) = resolves.ok().and_then(|mut found| found.next()) else {
        eprintln!("this machine does not resolve its own name");
        return;
    };
    let listener = tokio::net::TcpListener::bind((at.ip(), 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let (mut reader, mut writer) = stream.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    let mut rig = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    rig.policy.allow(&format!("{name}:{port}")).unwrap();
    // The hosts file of this machine is in the sandbox of these tests: asks past it.
    let code = format!(
        "print(talk('198.19.0.1', {port}), talk('198.19.0.1', {}) in ('ECONNRESET', 'EPIPE', 'ENOTCONN'))",
        if port == 9 { 10 } else { 9 },
    );
    assert_eq!(rig.python(&script(&code)).await, "hello True");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// This cloud's endpoint, by each of its names and on the sandbox's own loopback.
#[tokio::test(flavor = "multi_thread")]
async fn this_cloud() {
    let server = echo().await;
    let mut rig = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    rig.policy.cloud(server, ["cloud.example.org", "*.cloud.example.org"]);
    let port = server.port();
    let mut code = String::new();
    let names = ["127.0.0.1", "localhost", "cloud.example.org", "x.cloud.example.org"];
    for name in names {
        code += &format!("print(talk('{name}', {port}))\n");
    }
    code += "print(socket.gethostbyname('x.cloud.example.org'))\n";
    // Another port of the same name is not this cloud's.
    let other = if port == 443 { 444 } else { 443 };
    code += &format!("print(talk('cloud.example.org', {other}) != 'hello')\n");
    let want = ["hello", "hello", "hello", "hello", "198.18.0.1", "True"].join("\n");
    assert_eq!(rig.python(&script(&code)).await, want);
}

/// Resolvers that do not answer, or answer wrongly, are passed over, and a failure is an answer.
#[tokio::test(flavor = "multi_thread")]
async fn resolvers_that_are_broken() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let liar = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (silent_at, liar_at) = (silent.local_addr().unwrap(), liar.local_addr().unwrap());
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = liar.recv_from(&mut buffer).await {
            // The right answer under another number.
            let mut wrong = answer(&buffer[..length], 512);
            wrong[0] ^= 1;
            let _ = liar.send_to(&wrong, from).await;
        }
    });
    let mut rig = Rig { resolvers: vec![silent_at, liar_at, resolver().await], ..Rig::default() };
    rig.limits.answer = Duration::from_secs(2);
    let code = "print(socket.getaddrinfo('remote.test', 80, socket.AF_INET)[0][4][0])";
    assert_eq!(rig.python(&script(code)).await, REMOTE);
    rig.resolvers.truncate(2);
    let code = "try:
    socket.getaddrinfo('remote.test', 80, socket.AF_INET)
except socket.gaierror as error:
    print(error.errno == socket.EAI_AGAIN)";
    assert_eq!(rig.python(&script(code)).await, "True");
    drop(silent);
}
