//! Datagrams with two addresses: received with the one that they were sent to, and sent with the
//! one that they shall seem to come from.
//!
//! Source: recvmsg(2), ip(7) on IP_RECVORIGDSTADDR, raw(7); RFC 791, RFC 768, RFC 8200 section 8.1.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::net::{SendFlags, sendto};

/// `cmsghdr` as the kernel writes it: length, level, type.
const CONTROL_HEADER: usize = size_of::<usize>() + 8;
/// UDP over IPv4 takes 28 bytes of a packet's 65,535.
pub(super) const PAYLOAD: usize = 65_507;

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const HOPS: u8 = 64;

/// A datagram's ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
}

/// Receives one datagram into `buffer` with the address that it was sent to. `None` for the ends
/// where the kernel did not say it. Does not wait.
pub(super) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<(usize, Option<Ends>)> {
    // Aligned as `cmsghdr` wants it, and room for one address.
    let mut control = [0_u64; 16];
    let mut name = [0_u64; 4];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    #[allow(unsafe_code)]
    // SAFETY: `msghdr` is plain numbers and pointers, for which all zeros are values.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.as_mut_ptr().cast();
    message.msg_namelen = size_of_val(&name) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    #[allow(unsafe_code)]
    // SAFETY: every pointer in `message` is to a live local or to `buffer`, with its own length
    // beside it, and none of them is used elsewhere during the call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    let name = to_bytes(&name);
    let control = to_bytes(&control);
    let written = control.get(..message.msg_controllen as usize).unwrap_or_default();
    let ends = address(&name).zip(original(written)).map(|(from, to)| Ends { from, to });
    Ok((length, ends))
}

fn to_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// The original destination among control messages.
fn original(mut control: &[u8]) -> Option<SocketAddr> {
    loop {
        let (length, rest) = control.split_first_chunk()?;
        let length = usize::from_ne_bytes(*length);
        let (level, rest) = rest.split_first_chunk()?;
        let kind = i32::from_ne_bytes(*rest.first_chunk()?);
        let data = control.get(CONTROL_HEADER..length)?;
        match (i32::from_ne_bytes(*level), kind) {
            (libc::SOL_IP, libc::IP_ORIGDSTADDR) | (libc::SOL_IPV6, libc::IPV6_ORIGDSTADDR) => {
                return address(data);
            }
            _ => control = control.get(length.next_multiple_of(size_of::<usize>())..)?,
        }
    }
}

/// A `sockaddr_in` or `sockaddr_in6`.
fn address(bytes: &[u8]) -> Option<SocketAddr> {
    let [a, b, p, q, rest @ ..] = bytes else { return None };
    let port = u16::from_be_bytes([*p, *q]);
    match i32::from(u16::from_ne_bytes([*a, *b])) {
        libc::AF_INET => {
            let octets: [u8; 4] = *rest.first_chunk()?;
            Some(SocketAddrV4::new(Ipv4Addr::from(octets), port).into())
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = *rest.get(4..)?.first_chunk()?;
            Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, 0, 0).into())
        }
        _ => None,
    }
}

/// Sends a datagram through a raw socket, so that it seems to come from `ends.from`. The two are
/// of one family, the socket's. Does not wait.
pub(super) fn send(socket: BorrowedFd<'_>, ends: Ends, payload: &[u8]) -> io::Result<()> {
    if payload.len() > PAYLOAD {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let packet = match (ends.from, ends.to) {
        (SocketAddr::V4(from), SocketAddr::V4(to)) => packet_v4(from, to, payload),
        (SocketAddr::V6(from), SocketAddr::V6(to)) => packet_v6(from, to, payload),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    // For a raw socket the port stands for a protocol.
    let to = SocketAddr::new(ends.to.ip(), 0);
    sendto(socket, &packet, SendFlags::DONTWAIT, &to)?;
    Ok(())
}

/// The kernel fills in the header's identification and checksum (raw(7)).
fn packet_v4(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let length = UDP_HEADER + payload.len();
    let mut packet = Vec::with_capacity(20 + length);
    packet.extend_from_slice(&[0x45, 0]);
    packet.extend_from_slice(&((20 + length) as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 0, HOPS, UDP, 0, 0]);
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    // A checksum of zero is none at all (RFC 768); nothing can damage what stays in the kernel.
    udp(&mut packet, from.port(), to.port(), 0, payload);
    packet
}

fn packet_v6(from: SocketAddrV6, to: SocketAddrV6, payload: &[u8]) -> Vec<u8> {
    let length = (UDP_HEADER + payload.len()) as u16;
    let mut packet = Vec::with_capacity(40 + usize::from(length));
    packet.extend_from_slice(&[0x60, 0, 0, 0]);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[UDP, HOPS]);
    packet.extend_from_slice(&from.ip().octets());
    packet.extend_from_slice(&to.ip().octets());
    let checksum = checksum_v6(from, to, length, payload);
    udp(&mut packet, from.port(), to.port(), checksum, payload);
    packet
}

fn udp(packet: &mut Vec<u8>, from: u16, to: u16, checksum: u16, payload: &[u8]) {
    let length = (UDP_HEADER + payload.len()) as u16;
    for field in [from, to, length, checksum] {
        packet.extend_from_slice(&field.to_be_bytes());
    }
    packet.extend_from_slice(payload);
}

/// IPv6 wants one (RFC 8200 section 8.1), over a header of its own making: addresses, length,
/// protocol; then the UDP header and the payload.
fn checksum_v6(from: SocketAddrV6, to: SocketAddrV6, length: u16, payload: &[u8]) -> u16 {
    let words = |bytes: &[u8]| -> u64 {
        bytes
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
                [high] => u64::from(*high) << 8,
                _ => 0,
            })
            .sum()
    };
    let mut sum = words(&from.ip().octets())
        + words(&to.ip().octets())
        + 2 * u64::from(length)
        + u64::from(UDP)
        + u64::from(from.port())
        + u64::from(to.port())
        + words(payload);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    // Zero would say that there is none.
    if sum == 0xffff { 0xffff } else { !(sum as u16) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_say_their_lengths_and_sums() {
        let (from, to) = ("203.0.113.7:53".parse().unwrap(), "198.18.0.2:4000".parse().unwrap());
        let packet = packet_v4(from, to, b"abc");
        assert_eq!(packet.len(), 31);
        assert_eq!(packet[..4], [0x45, 0, 0, 31]);
        assert_eq!(packet[12..20], [203, 0, 113, 7, 198, 18, 0, 2]);
        assert_eq!(packet[20..], [0, 53, 0x0f, 0xa0, 0, 11, 0, 0, b'a', b'b', b'c']);

        bolero::check!().with_type::<(u16, u16, Vec<u8>)>().with_iterations(1000).for_each(
            |(here, there, payload)| {
                let from =
                    SocketAddrV6::new(Ipv6Addr::new(0x2600, 1, 2, 3, 4, 5, 6, 7), *here, 0, 0);
                let to = SocketAddrV6::new(Ipv6Addr::LOCALHOST, *there, 0, 0);
                let packet = packet_v6(from, to, payload);
                assert_eq!(packet.len(), 48 + payload.len());
                assert_ne!(packet[46..48], [0, 0]);
                // The receiver's view: everything, checksum included, sums up to ones.
                let mut whole = packet[8..].to_vec();
                whole.extend_from_slice(&packet[4..6]);
                whole.extend_from_slice(&[0, UDP]);
                // The payload must stand last for an odd length to be padded at its end.
                whole.rotate_right(4);
                if whole.len() % 2 == 1 {
                    whole.push(0);
                }
                let mut sum: u64 = whole
                    .chunks(2)
                    .map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]])))
                    .sum();
                while sum > 0xffff {
                    sum = (sum >> 16) + (sum & 0xffff);
                }
                assert_eq!(sum, 0xffff);
            },
        );
    }

    #[test]
    fn hostile_control_messages() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3000).for_each(|bytes| {
            let _ = original(bytes);
            let _ = address(bytes);
        });
        // A message without a length would be read for ever.
        assert_eq!(original(&[0; 64]), None);
    }
}
