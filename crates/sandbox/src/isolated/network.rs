//! The sandbox's network: a loopback device of its own, and the sockets on it that are served from
//! outside.
//!
//! A socket belongs to the network namespace it was made in, whoever holds it. So the sandbox's
//! first process binds the sockets and passes them out, and the platform answers on them: no
//! packet ever leaves the namespace, and nothing of the machine's network is in it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::egress::{self, Inside};

/// The port of the Runtime API, as on AWS.
const RUNTIME_API: u16 = 9001;

/// What the platform serves in the sandbox.
pub(super) struct Doors {
    pub(super) runtime_api: TcpListener,
    /// The way out.
    pub(super) egress: Option<Inside>,
}

/// Takes the loopback device up and opens the doors. The caller has all capabilities over the
/// namespace; sockets that need some (ports below 1024, transparent ones) are made here too.
pub(super) fn open(plan: Option<&egress::Plan>) -> io::Result<Doors> {
    let egress = plan.map(egress::set_up).transpose()?;
    if egress.is_none() {
        egress::loopback_up()?;
    }
    let runtime_api = TcpListener::bind(runtime_api(plan))?;
    runtime_api.set_nonblocking(true)?;
    Ok(Doors { runtime_api, egress })
}

/// Where the Runtime API is. The ports that lead out are given; this one is ours to choose.
pub(super) fn runtime_api(plan: Option<&egress::Plan>) -> SocketAddr {
    let taken = |port: &u16| {
        plan.is_some_and(|plan| plan.loopback.iter().any(|address| address.port() == *port))
    };
    let port = (RUNTIME_API..=u16::MAX).find(|port| !taken(port)).unwrap_or(RUNTIME_API);
    (Ipv4Addr::LOCALHOST, port).into()
}
