//! Which system calls a function may make.
//!
//! Three filters, of which the kernel takes the strictest answer: what this program knows nothing
//! of does not exist (`ENOSYS`, which libraries fall back from); what reaches beyond the sandbox is
//! not permitted (`EPERM`); and only families of sockets that a network namespace holds can be
//! made (`EAFNOSUPPORT`: a namespace does not stop AF_VSOCK or AF_ALG).

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};

/// The newest call known here (`mseal`, Linux 6.10). Newer ones, and with them the second numbering
/// of x86-64 ("x32", from 0x4000_0000), must be looked at before they are let in.
const NEWEST: u32 = libc::SYS_mseal as u32;

/// Numbers of calls that `libc` has no name for; calls as new as these have one on all
/// architectures.
const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;

/// Not permitted. Each either needs a capability that a function never has, so that the filter is
/// the second lock, or is a way to the kernel that a function has no use for.
const DENIED: &[i64] = &[
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // They name mounts, and with them paths of the machine.
    STATMOUNT,
    LISTMOUNT,
    // Files by handle reach what no path leads to.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // Parts of the kernel with a history of holes.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_vhangup,
    libc::SYS_lookup_dcookie,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Flags of clone(2) that make namespaces.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The filters, ready to be installed.
pub(super) struct Filters(Vec<BpfProgram>);

impl Filters {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(vec![
            unknown_calls(),
            compile(denied().map_err(io::Error::other)?, libc::EPERM)?,
            compile(foreign_sockets().map_err(io::Error::other)?, libc::EAFNOSUPPORT)?,
        ]))
    }

    /// Installs them for the calling thread and all that comes of it, for good. Needs
    /// `no_new_privs`.
    pub(super) fn install(&self) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|filter| seccompiler::apply_filter(filter).map_err(io::Error::other))
    }
}

/// A filter by hand, as `seccompiler` knows no order among calls. Whether the number is one of this
/// architecture at all is asked by the others, which end the process where it is not.
fn unknown_calls() -> BpfProgram {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        // `seccomp_data.nr` comes first in the structure.
        step(LOAD, 0, 0, 0),
        step(IF_GREATER, 1, 0, NEWEST),
        // clone3(2) has its flags in memory, where no filter sees them. The C library falls back
        // to clone(2).
        step(IF_EQUAL, 0, 1, libc::SYS_clone3 as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn compile(rules: Rules, errno: libc::c_int) -> io::Result<BpfProgram> {
    let compile = || {
        let refuse = SeccompAction::Errno(errno.cast_unsigned());
        let architecture = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()
    };
    compile().map_err(|error: seccompiler::BackendError| io::Error::other(error))
}

fn denied() -> Result<Rules, seccompiler::BackendError> {
    // No conditions: always.
    let mut rules: Rules = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    let with_namespace = |flag: libc::c_int| {
        let flag = u64::from(flag.cast_unsigned());
        SeccompRule::new(vec![argument(0, SeccompCmpOp::MaskedEq(flag), flag)?])
    };
    rules.insert(
        libc::SYS_clone,
        NAMESPACES.into_iter().map(with_namespace).collect::<Result<_, _>>()?,
    );
    Ok(rules)
}

/// UNIX and Internet sockets, and of netlink what lists the sandbox's own interfaces (getifaddrs).
fn foreign_sockets() -> Result<Rules, seccompiler::BackendError> {
    let is_not = |family: libc::c_int| argument(0, SeccompCmpOp::Ne, family as u64);
    let netlink = SeccompRule::new(vec![
        argument(0, SeccompCmpOp::Eq, libc::AF_NETLINK as u64)?,
        argument(2, SeccompCmpOp::Ne, libc::NETLINK_ROUTE as u64)?,
    ])?;
    let other = SeccompRule::new(vec![
        is_not(libc::AF_UNIX)?,
        is_not(libc::AF_INET)?,
        is_not(libc::AF_INET6)?,
        is_not(libc::AF_NETLINK)?,
    ])?;
    let pair = SeccompRule::new(vec![is_not(libc::AF_UNIX)?])?;
    Ok([(libc::SYS_socket, vec![netlink, other]), (libc::SYS_socketpair, vec![pair])].into())
}

/// A condition on the lower 32 bits of an argument, which is all that the kernel takes of these.
fn argument(
    at: u8,
    compare: SeccompCmpOp,
    with: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(at, SeccompCmpArgLen::Dword, compare, with)
}
