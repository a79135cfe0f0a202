//! This cloud's endpoint inside a sandbox: connections are taken on a socket that was made there,
//! and passed on to the one address where the cloud listens. No other can be reached this way.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};

/// Connections of one sandbox at a time; more wait. An SDK keeps 10 to 50 open.
const CONNECTION_LIMIT: usize = 128;

/// Relays until aborted.
pub(super) fn start(listener: TcpListener, cloud: SocketAddr) -> io::Result<AbortHandle> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(tokio::spawn(run(listener, cloud)).abort_handle())
}

async fn run(listener: tokio::net::TcpListener, cloud: SocketAddr) {
    let room = Arc::new(Semaphore::new(CONNECTION_LIMIT));
    // Dropping the set ends its connections.
    let mut connections = JoinSet::new();
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let Ok((inside, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            if let Err(error) = pass_on(inside, cloud).await {
                tracing::debug!(%error, "a function's connection to the endpoint broke");
            }
            drop(permit);
        });
    }
}

async fn pass_on(mut inside: TcpStream, cloud: SocketAddr) -> io::Result<()> {
    let mut outside = TcpStream::connect(cloud).await?;
    inside.set_nodelay(true)?;
    outside.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut inside, &mut outside).await.map(drop)
}
