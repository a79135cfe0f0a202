//! Questions and answers of the DNS: as much of them as a relay has to understand.
//!
//! Source: RFC 1035 section 4, RFC 6761 section 6.3 (localhost).

use std::net::Ipv4Addr;

/// Bytes of a header.
const HEADER: usize = 12;
/// Bytes of a name, at most, with its lengths and the final zero.
const NAME: usize = 255;
/// Bytes of a question, at most: no client sends more than a name and a few options.
pub(super) const QUESTION: usize = 4096;

const RESPONSE: u8 = 0x80;
const OPCODE: u8 = 0x78;
const TRUNCATED: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;
const SERVER_FAILURE: u8 = 2;

const A: u16 = 1;
const INTERNET: u16 = 1;
/// Seconds that an answer of our own may be remembered.
const TIME_TO_LIVE: u32 = 60;

/// An ordinary query with one question, in the message that it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    message: &'a [u8],
    /// Where the question ends.
    end: usize,
    kind: u16,
    class: u16,
}

impl<'a> Query<'a> {
    /// `None` for all that is not one: responses first of all, so that two servers never answer
    /// each other for ever, but also other operations and several questions at once.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        let header: &[u8; HEADER] = message.first_chunk()?;
        let [_, _, flags, _, questions @ ..] = header;
        // One question, no answers, no authorities; options (EDNS) are additional records.
        let [0, 1, 0, 0, 0, 0, 0, 0..=2] = questions else { return None };
        if message.len() > QUESTION || flags & (RESPONSE | OPCODE) != 0 {
            return None;
        }
        let name = name_end(message)?;
        let [a, b, c, d] = *message.get(name..)?.first_chunk()?;
        let (kind, class) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Some(Self { message, end: name + 4, kind, class })
    }

    /// The name in lower case without a dot at its end. `None` where it is not a host's name.
    pub(super) fn name(&self) -> Option<String> {
        let mut rest = self.message.get(HEADER..self.end)?;
        let mut name = String::new();
        loop {
            let (length, after) = rest.split_first()?;
            if *length == 0 {
                return Some(name);
            }
            let (label, after) = after.split_at_checked(usize::from(*length))?;
            if !name.is_empty() {
                name.push('.');
            }
            for byte in label {
                if !byte.is_ascii_alphanumeric() && !b"-_".contains(byte) {
                    return None;
                }
                name.push(char::from(byte.to_ascii_lowercase()));
            }
            rest = after;
        }
    }

    /// Whether it asks about the internet, which is the only class in use.
    pub(super) fn is_internet(&self) -> bool {
        self.class == INTERNET
    }

    /// An answer with one address; to a question for anything else, that there is nothing.
    pub(super) fn address(&self, address: Ipv4Addr) -> Vec<u8> {
        let answers = self.kind == A;
        let mut message = self.begin(0, 0, u8::from(answers));
        if answers {
            // The name of the question, by a pointer to it.
            message.extend_from_slice(&[0xc0, HEADER as u8]);
            message.extend_from_slice(&A.to_be_bytes());
            message.extend_from_slice(&INTERNET.to_be_bytes());
            message.extend_from_slice(&TIME_TO_LIVE.to_be_bytes());
            message.extend_from_slice(&[0, 4]);
            message.extend_from_slice(&address.octets());
        }
        message
    }

    /// That nobody could be asked.
    pub(super) fn failure(&self) -> Vec<u8> {
        self.begin(0, SERVER_FAILURE, 0)
    }

    /// That the answer is too long, so that the client asks again over TCP.
    pub(super) fn truncated(&self) -> Vec<u8> {
        self.begin(TRUNCATED, 0, 0)
    }

    fn begin(&self, flags: u8, code: u8, answers: u8) -> Vec<u8> {
        let asked = self.message.get(2).copied().unwrap_or_default() & RECURSION_DESIRED;
        let id = self.message.get(..2).unwrap_or_default();
        let mut message = id.to_vec();
        message.extend_from_slice(&[RESPONSE | flags | asked, RECURSION_AVAILABLE | code]);
        message.extend_from_slice(&[0, 1, 0, answers, 0, 0, 0, 0]);
        message.extend_from_slice(self.message.get(HEADER..self.end).unwrap_or_default());
        message
    }

    /// The same query under another number.
    pub(super) fn under(&self, id: [u8; 2]) -> Vec<u8> {
        with_id(self.message, id)
    }

    /// What `response` says, under this query's number, where it answers `self.under(id)`.
    pub(super) fn response(&self, response: &[u8], id: [u8; 2]) -> Option<Vec<u8>> {
        let header: &[u8; HEADER] = response.first_chunk()?;
        let [a, b, flags, _, 0, 1, ..] = *header else { return None };
        if [a, b] != id || flags & RESPONSE == 0 {
            return None;
        }
        // Resolvers may write letters in another case.
        let (asked, answered) =
            (self.message.get(HEADER..self.end)?, response.get(HEADER..self.end)?);
        let own = *self.message.first_chunk()?;
        asked.eq_ignore_ascii_case(answered).then(|| with_id(response, own))
    }
}

fn with_id(message: &[u8], id: [u8; 2]) -> Vec<u8> {
    let mut changed = message.to_vec();
    changed.iter_mut().zip(id).for_each(|(place, byte)| *place = byte);
    changed
}

/// Where the question's name ends. A question has nothing before it that it could point to.
fn name_end(message: &[u8]) -> Option<usize> {
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1 + length;
        if length > 63 || at - HEADER > NAME {
            return None;
        }
        if length == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![7, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.').filter(|label| !label.is_empty()) {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.push(0);
        message.extend_from_slice(&kind.to_be_bytes());
        message.extend_from_slice(&INTERNET.to_be_bytes());
        message
    }

    #[test]
    fn questions() {
        for (name, want) in [
            ("A.Example.Org.", Some("a.example.org")),
            ("_dmarc.example.org", Some("_dmarc.example.org")),
            ("", Some("")),
            ("exa mple.org", None),
        ] {
            let message = query(name, A);
            let parsed = Query::parse(&message).unwrap();
            assert_eq!(parsed.name().as_deref(), want);
            assert_eq!(parsed.end, message.len());
        }
        let good = query("example.org", A);
        for (index, value) in
            [(2, 0x81), (2, 0x08), (5, 0), (5, 2), (7, 1), (9, 1), (12, 64), (12, 192)]
        {
            let mut bad = good.clone();
            bad[index] = value;
            assert!(Query::parse(&bad).is_none(), "{index} {value}");
        }
        let long = vec!["a23456789"; 26].join(".");
        assert!(Query::parse(&query(&long, A)).is_none());
    }

    #[test]
    fn answers_of_our_own() {
        let message = query("a.localhost", A);
        let answer = Query::parse(&message).unwrap().address(Ipv4Addr::new(198, 18, 0, 1));
        assert_eq!(answer[..12], [7, 9, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[12..message.len()], message[12..]);
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 18, 0, 1];
        assert_eq!(answer[message.len()..], record);
        // There is no other record: AAAA gets none, and that is no error.
        let message = query("a.localhost", 28);
        let parsed = Query::parse(&message).unwrap();
        let answer = parsed.address(Ipv4Addr::LOCALHOST);
        assert_eq!(answer[..8], [7, 9, 0x81, 0x80, 0, 1, 0, 0]);
        assert_eq!(parsed.failure()[3], 0x82);
        assert_eq!(parsed.truncated()[2], 0x83);
    }

    #[test]
    fn a_response_must_be_to_the_question() {
        let message = query("Example.org", A);
        let parsed = Query::parse(&message).unwrap();
        let mut response = parsed.under([1, 2]);
        assert_eq!(response[..2], [1, 2]);
        assert_eq!(parsed.response(&response, [1, 2]), None, "a query is none");
        response[2] |= RESPONSE;
        response[13] = b'e';
        let relayed = parsed.response(&response, [1, 2]).unwrap();
        assert_eq!((&relayed[..2], &relayed[2..]), (&[7, 9][..], &response[2..]));
        assert_eq!(parsed.response(&response, [1, 3]), None);
        response[14] = b'y';
        assert_eq!(parsed.response(&response, [1, 2]), None);
    }

    #[test]
    fn hostile_bytes() {
        type Bytes = (Vec<u8>, Vec<u8>, bool);
        bolero::check!().with_type::<Bytes>().with_iterations(4000).for_each(
            |(bytes, other, plausible)| {
                let mut message = bytes.clone();
                if *plausible {
                    message.splice(0..0, [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
                }
                let Some(parsed) = Query::parse(&message) else { return };
                assert!(parsed.end <= message.len() && parsed.end - HEADER <= NAME + 4);
                assert!(parsed.name().is_none_or(|name| name.len() <= NAME));
                let answer = parsed.address(Ipv4Addr::LOCALHOST);
                assert!(answer.len() <= message.len() + 16);
                assert!(Query::parse(&answer).is_none(), "an answer is no query");
                let _ = parsed.response(other, [0, 0]);
                assert_eq!(parsed.under([3, 4])[2..], message[2..]);
            },
        );
    }
}
