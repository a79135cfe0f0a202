//! What the tests share: a sandbox that runs one program, and servers for it to reach.

use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cumulet_sandbox::Family;
use cumulet_sandbox::egress::{
    Egress, EgressLimits, EgressPolicy, Inside, Plan, Protocol, Relay, Resolvers, Way,
};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What nothing here takes long for, on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Stands for a host of the internet (documentation, RFC 5737 and 3849).
pub(crate) const REMOTE: &str = "203.0.113.7";
pub(crate) const REMOTE_V6: &str = "2001:db8::7";

/// A policy, limits and resolvers to be changed before use.
#[derive(Default)]
pub(crate) struct Rig {
    pub(crate) policy: EgressPolicy,
    pub(crate) limits: EgressLimits,
    pub(crate) resolvers: Vec<SocketAddr>,
    pub(crate) way: Way,
}

/// A program in a sandbox, under way.
pub(crate) struct Running {
    child: Child,
    pub(crate) relay: Option<Relay>,
    pub(crate) way: Way,
    _files: tempfile::TempDir,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) output: String,
    pub(crate) success: bool,
}

impl Rig {
    /// Has the internet's `at` be a server of the test's.
    pub(crate) fn lead(&mut self, at: &str, to: SocketAddr) {
        self.policy.lead(Protocol::Tcp, at.parse().unwrap(), to);
    }

    pub(crate) fn egress(&self) -> Arc<Egress> {
        let resolvers = Resolvers::new(self.resolvers.clone());
        Arc::new(Egress::new(self.policy.clone(), self.limits.clone(), resolvers))
    }

    /// Runs Python code in a sandbox of its own and returns what it printed. Fails where the code
    /// does.
    pub(crate) async fn python(&self, code: &str) -> String {
        self.program("python3", &["-c", code]).await
    }

    /// Runs JavaScript likewise.
    pub(crate) async fn node(&self, code: &str) -> String {
        self.program("node", &["-e", code]).await
    }

    pub(crate) async fn program(&self, program: &str, arguments: &[&str]) -> String {
        let ended = self.start(program, arguments).await.end().await;
        assert!(ended.success, "{}", ended.output);
        ended.output.trim_end().to_owned()
    }

    pub(crate) async fn start(&self, program: &str, arguments: &[&str]) -> Running {
        let egress = self.egress();
        // Whatever the machine has: the sandbox's own IPv6 is what is tested.
        let plan = Plan { ipv6: true, way: self.way, ..egress.plan() };
        start(&egress, &plan, program, arguments).await
    }
}

pub(crate) async fn start(
    egress: &Arc<Egress>,
    plan: &Plan,
    program: &str,
    arguments: &[&str],
) -> Running {
    let files = tempfile::tempdir().unwrap();
    let resolv_conf = files.path().join("resolv.conf");
    std::fs::write(&resolv_conf, "nameserver 127.0.0.1\n").unwrap();
    let (here, there) = UnixStream::pair().unwrap();
    let mut child = Command::new(harness())
        .arg(plan.to_string())
        .arg(&resolv_conf)
        .arg(resolve(program))
        .args(arguments)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(there)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let received = tokio::task::spawn_blocking(move || (receive(&here), here));
    let (inside, mut here) = received.await.unwrap();
    let Some(inside) = inside else {
        let output = child.wait_with_output().unwrap();
        panic!("no sandbox: {}", String::from_utf8_lossy(&output.stderr));
    };
    let way = inside.way;
    let relay = egress.serve(inside, "test").unwrap();
    if here.write_all(b"g").is_err() {
        let _ = child.kill();
        panic!("the sandbox has ended");
    }
    Running { child, relay: Some(relay), way, _files: files }
}

impl Running {
    /// Waits until the program has written something.
    pub(crate) fn line(&mut self) {
        let mut byte = [0];
        self.child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn end(mut self) -> Ended {
        let pid = self.child.id();
        let child = self.child;
        let waited = tokio::task::spawn_blocking(move || child.wait_with_output());
        let Ok(output) = tokio::time::timeout(PATIENCE, waited).await else {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            panic!("the program in the sandbox does not end");
        };
        let output = output.unwrap().unwrap();
        drop(self.relay.take());
        let success = output.status.success();
        let text = [output.stdout, output.stderr].concat();
        Ended { output: String::from_utf8_lossy(&text).into_owned(), success }
    }
}

fn receive(from: &UnixStream) -> Option<Inside> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 256];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let got = recvmsg(from, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap();
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors = descriptors.flatten().collect();
    Inside::from_parts(&bytes[..got.bytes], descriptors)
}

fn harness() -> PathBuf {
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples/egress");
    assert!(program.exists(), "build it first: cargo build -p cumulet-sandbox --examples");
    program
}

/// The real interpreter: wrappers of version managers want files that belong to another user.
fn resolve(program: &str) -> String {
    let family = match program {
        "python3" => Family::Python,
        "node" => Family::Node,
        other => return other.to_owned(),
    };
    let found = cumulet_sandbox::discover(None);
    let newest = found.iter().filter(|one| one.family == family).max_by_key(|one| one.version);
    newest.unwrap_or_else(|| panic!("no {program} on this machine")).path.display().to_string()
}

/// A server that sends back what it gets, connection by connection, until its end.
pub(crate) async fn echo() -> SocketAddr {
    serve(|mut stream| async move {
        let (mut reader, mut writer) = stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        let _ = writer.shutdown().await;
    })
    .await
}

/// A server that answers each HTTP request with the text `hello`, and closes.
pub(crate) async fn http() -> SocketAddr {
    serve(|mut stream| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        let _ = stream.write_all(answer).await;
    })
    .await
}

pub(crate) async fn serve<F, R>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

/// A server that sends each datagram back.
pub(crate) async fn udp_echo(at: &str) -> SocketAddr {
    let socket = UdpSocket::bind(at).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    });
    address
}
