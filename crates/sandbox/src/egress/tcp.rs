//! Connections: accept, decide, dial, copy both ways.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{Shutdown, shutdown, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::activity::Activity;
use super::outside::Outlet;
use super::policy::Protocol;

/// How long to wait where the platform itself has no descriptors left.
const BREATHER: Duration = Duration::from_millis(50);

/// Accepts one listener's connections for as long as it is polled. Dropping it resets what is open.
pub(super) async fn serve(listener: TcpListener, outlet: Arc<Outlet>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => admit(stream, &outlet, &mut open),
                // The kernel has a connection for us and we cannot have it: try again later.
                Err(_) => tokio::time::sleep(BREATHER).await,
            },
            Some(_) = open.join_next(), if !open.is_empty() => {}
        }
    }
}

fn admit(stream: TcpStream, outlet: &Arc<Outlet>, open: &mut JoinSet<()>) {
    reset_when_dropped(&stream);
    let Some(permits) = outlet.admit(&outlet.connections) else {
        return outlet.report("has as many connections as it may, and gets no more");
    };
    let outlet = Arc::clone(outlet);
    open.spawn(async move {
        connect(stream, &outlet).await;
        drop(permits);
    });
}

async fn connect(stream: TcpStream, outlet: &Outlet) {
    // The packet filter leaves the packets as they are, so the address that the connection was
    // made to is the one that it has.
    let Ok(to) = stream.local_addr() else { return };
    match outlet.resolve(Protocol::Tcp, to).await {
        Ok(addresses) => {
            if let Ok(remote) = dial(&addresses, outlet.limits().dial).await {
                relay(&stream, &remote, outlet).await;
            }
        }
        Err(refusal) => outlet.report_refused(to, refusal),
    }
}

async fn dial(addresses: &[std::net::SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    tokio::time::timeout(limit, TcpStream::connect(addresses)).await?
}

/// What one end did not get, the other must not take for sent: a connection that comes to any end
/// but the good one is reset, be it by this task's own end.
fn reset_when_dropped(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

async fn relay(inner: &TcpStream, outer: &TcpStream, outlet: &Outlet) {
    reset_when_dropped(outer);
    // How to batch is decided by who writes first; here, every byte that came goes on at once.
    let _ = inner.set_nodelay(true);
    let _ = outer.set_nodelay(true);
    let activity = Activity::now();
    let both = async {
        tokio::try_join!(
            pump(inner, outer, outlet, &activity),
            pump(outer, inner, outlet, &activity)
        )
    };
    let ended = tokio::select! {
        ended = both => ended.is_ok(),
        () = activity.silent_for(outlet.limits().idle) => false,
    };
    if ended {
        for stream in [inner, outer] {
            let _ = sockopt::set_socket_linger(stream, None);
        }
    }
}

/// Copies until the end of what `from` sends, which it passes on: half a connection may live on.
async fn pump(
    from: &TcpStream,
    to: &TcpStream,
    outlet: &Outlet,
    activity: &Activity,
) -> io::Result<()> {
    loop {
        from.readable().await?;
        // Made when there is something to read and gone when there is nothing: an idle connection
        // holds no memory.
        let mut buffer = Vec::with_capacity(buffer_size(outlet));
        loop {
            buffer.clear();
            match from.try_read_buf(&mut buffer) {
                Ok(0) => return Ok(shutdown(to, Shutdown::Write)?),
                Ok(_) => write_all(to, &buffer).await?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            activity.touch();
            tokio::task::coop::consume_budget().await;
        }
    }
}

fn buffer_size(outlet: &Outlet) -> usize {
    let limits = outlet.limits();
    limits.buffer(limits.connections.saturating_sub(outlet.connections.available_permits()))
}

async fn write_all(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
