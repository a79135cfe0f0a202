//! Messages between the platform, the launcher process and a sandbox's first process: a few words
//! and a few descriptors, over a socket that keeps their bounds (`SOCK_SEQPACKET`).
//!
//! All three are this same program, and the socket is in nobody else's hands; a message that does
//! not fit the pattern is an error all the same.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

/// Bytes of a message. The largest carries a function's environment (4 KB of its own) and paths.
const MESSAGE_LIMIT: usize = 128 << 10;
/// Descriptors of a message. Most of them are sockets that lead out of a sandbox.
const FD_LIMIT: usize = 128;

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Link(OwnedFd);

/// A message under way: words and descriptors.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl Link {
    /// Two ends. Neither is inherited by a program that is started.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(one), Self(other)))
    }

    pub(super) fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    pub(super) fn into_fd(self) -> OwnedFd {
        self.0
    }

    /// How long a `receive` waits at most.
    pub(super) fn set_patience(&self, limit: Duration) -> io::Result<()> {
        let timeout = rustix::net::sockopt::Timeout::Recv;
        Ok(rustix::net::sockopt::set_socket_timeout(&self.0, timeout, Some(limit))?)
    }

    pub(super) fn send(&self, message: &Message) -> io::Result<()> {
        give(&self.0, message, SendFlags::empty())
    }

    /// Sends where there is room; else an error of kind `WouldBlock`.
    pub(super) fn send_now(fd: impl AsFd, message: &Message) -> io::Result<()> {
        give(fd, message, SendFlags::DONTWAIT)
    }

    /// The next message; `None` where the other end is closed.
    pub(super) fn receive(&self) -> io::Result<Option<Message>> {
        take(&self.0, RecvFlags::empty())
    }

    /// The next message if one is there; else an error of kind `WouldBlock`.
    pub(super) fn receive_now(fd: impl AsFd) -> io::Result<Option<Message>> {
        take(fd, RecvFlags::DONTWAIT)
    }
}

fn give(fd: impl AsFd, message: &Message, flags: SendFlags) -> io::Result<()> {
    let fds: Vec<BorrowedFd<'_>> = message.fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FD_LIMIT))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if message.bytes.len() > MESSAGE_LIMIT
        || (!fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)))
    {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too large"));
    }
    let bytes = [IoSlice::new(&message.bytes)];
    rustix::net::sendmsg(fd, &bytes, &mut control, flags | SendFlags::NOSIGNAL)?;
    Ok(())
}

fn take(fd: impl AsFd, flags: RecvFlags) -> io::Result<Option<Message>> {
    let mut bytes = vec![0; MESSAGE_LIMIT];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FD_LIMIT))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut into = [IoSliceMut::new(&mut bytes)];
        let flags = flags | RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(&fd, &mut into, &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let fds: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    // A message has at least one word, so nothing at all is the end.
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(malformed());
    }
    bytes.truncate(received.bytes);
    Ok(Some(Message { bytes, fds }))
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Message {
    /// A message whose first word says what it is.
    pub(super) fn new(verb: &str) -> Self {
        let mut message = Self::default();
        message.word(verb);
        message
    }

    pub(super) fn word(&mut self, word: impl AsRef<[u8]>) -> &mut Self {
        let word = word.as_ref();
        self.bytes.extend((word.len() as u64).to_le_bytes());
        self.bytes.extend(word);
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.word(number.to_le_bytes())
    }

    pub(super) fn fd(&mut self, fd: OwnedFd) -> &mut Self {
        self.fds.push(fd);
        self
    }

    /// Its words and descriptors, to be read in the order in which they were put in.
    pub(super) fn read(self) -> Reader {
        Reader { bytes: self.bytes, at: 0, fds: self.fds.into_iter() }
    }
}

/// Reads a message.
pub(super) struct Reader {
    bytes: Vec<u8>,
    at: usize,
    fds: std::vec::IntoIter<OwnedFd>,
}

impl Reader {
    pub(super) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let rest = self.bytes.get(self.at..).ok_or_else(malformed)?;
        let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| malformed())?;
        let word = rest.get(..length).ok_or_else(malformed)?.to_vec();
        self.at += 8 + length;
        Ok(word)
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| malformed())
    }

    pub(super) fn number(&mut self) -> io::Result<u64> {
        let bytes = self.bytes()?.try_into().map_err(|_| malformed())?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(super) fn fd(&mut self) -> io::Result<OwnedFd> {
        self.fds.next().ok_or_else(malformed)
    }

    /// All descriptors that are left.
    pub(super) fn fds(self) -> Vec<OwnedFd> {
        self.fds.collect()
    }

    /// So many of what `one` reads.
    pub(super) fn list<T>(
        &mut self,
        one: impl Fn(&mut Self) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let count = self.number()?;
        // Each has a word at least, so a count that is not true ends at the message's end.
        (0..count).map(|_| one(self)).collect()
    }
}

pub(super) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message between sandbox processes is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_descriptors_arrive_in_order() {
        let (one, other) = Link::pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let mut message = Message::new("verb");
        message.number(2).word("a").word("").number(u64::MAX).fd(reader.into()).fd(writer.into());
        one.send(&message).unwrap();
        let mut got = other.receive().unwrap().unwrap().read();
        assert_eq!(got.text().unwrap(), "verb");
        assert_eq!(got.list(Reader::text).unwrap(), ["a", ""]);
        assert_eq!(got.number().unwrap(), u64::MAX);
        got.fd().unwrap();
        got.fd().unwrap();
        assert!(got.fd().is_err());
        assert!(got.text().is_err());
        assert_eq!(Link::receive_now(&other).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(one);
        assert!(other.receive().unwrap().is_none());
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(5000).for_each(|bytes| {
            let mut reader = Message { bytes: bytes.clone(), fds: Vec::new() }.read();
            let _ = reader.text();
            let _ = reader.number();
            let _ = reader.list(Reader::text);
        });
    }
}
