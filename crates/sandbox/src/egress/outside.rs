//! Part two, in the platform: serves the sockets of sandboxes.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};

use super::dns::{self, Resolvers};
use super::inside::{Inside, Kind, Plan, Way};
use super::limits::EgressLimits;
use super::policy::{Decision, EgressPolicy, Protocol, Refusal};
use super::{routes, tcp, udp};

/// Lines that one sandbox may cause in the platform's log.
const REPORTS: u32 = 16;

/// What all sandboxes share.
#[derive(Debug)]
pub struct Egress {
    policy: EgressPolicy,
    limits: EgressLimits,
    resolvers: Resolvers,
    /// Room for what all sandboxes have open: connections, flows, questions.
    pub(super) connections: Arc<Semaphore>,
}

/// A sandbox's way out. Dropping it resets its connections and closes its sockets.
#[derive(Debug)]
pub struct Relay {
    task: AbortHandle,
}

/// One sandbox, as its tasks see it.
pub(super) struct Outlet {
    pub(super) egress: Arc<Egress>,
    name: String,
    pub(super) connections: Arc<Semaphore>,
    pub(super) questions: Arc<Semaphore>,
    pub(super) question_streams: Arc<Semaphore>,
    /// In bytes.
    pub(super) datagrams: Arc<Semaphore>,
    reported: AtomicU32,
}

impl Egress {
    /// Egress under a policy, with names resolved by `resolvers`.
    pub fn new(policy: EgressPolicy, limits: EgressLimits, resolvers: Resolvers) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections_in_all));
        Self { policy, limits, resolvers, connections }
    }

    /// What each sandbox's init has to set up.
    pub fn plan(&self) -> Plan {
        let loopback = self.policy.loopback();
        Plan { ipv6: routes::host_has_ipv6(), loopback, way: Way::default() }
    }

    /// Serves a sandbox until the value returned is dropped. `name` is the function's, for the log.
    /// Must be called within a tokio runtime with I/O and time enabled.
    pub fn serve(self: &Arc<Self>, inside: Inside, name: &str) -> io::Result<Relay> {
        let room = |most: usize| Arc::new(Semaphore::new(most));
        let outlet = Arc::new(Outlet {
            egress: Arc::clone(self),
            name: name.to_owned(),
            connections: room(self.limits.connections),
            questions: room(self.limits.questions),
            question_streams: room(self.limits.question_streams),
            datagrams: room(self.limits.datagrams),
            reported: AtomicU32::new(0),
        });
        let tasks = spawn(inside, &outlet)?;
        // Aborting the one that owns the set ends them all.
        let task = tokio::spawn(async move { drop(tasks.join_all().await) }).abort_handle();
        Ok(Relay { task })
    }

    /// Where this cloud listens, if functions may reach it: for them it is at the same port of
    /// their loopback.
    pub(crate) fn cloud(&self) -> Option<SocketAddr> {
        self.policy.endpoint()
    }

    pub(super) fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    pub(super) fn resolvers(&self) -> &Resolvers {
        &self.resolvers
    }
}

fn spawn(inside: Inside, outlet: &Arc<Outlet>) -> io::Result<JoinSet<()>> {
    let mut tasks = JoinSet::new();
    let (mut v4, mut v6) = (None, None);
    let mut datagrams = Vec::new();
    for (kind, descriptor) in inside.into_sockets() {
        let outlet = Arc::clone(outlet);
        match kind {
            Kind::Connections => drop(tasks.spawn(tcp::serve(listener(descriptor)?, outlet))),
            Kind::Questions => drop(tasks.spawn(dns::serve(socket(descriptor)?, outlet))),
            Kind::QuestionStreams => {
                tasks.spawn(dns::serve_streams(listener(descriptor)?, outlet));
            }
            Kind::Datagrams => datagrams.push(socket(descriptor)?),
            Kind::PacketsV4 => v4 = Some(Arc::new(descriptor)),
            Kind::PacketsV6 => v6 = Some(Arc::new(descriptor)),
        }
    }
    for socket in datagrams {
        let packets = if socket.local_addr()?.is_ipv4() { &v4 } else { &v6 };
        let packets = packets.clone().ok_or(io::ErrorKind::InvalidData)?;
        tasks.spawn(udp::serve(socket, packets, Arc::clone(outlet)));
    }
    Ok(tasks)
}

fn listener(descriptor: OwnedFd) -> io::Result<tokio::net::TcpListener> {
    let listener = TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn socket(descriptor: OwnedFd) -> io::Result<tokio::net::UdpSocket> {
    let socket = UdpSocket::from(descriptor);
    socket.set_nonblocking(true)?;
    tokio::net::UdpSocket::from_std(socket)
}

impl Outlet {
    pub(super) fn limits(&self) -> &EgressLimits {
        &self.egress.limits
    }

    /// Room for one more of a kind, here and among all sandboxes; given back when it is dropped.
    pub(super) fn admit(&self, kind: &Arc<Semaphore>) -> Option<[OwnedSemaphorePermit; 2]> {
        let take = |from: &Arc<Semaphore>| Arc::clone(from).try_acquire_owned().ok();
        Some([take(kind)?, take(&self.egress.connections)?])
    }

    /// The addresses to dial for a destination that a function asked for, at least one.
    pub(super) async fn resolve(
        &self,
        protocol: Protocol,
        to: SocketAddr,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let policy = &self.egress.policy;
        let (name, port, opened) = match policy.decide(protocol, to, routes::leads_away) {
            Decision::Dial(address) => return Ok(vec![address]),
            Decision::Refuse(refusal) => return Err(refusal),
            Decision::Resolve { name, port, opened } => (name, port, opened),
        };
        let found =
            tokio::time::timeout(self.limits().dial, tokio::net::lookup_host((&*name, port)));
        let found = found.await.ok().and_then(Result::ok).ok_or(Refusal::Name)?;
        let mut refused = Refusal::Name;
        let mut addresses = Vec::new();
        for address in found {
            if opened {
                addresses.push(address);
                continue;
            }
            match policy.decide_address(protocol, address, routes::leads_away) {
                Decision::Dial(address) => addresses.push(address),
                Decision::Refuse(refusal) => refused = refusal,
                Decision::Resolve { .. } => {}
            }
        }
        if addresses.is_empty() { Err(refused) } else { Ok(addresses) }
    }

    pub(super) fn report_refused(&self, to: SocketAddr, refusal: Refusal) {
        self.report(&format!(
            "was refused {to}: {refusal} (--egress-allow opens what a function needs)"
        ));
    }

    pub(super) fn report(&self, what: &str) {
        // A function that tries in a loop must not fill the log.
        if self.reported.fetch_add(1, Ordering::Relaxed) < REPORTS {
            tracing::warn!("function {} {what}", self.name);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
