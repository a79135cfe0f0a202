//! The sandbox's loopback interface, on which every address of the world is local; and what the
//! host's routes say about an address.
//!
//! Source: rtnetlink(7); "any-IP" is Linux's name for a local route that covers a whole network.

use std::io;
use std::net::{IpAddr, Ipv6Addr};

use super::netlink::{Messages, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, ask, transact};
use super::{SANDBOX_V4, SANDBOX_V6};

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// A namespace's loopback interface is the first that it has (`LOOPBACK_IFINDEX`).
const LOOPBACK: u32 = 1;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_PREFSRC: u16 = 7;
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_BOOT: u8 = 3;
const SCOPE_HOST: u8 = 254;
const TYPE_UNICAST: u8 = 1;
const TYPE_LOCAL: u8 = 2;

/// Brings this process's loopback interface up. It then has 127.0.0.1 and, where the kernel speaks
/// IPv6, ::1.
pub(crate) fn loopback_up() -> io::Result<()> {
    let mut messages = Messages::default();
    // `ifinfomsg`: family, type, index, flags, which of the flags are meant.
    let mut fixed = [0; 16];
    let (index, flags) = (LOOPBACK.to_ne_bytes(), IFF_UP.to_ne_bytes());
    let values = index.into_iter().chain(flags).chain(flags);
    fixed.iter_mut().skip(4).zip(values).for_each(|(place, value)| *place = value);
    messages.message(RTM_NEWLINK, NLM_F_ACK, &fixed, |_| {});
    transact(None, &messages)
}

/// Gives the interface an address of its own that packets to the world come from, and makes every
/// IPv4 address local to it.
pub(super) fn everything_is_local_v4() -> io::Result<()> {
    let own = SANDBOX_V4.octets();
    let mut messages = Messages::default();
    let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    // `ifaddrmsg`: family, prefix, flags, scope, index.
    let [a, b, c, d] = LOOPBACK.to_ne_bytes();
    messages.message(RTM_NEWADDR, flags, &[AF_INET, 32, 0, 0, a, b, c, d], |address| {
        address.bytes(IFA_LOCAL, &own);
        address.bytes(IFA_ADDRESS, &own);
    });
    local_route(&mut messages, AF_INET, &own);
    transact(None, &messages)
}

/// Makes every IPv6 address local to the interface.
pub(super) fn everything_is_local_v6() -> io::Result<()> {
    let mut messages = Messages::default();
    local_route(&mut messages, AF_INET6, &SANDBOX_V6.octets());
    transact(None, &messages)
}

/// `local default dev lo src OWN`.
fn local_route(messages: &mut Messages, family: u8, own: &[u8]) {
    let flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    let fixed = route(family, 0, [TABLE_LOCAL, PROTOCOL_BOOT, SCOPE_HOST, TYPE_LOCAL]);
    messages.message(RTM_NEWROUTE, flags, &fixed, |route| {
        route.bytes(RTA_OIF, &LOOPBACK.to_ne_bytes());
        route.bytes(RTA_PREFSRC, own);
    });
}

/// `rtmsg`: family, lengths of destination and source, TOS, table, protocol, scope, type, flags.
fn route(family: u8, prefix: u8, [table, protocol, scope, kind]: [u8; 4]) -> [u8; 12] {
    [family, prefix, 0, 0, table, protocol, scope, kind, 0, 0, 0, 0]
}

/// Whether this host would send packets for an address away, to one receiver. Not so: its own
/// addresses of every interface, broadcast addresses, and what it has no route to.
pub(super) fn leads_away(to: IpAddr) -> bool {
    let (family, octets) = match to {
        IpAddr::V4(v4) => (AF_INET, v4.octets().to_vec()),
        IpAddr::V6(v6) => (AF_INET6, v6.octets().to_vec()),
    };
    let mut request = Messages::default();
    let fixed = route(family, (octets.len() * 8) as u8, [0; 4]);
    request.message(RTM_GETROUTE, 0, &fixed, |route| route.bytes(RTA_DST, &octets));
    let kind = ask(None, &request).ok().and_then(|answer| answer.get(7).copied());
    kind == Some(TYPE_UNICAST)
}

/// Whether this host has a way to the IPv6 internet. Where it has none, a sandbox must not look as
/// if it had one: clients that race both families would take IPv6 for the faster one.
pub(super) fn host_has_ipv6() -> bool {
    // The first address of the block that RIPE's registry hands out; any global one would do.
    leads_away(IpAddr::V6(Ipv6Addr::new(0x2001, 0x600, 0, 0, 0, 0, 0, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_addresses_do_not_lead_away() {
        for own in ["127.0.0.1", "127.1.2.3", "::1", "255.255.255.255"] {
            assert!(!leads_away(own.parse().unwrap()), "{own}");
        }
        // Whatever address this machine would use to reach the internet, where it has one.
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        let elsewhere: IpAddr = "192.0.2.250".parse().unwrap();
        if socket.connect((elsewhere, 9)).is_ok() {
            assert!(!leads_away(socket.local_addr().unwrap().ip()));
            assert!(leads_away(elsewhere));
        }
    }
}
