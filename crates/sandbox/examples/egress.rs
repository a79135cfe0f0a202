//! A sandbox with nothing but a network: what the tests of egress run programs in. Its standard
//! input is a socket to the platform.
//!
//! `egress PLAN RESOLV_CONF PROGRAM [ARGUMENT...]` makes user, mount and network namespaces of its
//! own, sets the network up, sends its sockets to standard input, waits for a byte from there, and
//! becomes the program, as a user without any capability.
// An example: its user reads the message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::CString;
use std::io::{IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use cumulet_sandbox::egress::set_up;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// The function's user in its namespace: not root, so that exec drops every capability.
const USER: u32 = 1000;
const SOCKETS: usize = 64;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let plan = arguments.next().expect("a plan").parse().expect("a plan's text");
    let resolv_conf = arguments.next().expect("a file for /etc/resolv.conf");
    let program = arguments.next().expect("a program");
    isolate(&resolv_conf);
    let inside = set_up(&plan).expect("the network is set up");
    let (message, descriptors) = inside.into_parts();
    let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let platform = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    sendmsg(&platform, &[IoSlice::new(&message)], &mut control, SendFlags::empty()).unwrap();
    let mut go = [0];
    UnixStream::from(platform).read_exact(&mut go).expect("the platform is ready");
    let error = Command::new(program).args(arguments).stdin(Stdio::null()).exec();
    panic!("{error}");
}

fn isolate(resolv_conf: &str) {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWNET;
    #[allow(unsafe_code)]
    // SAFETY: unshare(2) takes a number, and this process has one thread.
    let unshared = unsafe { libc::unshare(namespaces) };
    assert_eq!(unshared, 0, "no namespaces: {}", std::io::Error::last_os_error());
    std::fs::write("/proc/self/setgroups", "deny").unwrap();
    std::fs::write("/proc/self/uid_map", format!("{USER} {} 1", user.as_raw())).unwrap();
    std::fs::write("/proc/self/gid_map", format!("{USER} {} 1", group.as_raw())).unwrap();
    let source = CString::new(resolv_conf).unwrap();
    #[allow(unsafe_code)]
    // SAFETY: mount(2) reads two C strings that outlive the call; the other two may be null for a
    // bind mount.
    let mounted = unsafe {
        libc::mount(
            source.as_ptr(),
            c"/etc/resolv.conf".as_ptr(),
            std::ptr::null(),
            libc::MS_BIND,
            std::ptr::null(),
        )
    };
    assert_eq!(mounted, 0, "resolv.conf: {}", std::io::Error::last_os_error());
}
