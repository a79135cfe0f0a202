//! Part one, in the sandbox's trusted init: the network of the sandbox, and the sockets by which
//! the platform serves it.
//!
//! Runs in a user and a network namespace of the sandbox's own, with all capabilities there and
//! before they are given up; blocks, and needs one thread only. A socket belongs to the namespace
//! it was made in for good, so whoever holds these serves this sandbox and no other.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::str::FromStr;

use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, ipproto, listen, socket_with, sockopt,
};

use super::{PROXY_V4, PROXY_V6, RESOLVER, routes, ruleset};

/// Connections that wait to be accepted, of one listener. The kernel's own default.
const BACKLOG: i32 = 4096;
/// Where there is no tproxy: the ports of the world that functions mostly want. HTTP, HTTPS, mail
/// submission (2), PostgreSQL, MySQL, Redis, MongoDB.
const PORTS: [u16; 8] = [80, 443, 465, 587, 5432, 3306, 6379, 27017];

/// What the platform wants a sandbox's network to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Whether the IPv6 world can be reached.
    pub ipv6: bool,
    /// Addresses of the sandbox's own loopback that lead out.
    pub loopback: Vec<SocketAddr>,
    /// The best way to try; what the machine does not have is left out.
    pub way: Way,
}

/// How packets get out of a sandbox, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Way {
    /// Everything, by the packet filter's `tproxy`.
    #[default]
    Transparent,
    /// TCP to a few well-known ports: the kernel has no `nft_tproxy`.
    Ports,
    /// This cloud, what the owner opened on this host's loopback, and names; not the internet.
    Loopback,
    /// Nothing but the Runtime API: there is no egress.
    Nowhere,
}

/// A sandbox's sockets, to be handed to the platform.
#[derive(Debug)]
pub struct Inside {
    /// How far out one gets here.
    pub way: Way,
    sockets: Vec<(Kind, OwnedFd)>,
}

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A listener; its connections say by their local address where they wanted to go.
    Connections,
    /// Datagrams to the world, each with its destination.
    Datagrams,
    /// Takes whole packets, for what comes back to `Datagrams`. IPv4.
    PacketsV4,
    /// The same for IPv6.
    PacketsV6,
    /// Questions for names.
    Questions,
    /// A listener for questions over TCP.
    QuestionStreams,
}

/// Makes the network of the sandbox that this process is in. The loopback interface must be as a
/// new namespace has it: down. Fails where not even names can be served; a lesser way than the one
/// planned is no failure.
pub fn set_up(plan: &Plan) -> io::Result<Inside> {
    routes::loopback_up()?;
    let mut sockets = vec![
        (Kind::Questions, datagrams(RESOLVER)?),
        (Kind::QuestionStreams, listener(RESOLVER, false)?),
    ];
    let (way, world) = match routes::everything_is_local_v4() {
        Ok(()) => world(plan.way, plan.ipv6 && routes::everything_is_local_v6().is_ok()),
        Err(_) => (Way::Loopback, Vec::new()),
    };
    sockets.extend(world);
    for address in &plan.loopback {
        match listener(*address, false) {
            Ok(socket) => sockets.push((Kind::Connections, socket)),
            // A kernel without IPv6 has no ::1; the IPv4 one serves.
            Err(_) if address.is_ipv6() => {}
            // One of those before listens there, and its connections are decided on alike.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Inside { way, sockets })
}

/// The best of what the kernel has, `best` or less.
fn world(best: Way, ipv6: bool) -> (Way, Vec<(Kind, OwnedFd)>) {
    if best == Way::Transparent
        && let Ok(sockets) = transparent(ipv6)
    {
        return (Way::Transparent, sockets);
    }
    if matches!(best, Way::Transparent | Way::Ports) {
        return (Way::Ports, ports(ipv6));
    }
    (Way::Loopback, Vec::new())
}

fn transparent(ipv6: bool) -> io::Result<Vec<(Kind, OwnedFd)>> {
    let mut sockets = vec![
        (Kind::Connections, listener(PROXY_V4, true)?),
        (Kind::Datagrams, transparent_datagrams(PROXY_V4)?),
        (Kind::PacketsV4, packets(AddressFamily::INET)?),
    ];
    if ipv6 {
        sockets.push((Kind::Connections, listener(PROXY_V6, true)?));
        sockets.push((Kind::Datagrams, transparent_datagrams(PROXY_V6)?));
        sockets.push((Kind::PacketsV6, packets(AddressFamily::INET6)?));
    }
    // Last, so that nothing is left half done where the kernel has no tproxy.
    ruleset::load(ipv6)?;
    Ok(sockets)
}

/// Every address is local, so a listener at any address of a port has that port of the world.
fn ports(ipv6: bool) -> Vec<(Kind, OwnedFd)> {
    let mut sockets = Vec::new();
    for port in PORTS {
        let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        if let Ok(socket) = listener(v4, false) {
            sockets.push((Kind::Connections, socket));
        }
        if ipv6 && let Ok(socket) = listener((Ipv6Addr::UNSPECIFIED, port).into(), false) {
            sockets.push((Kind::Connections, socket));
        }
    }
    sockets
}

fn listener(at: SocketAddr, transparent: bool) -> io::Result<OwnedFd> {
    let socket = open(at, SocketType::STREAM)?;
    if transparent {
        set_transparent(&socket, at)?;
    }
    bind(&socket, &at)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn datagrams(at: SocketAddr) -> io::Result<OwnedFd> {
    let socket = open(at, SocketType::DGRAM)?;
    bind(&socket, &at)?;
    Ok(socket)
}

fn transparent_datagrams(at: SocketAddr) -> io::Result<OwnedFd> {
    let socket = open(at, SocketType::DGRAM)?;
    set_transparent(&socket, at)?;
    match at {
        SocketAddr::V4(_) => set_flag(&socket, libc::SOL_IP, libc::IP_RECVORIGDSTADDR)?,
        SocketAddr::V6(_) => set_flag(&socket, libc::SOL_IPV6, libc::IPV6_RECVORIGDSTADDR)?,
    }
    bind(&socket, &at)?;
    Ok(socket)
}

/// IPPROTO_RAW: what is written has its IP header already, and nothing is read.
fn packets(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(family, SocketType::RAW, flags, Some(ipproto::RAW))?)
}

fn open(at: SocketAddr, kind: SocketType) -> io::Result<OwnedFd> {
    let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, kind, flags, None)?;
    if at.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    Ok(socket)
}

/// Lets a socket have connections and datagrams that were sent to other addresses.
fn set_transparent(socket: &OwnedFd, at: SocketAddr) -> io::Result<()> {
    match at {
        SocketAddr::V4(_) => set_flag(socket, libc::SOL_IP, libc::IP_TRANSPARENT),
        SocketAddr::V6(_) => set_flag(socket, libc::SOL_IPV6, libc::IPV6_TRANSPARENT),
    }
}

fn set_flag(socket: &OwnedFd, level: i32, name: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    #[allow(unsafe_code)]
    // SAFETY: the descriptor is open for as long as it is borrowed here, and the kernel reads the
    // four bytes of `on`, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Inside {
    /// A message that says what the descriptors are, and the descriptors in its order: to be sent
    /// together, by SCM_RIGHTS. There is one for each address of `Plan::loopback`, and
    /// some twenty more.
    pub fn into_parts(self) -> (Vec<u8>, Vec<OwnedFd>) {
        let (kinds, descriptors): (Vec<_>, Vec<_>) = self.sockets.into_iter().unzip();
        let mut message = vec![self.way as u8];
        message.extend(kinds.into_iter().map(|kind| kind as u8));
        (message, descriptors)
    }

    /// What `into_parts` gave. `None` where the two do not fit together.
    pub fn from_parts(message: &[u8], descriptors: Vec<OwnedFd>) -> Option<Self> {
        let (way, kinds) = message.split_first()?;
        if kinds.len() != descriptors.len() {
            return None;
        }
        let kinds: Option<Vec<_>> = kinds.iter().map(|kind| Kind::of(*kind)).collect();
        let sockets = kinds?.into_iter().zip(descriptors).collect();
        Some(Self { way: Way::of(*way)?, sockets })
    }

    pub(super) fn into_sockets(self) -> Vec<(Kind, OwnedFd)> {
        self.sockets
    }
}

impl Way {
    const ALL: [Self; 4] = [Self::Transparent, Self::Ports, Self::Loopback, Self::Nowhere];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|way| *way as u8 == number)
    }
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Connections,
        Self::Datagrams,
        Self::PacketsV4,
        Self::PacketsV6,
        Self::Questions,
        Self::QuestionStreams,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transparent => "the internet",
            Self::Ports => "well-known ports of the internet (the kernel has no nft_tproxy)",
            Self::Loopback => "this cloud only (the kernel makes no address local)",
            Self::Nowhere => "nowhere",
        })
    }
}

/// One word a field, so that it can be an argument of the init: `0 6 127.0.0.1:4566 [::1]:4566`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.way as u8, if self.ipv6 { 6 } else { 4 })?;
        self.loopback.iter().try_for_each(|address| write!(f, " {address}"))
    }
}

/// Not a plan's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPlan;

impl FromStr for Plan {
    type Err = NotAPlan;

    fn from_str(text: &str) -> Result<Self, NotAPlan> {
        let mut words = text.split(' ');
        let way = words.next().and_then(|word| word.parse().ok()).and_then(Way::of);
        let ipv6 = match words.next() {
            Some("6") => true,
            Some("4") => false,
            _ => return Err(NotAPlan),
        };
        let loopback: Result<Vec<SocketAddr>, _> = words.map(str::parse).collect();
        let loopback = loopback.map_err(|_| NotAPlan)?;
        Ok(Self { way: way.ok_or(NotAPlan)?, ipv6, loopback })
    }
}
