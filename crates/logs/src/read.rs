//! What reads of events share: the time they cover, the size of their answers, their tokens.

use crate::error::Error;
use crate::store::Position;

/// Events of one answer at most, and where the request names no limit.
pub(crate) const MOST_EVENTS: usize = 10_000;
/// Bytes of an answer's events, each message with 26 bytes.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// The most events that a request asks for.
pub(crate) fn limit(asked: Option<i32>) -> usize {
    asked.and_then(|limit| usize::try_from(limit).ok()).map_or(MOST_EVENTS, |n| n.min(MOST_EVENTS))
}

/// Milliseconds of a request as the store counts them.
pub(crate) fn millis(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

/// GetLogEvents' token: `f/` or `b/`, 56 digits, `/s`, as AWS's look. The digits are the place
/// between the events behind and those ahead, so that both tokens of an empty page are one place,
/// and the same place is answered until there is something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) forward: bool,
    /// Forward: the first that is still ahead. Backward: the first that is behind already.
    pub(crate) place: Position,
}

impl Token {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let (forward, rest) = match text.split_at_checked(2) {
            Some(("f/", rest)) => (true, rest),
            Some(("b/", rest)) => (false, rest),
            _ => return Err(Error::InvalidToken),
        };
        let digits =
            rest.strip_suffix("/s").filter(|d| d.len() == 56).ok_or(Error::InvalidToken)?;
        let [time, sequence] = numbers(digits, [20, 36])?;
        Ok(Self { forward, place: Position { time, sequence } })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = if self.forward { 'f' } else { 'b' };
        write!(f, "{way}/{:020}{:036}/s", self.place.time, self.place.sequence)
    }
}

/// Decimal numbers of fixed widths that fill a text.
pub(crate) fn numbers<const N: usize>(text: &str, widths: [usize; N]) -> Result<[u64; N], Error> {
    let mut numbers = [0; N];
    let mut rest = text;
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (digits, after) = rest.split_at_checked(width).ok_or(Error::InvalidToken)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::InvalidToken);
        }
        *number = digits.parse().map_err(|_| Error::InvalidToken)?;
        rest = after;
    }
    if rest.is_empty() { Ok(numbers) } else { Err(Error::InvalidToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_read_back() {
        bolero::check!().with_type::<(bool, u64, u64)>().with_iterations(2_000).for_each(
            |(forward, time, sequence)| {
                let place = Position { time: *time, sequence: *sequence };
                let token = Token { forward: *forward, place };
                assert_eq!(token.to_string().len(), 60);
                assert_eq!(Token::parse(&token.to_string()), Ok(token));
            },
        );
    }

    #[test]
    fn foreign_tokens_are_refused() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            assert_eq!(Token::parse(text), Err(Error::InvalidToken));
            let _ = Token::parse(&format!("f/{text}/s"));
        });
        let large = format!("f/{}/s", "9".repeat(56));
        assert_eq!(Token::parse(&large), Err(Error::InvalidToken));
        assert_eq!(Token::parse(&format!("f/{}+1/s", "0".repeat(54))), Err(Error::InvalidToken));
    }
}
