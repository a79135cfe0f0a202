//! The sandbox's network: a loopback device of its own, and the sockets on it that are served from
//! outside.
//!
//! A socket belongs to the network namespace it was made in, whoever holds it. So the sandbox's
//! first process binds the sockets and passes them out, and the platform answers on them: no
//! packet ever leaves the namespace, and nothing of the machine's network is in it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink,
};

/// The port of the Runtime API, as on AWS.
const RUNTIME_API: u16 = 9001;

/// What the platform serves in the sandbox.
pub(super) struct Doors {
    pub(super) runtime_api: TcpListener,
    /// This cloud's endpoint.
    pub(super) endpoint: Option<TcpListener>,
}

/// Takes the loopback device up and opens the doors. The caller has all capabilities over the
/// namespace; sockets that need some (ports below 1024, transparent ones) are made here too.
pub(super) fn open(endpoint: Option<u16>) -> io::Result<Doors> {
    loopback_up()?;
    let listen = |address: SocketAddr| {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        io::Result::Ok(listener)
    };
    let runtime_api = listen(runtime_api(endpoint))?;
    let endpoint = endpoint.map(|port| listen((Ipv4Addr::LOCALHOST, port).into())).transpose()?;
    Ok(Doors { runtime_api, endpoint })
}

/// Where the Runtime API is. The endpoint's port is given, in the function's environment; this one
/// is ours to choose.
pub(super) fn runtime_api(endpoint: Option<u16>) -> SocketAddr {
    let port = if endpoint == Some(RUNTIME_API) { RUNTIME_API + 1 } else { RUNTIME_API };
    (Ipv4Addr::LOCALHOST, port).into()
}

/// RTM_NEWLINK (rtnetlink(7)) for the namespace's first device, which is the loopback.
fn loopback_up() -> io::Result<()> {
    const IFF_UP: u32 = libc::IFF_UP as u32;
    let mut request = Vec::with_capacity(32);
    // struct nlmsghdr: length, type, flags, sequence, port.
    request.extend(32_u32.to_ne_bytes());
    request.extend(libc::RTM_NEWLINK.to_ne_bytes());
    request.extend(((libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16).to_ne_bytes());
    request.extend([1_u32, 0].map(u32::to_ne_bytes).concat());
    // struct ifinfomsg: family, padding, type; index; flags; which of them change.
    request.extend([0; 4]);
    request.extend([1, IFF_UP, IFF_UP].map(u32::to_ne_bytes).concat());
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE.
        None,
    )?;
    rustix::net::sendto(&socket, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 64];
    rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr after the header: a negative errno, or 0.
    let code = answer.get(16..20).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes);
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(super::link::malformed()),
    }
}
