//! Names: answers for what is special inside a sandbox, a relay to the host's resolvers for the
//! rest.
//!
//! It serves the sandbox that its sockets were born in and nobody else. A response is never
//! answered, and one question causes one question at a time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::message::{QUESTION, Query};
use super::outside::Outlet;

/// Bytes of an answer over UDP. Longer ones are asked for over TCP.
const ANSWER: usize = 4096;
/// As many as glibc asks (`MAXNS` in resolv.conf(5)).
const RESOLVERS: usize = 3;
/// How often each of them is asked.
const ROUNDS: usize = 2;
/// How long a connection may take for its next question.
const PATIENCE: Duration = Duration::from_secs(10);
const PORT: u16 = 53;

/// Who is asked about names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolvers(Vec<SocketAddr>);

impl Resolvers {
    /// These, in this order.
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        Self(addresses)
    }

    /// The host's, as `/etc/resolv.conf` has them now.
    pub fn of_host() -> Self {
        let text = std::fs::read_to_string(Path::new("/etc/resolv.conf")).unwrap_or_default();
        Self(parse(&text))
    }
}

/// resolv.conf(5): without a server, the one on this machine.
fn parse(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next().filter(|word| *word == "nameserver")?;
        let address: IpAddr = words.next()?.parse().ok()?;
        Some(SocketAddr::new(address, PORT))
    });
    let servers: Vec<_> = servers.take(RESOLVERS).collect();
    if servers.is_empty() { vec![(Ipv4Addr::LOCALHOST, PORT).into()] } else { servers }
}

/// Answers questions over UDP for as long as it is polled.
pub(super) async fn serve(socket: UdpSocket, outlet: Arc<Outlet>) {
    let socket = Arc::new(socket);
    let mut asked = JoinSet::new();
    loop {
        tokio::select! {
            ready = socket.readable() => {
                if ready.is_err() {
                    return;
                }
                let mut buffer = Vec::with_capacity(QUESTION + 1);
                while let Ok((_, from)) = socket.try_recv_buf_from(&mut buffer) {
                    let message = std::mem::replace(&mut buffer, Vec::with_capacity(QUESTION + 1));
                    let permits = outlet.admit(&outlet.questions);
                    let (Some(permits), true) = (permits, Query::parse(&message).is_some()) else {
                        continue;
                    };
                    let (socket, outlet) = (Arc::clone(&socket), Arc::clone(&outlet));
                    asked.spawn(async move {
                        if let Some(answer) = answer(&message, &outlet, Transport::Udp).await {
                            let _ = socket.send_to(&answer, from).await;
                        }
                        drop(permits);
                    });
                }
            }
            Some(_) = asked.join_next(), if !asked.is_empty() => {}
        }
    }
}

/// Answers questions over TCP for as long as it is polled.
pub(super) async fn serve_streams(listener: TcpListener, outlet: Arc<Outlet>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let Some(permits) = outlet.admit(&outlet.question_streams) else { continue };
                let outlet = Arc::clone(&outlet);
                open.spawn(async move {
                    let _ = converse(stream, &outlet).await;
                    drop(permits);
                });
            }
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

/// RFC 1035 section 4.2.2: each message with its length before it.
async fn converse(mut stream: TcpStream, outlet: &Outlet) -> io::Result<()> {
    loop {
        let length = tokio::time::timeout(PATIENCE, stream.read_u16()).await??;
        if usize::from(length) > QUESTION {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut message = vec![0; length.into()];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut message)).await??;
        let Some(answer) = answer(&message, outlet, Transport::Tcp).await else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        tokio::time::timeout(PATIENCE, write(&mut stream, &answer)).await??;
    }
}

async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

/// The answer to a message, where it is a query.
async fn answer(message: &[u8], outlet: &Outlet, transport: Transport) -> Option<Vec<u8>> {
    let query = Query::parse(message)?;
    let special = query.name().filter(|_| query.is_internet());
    if let Some(address) = special.and_then(|name| outlet.egress.policy().address_of(&name)) {
        return Some(query.address(address));
    }
    for _ in 0..ROUNDS {
        for resolver in &outlet.egress.resolvers().0 {
            let asked = async {
                match transport {
                    Transport::Udp => ask(&query, *resolver).await,
                    Transport::Tcp => ask_stream(&query, *resolver).await,
                }
            };
            if let Ok(Ok(answer)) = tokio::time::timeout(outlet.limits().answer, asked).await {
                return Some(answer);
            }
        }
    }
    Some(query.failure())
}

/// Asks from a port of its own under a number of its own, so that neither can be guessed.
async fn ask(query: &Query<'_>, resolver: SocketAddr) -> io::Result<Vec<u8>> {
    let any: IpAddr = match resolver {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    let id = random()?;
    socket.send(&query.under(id)).await?;
    let mut buffer = Vec::with_capacity(ANSWER);
    loop {
        buffer.clear();
        socket.recv_buf(&mut buffer).await?;
        if let Some(answer) = query.response(&buffer, id) {
            // It may have been longer.
            return Ok(if buffer.len() < ANSWER { answer } else { query.truncated() });
        }
    }
}

async fn ask_stream(query: &Query<'_>, resolver: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let id = random()?;
    write(&mut stream, &query.under(id)).await?;
    let length = stream.read_u16().await?;
    // Grows with what comes, not with what is claimed.
    let mut answer = Vec::new();
    stream.take(length.into()).read_to_end(&mut answer).await?;
    let complete = answer.len() == usize::from(length);
    let answer = query.response(&answer, id).filter(|_| complete);
    answer.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn random() -> io::Result<[u8; 2]> {
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| io::Error::other("no randomness"))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_resolvers() {
        let text = "# nameserver 1.1.1.1\nsearch corp.example\nnameserver 10.0.0.53\n\
                    nameserver\tfd00::53 \nnameserver x\nnameserver fe80::1%eth0\n\
                    nameserver 9.9.9.9\nnameserver 8.8.8.8\n";
        let found: Vec<_> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.0.0.53:53", "[fd00::53]:53", "9.9.9.9:53"]);
        assert_eq!(parse(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
