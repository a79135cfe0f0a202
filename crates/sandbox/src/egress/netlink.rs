//! Netlink messages, and the kernel's answers to them.
//!
//! Source: netlink(7), rtnetlink(7), the kernel's `include/uapi/linux/{netlink,rtnetlink}.h`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// `nlmsghdr`: length, type, flags, sequence number, port.
const HEADER: usize = 16;
/// `nlattr`: length and type.
const ATTRIBUTE: usize = 4;
const ALIGNMENT: usize = 4;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLA_F_NESTED: u16 = 1 << 15;

/// Asks for an answer even where all went well.
pub(super) const NLM_F_ACK: u16 = 4;
/// Makes what is not there.
pub(super) const NLM_F_CREATE: u16 = 0x400;
/// Fails where it is there already.
pub(super) const NLM_F_EXCL: u16 = 0x200;

/// Messages for one `send`, one after the other. Lengths and padding are its business.
#[derive(Debug, Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
    /// Of the last message. They count from 1, and an answer names the one that it answers.
    sequence: u32,
    /// Of the last message that asks for an answer.
    awaited: u32,
}

impl Messages {
    /// Adds a message: its type, flags beside "this is a request", the family's fixed header, and
    /// what `body` writes after it.
    pub(super) fn message(
        &mut self,
        kind: u16,
        flags: u16,
        fixed: &[u8],
        body: impl FnOnce(&mut Attributes<'_>),
    ) {
        self.sequence += 1;
        if flags & NLM_F_ACK != 0 {
            self.awaited = self.sequence;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(fixed);
        pad(&mut self.bytes);
        body(&mut Attributes(&mut self.bytes));
        let length = (self.bytes.len() - start) as u32;
        patch(&mut self.bytes, start, &length.to_ne_bytes());
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where a message's attributes are written.
#[derive(Debug)]
pub(super) struct Attributes<'a>(&'a mut Vec<u8>);

impl Attributes<'_> {
    /// An attribute with these bytes. At most 65,531 of them, which its length field can say.
    pub(super) fn bytes(&mut self, kind: u16, value: &[u8]) {
        debug_assert!(value.len() <= usize::from(u16::MAX) - ATTRIBUTE);
        self.0.extend_from_slice(&((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        pad(self.0);
    }

    /// An attribute with a name that ends with a zero byte.
    pub(super) fn name(&mut self, kind: u16, value: &str) {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes);
    }

    /// An attribute with a number in network order, as netfilter wants its numbers.
    pub(super) fn number(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute made of attributes.
    pub(super) fn nested(&mut self, kind: u16, body: impl FnOnce(&mut Attributes<'_>)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; 2]);
        self.0.extend_from_slice(&(kind | NLA_F_NESTED).to_ne_bytes());
        body(&mut Attributes(self.0));
        let length = (self.0.len() - start) as u16;
        patch(self.0, start, &length.to_ne_bytes());
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}

fn patch(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// Sends messages and waits until the last one that asks for it is acknowledged. Fails with the
/// first error that the kernel reports.
pub(super) fn transact(protocol: Option<Protocol>, messages: &Messages) -> io::Result<()> {
    let socket = open(protocol)?;
    send(&socket, &messages.bytes, SendFlags::empty())?;
    loop {
        let answer = receive(&socket)?;
        for message in parse(&answer) {
            if let Some(error) = message.error() {
                error?;
                if message.sequence == messages.awaited {
                    return Ok(());
                }
            }
        }
    }
}

/// Sends one request and returns the fixed header and attributes of its answer, which is one
/// message.
pub(super) fn ask(protocol: Option<Protocol>, request: &Messages) -> io::Result<Vec<u8>> {
    let socket = open(protocol)?;
    send(&socket, &request.bytes, SendFlags::empty())?;
    let answer = receive(&socket)?;
    let message = parse(&answer).next().ok_or(Errno::BADMSG)?;
    match message.error() {
        Some(error) => error.and(Err(Errno::BADMSG.into())),
        None => Ok(message.body.to_vec()),
    }
}

/// `None` stands for the routing family, which is number 0.
fn open(protocol: Option<Protocol>) -> io::Result<OwnedFd> {
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    Ok(socket)
}

/// The kernel answers within `send`, so an answer that is not there will not come.
fn receive(socket: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 32 << 10];
    let (length, _) = recv(socket, buffer.as_mut_slice(), RecvFlags::DONTWAIT)?;
    buffer.truncate(length);
    Ok(buffer)
}

struct Answer<'a> {
    kind: u16,
    sequence: u32,
    body: &'a [u8],
}

impl Answer<'_> {
    /// For an acknowledgement what it says, for anything else `None`.
    fn error(&self) -> Option<io::Result<()>> {
        if self.kind == NLMSG_DONE {
            return Some(Ok(()));
        }
        if self.kind != NLMSG_ERROR {
            return None;
        }
        let code = self.body.first_chunk().map(|code| i32::from_ne_bytes(*code));
        Some(match code {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(code.wrapping_neg())),
            None => Err(Errno::BADMSG.into()),
        })
    }
}

/// The messages of one datagram. Ends early where a length is wrong.
fn parse(mut bytes: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    std::iter::from_fn(move || {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let [a, b, c, d, e, f, _, _, h, i, j, k, ..] = *header;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let body = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        let (kind, sequence) = (u16::from_ne_bytes([e, f]), u32::from_ne_bytes([h, i, j, k]));
        Some(Answer { kind, sequence, body })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, bolero::TypeGenerator)]
    enum Node {
        Bytes(u16, Vec<u8>),
        Nested(u16, Vec<Leaf>),
    }

    #[derive(Debug, Clone, bolero::TypeGenerator)]
    struct Leaf(u16, Vec<u8>);

    /// Reads attributes as the kernel does: (kind, value), each at an aligned place.
    fn attributes(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
            let kind = u16::from_ne_bytes([bytes[2], bytes[3]]);
            assert!(length >= ATTRIBUTE);
            found.push((kind, bytes[ATTRIBUTE..length].to_vec()));
            let padded = length.next_multiple_of(ALIGNMENT);
            assert!(bytes[length..padded].iter().all(|byte| *byte == 0));
            bytes = &bytes[padded..];
        }
        found
    }

    #[test]
    fn what_is_written_is_read_back_at_aligned_places() {
        bolero::check!()
            .with_type::<Vec<(u16, Vec<u8>, Vec<Node>)>>()
            .with_iterations(1500)
            .for_each(|script| {
                let mut messages = Messages::default();
                for (kind, fixed, nodes) in script {
                    messages.message(*kind, NLM_F_ACK, fixed, |body| {
                        for node in nodes {
                            match node {
                                Node::Bytes(kind, value) => body.bytes(*kind, value),
                                Node::Nested(kind, leaves) => body.nested(*kind, |body| {
                                    for Leaf(kind, value) in leaves {
                                        body.bytes(*kind, value);
                                    }
                                }),
                            }
                        }
                    });
                }
                let read: Vec<_> = parse(messages.bytes()).collect();
                assert_eq!(read.len(), script.len());
                for (index, (answer, (kind, fixed, nodes))) in read.iter().zip(script).enumerate() {
                    assert_eq!((answer.kind, answer.sequence), (*kind, index as u32 + 1));
                    assert_eq!(answer.body.len() % ALIGNMENT, 0);
                    assert_eq!(&answer.body[..fixed.len()], fixed);
                    let found = attributes(&answer.body[fixed.len().next_multiple_of(ALIGNMENT)..]);
                    assert_eq!(found.len(), nodes.len());
                    for ((found, value), node) in found.iter().zip(nodes) {
                        match node {
                            Node::Bytes(kind, want) => assert_eq!((found, value), (kind, want)),
                            Node::Nested(kind, leaves) => {
                                assert_eq!(*found, kind | NLA_F_NESTED);
                                let inner = attributes(value);
                                let want: Vec<_> =
                                    leaves.iter().map(|Leaf(k, v)| (*k, v.clone())).collect();
                                assert_eq!(inner, want);
                            }
                        }
                    }
                }
            });
    }

    #[test]
    fn hostile_answers_are_bounded() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3000).for_each(|bytes| {
            assert!(parse(bytes).count() <= bytes.len() / HEADER);
            for answer in parse(bytes) {
                let _ = answer.error();
            }
        });
        // A length of nothing would be read for ever.
        assert_eq!(parse(&[0; 64]).count(), 0);
    }

    #[test]
    fn the_kernel_says_what_is_wrong() {
        let mut messages = Messages::default();
        // RTM_GETROUTE of a family that there is not.
        messages.message(26, NLM_F_ACK, &[255; 12], |_| {});
        assert!(transact(None, &messages).is_err());
    }
}
