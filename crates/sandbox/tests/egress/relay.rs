//! Connections to where a function may go: every byte, both ways, and how they end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{REMOTE, REMOTE_V6, Rig, echo, serve};

/// What every script begins with: `talk` sends, says that it is done, and returns the answer or
/// the error's name.
pub(crate) const TALK: &str = "
import errno, socket, sys, time
def talk(host, port, data=b'hello', limit=30):
    try:
        with socket.create_connection((host, port), limit) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b''
            while part := s.recv(65536):
                answer += part
            return answer.decode() if answer else 'nothing'
    except TimeoutError:
        return 'timeout'
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
";

pub(crate) fn script(code: &str) -> String {
    format!("{TALK}\n{code}")
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_reach_what_is_allowed() {
    let mut rig = Rig::default();
    let server = echo().await;
    rig.lead(&format!("{REMOTE}:80"), server);
    rig.lead(&format!("[{REMOTE_V6}]:80"), server);
    let code = format!(
        "print(talk('{REMOTE}', 80), talk('{REMOTE_V6}', 80), talk('::ffff:{REMOTE}', 80))
s = socket.create_connection(('{REMOTE}', 80)); print(s.getpeername(), s.getsockname()[0])"
    );
    let want = format!("hello hello hello\n('{REMOTE}', 80) 198.18.0.2");
    assert_eq!(rig.python(&script(&code)).await, want);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_connection_lives_on() {
    let mut rig = Rig::default();
    // Answers only when the other side has said all, and says its own end after a while.
    let server = serve(|mut stream| async move {
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).await.unwrap();
        for _ in 0..20 {
            stream.write_all(format!("{} ", asked.len()).as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    rig.lead(&format!("{REMOTE}:80"), server);
    // And the other way round: the server ends first, and still hears what comes.
    let (heard, mut hears) = tokio::sync::mpsc::channel(1);
    let deaf = serve(move |mut stream| {
        let heard = heard.clone();
        async move {
            stream.shutdown().await.unwrap();
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.unwrap();
            heard.send(all.len()).await.unwrap();
        }
    })
    .await;
    rig.lead(&format!("{REMOTE}:81"), deaf);
    let code = format!(
        "print(talk('{REMOTE}', 80, b'x' * 300000))
s = socket.create_connection(('{REMOTE}', 81))
print(s.recv(10))
s.sendall(b'y' * 300000); s.close()"
    );
    let want = format!("{}\nb''", "300000 ".repeat(20));
    assert_eq!(rig.python(&script(&code)).await, want);
    assert_eq!(hears.recv().await, Some(300_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_on_one_side_is_one_on_the_other() {
    let mut rig = Rig::default();
    let resets = serve(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    rig.lead(&format!("{REMOTE}:80"), resets);
    let (ended, mut ends) = tokio::sync::mpsc::channel(1);
    let waits = serve(move |mut stream| {
        let ended = ended.clone();
        async move {
            stream.write_all(b"!").await.unwrap();
            let error = stream.read_to_end(&mut Vec::new()).await.map_err(|error| error.kind());
            ended.send(error).await.unwrap();
        }
    })
    .await;
    rig.lead(&format!("{REMOTE}:81"), waits);
    // Nobody listens there: what was bound is gone.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    rig.lead(&format!("{REMOTE}:82"), closed);
    let code = format!(
        "import struct
def end(port):
    s = socket.create_connection(('{REMOTE}', port))
    try:
        return s.recv(10)
    except OSError as error:
        return errno.errorcode[error.errno]
print(end(80), end(82))
s = socket.create_connection(('{REMOTE}', 81))
s.recv(1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()"
    );
    assert_eq!(rig.python(&script(&code)).await, "ECONNRESET ECONNRESET");
    assert_eq!(ends.recv().await, Some(Err(std::io::ErrorKind::ConnectionReset)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_connections_at_once() {
    let mut rig = Rig::default();
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = format!(
        "import asyncio
async def one(number):
    reader, writer = await asyncio.open_connection('{REMOTE}', 80)
    data = (b'%d;' % number) * 20000
    async def send():
        writer.write(data); await writer.drain(); writer.write_eof()
    sending = asyncio.ensure_future(send())
    ok = await reader.read() == data
    await sending
    writer.close()
    return ok
async def main():
    print(sum(await asyncio.gather(*(one(number) for number in range(200)))))
asyncio.run(main())"
    );
    assert_eq!(rig.python(&code).await, "200");
}

#[tokio::test(flavor = "multi_thread")]
async fn much_data_arrives_whole() {
    let mut rig = Rig::default();
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = format!(
        "import hashlib, socket, threading, os
s = socket.create_connection(('{REMOTE}', 80))
there, back, size = hashlib.sha256(), hashlib.sha256(), 0
def send():
    for _ in range(256):
        part = os.urandom(1 << 16) * 2
        there.update(part); s.sendall(part)
    s.shutdown(socket.SHUT_WR)
sender = threading.Thread(target=send); sender.start()
while part := s.recv(1 << 20):
    back.update(part); size += len(part)
sender.join()
print(size, there.digest() == back.digest())"
    );
    assert_eq!(rig.python(&code).await, format!("{} True", 32 << 20));
}

/// Where dialling takes long, a function's own limit holds, and then the platform's.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers() {
    let mut rig = Rig::default();
    rig.limits.dial = Duration::from_secs(10);
    // A full queue: the kernel drops further attempts.
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_secs(3), tokio::net::TcpStream::connect(address)).await
    {
        held.push(stream);
    }
    rig.lead(&format!("{REMOTE}:80"), address);
    rig.lead(&format!("{REMOTE}:81"), echo().await);
    let code = format!(
        "import select
s = socket.socket(); s.setblocking(False)
print(s.connect_ex(('{REMOTE}', 80)) in (0, errno.EINPROGRESS))
print(select.select([s], [], [], 0.2)[0])
begin = time.monotonic()
try:
    s.setblocking(True); s.recv(1); print('data?')
except ConnectionResetError:
    print('reset')
print(talk('{REMOTE}', 80, limit=0.2), talk('{REMOTE}', 81))"
    );
    let said = rig.python(&script(&code)).await;
    assert_eq!(said, "True\n[]\nreset\ntimeout hello");
}
