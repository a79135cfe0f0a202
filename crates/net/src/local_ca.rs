//! A certificate authority for this machine: development over https without warnings.
//!
//! Its certificate is constrained to names that are never public (and those it was made for), so
//! that whoever steals its key cannot stand between this machine and the rest of the world.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use cumulet_base::{Clock, Ids as _, RandomIds, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::tls::{Certificate, CertificateError, Certificates};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CA_LIFETIME: Duration = DAY.saturating_mul(3650);
/// A CA closer to its end than this is replaced when it is opened.
const CA_RENEWAL: Duration = DAY.saturating_mul(60);
/// Browsers take 398 days at most, macOS 825.
const LEAF_LIFETIME: Duration = DAY.saturating_mul(30);
const LEAF_RENEWAL: Duration = DAY.saturating_mul(10);
/// Certificates begin this much in the past, for clients whose clock is behind.
const SKEW: Duration = DAY;
/// Names whose certificates are kept. Issuing one again takes well under a millisecond.
const CACHE: usize = 512;
/// Names that are never public: RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`.
const NEVER_PUBLIC: [&str; 5] = ["localhost", "test", "local", "internal", "home.arpa"];
/// Networks that are never public: loopback, private, link-local.
const NETWORKS: [(IpAddr, u8); 8] = [
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    (IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Why there is no local CA.
#[derive(Debug)]
pub enum CaError {
    /// A file of its folder cannot be read or written.
    File(PathBuf, io::Error),
    /// A file of its folder is not what this program wrote.
    Damaged(PathBuf),
    /// A certificate cannot be made, for instance for a domain that is none.
    Issue(String),
}

impl fmt::Display for CaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Damaged(path) => write!(
                f,
                "{} is damaged: delete ca.pem and ca.key beside it to start a new local CA, \
                 and trust that one",
                path.display()
            ),
            Self::Issue(why) => write!(f, "cannot issue a certificate: {why}"),
        }
    }
}

impl std::error::Error for CaError {}

/// Issues a certificate for each name as it is asked for.
pub struct LocalCa {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    /// One key for every certificate of this process.
    leaf_key: KeyPair,
    domains: Vec<String>,
    expires: Timestamp,
    clock: Arc<dyn Clock>,
    issued: Mutex<HashMap<String, (Arc<Certificate>, Timestamp)>>,
}

impl fmt::Debug for LocalCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCa").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl LocalCa {
    /// Opens the CA in `folder` (`ca.pem`, `ca.key`), or makes one there. A new one may issue for
    /// `domains` and what lies below them, besides names and networks that are never public;
    /// an old one keeps the domains it was made for, see [`LocalCa::covers`].
    pub fn open(folder: &Path, domains: &[&str], clock: Arc<dyn Clock>) -> Result<Self, CaError> {
        let (key_path, pem_path) = (folder.join("ca.key"), folder.join("ca.pem"));
        fs::create_dir_all(folder).map_err(|error| CaError::File(folder.to_owned(), error))?;
        let key = load_or_make_key(&key_path)?;
        let now = clock.now();
        if !pem_path.exists() {
            Stored::make(&key, domains, now)?.write(&pem_path, false)?;
        }
        // Read back even when just made: another process may have been first.
        let mut stored = Stored::read(&pem_path)?;
        if stored.expires < now.after(CA_RENEWAL) {
            stored = Stored::make(&key, domains, now)?;
            stored.write(&pem_path, true)?;
        }
        let der = CertificateDer::from_pem_slice(stored.pem.as_bytes())
            .map_err(|_| CaError::Damaged(pem_path.clone()))?;
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Certificate::new(vec![der.clone()], private).map_err(|_| CaError::Damaged(pem_path))?;
        let params = authority(&key, &stored.domains, clock.now(), stored.expires)?;
        Ok(Self {
            pem: stored.pem,
            der,
            issuer: Issuer::new(params, key),
            leaf_key: KeyPair::generate().map_err(issue_error)?,
            domains: stored.domains,
            expires: stored.expires,
            clock,
            issued: Mutex::default(),
        })
    }

    /// The CA's certificate in PEM, for clients to trust.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// Whether this CA may issue for a host name.
    pub fn covers(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| {
            name.strip_suffix(domain.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    fn issue(&self, name: Option<&str>) -> Result<(Certificate, Timestamp), CaError> {
        let now = self.clock.now();
        let expires = now.after(LEAF_LIFETIME).min(self.expires);
        let mut params = match name {
            Some(name) => CertificateParams::new([name.to_owned()]).map_err(issue_error)?,
            None => CertificateParams::new(["localhost".to_owned()]).map_err(issue_error)?,
        };
        if name.is_none_or(|name| name == "localhost") {
            let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
        }
        params.distinguished_name = named("Cumulet local");
        (params.not_before, params.not_after) = (date(before(now)), date(expires));
        params.serial_number = Some(serial());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&self.leaf_key, &self.issuer).map_err(issue_error)?;
        let key = PrivateKeyDer::Pkcs8(self.leaf_key.serialize_der().into());
        let chain = vec![leaf.der().clone(), self.der.clone()];
        let certificate = Certificate::new(chain, key)
            .map_err(|error: CertificateError| CaError::Issue(error.to_string()))?;
        Ok((certificate, expires))
    }
}

impl Certificates for LocalCa {
    fn resolve(&self, sni: Option<&str>) -> Option<Arc<Certificate>> {
        if sni.is_some_and(|name| !self.covers(name)) {
            return None;
        }
        let key = sni.unwrap_or_default();
        let soon = self.clock.now().after(LEAF_RENEWAL);
        // Held while issuing, so that a burst of clients makes one certificate.
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((certificate, expires)) = issued.get(key)
            && *expires > soon
        {
            return Some(Arc::clone(certificate));
        }
        let (certificate, expires) =
            self.issue(sni).inspect_err(|error| tracing::warn!(name = key, "{error}")).ok()?;
        if issued.len() >= CACHE {
            issued.clear();
        }
        let certificate = Arc::new(certificate);
        issued.insert(key.to_owned(), (Arc::clone(&certificate), expires));
        Some(certificate)
    }
}

/// What `ca.pem` says: the certificate, and above it, in words, what is needed to use it.
struct Stored {
    pem: String,
    domains: Vec<String>,
    expires: Timestamp,
}

impl Stored {
    fn make(key: &KeyPair, domains: &[&str], now: Timestamp) -> Result<Self, CaError> {
        let domains: Vec<String> =
            NEVER_PUBLIC.iter().chain(domains).map(|name| name.to_ascii_lowercase()).collect();
        let expires = Timestamp::from_secs(now.after(CA_LIFETIME).secs());
        let certificate = authority(key, &domains, now, expires)?.self_signed(key);
        Ok(Self { pem: certificate.map_err(issue_error)?.pem(), domains, expires })
    }

    fn parse(text: &str) -> Option<Self> {
        let (words, _) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let field = |name: &'static str| {
            words.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        Some(Self {
            pem: text.get(words.len()..)?.to_owned(),
            domains: field("Domain").map(str::to_owned).collect(),
            expires: Timestamp::from_secs(field("Expires").next()?.parse().ok()?),
        })
    }

    fn read(path: &Path) -> Result<Self, CaError> {
        let text =
            fs::read_to_string(path).map_err(|error| CaError::File(path.to_owned(), error))?;
        Self::parse(&text).ok_or(CaError::Damaged(path.to_owned()))
    }

    fn write(&self, path: &Path, replace: bool) -> Result<(), CaError> {
        let domains: String =
            self.domains.iter().map(|domain| format!("Domain: {domain}\n")).collect();
        let expires = self.expires.secs();
        let text =
            format!("The local CA of this cloud.\nExpires: {expires}\n{domains}{}", self.pem);
        place(path, text.as_bytes(), 0o644, replace)
    }
}

fn load_or_make_key(path: &Path) -> Result<KeyPair, CaError> {
    if !path.exists() {
        let key = KeyPair::generate().map_err(issue_error)?;
        place(path, key.serialize_pem().as_bytes(), 0o600, false)?;
    }
    let pem = fs::read_to_string(path).map_err(|error| CaError::File(path.to_owned(), error))?;
    KeyPair::from_pem(&pem).map_err(|_| CaError::Damaged(path.to_owned()))
}

/// Writes a whole file or none. Without `replace`, a file that is there stays.
fn place(path: &Path, bytes: &[u8], mode: u32, replace: bool) -> Result<(), CaError> {
    let failed = |error| CaError::File(path.to_owned(), error);
    let draft = path.with_extension(RandomIds.uuid());
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if replace {
            return fs::rename(&draft, path);
        }
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::remove_file(&draft),
        }
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&draft);
        failed(error)
    })
}

/// The CA's own certificate. Its subject follows from its key, so that it can be made again, and
/// two CAs on one machine differ in name.
fn authority(
    key: &KeyPair,
    domains: &[String],
    now: Timestamp,
    expires: Timestamp,
) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::new([]).map_err(issue_error)?;
    let id: String =
        params.key_identifier(key).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = named(&format!("Cumulet local CA {id}"));
    (params.not_before, params.not_after) = (date(before(now)), date(expires));
    params.serial_number = Some(serial());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = domains.iter().cloned().map(GeneralSubtree::DnsName);
    let networks = NETWORKS.map(|(address, prefix)| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, prefix))
    });
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: names.chain(networks).collect(),
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Cumulet");
    name.push(DnType::CommonName, common_name);
    name
}

/// Random, because two certificates of one issuer with one number are refused by Firefox.
fn serial() -> SerialNumber {
    let mut bytes = [0_u8; 16];
    RandomIds.fill(&mut bytes);
    // Positive, and not shorter than its bytes (RFC 5280 section 4.1.2.2).
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn before(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis() - SKEW.as_millis() as i64)
}

fn date<T: From<std::time::SystemTime>>(at: Timestamp) -> T {
    (UNIX_EPOCH + Duration::from_secs(u64::try_from(at.secs()).unwrap_or(0))).into()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn issue_error(error: rcgen::Error) -> CaError {
    CaError::Issue(error.to_string())
}
