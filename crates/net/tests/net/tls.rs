use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{Body, Clock, Limits, ManualClock, SystemClock, Timestamp};
use cumulet_net::{Certificate, Certificates, LocalCa};
use http::Request;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http2;
use crate::support::{Server, rest};

pub(crate) fn local_ca(folder: &Path) -> Arc<LocalCa> {
    Arc::new(LocalCa::open(folder, &["shop.example"], Arc::new(SystemClock)).unwrap())
}

fn connector(
    ca: &LocalCa,
    alpn: &[&str],
    version: &'static rustls::SupportedProtocolVersion,
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config).into()
}

async fn shake(
    server: &Server,
    connector: &TlsConnector,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    connector.connect(name, server.connect().await).await
}

#[tokio::test]
async fn both_versions_of_both_over_one_port() {
    let folder = tempfile::tempdir().unwrap();
    let ca = local_ca(folder.path());
    let server = Server::with(Limits::default(), ca.clone());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for name in ["localhost", "api.localhost", "127.0.0.1", "::1", "www.shop.example"] {
            let tls = connector(&ca, &[], version);
            let mut stream = shake(&server, &tls, name).await.unwrap();
            stream.write_all(b"GET /s HTTP/1.0\r\n\r\n").await.unwrap();
            let answer = rest(&mut stream).await;
            let sni = name.contains(char::is_alphabetic).then_some(name);
            assert!(answer.contains(&format!("tls: {sni:?} None")), "{name}: {answer}");
        }
        let tls = connector(&ca, &["h2", "http/1.1"], version);
        let mut sender = http2::client(shake(&server, &tls, "localhost").await.unwrap()).await;
        let request = Request::get("https://localhost/x").body(Body::default()).unwrap();
        let answer = http2::text(sender.send_request(request).await.unwrap()).await;
        assert!(answer.contains("tls: Some(\"localhost\") Some(\"h2\")"), "{answer}");
        let tls = connector(&ca, &["http/1.1"], version);
        let mut stream = shake(&server, &tls, "localhost").await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        assert!(rest(&mut stream).await.contains("Some(\"http/1.1\")"));
    }
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn names_outside_the_ca_get_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let ca = local_ca(folder.path());
    let server = Server::with(Limits::default(), ca.clone());
    let tls = connector(&ca, &[], &rustls::version::TLS13);
    for name in ["example.com", "notlocalhost", "myshop.example"] {
        assert!(shake(&server, &tls, name).await.is_err(), "{name}");
        assert!(!ca.covers(name));
    }
    // Garbage after the first byte, and a handshake that never comes, harm nobody.
    assert!(!server.exchange(b"\x16\x03\x01\xff\xff\xff\xff\xff").await.contains("HTTP"));
    assert!(shake(&server, &tls, "localhost").await.is_ok());
}

#[tokio::test]
async fn a_stolen_ca_key_is_worth_nothing_outside_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let ca = local_ca(folder.path());
    let key = std::fs::read_to_string(folder.path().join("ca.key")).unwrap();
    let key = rcgen::KeyPair::from_pem(&key).unwrap();
    let mut authority = rcgen::CertificateParams::new([]).unwrap();
    let id: String =
        authority.key_identifier(&key).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut name = rcgen::DistinguishedName::new();
    name.push(rcgen::DnType::OrganizationName, "Cumulet");
    name.push(rcgen::DnType::CommonName, format!("Cumulet local CA {id}"));
    authority.distinguished_name = name;
    let issuer = rcgen::Issuer::new(authority, key);
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    for (host, trusted) in [("a.localhost", true), ("bank.example.org", false), ("8.8.8.8", false)]
    {
        let leaf = rcgen::CertificateParams::new([host.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
        let forged = Certificate::from_pem(&leaf.pem(), &leaf_key.serialize_pem()).unwrap();
        let server = Server::with(Limits::default(), Arc::new(One(Arc::new(forged))));
        let tls = connector(&ca, &[], &rustls::version::TLS13);
        assert_eq!(shake(&server, &tls, host).await.is_ok(), trusted, "{host}");
    }
}

struct One(Arc<Certificate>);

impl Certificates for One {
    fn resolve(&self, _: Option<&str>) -> Option<Arc<Certificate>> {
        Some(Arc::clone(&self.0))
    }
}

#[test]
fn the_ca_stays_is_private_and_renews() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
    let open = || LocalCa::open(folder.path(), &[], clock.clone() as Arc<dyn Clock>);
    let ca = open().unwrap();
    let mode = |name| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("ca.key") & 0o777, 0o600);
    assert_eq!(open().unwrap().ca_pem(), ca.ca_pem());

    let first = ca.resolve(Some("a.localhost")).unwrap();
    assert!(Arc::ptr_eq(&first, &ca.resolve(Some("a.localhost")).unwrap()));
    clock.advance(Duration::from_secs(19 * 86_400));
    assert!(Arc::ptr_eq(&first, &ca.resolve(Some("a.localhost")).unwrap()));
    clock.advance(Duration::from_secs(2 * 86_400));
    assert!(!Arc::ptr_eq(&first, &ca.resolve(Some("a.localhost")).unwrap()));
    for index in 0..2000 {
        ca.resolve(Some(&format!("{index}.localhost"))).unwrap();
    }

    clock.advance(Duration::from_secs(3640 * 86_400));
    assert_ne!(open().unwrap().ca_pem(), ca.ca_pem());
    std::fs::write(folder.path().join("ca.pem"), "damaged").unwrap();
    assert!(open().unwrap_err().to_string().contains("delete"));
}

#[test]
fn two_that_start_at_once_make_one_ca() {
    let folder = tempfile::tempdir().unwrap();
    let open = || local_ca(folder.path()).ca_pem().to_owned();
    std::thread::scope(|scope| {
        for thread in [scope.spawn(open), scope.spawn(open), scope.spawn(open)] {
            thread.join().unwrap();
        }
    });
    let last = local_ca(folder.path());
    assert!(last.resolve(None).is_some());
}

/// Real clients, where this machine has them.
#[tokio::test]
async fn curl_python_and_node_trust_the_ca() {
    let folder = tempfile::tempdir().unwrap();
    let ca = local_ca(folder.path());
    let server = Server::with(Limits::default(), ca);
    let pem = folder.path().join("ca.pem");
    let pem = pem.to_str().unwrap();
    let port = server.addr.port();
    let url = |host: &str| format!("https://{host}:{port}/real");
    let python = "import ssl,sys,http.client as c\n\
         x=ssl.create_default_context(cafile=sys.argv[1]); x.verify_flags|=ssl.VERIFY_X509_STRICT\n\
         h=c.HTTPSConnection(sys.argv[2],int(sys.argv[3]),context=x); h.request('GET','/real')\n\
         print(h.getresponse().read().decode())";
    let node = "require('https').get(process.argv[1],r=>r.pipe(process.stdout))\
         .on('error',e=>{console.error(e);process.exit(1)})";
    let port_text = port.to_string();
    let resolve = format!("x.shop.example:{port}:127.0.0.1");
    let calls: Vec<(&str, Vec<String>)> = vec![
        ("curl", ["-sS", "--cacert", pem, &url("localhost")].map(str::to_owned).to_vec()),
        ("curl", ["-sS", "--cacert", pem, &url("127.0.0.1")].map(str::to_owned).to_vec()),
        (
            "curl",
            ["-sS", "--cacert", pem, "--resolve", &resolve, &url("x.shop.example")]
                .map(str::to_owned)
                .to_vec(),
        ),
        ("python3", ["-c", python, pem, "127.0.0.1", &port_text].map(str::to_owned).to_vec()),
        ("python3", ["-c", python, pem, "localhost", &port_text].map(str::to_owned).to_vec()),
        ("node", ["-e", node, &url("localhost")].map(str::to_owned).to_vec()),
        ("node", ["-e", node, &url("127.0.0.1")].map(str::to_owned).to_vec()),
    ];
    for (program, arguments) in calls {
        let ran = Command::new(program)
            .args(&arguments)
            .env("NODE_EXTRA_CA_CERTS", pem)
            .env("no_proxy", "*")
            .output()
            .await;
        let Ok(output) = ran else {
            eprintln!("passed over: there is no {program}");
            continue;
        };
        let (out, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(out.contains("GET /real = /real"), "{program} {arguments:?}: {out}{error}");
    }
}
