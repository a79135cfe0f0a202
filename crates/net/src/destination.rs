//! Where the outgoing client may connect to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Decides on the address actually dialled, after names were resolved: a name that resolves to
/// another address the second time gains nothing.
pub trait DestinationPolicy: Send + Sync {
    /// Whether a connection to `to` may be opened, or an open one used.
    fn allows(&self, to: SocketAddr) -> bool;
}

/// Every destination: for requests that the owner of this machine wrote himself.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

impl DestinationPolicy for AllowAll {
    fn allows(&self, _: SocketAddr) -> bool {
        true
    }
}

/// The public internet: nothing on this machine, on its networks, or of its hosting's metadata.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicOnly;

impl DestinationPolicy for PublicOnly {
    fn allows(&self, to: SocketAddr) -> bool {
        is_public(to.ip())
    }
}

/// Whether an address is globally reachable unicast, by IANA's special-purpose registries.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // "This network", private, loopback; multicast, reserved, broadcast.
        [0 | 10 | 127 | 224.., ..]
        // Shared by carriers (RFC 6598); link-local, and with it the metadata address.
        | [100, 64..=127, ..] | [169, 254, ..]
        // Private.
        | [172, 16..=31, ..] | [192, 168, ..]
        // Protocol assignments, documentation, AS112, AMT, 6to4 relays.
        | [192, 0, 0 | 2, _] | [192, 31, 196, _] | [192, 52, 193, _]
        | [192, 88, 99, _] | [192, 175, 48, _]
        // Benchmarking, documentation.
        | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => false,
        _ => true,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        // Addresses that stand for an IPv4 one: mapped, NAT64 (RFC 6052), 6to4.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => embedded(g, h),
        (0x2002, ..) => embedded(b, c),
        // Only 2000::/3 is assigned for global unicast (AWS's fd00:ec2::254 is not in it); in it
        // lie Teredo and other protocol assignments (2001::/23), and two for documentation.
        (0x2001, 0..=0x1ff | 0xdb8, ..) | (0x3fff, 0..=0xfff, ..) => false,
        _ => (0x2000..0x4000).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_other_addresses() {
        for (text, public) in [
            ("8.8.8.8", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("100.63.0.1", true),
            ("223.255.255.255", true),
            ("127.0.0.1", false),
            ("127.255.0.9", false),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("169.254.170.2", false),
            ("100.100.100.200", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2600:1f18::1", true),
            ("2a00:1450::1", true),
            ("::", false),
            ("::1", false),
            ("::ffff:8.8.8.8", true),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::127.0.0.1", false),
            ("64:ff9b::8.8.8.8", true),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b:1::a00:1", false),
            ("2002:7f00:1::", false),
            ("2002:808:808::", true),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
        assert!(PublicOnly.allows("1.1.1.1:80".parse().unwrap()));
        assert!(AllowAll.allows("127.0.0.1:80".parse().unwrap()));
    }
}
