//! Where functions may go. Pure: addresses in, a decision out.
//!
//! The default is what a function outside any VPC has on AWS: the public internet, without port 25
//! over TCP (AWS blocks it too, so that nobody sends spam). Refused are this host (loopback and
//! every address it has, and so the platform's own pages), the networks it is in (private, shared
//! and link-local ranges, with the metadata services of hosting companies among them), multicast,
//! and all that is reserved. The owner opens more, one `HOST:PORT` at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use cumulet_net::is_public;

use super::{CLOUD, RESOLVER};

/// Hosts and addresses that the owner may open.
const ENTRIES: usize = 64;
/// Mail between servers.
const SMTP: u16 = 25;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A connection.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Which destinations functions reach, and what some of them lead to.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    /// What a function finds at the first address is in truth at the second.
    leads: BTreeMap<(Protocol, SocketAddr), SocketAddr>,
    allowed: BTreeSet<SocketAddr>,
    /// Hosts opened by name. Their place in the list is their address inside sandboxes.
    hosts: Vec<Host>,
    /// Names of this cloud, lower-case, without a dot at the end. `*.` stands for all below one.
    cloud: Vec<String>,
    /// Where it listens.
    endpoint: Option<SocketAddr>,
}

#[derive(Debug, Clone)]
struct Host {
    name: Arc<str>,
    ports: BTreeSet<u16>,
}

/// What to do about a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Dial this address, which may differ from the one asked for.
    Dial(SocketAddr),
    /// Resolve this name as the host does. Where it is `opened` at this port, dial whatever it
    /// resolves to; otherwise ask about the addresses.
    Resolve {
        /// The name that the owner opened, at this port or another.
        name: Arc<str>,
        /// The port to dial.
        port: u16,
        /// Whether the owner opened this very port.
        opened: bool,
    },
    /// Do not.
    Refuse(Refusal),
}

/// Why a destination is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not an address of the public internet: loopback, private, link-local, multicast, reserved.
    NotPublic,
    /// An address of this host's, or one that it has no route to.
    Host,
    /// TCP port 25.
    Smtp,
    /// Port 0 is nobody's.
    Port,
    /// The name that the owner opened does not resolve.
    Name,
}

/// Why an entry is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowError {
    /// Not `HOST:PORT`.
    Form(String),
    /// More entries than a policy can have.
    TooMany,
    /// Port 53 of loopback, where sandboxes find their resolver.
    Resolver,
}

impl EgressPolicy {
    /// Opens a destination: `10.0.0.5:5432`, `[fd00::5]:5432`, `db.example.org:5432`, or
    /// `localhost:5432` for a service of this host, which functions then find at their own
    /// `localhost:5432` (over TCP). Both protocols otherwise.
    pub fn allow(&mut self, entry: &str) -> Result<(), AllowError> {
        if self.allowed.len() + self.hosts.len() + self.leads.len() >= ENTRIES {
            return Err(AllowError::TooMany);
        }
        let form = || AllowError::Form(entry.to_owned());
        let (host, port) = entry.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(form)?;
        let name = host.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
            // An IPv6 address without brackets could end with what looks like a port.
            if address.is_ipv6() != bare.is_some() {
                return Err(form());
            }
            let address = SocketAddr::new(address.to_canonical(), port);
            if address.ip().is_loopback() {
                if port == RESOLVER.port() {
                    return Err(AllowError::Resolver);
                }
                self.lead(Protocol::Tcp, address, address);
            } else {
                self.allowed.insert(address);
            }
        } else if name == "localhost" {
            if port == RESOLVER.port() {
                return Err(AllowError::Resolver);
            }
            let here = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            self.lead(Protocol::Tcp, here, here);
            self.lead(Protocol::Tcp, SocketAddr::from((Ipv6Addr::LOCALHOST, port)), here);
        } else if is_host_name(name) {
            match self.hosts.iter_mut().find(|known| &*known.name == name) {
                Some(known) => {
                    known.ports.insert(port);
                }
                None => self.hosts.push(Host { name: name.into(), ports: [port].into() }),
            }
        } else {
            return Err(form());
        }
        Ok(())
    }

    /// Has what functions find at `from` be what is at `to`, whatever the rules say about either.
    pub fn lead(&mut self, protocol: Protocol, from: SocketAddr, to: SocketAddr) {
        self.leads.insert((protocol, canonical(from)), to);
    }

    /// Opens this cloud's endpoint, which listens at `at`. Functions find it there, at the same port
    /// of their own loopback, of every name below `localhost`, and of every name of `names`, where
    /// `*.` in front stands for all below one.
    pub fn cloud<'a>(&mut self, at: SocketAddr, names: impl IntoIterator<Item = &'a str>) {
        let to = match at.ip() {
            IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            listening => listening,
        };
        let to = SocketAddr::new(to, at.port());
        self.endpoint = Some(to);
        // Its own address as well, which would be refused as one of the host's.
        let seen: [IpAddr; 4] =
            [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), CLOUD.into(), to.ip()];
        for address in seen {
            self.lead(Protocol::Tcp, SocketAddr::new(address, at.port()), to);
        }
        let names = names.into_iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        self.cloud.extend(names.filter(|name| !name.is_empty()));
    }

    /// Where this cloud listens, as this machine reaches it.
    pub(super) fn endpoint(&self) -> Option<SocketAddr> {
        self.endpoint
    }

    /// The loopback addresses that a sandbox has to listen at, because they lead out.
    pub(super) fn loopback(&self) -> Vec<SocketAddr> {
        let tcp = self.leads.keys().filter(|(protocol, _)| *protocol == Protocol::Tcp);
        tcp.map(|(_, from)| *from).filter(|from| from.ip().is_loopback()).collect()
    }

    /// What to do about a destination as a function names it. `leads_away` says whether this host
    /// would send packets for an address to somebody else.
    pub fn decide(
        &self,
        protocol: Protocol,
        to: SocketAddr,
        leads_away: impl Fn(IpAddr) -> bool,
    ) -> Decision {
        let to = canonical(to);
        if let Some(lead) = self.leads.get(&(protocol, to)) {
            return Decision::Dial(*lead);
        }
        if to.port() == 0 {
            return Decision::Refuse(Refusal::Port);
        }
        if let Some(host) = self.host_at(to.ip()) {
            let opened = host.ports.contains(&to.port());
            return Decision::Resolve { name: Arc::clone(&host.name), port: to.port(), opened };
        }
        self.decide_address(protocol, to, leads_away)
    }

    /// What to do about an address that nothing stands for: neither a lead nor a host's.
    pub(super) fn decide_address(
        &self,
        protocol: Protocol,
        to: SocketAddr,
        leads_away: impl Fn(IpAddr) -> bool,
    ) -> Decision {
        let to = canonical(to);
        if self.allowed.contains(&to) {
            return Decision::Dial(to);
        }
        if !is_public(to.ip()) {
            return Decision::Refuse(Refusal::NotPublic);
        }
        // An address that stands for an IPv4 one reaches that one, by way of a translator.
        if !leads_away(to.ip()) || embedded(to.ip()).is_some_and(|v4| !leads_away(v4.into())) {
            return Decision::Refuse(Refusal::Host);
        }
        if protocol == Protocol::Tcp && to.port() == SMTP {
            return Decision::Refuse(Refusal::Smtp);
        }
        Decision::Dial(to)
    }

    /// The address that a name has inside sandboxes, where it is not left to the resolvers. `name`
    /// is lower-case and has no dot at its end.
    pub(super) fn address_of(&self, name: &str) -> Option<Ipv4Addr> {
        if name == "localhost" {
            return Some(Ipv4Addr::LOCALHOST);
        }
        // A host that the owner opened by its full name may lie below a name of this cloud.
        if let Some(index) = self.hosts.iter().position(|host| &*host.name == name) {
            let [high, low] = (index as u16 + 1).to_be_bytes();
            return Some(Ipv4Addr::new(198, 19, high, low));
        }
        let mut own = self.cloud.iter().map(String::as_str).chain(["*.localhost"]);
        own.any(|own| matches(name, own)).then_some(CLOUD)
    }

    fn host_at(&self, address: IpAddr) -> Option<&Host> {
        let IpAddr::V4(v4) = address else { return None };
        let [198, 19, high, low] = v4.octets() else { return None };
        let index = usize::from(u16::from_be_bytes([high, low])).checked_sub(1)?;
        self.hosts.get(index)
    }
}

fn matches(name: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(parent) => name.len() > parent.len() && name.ends_with(parent),
        None => name == pattern,
    }
}

/// Letters, digits and hyphens (RFC 1123), and the underscore that some networks use.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // A name of digits alone is an address that is spelled wrongly.
    name.len() <= 253
        && name.split('.').all(is_label)
        && !name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// An IPv4 address is the same destination in its IPv6 form (`::ffff:a.b.c.d`).
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The IPv4 address behind one of NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let ([0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..]) = v6.segments() else {
        return None;
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPublic => "not an address of the public internet",
            Self::Host => "an address of this host's, or one without a route",
            Self::Smtp => "TCP port 25 is closed to functions",
            Self::Port => "no port",
            Self::Name => "its name does not resolve on this host",
        })
    }
}

impl fmt::Display for AllowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(entry) => write!(
                f,
                "'{entry}' is not HOST:PORT (an IPv6 address goes in brackets, a port is 1 to \
                 65535)"
            ),
            Self::Resolver => {
                f.write_str("port 53 of a function's own loopback is where it resolves names")
            }
            Self::TooMany => write!(f, "more than {ENTRIES} destinations"),
        }
    }
}

impl std::error::Error for AllowError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses of a host that the tests make up, one of them public.
    fn leads_away(address: IpAddr) -> bool {
        address != IpAddr::from([45, 33, 32, 156])
    }

    fn policy() -> EgressPolicy {
        let mut policy = EgressPolicy::default();
        for entry in [
            "10.0.0.5:5432",
            "db.corp.example:5432",
            "DB.corp.example.:6379",
            "localhost:5433",
            "127.0.0.9:80",
            "[fd00::5]:5432",
            "169.254.1.1:99",
        ] {
            policy.allow(entry).unwrap();
        }
        policy.cloud(
            "0.0.0.0:4566".parse().unwrap(),
            ["cloud.example.org", "*.cloud.example.org", "One.example.org."],
        );
        policy.cloud("45.33.32.156:8443".parse().unwrap(), []);
        let test = "203.0.113.7:80".parse().unwrap();
        policy.lead(Protocol::Tcp, test, "127.0.0.1:9".parse().unwrap());
        policy
    }

    #[test]
    fn destinations() {
        use Refusal::{Host, NotPublic, Port, Smtp};
        let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
        let dial = |to: &str| Decision::Dial(to.parse().unwrap());
        let refuse = Decision::Refuse;
        let resolve = |port, opened| {
            let name = "db.corp.example".into();
            Decision::Resolve { name, port, opened }
        };
        let policy = policy();
        for (protocol, to, want) in [
            // The internet.
            (tcp, "8.8.8.8:443", dial("8.8.8.8:443")),
            (udp, "8.8.8.8:53", dial("8.8.8.8:53")),
            (tcp, "[2600:1f18::1]:443", dial("[2600:1f18::1]:443")),
            (tcp, "[::ffff:8.8.8.8]:443", dial("8.8.8.8:443")),
            (tcp, "8.8.8.8:25", refuse(Smtp)),
            (udp, "8.8.8.8:25", dial("8.8.8.8:25")),
            (tcp, "[::ffff:8.8.8.8]:25", refuse(Smtp)),
            (tcp, "8.8.8.8:0", refuse(Port)),
            // The host, by any of its addresses and their other spellings.
            (tcp, "127.0.0.1:8080", refuse(NotPublic)),
            (tcp, "127.0.0.1:15001", refuse(NotPublic)),
            (tcp, "[::1]:8080", refuse(NotPublic)),
            (tcp, "[::ffff:127.0.0.1]:8080", refuse(NotPublic)),
            (tcp, "0.0.0.0:8080", refuse(NotPublic)),
            (tcp, "[::]:8080", refuse(NotPublic)),
            (tcp, "45.33.32.156:443", refuse(Host)),
            (udp, "45.33.32.156:443", refuse(Host)),
            (tcp, "[::ffff:45.33.32.156]:443", refuse(Host)),
            (tcp, "[64:ff9b::45.33.32.156]:443", refuse(Host)),
            (tcp, "[2002:2d21:209c::1]:443", refuse(Host)),
            // Its networks, metadata, multicast, reserved.
            (tcp, "10.0.0.5:5433", refuse(NotPublic)),
            (tcp, "172.16.0.1:80", refuse(NotPublic)),
            (tcp, "192.168.1.1:80", refuse(NotPublic)),
            (tcp, "100.64.0.1:80", refuse(NotPublic)),
            (tcp, "169.254.169.254:80", refuse(NotPublic)),
            (tcp, "[fd00:ec2::254]:80", refuse(NotPublic)),
            (tcp, "[::ffff:169.254.169.254]:80", refuse(NotPublic)),
            (tcp, "[64:ff9b::169.254.169.254]:80", refuse(NotPublic)),
            (tcp, "[fe80::1]:80", refuse(NotPublic)),
            (udp, "224.0.0.251:5353", refuse(NotPublic)),
            (udp, "255.255.255.255:67", refuse(NotPublic)),
            (udp, "[ff02::1]:5353", refuse(NotPublic)),
            (tcp, "203.0.113.9:80", refuse(NotPublic)),
            (tcp, "198.18.0.2:80", refuse(NotPublic)),
            // What the owner opened: that port of it, nothing else.
            (tcp, "10.0.0.5:5432", dial("10.0.0.5:5432")),
            (udp, "10.0.0.5:5432", dial("10.0.0.5:5432")),
            (tcp, "[::ffff:10.0.0.5]:5432", dial("10.0.0.5:5432")),
            (tcp, "[fd00::5]:5432", dial("[fd00::5]:5432")),
            (tcp, "169.254.1.1:99", dial("169.254.1.1:99")),
            (tcp, "127.0.0.1:5433", dial("127.0.0.1:5433")),
            (tcp, "[::1]:5433", dial("127.0.0.1:5433")),
            (udp, "127.0.0.1:5433", refuse(NotPublic)),
            (tcp, "127.0.0.9:80", dial("127.0.0.9:80")),
            (tcp, "127.0.0.9:81", refuse(NotPublic)),
            (tcp, "198.19.0.1:5432", resolve(5432, true)),
            (tcp, "198.19.0.1:6379", resolve(6379, true)),
            (udp, "198.19.0.1:22", resolve(22, false)),
            (tcp, "198.19.0.0:5432", refuse(NotPublic)),
            (tcp, "198.19.0.2:5432", refuse(NotPublic)),
            // This cloud.
            (tcp, "127.0.0.1:4566", dial("127.0.0.1:4566")),
            (tcp, "[::1]:4566", dial("127.0.0.1:4566")),
            (tcp, "198.18.0.1:4566", dial("127.0.0.1:4566")),
            (tcp, "45.33.32.156:8443", dial("45.33.32.156:8443")),
            (udp, "198.18.0.1:4566", refuse(NotPublic)),
            (tcp, "198.18.0.1:4567", refuse(NotPublic)),
            (tcp, "203.0.113.7:80", dial("127.0.0.1:9")),
            (udp, "203.0.113.7:80", refuse(NotPublic)),
        ] {
            let decided = policy.decide(protocol, to.parse().unwrap(), leads_away);
            assert_eq!(decided, want, "{protocol:?} {to}");
        }
    }

    #[test]
    fn what_a_name_resolves_to_is_a_destination_like_any_other() {
        let policy = policy();
        for (to, want) in [
            ("8.8.8.8:22", Decision::Dial("8.8.8.8:22".parse().unwrap())),
            ("127.0.0.1:22", Decision::Refuse(Refusal::NotPublic)),
            // Neither may a name lead to what stands for something else.
            ("127.0.0.1:4566", Decision::Refuse(Refusal::NotPublic)),
            ("198.19.0.1:5432", Decision::Refuse(Refusal::NotPublic)),
            ("10.0.0.1:22", Decision::Refuse(Refusal::NotPublic)),
        ] {
            let decided = policy.decide_address(Protocol::Tcp, to.parse().unwrap(), leads_away);
            assert_eq!(decided, want, "{to}");
        }
    }

    #[test]
    fn names_inside() {
        let policy = policy();
        for (name, want) in [
            ("localhost", Some("127.0.0.1")),
            ("api.execute-api.us-east-1.localhost", Some("198.18.0.1")),
            ("cloud.example.org", Some("198.18.0.1")),
            ("a.b.cloud.example.org", Some("198.18.0.1")),
            ("notcloud.example.org", None),
            ("one.example.org", Some("198.18.0.1")),
            ("x.one.example.org", None),
            (".localhost", None),
            ("example.org", None),
            ("notlocalhost", None),
            ("db.corp.example", Some("198.19.0.1")),
            ("x.db.corp.example", None),
            ("", None),
        ] {
            let found = policy.address_of(name).map(|address| address.to_string());
            assert_eq!(found.as_deref(), want, "{name}");
        }
        let loopback: Vec<_> = policy.loopback().iter().map(ToString::to_string).collect();
        let want = [
            "127.0.0.1:4566",
            "127.0.0.1:5433",
            "127.0.0.1:8443",
            "127.0.0.9:80",
            "[::1]:4566",
            "[::1]:5433",
            "[::1]:8443",
        ];
        assert_eq!(loopback, want);
    }

    #[test]
    fn entries_that_are_not_understood() {
        for entry in [
            "",
            ":80",
            "db",
            "db:",
            "db:0",
            "db:65536",
            "db:x",
            "fd00::5:80",
            "[10.0.0.1]:80",
            "10.0.0:80",
            "10.0.0.1.2:80",
            "a..b:80",
            "a b:80",
            "*.example.org:80",
            "10.0.0.0/8:80",
        ] {
            let mut policy = EgressPolicy::default();
            assert_eq!(policy.allow(entry), Err(AllowError::Form(entry.to_owned())), "{entry}");
        }
        let mut policy = EgressPolicy::default();
        for entry in ["localhost:53", "127.0.0.1:53", "[::1]:53"] {
            assert_eq!(policy.allow(entry), Err(AllowError::Resolver), "{entry}");
        }
        policy.allow("10.0.0.1:53").unwrap();
        let mut policy = EgressPolicy::default();
        let full = (1..).map(|port| policy.allow(&format!("10.0.0.1:{port}")));
        assert_eq!(full.take_while(Result::is_ok).count(), ENTRIES);
    }
}
