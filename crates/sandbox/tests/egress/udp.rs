//! Datagrams to the internet and back.

use std::collections::BTreeSet;
use std::time::Duration;

use cumulet_sandbox::egress::Protocol;
use tokio::net::UdpSocket;

use crate::rig::{REMOTE, REMOTE_V6, Rig, udp_echo};

fn lead(rig: &mut Rig, at: &str, to: std::net::SocketAddr) {
    rig.policy.lead(Protocol::Udp, at.parse().unwrap(), to);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_comes_from_where_it_was_sent() {
    let mut rig = Rig::default();
    let (one, other) = (udp_echo("127.0.0.1:0").await, udp_echo("127.0.0.1:0").await);
    lead(&mut rig, &format!("{REMOTE}:53"), one);
    lead(&mut rig, "203.0.113.8:4000", other);
    lead(&mut rig, &format!("[{REMOTE_V6}]:53"), one);
    let code = format!(
        "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30)
for to in (('{REMOTE}', 53), ('203.0.113.8', 4000)):
    for data in (b'', b'a', b'x' * 1400, b'y' * 60000):
        s.sendto(data, to)
        got, whence = s.recvfrom(65536)
        print(got == data, whence == to)
s.connect(('{REMOTE}', 53)); s.send(b'connected'); print(s.recv(100))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(30)
for data in (b'even', b'odd', b'z' * 60001):
    s.sendto(data, ('{REMOTE_V6}', 53))
    got, whence = s.recvfrom(65536)
    print(got == data, whence[:2])"
    );
    let said = rig.python(&code).await;
    let want = [
        "True True\n".repeat(8),
        "b'connected'\n".to_owned(),
        [format!("True ('{REMOTE_V6}', 53)").as_str(); 3].join("\n"),
    ]
    .concat();
    assert_eq!(said, want);
}

/// A socket that is connected to an allowed destination sends to another: each is its own flow, and
/// is decided on its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_vanishes() {
    let mut open = Rig::default();
    lead(&mut open, &format!("{REMOTE}:53"), udp_echo("127.0.0.1:0").await);
    let mut closed = Rig { policy: open.policy.clone(), ..Rig::default() };
    closed.limits.flow_idle = Duration::from_secs(1);
    lead(&mut open, "169.254.169.254:80", udp_echo("127.0.0.1:0").await);
    let code = |limit: u8| {
        format!(
            "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30)
s.connect(('{REMOTE}', 53)); s.send(b'here'); print(s.recv(100))
s.sendto(b'there', ('169.254.169.254', 80))
s.connect(('169.254.169.254', 80)); s.send(b'there'); s.settimeout({limit})
try:
    print(s.recv(100))
except TimeoutError:
    print('nothing')"
        )
    };
    assert_eq!(open.python(&code(30)).await, "b'here'\nb'there'");
    assert_eq!(closed.python(&code(3)).await, "b'here'\nnothing");
}

/// More flows than a sandbox may have: those that were silent for longest make room, and what
/// comes back for them has nowhere to go.
#[tokio::test(flavor = "multi_thread")]
async fn flows_are_bounded() {
    let mut rig = Rig::default();
    rig.limits.flows = 8;
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    lead(&mut rig, &format!("{REMOTE}:53"), server.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut buffer, mut clients) = ([0; 9], BTreeSet::new());
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            clients.insert(from);
            // All that have asked, whenever the last one asks.
            if &buffer[..length] == b"last" {
                for client in &clients {
                    let _ = server.send_to(b"answer", client).await;
                }
            }
        }
    });
    let code = format!(
        "import select, socket, time
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
for s in sockets:
    s.settimeout(30); s.sendto(b'first', ('{REMOTE}', 53))
answered, until = set(), time.monotonic() + 30
while len(answered) < 8 and time.monotonic() < until:
    s.sendto(b'last', ('{REMOTE}', 53))
    answered |= set(select.select(sockets, [], [], 0.05)[0])
print(answered == set(sockets[-8:]))
sockets[0].settimeout(30); sockets[0].sendto(b'last', ('{REMOTE}', 53)); print(sockets[0].recv(9))"
    );
    assert_eq!(rig.python(&code).await, "True\nb'answer'");
}
