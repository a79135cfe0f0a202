//! The way out of an isolated sandbox: the internet, this cloud, and what the owner opened by name.
//!
//! A sandbox has a network namespace of its own with nothing in it but a loopback interface, so
//! nothing that a function does leads anywhere. Egress is what the platform adds to that:
//!
//! - `inside` runs in the sandbox's trusted init, before it gives its privileges up. It makes every
//!   address of the world local (`routes`), has the packet filter hand what is sent there to one
//!   listener (`ruleset`), and gives that listener and a few more sockets to the platform.
//! - `outside` runs in the platform. It accepts the function's connections on those sockets, asks
//!   the `policy` about each destination, dials it from the host, and copies bytes both ways
//!   (`tcp`, `udp`). Names are resolved by a relay to the host's resolvers (`dns`).
//!
//! **The policy is the boundary, and it stands in the platform.** A function never holds a socket
//! of the host's, so there is nothing to turn to another use: with such sockets handed over (by
//! seccomp's notifications) MSG_FASTOPEN, `listen`, `sendto` and `dup2` each got round a policy. It
//! decides on addresses at the moment of dialling, so a name that resolves to a private address
//! gains nothing.
//!
//! What differs from a real network: a connection that is refused or fails looks connected for a
//! moment and is then reset (`ECONNRESET` from the first read or write, where `connect` itself
//! would have said `ECONNREFUSED` or `ETIMEDOUT`); datagrams that are refused vanish; there is no
//! ICMP; a socket bound to a made-up source address leads nowhere.

mod activity;
mod datagram;
mod dns;
mod inside;
mod limits;
mod message;
mod netlink;
mod outside;
mod policy;
mod routes;
mod ruleset;
mod tcp;
mod udp;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use dns::Resolvers;
pub use inside::{Inside, Plan, Way, set_up};
pub use limits::EgressLimits;
pub use outside::{Egress, Relay};
pub use policy::{AllowError, Decision, EgressPolicy, Protocol, Refusal};
pub(crate) use routes::loopback_up;

/// The sandbox's own address beside loopback, where its packets to the world come from. Of the
/// range for benchmarks (RFC 2544), which no network uses and no policy lets through.
const SANDBOX_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// The same for IPv6: loopback serves, and clients that rank addresses (RFC 6724) then prefer IPv4.
const SANDBOX_V6: Ipv6Addr = Ipv6Addr::LOCALHOST;
/// This cloud, as a sandbox sees it.
const CLOUD: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

/// Where the packet filter hands connections and datagrams to.
const PROXY_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PROXY_PORT);
const PROXY_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), PROXY_PORT);
const PROXY_PORT: u16 = 15001;
/// Where the sandbox's `/etc/resolv.conf` has to point.
const RESOLVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53);
