//! What the way out of a sandbox costs, beside loopback without one. Needs `examples/egress`.
//!
//! `cargo run -p cumulet-sandbox --example egress_bench` prints times to set a sandbox's network
//! up, to connect and hear one byte, and to move data, each inside and outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cumulet_sandbox::egress::{
    Egress, EgressLimits, EgressPolicy, Inside, Protocol, Relay, Resolvers,
};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

const REMOTE: &str = "203.0.113.7:80";
const CONNECTIONS: usize = 2000;
const BYTES: usize = 4 << 30;
const ROUNDS: usize = 3;
const PART: usize = 1 << 20;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(address) = arguments.next() {
        return measure(address.parse().expect("an address"));
    }
    let server = serve();
    let mut policy = EgressPolicy::default();
    policy.lead(Protocol::Tcp, REMOTE.parse().unwrap(), server);
    policy.cloud(server, []);
    let nobody = Resolvers::new(Vec::new());
    let egress = Arc::new(Egress::new(policy, EgressLimits::default(), nobody));
    let mut times: Vec<Duration> = (0..20).map(|_| set_up(&egress)).collect();
    times.sort_unstable();
    println!("namespaces and network: median {:?}, most {:?}", times[10], times[19]);
    for round in 1..=ROUNDS {
        for (place, address) in [("outside", server), ("inside", REMOTE.parse().unwrap())] {
            let this = std::env::current_exe().unwrap();
            let address = address.to_string();
            let output = if place == "inside" {
                let (child, relay) = sandbox(&egress, &[this.to_str().unwrap(), &address]);
                let output = tokio::task::spawn_blocking(|| child.wait_with_output());
                let output = output.await.unwrap();
                drop(relay);
                output
            } else {
                let mut command = Command::new(this);
                command.arg(address).stderr(Stdio::inherit());
                tokio::task::spawn_blocking(move || command.output()).await.unwrap()
            };
            let said = output.unwrap().stdout;
            print!("round {round}, {place}: {}", String::from_utf8_lossy(&said));
        }
    }
}

/// From a process that starts to one that has its network, with this platform serving it.
fn set_up(egress: &Arc<Egress>) -> Duration {
    let start = Instant::now();
    let (mut child, _relay) = sandbox(egress, &["/bin/true"]);
    let took = start.elapsed();
    child.wait().unwrap();
    took
}

fn sandbox(egress: &Arc<Egress>, program: &[&str]) -> (std::process::Child, Relay) {
    let harness = std::env::current_exe().unwrap().with_file_name("egress");
    let (mut here, there) = UnixStream::pair().unwrap();
    let child = Command::new(harness)
        .args([egress.plan().to_string().as_str(), "/etc/resolv.conf"])
        .args(program)
        .stdin(Stdio::from(OwnedFd::from(there)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 256];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let got = recvmsg(&here, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap().bytes;
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let inside = Inside::from_parts(&bytes[..got], descriptors.flatten().collect()).unwrap();
    let relay = egress.serve(inside, "bench").unwrap();
    here.write_all(b"g").unwrap();
    (child, relay)
}

/// Answers one byte, then swallows what comes and says so.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut buffer = vec![0; PART];
                let _ = stream.write_all(b"!");
                while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
                let _ = stream.write_all(b"!");
            });
        }
    });
    address
}

fn measure(address: SocketAddr) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..CONNECTIONS {
        let start = Instant::now();
        let mut stream = TcpStream::connect(address).unwrap();
        times[0].push(start.elapsed());
        stream.read_exact(&mut [0]).unwrap();
        times[1].push(start.elapsed());
    }
    let [connect, byte] = times.map(|mut times| {
        times.sort_unstable();
        [times[CONNECTIONS / 2], times[CONNECTIONS * 99 / 100]].map(|time| time.as_micros())
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    let part = vec![7; PART];
    let start = Instant::now();
    for _ in 0..BYTES / PART {
        stream.write_all(&part).unwrap();
    }
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.read_exact(&mut [0]).unwrap();
    let speed = BYTES as f64 / start.elapsed().as_secs_f64() / 1e9;
    println!("connect {connect:?} µs, first byte {byte:?} µs (p50, p99); {speed:.2} GB/s");
}
