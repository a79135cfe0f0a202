//! Datagrams to the world and back.
//!
//! Each pair of a sandbox's socket and a destination is a flow, with a socket of the host's that is
//! connected to the destination: what comes back from there goes to that pair and nowhere else.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::activity::Activity;
use super::datagram::{self, Ends, PAYLOAD};
use super::outside::Outlet;
use super::policy::Protocol;

/// Datagrams of one flow that wait for it.
const QUEUE: usize = 64;

struct Flow {
    queue: mpsc::Sender<Datagram>,
    activity: Arc<Activity>,
}

struct Datagram {
    payload: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

/// Serves one socket's datagrams for as long as it is polled. `packets` takes what comes back.
pub(super) async fn serve(socket: UdpSocket, packets: Arc<OwnedFd>, outlet: Arc<Outlet>) {
    let mut flows = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            ready = socket.readable() => {
                if ready.is_err() {
                    return;
                }
                // Made when there is something to read and gone when there is nothing.
                let mut buffer = vec![0; PAYLOAD];
                while let Ok((length, ends)) = socket.try_io(Interest::READABLE, || {
                    datagram::receive(socket.as_fd(), &mut buffer)
                }) {
                    let payload = buffer.get(..length).unwrap_or_default();
                    if let Some(ends) = ends {
                        accept(ends, payload, &mut flows, &mut tasks, &packets, &outlet);
                    }
                    tokio::task::coop::consume_budget().await;
                }
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {
                flows.retain(|_, flow: &mut Flow| !flow.queue.is_closed());
            }
        }
    }
}

/// Gives a datagram to its flow. Where there is no room for it, it is lost, as datagrams may be.
fn accept(
    ends: Ends,
    payload: &[u8],
    flows: &mut HashMap<Ends, Flow>,
    tasks: &mut JoinSet<()>,
    packets: &Arc<OwnedFd>,
    outlet: &Arc<Outlet>,
) {
    // At least one, so that empty ones are bounded too.
    let size = (payload.len() as u32).max(1);
    let room: &Arc<Semaphore> = &outlet.datagrams;
    let Ok(room) = Arc::clone(room).try_acquire_many_owned(size) else { return };
    let mut datagram = Datagram { payload: payload.to_vec(), _room: room };
    if let Some(flow) = flows.get(&ends) {
        flow.activity.touch();
        match flow.queue.try_send(datagram) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => return,
            Err(mpsc::error::TrySendError::Closed(back)) => datagram = back,
        }
    }
    let Ok(permit) = Arc::clone(&outlet.egress.connections).try_acquire_owned() else { return };
    make_room(flows, outlet.limits().flows);
    let (queue, waiting) = mpsc::channel(QUEUE);
    let activity = Arc::new(Activity::now());
    let _ = queue.try_send(datagram);
    flows.insert(ends, Flow { queue, activity: Arc::clone(&activity) });
    let (packets, outlet) = (Arc::clone(packets), Arc::clone(outlet));
    tasks.spawn(async move {
        // What fails is lost, and the next datagram of this pair begins anew.
        let _ = carry(ends, waiting, &packets, &outlet, &activity).await;
        drop(permit);
    });
}

/// Forgets the flow that was silent for longest, where there are `most` or more. A flow ends when
/// its queue's sender is gone.
fn make_room(flows: &mut HashMap<Ends, Flow>, most: usize) {
    while flows.len() >= most.max(1) {
        let oldest = flows.iter().min_by_key(|(_, flow)| flow.activity.last());
        let Some(oldest) = oldest.map(|(ends, _)| *ends) else { return };
        flows.remove(&oldest);
    }
}

async fn carry(
    ends: Ends,
    mut waiting: mpsc::Receiver<Datagram>,
    packets: &OwnedFd,
    outlet: &Outlet,
    activity: &Activity,
) -> io::Result<()> {
    let to = match outlet.resolve(Protocol::Udp, ends.to).await {
        Ok(addresses) => addresses.first().copied().ok_or(io::ErrorKind::NotFound)?,
        Err(refusal) => {
            outlet.report_refused(ends.to, refusal);
            return Ok(());
        }
    };
    let socket = match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await?,
    };
    socket.connect(to).await?;
    let back = Ends { from: ends.to, to: ends.from };
    loop {
        tokio::select! {
            datagram = waiting.recv() => match datagram {
                // An error is the destination's last answer (a closed port), not this datagram's.
                Some(datagram) => drop(socket.send(&datagram.payload).await),
                None => return Ok(()),
            },
            ready = socket.readable() => {
                ready?;
                let mut buffer = Vec::with_capacity(PAYLOAD);
                while let Some(read) = received(socket.try_recv_buf(&mut buffer)) {
                    if read {
                        let _ = datagram::send(packets.as_fd(), back, &buffer);
                        activity.touch();
                    }
                    buffer.clear();
                    tokio::task::coop::consume_budget().await;
                }
            }
            () = activity.silent_for(outlet.limits().flow_idle) => return Ok(()),
        }
    }
}

/// Whether there was a datagram, an error of an earlier one, or (`None`) nothing more.
fn received(result: io::Result<usize>) -> Option<bool> {
    match result {
        Ok(_) => Some(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(_) => Some(false),
    }
}
