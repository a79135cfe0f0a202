//! Where a chunked body ends (RFC 9112 section 7.1). hyper decodes it; this only follows along.

use super::head::Refusal;

/// Bytes of chunk extensions in one body: nobody sends any, floods of them are an attack.
const EXTENSIONS: usize = 4 << 10;

/// How far into a chunked body the reader is.
#[derive(Debug)]
pub(crate) struct Chunks {
    at: At,
    /// Bytes of extensions and trailers that may still come.
    extensions: usize,
    trailers: usize,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Size { size: u64, digits: u8 },
    Extension { size: u64 },
    SizeLf { size: u64 },
    Data(u64),
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
}

const FIRST: At = At::Size { size: 0, digits: 0 };

impl Chunks {
    /// At the start of a body whose trailers have at most `trailers` bytes.
    pub(crate) const fn new(trailers: usize) -> Self {
        Self { at: FIRST, extensions: EXTENSIONS, trailers }
    }

    /// Follows `bytes`: how many of them belong to the body, and whether it ends there.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        let mut used = 0;
        while let Some(&byte) = bytes.get(used) {
            if let At::Data(left) = self.at {
                let here = left.min((bytes.len() - used) as u64);
                used += here as usize;
                self.at = if here == left { At::DataCr } else { At::Data(left - here) };
                continue;
            }
            used += 1;
            if self.step(byte)? {
                return Ok((used, true));
            }
        }
        Ok((used, false))
    }

    /// One byte of framing; true at the body's end.
    fn step(&mut self, byte: u8) -> Result<bool, Refusal> {
        let malformed = Err(Refusal::bad("a chunk of the body is malformed"));
        self.at = match (self.at, byte) {
            (At::Size { size, digits }, _) if byte.is_ascii_hexdigit() => {
                // 15 digits hold more than any disk and cannot overflow.
                if digits == 15 {
                    return malformed;
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                At::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (At::Size { digits: 0, .. }, _) => return malformed,
            (At::Size { size, .. }, b';') => At::Extension { size },
            (At::Size { size, .. } | At::Extension { size }, b'\r') => At::SizeLf { size },
            (At::Extension { size }, 0x20.. | b'\t') => {
                self.extensions = match self.extensions.checked_sub(1) {
                    Some(left) => left,
                    None => return malformed,
                };
                At::Extension { size }
            }
            (At::SizeLf { size: 0 } | At::TrailerLf, b'\n') => At::TrailerStart,
            (At::SizeLf { size }, b'\n') => At::Data(size),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => FIRST,
            (At::TrailerStart, b'\r') => At::LastLf,
            (At::LastLf, b'\n') => return Ok(true),
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::TrailerStart | At::Trailer, 0x20.. | b'\t') => {
                self.trailers = match self.trailers.checked_sub(1) {
                    Some(left) => left,
                    None => return Err(Refusal::HEAD_TOO_LARGE),
                };
                At::Trailer
            }
            _ => return malformed,
        };
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(body: &[u8]) -> Result<(usize, bool), Refusal> {
        Chunks::new(64).advance(body)
    }

    #[test]
    fn ends_after_the_last_chunk_and_its_trailers() {
        for body in
            ["0\r\n\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n", "a\r\n0123456789\r\n00\r\nx: y\r\n\r\n"]
        {
            let followed = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(whole(followed.as_bytes()), Ok((body.len(), true)), "{body}");
        }
    }

    #[test]
    fn refuses_what_could_be_read_two_ways() {
        for body in [
            "\r\n",
            "-1\r\n",
            "0x5\r\n",
            " 5\r\n",
            "5 \r\n",
            "5\nhello",
            "5\r\nhello!",
            "5\rx",
            "5\r\nhello\n0",
            "1000000000000000\r\n",
            "0\r\nx\n\r\n",
            "0\r\n\n",
            "5;\n\r\n",
            "g\r\n",
        ] {
            assert!(whole(body.as_bytes()).is_err(), "{body:?}");
        }
        assert!(whole(format!("1;{}", "x".repeat(5000)).as_bytes()).is_err());
        assert_eq!(
            whole(format!("0\r\nx: {}", "x".repeat(500)).as_bytes()),
            Err(Refusal::HEAD_TOO_LARGE)
        );
    }

    #[test]
    fn where_the_bytes_are_cut_makes_no_difference() {
        bolero::check!().with_iterations(5_000).with_type::<(Vec<(u8, bool)>, u8)>().for_each(
            |(pieces, step)| {
                let mut body = Vec::new();
                for (size, extension) in pieces.iter().filter(|(size, _)| *size > 0) {
                    let tail = if *extension { ";e" } else { "" };
                    body.extend_from_slice(format!("{size:x}{tail}\r\n").as_bytes());
                    body.resize(body.len() + usize::from(*size), b'\r');
                    body.extend_from_slice(b"\r\n");
                }
                body.extend_from_slice(b"0\r\nt: 1\r\n\r\n");
                let mut chunks = Chunks::new(64);
                let mut total = 0;
                for part in body.chunks(usize::from(*step).max(1)) {
                    // Extensions of many chunks may together be over their limit.
                    let Ok((used, done)) = chunks.advance(part) else { return };
                    total += used;
                    assert_eq!(done, total == body.len());
                }
                assert_eq!(total, body.len());
            },
        );
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
            let _ = whole(bytes);
        });
    }
}
