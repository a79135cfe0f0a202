//! Where a function may not go. Each destination is first reached under a policy that lets it be,
//! so that a refusal is the policy's and nothing else's.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::relay::script;
use crate::rig::{Rig, echo};

/// This machine, its networks, and what is nobody's: as numbers, in every spelling.
const DENIED: [&str; 22] = [
    "10.0.0.1:80",
    "10.255.255.53:53",
    "172.16.0.1:443",
    "172.31.255.254:443",
    "192.168.1.1:80",
    "100.64.0.1:80",
    "100.100.100.200:80",
    "169.254.169.254:80",
    "169.254.170.2:80",
    "0.0.0.1:80",
    "192.0.0.1:80",
    "192.0.2.1:80",
    "198.18.0.1:80",
    "198.19.0.1:80",
    "203.0.113.7:80",
    "[fd00:ec2::254]:80",
    "[fd00::1]:80",
    "[fe80::1]:80",
    "[fec0::1]:80",
    "[64:ff9b::a9fe:a9fe]:80",
    "[2001:db8::7]:80",
    "[2002:7f00:1::1]:80",
];

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_not_the_internets() {
    let mut open = Rig::default();
    let server = echo().await;
    let mut code = String::new();
    for at in DENIED {
        open.lead(at, server);
        let at: SocketAddr = at.parse().unwrap();
        // A link-local address is one of an interface's.
        let interface = if at.to_string().starts_with("[fe80:") { "%lo" } else { "" };
        code += &format!("print(talk('{}{interface}', {}))\n", at.ip(), at.port());
    }
    let reached = open.python(&script(&code)).await;
    assert_eq!(reached.lines().collect::<Vec<_>>(), ["hello"; 22]);
    let refused = Rig::default().python(&script(&code)).await;
    for (line, at) in refused.lines().zip(DENIED) {
        // By when the reset comes: before the end is said, or after.
        assert!(["ECONNRESET", "EPIPE", "ENOTCONN"].contains(&line), "{at}: {line}");
    }
    assert_eq!(refused.lines().count(), DENIED.len());
}

/// The host's loopback, with a server on it that the function knows the port of.
#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_loopback() {
    let server = echo().await;
    let port = server.port();
    let mut code = String::new();
    for host in ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0", "127.0.0.2"] {
        code += &format!("print(talk('{host}', {port}))\n");
    }
    let mut open = Rig::default();
    open.policy.allow(&format!("localhost:{port}")).unwrap();
    let said = open.python(&script(&code)).await;
    // 0.0.0.0 is another way to say 127.0.0.1; 127.0.0.2 was not opened.
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["hello", "hello", "hello", "hello", "hello", "ECONNREFUSED"]
    );
    let said = Rig::default().python(&script(&code)).await;
    assert_eq!(said.lines().collect::<Vec<_>>(), ["ECONNREFUSED"; 6]);
}

/// An address that the host has on a network, as a server there is reached from outside.
#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_other_addresses() {
    let probe = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Sends nothing: it asks the routes for the address that this machine would use.
    if probe.connect("192.0.2.250:9").is_err() {
        eprintln!("this machine has no address but loopback, so there is nothing to refuse");
        return;
    }
    let own: IpAddr = probe.local_addr().unwrap().ip();
    let listener = tokio::net::TcpListener::bind((own, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut reader, mut writer) = stream.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    let code = script(&format!("print(talk('{}', {}))", at.ip(), at.port()));
    let mut open = Rig::default();
    open.policy.allow(&at.to_string()).unwrap();
    assert_eq!(open.python(&code).await, "hello");
    assert_eq!(Rig::default().python(&code).await, "ECONNRESET");
}

/// A port of the mail system, which AWS closes too.
#[tokio::test(flavor = "multi_thread")]
async fn mail_between_servers() {
    let mut open = Rig::default();
    open.lead("8.8.8.8:25", echo().await);
    let code = script("print(talk('8.8.8.8', 25))");
    assert_eq!(open.python(&code).await, "hello");
    assert_eq!(Rig::default().python(&code).await, "ECONNRESET");
}
