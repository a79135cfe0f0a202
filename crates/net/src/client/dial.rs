//! Opening connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::pool::Connection;
use super::{FetchError, Origin};
use crate::destination::DestinationPolicy;
use crate::tls::PROVIDER;

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// Opens connections, and knows whom to trust.
#[derive(Debug)]
pub(crate) struct Dialer {
    extra_roots: Vec<CertificateDer<'static>>,
    response_head: usize,
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Dialer {
    pub(crate) fn new(extra_roots: Vec<CertificateDer<'static>>, response_head: usize) -> Self {
        Self { extra_roots, response_head, tls: OnceCell::new() }
    }

    /// Connects to `origin`, by `by` at the latest.
    pub(crate) async fn dial(
        &self,
        origin: Origin,
        policy: &dyn DestinationPolicy,
        by: Instant,
    ) -> Result<Connection, FetchError> {
        let (stream, addr) = connect(&origin, policy, by).await?;
        if !origin.https {
            return self.begin(stream, origin, addr).await;
        }
        let failed = |error| FetchError::Tls(origin.host.clone(), error);
        let config = self.tls.get_or_try_init(|| self.configure()).await.map_err(failed)?;
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|_| FetchError::Address(origin.host.clone()))?;
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        self.begin(stream, origin, addr).await
    }

    async fn begin<S>(
        &self,
        stream: S,
        origin: Origin,
        addr: SocketAddr,
    ) -> Result<Connection, FetchError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = http1::Builder::new()
            // hyper takes no less than 8 KiB.
            .max_buf_size(self.response_head.max(8 << 10))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| FetchError::Broken(error.into()))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%addr, "an outgoing connection broke off: {error}");
            }
        });
        Ok(Connection { origin, addr, sender })
    }

    async fn configure(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        // Reads files.
        let native = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await?;
        for error in &native.errors {
            tracing::warn!("cannot read a certificate of this machine: {error}");
        }
        roots.add_parsable_certificates(native.certs);
        roots.add_parsable_certificates(self.extra_roots.iter().cloned());
        if roots.is_empty() {
            return Err(io::Error::other(
                "this machine trusts no certificate authority: install ca-certificates, or set \
                 SSL_CERT_FILE",
            ));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Connects to the first address that is allowed and answers.
async fn connect(
    origin: &Origin,
    policy: &dyn DestinationPolicy,
    by: Instant,
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let found = resolve(origin).await?;
    let allowed: Vec<SocketAddr> =
        found.iter().copied().filter(|addr| policy.allows(*addr)).take(ADDRESSES).collect();
    let Some(first) = found.first() else {
        let none = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        return Err(FetchError::Resolve(origin.host.clone(), none));
    };
    let mut failed = FetchError::Refused(origin.host.clone(), *first);
    for (tried, addr) in allowed.iter().enumerate() {
        // An address that does not answer leaves the others their share of the time.
        let left = by.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(allowed.len() - tried).unwrap_or(1);
        failed = match timeout_at(Instant::now() + share, TcpStream::connect(addr)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| FetchError::Connect(*addr, error))?;
                return Ok((stream, *addr));
            }
            Ok(Err(error)) => FetchError::Connect(*addr, error),
            Err(_) => FetchError::TimedOut("connect"),
        };
    }
    Err(failed)
}

async fn resolve(origin: &Origin) -> Result<Vec<SocketAddr>, FetchError> {
    if let Ok(address) = origin.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, origin.port)]);
    }
    let found = lookup_host((origin.host.as_str(), origin.port)).await;
    let found = found.map_err(|error| FetchError::Resolve(origin.host.clone(), error))?;
    Ok(found.collect())
}
