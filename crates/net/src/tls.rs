//! TLS at the listener: rustls on aws-lc-rs, certificates by name.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// The one provider of cryptography. Handed in everywhere, so no process-wide default is needed.
pub(crate) static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// Where a listener's certificates come from.
pub trait Certificates: Send + Sync + 'static {
    /// The certificate for the host that a client asks for (in lower case; `None` where it asks
    /// for an address). `None` ends the handshake. Called within it: answers at once.
    fn resolve(&self, sni: Option<&str>) -> Option<Arc<Certificate>>;
}

/// No certificate for anything: the listener speaks plain text only.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCertificates;

impl Certificates for NoCertificates {
    fn resolve(&self, _: Option<&str>) -> Option<Arc<Certificate>> {
        None
    }
}

/// A certificate, its chain, and its private key.
#[derive(Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why a certificate cannot be used.
#[derive(Debug)]
pub enum CertificateError {
    /// The chain or the key is not PEM, or empty.
    Pem,
    /// The key's kind is not supported, or it does not belong to the certificate.
    Key,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "the certificate or its key is not readable PEM",
            Self::Key => {
                "the private key does not belong to the certificate, or is of no known kind"
            }
        })
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    /// From PEM: the chain, the server's own certificate first, and its private key.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| CertificateError::Pem)?;
        if chain.is_empty() {
            return Err(CertificateError::Pem);
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        Self::new(chain, key.map_err(|_| CertificateError::Pem)?)
    }

    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        CertifiedKey::from_der(chain, key, &PROVIDER)
            .map(|key| Self(Arc::new(key)))
            .map_err(|_| CertificateError::Key)
    }
}

struct BySni(Arc<dyn Certificates>);

impl fmt::Debug for BySni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BySni")
    }
}

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let sni = hello.server_name().map(str::to_ascii_lowercase);
        self.0.resolve(sni.as_deref()).map(|certificate| Arc::clone(&certificate.0))
    }
}

/// TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1, sessions resumed by tickets.
pub(crate) fn acceptor(certificates: Arc<dyn Certificates>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(BySni(certificates)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
