//! Connections that wait for their next request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use cumulet_base::Body;
use hyper::client::conn::http1::SendRequest;
use tokio::time::{Duration, Instant};

use super::Origin;
use crate::destination::DestinationPolicy;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) origin: Origin,
    /// The address that was dialled.
    pub(crate) addr: SocketAddr,
    pub(crate) sender: SendRequest<Body>,
}

#[derive(Debug)]
pub(crate) struct Pool {
    most: usize,
    keep: Duration,
    idle: Mutex<HashMap<Origin, Vec<(Instant, Connection)>>>,
}

impl Pool {
    /// Keeps `most` connections, each for `keep`.
    pub(crate) fn new(most: usize, keep: Duration) -> Self {
        Self { most, keep, idle: Mutex::default() }
    }

    /// The connection used last that `policy` allows to be used: it may have been opened under
    /// another one.
    pub(crate) fn take(
        &self,
        origin: &Origin,
        policy: &dyn DestinationPolicy,
    ) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_old(&mut idle);
        let waiting = idle.get_mut(origin)?;
        let found = waiting.iter().rposition(|(_, connection)| policy.allows(connection.addr))?;
        Some(waiting.remove(found).1)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn put(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.drop_old(&mut idle);
        if !connection.sender.is_closed() && idle.values().map(Vec::len).sum::<usize>() < self.most
        {
            let waiting = idle.entry(connection.origin.clone()).or_default();
            waiting.push((Instant::now(), connection));
        }
    }

    fn drop_old(&self, idle: &mut HashMap<Origin, Vec<(Instant, Connection)>>) {
        idle.retain(|_, waiting| {
            waiting.retain(|(since, connection)| {
                since.elapsed() < self.keep && !connection.sender.is_closed()
            });
            !waiting.is_empty()
        });
    }
}
