//! Listening sockets, and the connections they accept.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use cumulet_base::Limits;
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep, timeout};

use crate::connection::{self, Shared};
use crate::socket::Listening;
use crate::tls::{Certificates, acceptor};
use crate::{Handler, Peer};

/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1024;
/// How long to wait where the process has no descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why an address cannot be listened on.
#[derive(Debug)]
pub enum BindError {
    /// Another program has it.
    InUse(String),
    /// This user may not have it.
    Denied(String),
    /// It cannot be listened on for another reason.
    Failed(String, io::Error),
}

impl BindError {
    fn of(name: impl fmt::Display, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(name.to_string()),
            io::ErrorKind::PermissionDenied => Self::Denied(name.to_string()),
            _ => Self::Failed(name.to_string(), error),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(name) => write!(
                f,
                "{name} is in use by another program: stop that one, or choose another address \
                 (`ss -ltnp` shows who listens where)"
            ),
            Self::Denied(name) => write!(
                f,
                "this user may not listen on {name}: ports below 1024 want root or \
                 CAP_NET_BIND_SERVICE, a socket file wants a folder that can be written"
            ),
            Self::Failed(name, error) => write!(f, "cannot listen on {name}: {error}"),
        }
    }
}

impl std::error::Error for BindError {}

/// A socket that waits for connections. It takes them from the moment it exists; they are served
/// once `serve` runs.
#[derive(Debug)]
pub struct Listener {
    socket: Listening,
    /// The socket file to remove in the end.
    file: Option<PathBuf>,
}

impl Listener {
    /// Listens on a TCP address; port 0 takes a free one. Needs a tokio runtime.
    pub fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        let listen = || {
            let socket = match addr {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // A restart need not wait for the old connections' TIME_WAIT.
            socket.set_reuseaddr(true)?;
            socket.bind(addr)?;
            socket.listen(BACKLOG)
        };
        let socket = listen().map_err(|error| BindError::of(addr, error))?;
        Ok(Self { socket: Listening::Tcp(socket), file: None })
    }

    /// Listens on a Unix socket at `path`. A socket file nobody listens on is replaced.
    pub async fn bind_unix(path: &Path) -> Result<Self, BindError> {
        let named = |error| BindError::of(path.display(), error);
        let stale = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
            && UnixStream::connect(path)
                .await
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        if stale {
            std::fs::remove_file(path).map_err(named)?;
        }
        let socket = UnixListener::bind(path).map_err(named)?;
        Ok(Self { socket: Listening::Unix(socket), file: Some(path.to_owned()) })
    }

    /// Takes over a TCP socket that listens already, perhaps in another network namespace.
    pub fn from_std(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Listening::Tcp(TcpListener::from_std(socket)?), file: None })
    }

    /// Takes over a Unix socket that listens already. Its file stays where it is.
    pub fn from_std_unix(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Listening::Unix(UnixListener::from_std(socket)?), file: None })
    }

    /// The TCP address; `None` for a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves connections until `shutdown` resolves, then lets requests under way finish within
    /// `limits.drain`, and closes. Dropping the future closes at once.
    ///
    /// Over `limits.connections`, clients wait in the kernel's queue. Fails only where TLS cannot
    /// be set up on this machine.
    pub async fn serve(
        self,
        handler: Arc<dyn Handler>,
        certificates: Arc<dyn Certificates>,
        limits: Limits,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let Self { socket, file } = self;
        let drain = limits.drain;
        let places = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let tls = acceptor(certificates).map_err(io::Error::other)?;
        let shared = Arc::new(Shared { handler, tls, limits });
        let (drain_all, draining) = watch::channel(false);
        let mut open = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let place = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, socket.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = open.join_next() => {
                    ended.unwrap_or_else(|error| tracing::error!("a connection failed: {error}"));
                    continue;
                }
                accepted = place => accepted,
            };
            match accepted {
                Ok((stream, addr, local)) => {
                    let peer = Peer { addr, local, tls: None };
                    let (shared, draining) = (Arc::clone(&shared), draining.clone());
                    open.spawn(async move {
                        if let Err(error) = connection::serve(stream, peer, shared, draining).await
                        {
                            tracing::debug!(%addr, "a connection broke off: {error}");
                        }
                        drop(place);
                    });
                }
                Err(error) => pause(&error).await,
            }
        }
        drop(socket);
        if let Some(file) = file {
            let _ = std::fs::remove_file(file);
        }
        let _ = drain_all.send(true);
        let all_ended = async { while open.join_next().await.is_some() {} };
        if timeout(drain, all_ended).await.is_err() {
            tracing::warn!(open = open.len(), "closed connections with requests still under way");
        }
        Ok(())
    }
}

/// Accepting fails for one connection (it was reset meanwhile) or for all (no descriptors left).
async fn pause(error: &io::Error) {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected,
    };
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected
    ) {
        tracing::error!("cannot accept connections: {error}");
        sleep(ACCEPT_PAUSE).await;
    }
}
