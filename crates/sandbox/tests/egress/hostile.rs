//! Functions that try to get round the policy.

use crate::relay::script;
use crate::rig::{PATIENCE, REMOTE, Rig, echo, udp_echo};
use cumulet_sandbox::egress::Protocol;

/// What got past policies where a function held sockets of the host's: sent with the handshake
/// after a connect that did not wait; listening on a connected socket; sending elsewhere on a
/// connected one; exchanging the descriptor while it is being connected. Here all of these are
/// sockets of the sandbox's, so what is refused is refused.
#[tokio::test(flavor = "multi_thread")]
async fn tricks_with_sockets() {
    let server = echo().await;
    let datagrams = udp_echo("127.0.0.1:0").await;
    let elsewhere = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut closed = Rig::default();
    closed.lead(&format!("{REMOTE}:80"), server);
    let mut open = Rig { policy: closed.policy.clone(), ..Rig::default() };
    open.lead("169.254.169.254:80", server);
    for rig in [&mut open, &mut closed] {
        rig.policy.lead(Protocol::Udp, format!("{REMOTE}:80").parse().unwrap(), datagrams);
    }
    let to = elsewhere.local_addr().unwrap();
    open.policy.lead(Protocol::Udp, "169.254.169.254:80".parse().unwrap(), to);
    let code = script(&format!(
        "import os, threading
good, bad = ('{REMOTE}', 80), ('169.254.169.254', 80)
MSG_FASTOPEN = 0x20000000
def attempt(what, get):
    try:
        print(what, get())
    except OSError as error:
        print(what, 'refused')
def fastopen():
    s = socket.socket(); s.setblocking(False); s.connect_ex(bad); s.close()
    s = socket.socket()
    s.sendto(b'fast', MSG_FASTOPEN, bad)
    return s.recv(9) or 'refused'
def datagram():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30)
    s.connect(good); s.sendto(b'other', bad); s.send(b'here')
    return s.recv(9)
def exchange():
    # Connects while another thread puts a socket of another target under the same number.
    for _ in range(50):
        a, b = socket.socket(), socket.socket()
        racer = threading.Thread(target=lambda: os.dup2(b.fileno(), a.fileno()))
        racer.start()
        try:
            a.connect(bad)
        except OSError:
            pass
        racer.join()
        for s in (a, b):
            s.settimeout(5)
            try:
                s.sendall(b'race')
                if s.recv(9): return b'race'
            except OSError:
                pass
    return 'refused'
attempt('fastopen', fastopen)
attempt('datagram', datagram)
attempt('exchange', exchange)
s = socket.create_connection(good)
try:
    s.listen(1); print('listens')
except OSError:
    print('does not listen')"
    ));
    let said = open.python(&code).await;
    assert_eq!(said, "fastopen b'fast'\ndatagram b'here'\nexchange b'race'\ndoes not listen");
    let mut buffer = [0; 9];
    let received = tokio::time::timeout(PATIENCE, elsewhere.recv(&mut buffer)).await;
    assert_eq!(received.expect("it arrives").unwrap(), 5);
    let said = closed.python(&code).await;
    assert_eq!(said, "fastopen refused\ndatagram b'here'\nexchange refused\ndoes not listen");
    let nothing = elsewhere.try_recv(&mut buffer).map_err(|error| error.kind());
    assert_eq!(nothing, Err(std::io::ErrorKind::WouldBlock));
}

/// The listener that the packet filter hands connections to, addressed itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_relays_own_ports() {
    let mut rig = Rig::default();
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "print(talk('{REMOTE}', 80))
for host in ('127.0.0.1', '::1', '198.18.0.2', 'localhost'):
    print(talk(host, 15001) in ('ECONNRESET', 'EPIPE', 'ENOTCONN', 'ECONNREFUSED'))
for port in (15001, 53, 80):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            s = socket.socket(socket.AF_INET, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            s.bind(('0.0.0.0', port)); s.listen(1)
            print('taken', port, kind)
        except OSError:
            pass
print(talk('{REMOTE}', 80))"
    ));
    let said = rig.python(&code).await;
    assert_eq!(said, "hello\nTrue\nTrue\nTrue\nTrue\nhello");
}

/// Addresses that are not the sandbox's as source, packets of its own making, the sandbox's own
/// network and packet filter.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_init_may_do() {
    let mut rig = Rig::default();
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "def attempt(get):
    try:
        get(); print('done')
    except OSError as error:
        print(errno.errorcode.get(error.errno, error))
attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
def transparent():
    s = socket.socket(); s.setsockopt(socket.SOL_IP, 19, 1)
attempt(transparent)
def link_down():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    import struct
    s.send(struct.pack('=IHHIIBBHiII', 32, 16, 5, 1, 0, 0, 0, 0, 1, 0, 1))
    code = struct.unpack('=i', s.recv(100)[16:20])[0]
    if code: raise OSError(-code, '')
attempt(link_down)
def filters():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    import struct
    batch = struct.pack('=IHHIIBBH', 20, 16, 1, 1, 0, 0, 0, 0x0a00)
    batch += struct.pack('=IHHIIBBH', 20, 0xa02, 5, 2, 0, 2, 0, 0)
    batch += struct.pack('=IHHIIBBH', 20, 17, 1, 3, 0, 0, 0, 0x0a00)
    s.send(batch)
    code = struct.unpack('=i', s.recv(100)[16:20])[0]
    if code: raise OSError(-code, '')
attempt(filters)
def elsewhere():
    s = socket.socket(); s.settimeout(5); s.bind(('203.0.113.99', 0)); s.connect(('{REMOTE}', 80))
attempt(elsewhere)
print(talk('{REMOTE}', 80))"
    ));
    let said = rig.python(&code).await;
    assert_eq!(said, "EPERM\nEPERM\nEPERM\nEPERM\nEPERM\nECONNREFUSED\nhello");
}
