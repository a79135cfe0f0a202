//! The packet filter of a sandbox's network namespace: what is sent to any address but its own
//! ones goes to the listener that the platform accepts on.
//!
//! For IPv4, in nft's words (IPv6 likewise, with its own addresses):
//!
//! ```text
//! table ip egress {
//!     chain out {
//!         type filter hook prerouting priority mangle;
//!         @nh,128,8 127 return            # ip daddr 127.0.0.0/8
//!         ip daddr 198.18.0.2 return
//!         ip saddr != 198.18.0.2 return
//!         tproxy to 127.0.0.1:15001 accept
//!         drop
//!     }
//! }
//! ```
//!
//! What the platform sends back carries the foreign address as its source and the sandbox's as its
//! destination, so the second rule lets it through and no connection tracking is needed: its table
//! would be kernel memory that a function can fill. A program that binds a source address other
//! than the sandbox's is left to the kernel, where nobody listens. `tproxy` takes TCP and UDP
//! alone; the last rule drops the rest (ICMP), and everything where the platform is gone.
//!
//! Source: the kernel's `include/uapi/linux/netfilter/nf_tables.h`, and nft(8).

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rustix::net::netlink::NETFILTER;

use super::netlink::{Attributes, Messages, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, transact};
use super::{PROXY_V4, PROXY_V6, SANDBOX_V4, SANDBOX_V6};

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM: u16 = 10;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;

const TABLE: &str = "egress";
const CHAIN: &str = "out";
const PREROUTING: u32 = 0;
/// Before routing decides, as tproxy needs it.
const MANGLE: i32 = -150;

const VERDICT: u32 = 0;
const REGISTER_1: u32 = 1;
const REGISTER_2: u32 = 2;
const NETWORK_HEADER: u32 = 1;
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const DROP: u32 = 0;
const ACCEPT: u32 = 1;
const RETURN: u32 = -5_i32 as u32;

/// Loads the rules into this process's network namespace, both families or none.
pub(super) fn load(ipv6: bool) -> io::Result<()> {
    transact(Some(NETFILTER), &ruleset(ipv6))
}

fn ruleset(ipv6: bool) -> Messages {
    let mut messages = Messages::default();
    messages.message(BATCH_BEGIN, 0, &header(0, SUBSYSTEM), |_| {});
    V4.write(&mut messages);
    if ipv6 {
        V6.write(&mut messages);
    }
    messages.message(BATCH_END, 0, &header(0, SUBSYSTEM), |_| {});
    messages
}

/// `nfgenmsg`: family, version, resource.
fn header(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

/// Where a family's header has its addresses, and which ones are the sandbox's own.
struct Family {
    number: u8,
    source: u32,
    destination: u32,
    /// The first bytes of an address that is always this machine.
    loopback: &'static [u8],
    own: IpAddr,
    proxy: SocketAddr,
}

const V4: Family = Family {
    number: 2,
    source: 12,
    destination: 16,
    loopback: &[127],
    own: IpAddr::V4(SANDBOX_V4),
    proxy: PROXY_V4,
};

const V6: Family = Family {
    number: 10,
    source: 8,
    destination: 24,
    loopback: &Ipv6Addr::LOCALHOST.octets(),
    own: IpAddr::V6(SANDBOX_V6),
    proxy: PROXY_V6,
};

impl Family {
    fn write(&self, messages: &mut Messages) {
        let fixed = header(self.number, 0);
        let new = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
        messages.message(NEW_TABLE, new, &fixed, |table| table.name(1, TABLE));
        messages.message(NEW_CHAIN, new, &fixed, |chain| {
            chain.name(1, TABLE);
            chain.name(3, CHAIN);
            chain.nested(4, |hook| {
                hook.number(1, PREROUTING);
                hook.number(2, MANGLE as u32);
            });
            chain.name(7, "filter");
        });
        let own = octets(self.own);
        self.rule(messages, |rule| {
            compare(rule, self.destination, EQUAL, self.loopback);
            verdict(rule, RETURN);
        });
        self.rule(messages, |rule| {
            compare(rule, self.destination, EQUAL, &own);
            verdict(rule, RETURN);
        });
        self.rule(messages, |rule| {
            compare(rule, self.source, NOT_EQUAL, &own);
            verdict(rule, RETURN);
        });
        self.rule(messages, |rule| {
            self.tproxy(rule);
            verdict(rule, ACCEPT);
        });
        self.rule(messages, |rule| verdict(rule, DROP));
    }

    fn rule(&self, messages: &mut Messages, expressions: impl FnOnce(&mut Attributes<'_>)) {
        let flags = NLM_F_CREATE | NLM_F_ACK | NLM_F_APPEND;
        messages.message(NEW_RULE, flags, &header(self.number, 0), |rule| {
            rule.name(1, TABLE);
            rule.name(2, CHAIN);
            rule.nested(4, expressions);
        });
    }

    fn tproxy(&self, rule: &mut Attributes<'_>) {
        immediate(rule, REGISTER_1, &octets(self.proxy.ip()));
        immediate(rule, REGISTER_2, &self.proxy.port().to_be_bytes());
        expression(rule, "tproxy", |tproxy| {
            tproxy.number(1, u32::from(self.number));
            tproxy.number(2, REGISTER_1);
            tproxy.number(3, REGISTER_2);
        });
    }
}

const NLM_F_APPEND: u16 = 0x800;

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn expression(rule: &mut Attributes<'_>, name: &str, body: impl FnOnce(&mut Attributes<'_>)) {
    rule.nested(1, |expression| {
        expression.name(1, name);
        expression.nested(2, body);
    });
}

/// Goes on only where the network header's bytes at `offset` compare so.
fn compare(rule: &mut Attributes<'_>, offset: u32, how: u32, with: &[u8]) {
    expression(rule, "payload", |payload| {
        payload.number(1, REGISTER_1);
        payload.number(2, NETWORK_HEADER);
        payload.number(3, offset);
        payload.number(4, with.len() as u32);
    });
    expression(rule, "cmp", |compare| {
        compare.number(1, REGISTER_1);
        compare.number(2, how);
        compare.nested(3, |data| data.bytes(1, with));
    });
}

fn immediate(rule: &mut Attributes<'_>, register: u32, value: &[u8]) {
    expression(rule, "immediate", |immediate| {
        immediate.number(1, register);
        immediate.nested(2, |data| data.bytes(1, value));
    });
}

fn verdict(rule: &mut Attributes<'_>, code: u32) {
    expression(rule, "immediate", |immediate| {
        immediate.number(1, VERDICT);
        immediate.nested(2, |data| data.nested(2, |verdict| verdict.number(1, code)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_small_batch() {
        let v4 = ruleset(false).bytes().len();
        let both = ruleset(true).bytes().len();
        // One page, so that it is one datagram anywhere.
        assert!(v4 < both && both < 4096, "{v4} {both}");
        assert_eq!((v4 % 4, both % 4), (0, 0));
        assert_eq!(octets("1.2.3.4".parse().unwrap()), [1, 2, 3, 4]);
    }
}
