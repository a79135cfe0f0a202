//! What one sandbox may hold, and that it gives it back.

use std::time::Duration;

use cumulet_sandbox::egress::Way;

use crate::relay::script;
use crate::rig::{REMOTE, Rig, echo, start};

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_come_back() {
    let mut rig = Rig::default();
    rig.limits.connections = 10;
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "def hold():
    try:
        s = socket.create_connection(('{REMOTE}', 80), 30)
        s.sendall(b'x')
        return s if s.recv(1) else None
    except OSError:
        return None
held = [hold() for _ in range(30)]
print(sum(s is not None for s in held))
for s in held:
    if s: s.close()
while talk('{REMOTE}', 80) != 'hello': time.sleep(0.05)
print('again')"
    ));
    assert_eq!(rig.python(&code).await, "10\nagain");
}

/// Another sandbox is not kept from what one of them uses up.
#[tokio::test(flavor = "multi_thread")]
async fn limits_are_a_sandboxs_own() {
    let mut rig = Rig::default();
    rig.limits.connections = 3;
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let egress = rig.egress();
    let greedy = script(&format!(
        "held = []
for _ in range(50):
    try:
        held.append(socket.create_connection(('{REMOTE}', 80)))
    except ConnectionResetError:
        pass
print('full', flush=True)
time.sleep(60)"
    ));
    let mut greedy = start(&egress, &egress.plan(), "python3", &["-c", &greedy]).await;
    greedy.line();
    let modest = script(&format!("print(talk('{REMOTE}', 80))"));
    let modest = start(&egress, &egress.plan(), "python3", &["-c", &modest]).await;
    assert_eq!(modest.end().await.output.trim(), "hello");
    greedy.kill();
}

/// Thousands of connections that are refused, dropped at once, or never answered leave nothing in
/// a queue or in the platform.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_leave_nothing_behind() {
    let mut rig = Rig::default();
    rig.limits.connections = 64;
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "for number in range(3000):
    s = socket.socket(); s.setblocking(False)
    s.connect_ex(('10.0.0.%d' % (number % 200), 80)); s.close()
for number in range(3000):
    s = socket.socket(); s.setblocking(False)
    s.connect_ex(('{REMOTE}', 80)); s.close()
while talk('{REMOTE}', 80) != 'hello': time.sleep(0.05)
print(sum(talk('{REMOTE}', 80) == 'hello' for _ in range(20)))"
    ));
    assert_eq!(rig.python(&code).await, "20");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_a_connection() {
    let mut rig = Rig::default();
    rig.limits.idle = Duration::from_secs(5);
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "s = socket.create_connection(('{REMOTE}', 80))
for _ in range(12):
    s.sendall(b'x'); s.recv(1); time.sleep(0.5)
print('alive')
begin = time.monotonic()
try:
    s.recv(1); print('data?')
except ConnectionResetError:
    print('reset', time.monotonic() - begin > 0.5)"
    ));
    assert_eq!(rig.python(&code).await, "alive\nreset True");
}

/// When a sandbox is done with, so are its connections.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_sandbox() {
    let mut rig = Rig::default();
    rig.lead(&format!("{REMOTE}:80"), echo().await);
    let code = script(&format!(
        "s = socket.create_connection(('{REMOTE}', 80)); s.sendall(b'x'); s.recv(1)
print('connected', flush=True)
try:
    s.recv(1)
except ConnectionResetError:
    print('reset')
print(talk('{REMOTE}', 80, limit=3) != 'hello')"
    ));
    let mut running = rig.start("python3", &["-c", &code]).await;
    running.line();
    drop(running.relay.take());
    let ended = running.end().await;
    assert!(ended.success && ended.output.ends_with("reset\nTrue\n"), "{}", ended.output);
}

/// A kernel without tproxy: well-known ports work, others are refused.
#[tokio::test(flavor = "multi_thread")]
async fn lesser_ways_out() {
    let server = echo().await;
    let mut rig = Rig { way: Way::Ports, ..Rig::default() };
    rig.lead(&format!("{REMOTE}:443"), server);
    rig.lead(&format!("{REMOTE}:9999"), server);
    rig.lead("127.0.0.1:4566", server);
    let code = script(&format!(
        "print(talk('{REMOTE}', 443), talk('{REMOTE}', 9999), talk('127.0.0.1', 4566))
print(talk('10.0.0.1', 443) != 'hello', talk('127.0.0.1', 443) != 'hello')"
    ));
    let running = rig.start("python3", &["-c", &code]).await;
    assert_eq!(running.way, Way::Ports);
    assert_eq!(running.end().await.output.trim(), "hello ECONNREFUSED hello\nTrue True");
    rig.way = Way::Loopback;
    let running = rig.start("python3", &["-c", &code]).await;
    assert_eq!(running.way, Way::Loopback);
    let said = running.end().await.output;
    assert_eq!(said.trim(), "ECONNREFUSED ECONNREFUSED hello\nTrue True");
    rig.way = Way::Transparent;
    assert_eq!(rig.start("python3", &["-c", "0"]).await.way, Way::Transparent);
}
