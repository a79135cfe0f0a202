//! The clients that functions use, as they are.

use crate::names::resolver;
use crate::rig::{REMOTE, REMOTE_V6, Rig, http};

async fn rig() -> Rig {
    let mut rig = Rig { resolvers: vec![resolver().await], ..Rig::default() };
    let server = http().await;
    rig.lead(&format!("{REMOTE}:80"), server);
    rig.lead(&format!("[{REMOTE_V6}]:80"), server);
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    let code = "import asyncio, http.client, socket, urllib.request
print(urllib.request.urlopen('http://remote.test/', timeout=30).read())
c = http.client.HTTPConnection('remote.test', timeout=30); c.request('GET', '/')
print(c.getresponse().read())
async def main():
    reader, writer = await asyncio.open_connection('remote.test', 80, happy_eyeballs_delay=0.25)
    writer.write(b'GET / HTTP/1.1\\r\\n\\r\\n')
    print((await reader.read())[-5:])
    loop = asyncio.get_running_loop()
    s = socket.socket(); s.setblocking(False)
    await loop.sock_connect(s, ('203.0.113.7', 80))
    await loop.sock_sendall(s, b'GET / HTTP/1.1\\r\\n\\r\\n')
    answer = b''
    while part := await loop.sock_recv(s, 100): answer += part
    print(answer[-5:])
asyncio.run(main())";
    assert_eq!(rig().await.python(code).await, ["b'hello'"; 4].join("\n"));
}

/// What is waited for before it is connected, or through a copy of the descriptor.
#[tokio::test(flavor = "multi_thread")]
async fn readiness_told_in_every_order() {
    let code = "import os, select, socket
ask = b'GET / HTTP/1.1\\r\\n\\r\\n'
def read(s):
    answer = b''
    while part := s.recv(100): answer += part
    print(answer[-5:])
s = socket.socket(); s.setblocking(False)
e = select.epoll(); e.register(s, select.EPOLLOUT | select.EPOLLET)
s.connect_ex(('203.0.113.7', 80))
while not any(event & select.EPOLLOUT and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
              and not event & select.EPOLLHUP for _, event in e.poll(30)): pass
s.setblocking(True); s.sendall(ask); read(s)
s = socket.socket(); copy = socket.socket(fileno=os.dup(s.fileno()))
s.connect(('203.0.113.7', 80)); copy.sendall(ask); read(copy)
if os.fork() == 0:
    s = socket.create_connection(('203.0.113.7', 80)); s.sendall(ask); read(s); os._exit(0)
os.wait()";
    assert_eq!(rig().await.python(code).await, ["b'hello'"; 3].join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn node() {
    let code = "const http = require('http');
(async () => {
  console.log(await (await fetch('http://remote.test/')).text());
  const all = await Promise.all(Array.from({ length: 200 }, () =>
    fetch('http://203.0.113.7/').then(answer => answer.text())));
  console.log(all.filter(text => text === 'hello').length);
  http.get('http://remote.test/', answer => {
    answer.on('data', part => console.log(String(part)));
  });
  await fetch('http://10.0.0.1/').catch(error => console.log(error.cause.code));
})();";
    let said = rig().await.node(code).await;
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    let refused = lines.iter().position(|line| line.starts_with(char::is_uppercase));
    let refused = lines.remove(refused.expect("one was refused"));
    assert!(["ECONNRESET", "UND_ERR_SOCKET", "EPIPE"].contains(&refused), "{refused}");
    assert_eq!(lines, ["200", "hello", "hello"]);
}
