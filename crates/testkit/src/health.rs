//! Waits until a cloud answers `GET /_cumulet/health` with 200.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait between questions.
const PAUSE: Duration = Duration::from_millis(5);
/// Of an answer, only its first line counts: `HTTP/1.1 200 OK`.
const STATUS_LINE: u64 = 64;

/// Asks until the answer is 200. The error says what the last answer was.
pub(crate) fn wait(
    address: SocketAddr,
    limit: Duration,
    mut has_ended: impl FnMut() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    loop {
        let answer = match status(address) {
            Ok(200) => return Ok(()),
            Ok(status) => format!("its health is {status}"),
            Err(error) => format!("it does not answer: {error}"),
        };
        if has_ended() {
            return Err("it ended while it started".to_owned());
        }
        if Instant::now() >= deadline {
            return Err(answer);
        }
        thread::sleep(PAUSE);
    }
}

fn status(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request =
        format!("GET /_cumulet/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP/1.1 answer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that gives these answers, one to a connection.
    fn server(answers: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let length = stream.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /_cumulet/health HTTP/1.1\r\n"));
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn asks_until_it_is_well() {
        let answers = &["HTTP/1.1 503 Unavailable\r\n\r\n", "", "HTTP/1.1 200 OK\r\n\r\n"];
        wait(server(answers), Duration::from_secs(10), || false).unwrap();
    }

    #[test]
    fn says_why_it_gave_up() {
        let answers = &["HTTP/1.1 503 Unavailable\r\n\r\n"];
        let error = wait(server(answers), Duration::ZERO, || false).unwrap_err();
        assert_eq!(error, "its health is 503");
        let error = wait(server(&["SSH-2.0"]), Duration::ZERO, || false).unwrap_err();
        assert_eq!(error, "it does not answer: not an HTTP/1.1 answer");
        let error = wait(server(&[""]), Duration::from_secs(10), || true).unwrap_err();
        assert_eq!(error, "it ended while it started");
    }
}
