//! What a function sees as `/`: a small file system of memory, into which the machine's programs
//! and libraries are mounted read-only, and nothing else of the machine.
//!
//! Mount points below are AWS's: `/var/task` is the code, `/opt` the layers, `/var/runtime` the
//! runtime client, `/tmp` the ephemeral storage.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use super::sys;

/// Where the root is put together before it becomes `/`. Every system has it.
const SITE: &str = "/tmp";

/// Folders of programs and libraries: world-readable on every distribution. Those that are links
/// (`/lib` → `usr/lib`) stay links.
const SYSTEM: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What programs read of `/etc`. Never the whole of it, and never folders with private keys.
const ETC: [&str; 11] = [
    "etc/alternatives",
    "etc/ca-certificates",
    "etc/ld.so.cache",
    "etc/ld.so.conf",
    "etc/mime.types",
    "etc/pki/ca-trust",
    "etc/pki/tls/certs",
    "etc/protocols",
    "etc/services",
    "etc/ssl/certs",
    "etc/ssl/openssl.cnf",
];

/// Files of `/etc` that are the sandbox's own.
const WRITTEN: [(&str, &str); 5] = [
    ("etc/passwd", "root:x:0:0::/:/sbin/nologin\nsbx_user1051:x:993:990::/tmp:/sbin/nologin\n"),
    ("etc/group", "root:x:0:\nsbx_user1051:x:990:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("etc/resolv.conf", "nameserver 127.0.0.1\n"),
];

const FOLDERS: [&str; 7] = ["proc", "dev", "tmp", "etc", "opt", "var/task", "var/runtime"];

/// Folders of libraries within what a function brings.
const LIBRARIES: [&str; 2] = ["/var/task/lib", "/opt/lib"];

const DEVICES: [&str; 5] = ["dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom"];

const LINKS: [(&str, &str); 4] = [
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
];

/// Files and folders of `/proc` that tell of the machine, its hardware and its other users.
const MASKED: [&str; 20] = [
    "acpi",
    "bus",
    "cmdline",
    "config.gz",
    "diskstats",
    "driver",
    "fs",
    "irq",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "partitions",
    "scsi",
    "swaps",
    "sysrq-trigger",
    "timer_list",
];

const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// How the ephemeral storage is mounted.
const STORAGE: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// A copy of a mounted file or folder, with what is mounted below it, read-only, at no place yet.
pub(super) fn copy(path: &Path) -> io::Result<OwnedFd> {
    copy_with(path, READ_ONLY)
}

fn copy_with(path: &Path, attributes: u64) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(CWD, path, flags)?;
    sys::set_mount_attributes(&tree, attributes, true)?;
    Ok(tree)
}

/// Puts such a copy at its place.
fn attach(tree: impl AsFd, target: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, "", CWD, target, flags)?)
}

/// Makes the root and enters it. What was `/` before is out of reach afterwards.
pub(super) fn build() -> io::Result<()> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)?;
    let system = system()?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("tmpfs", SITE, "tmpfs", flags, c"size=4m,nr_inodes=4096,mode=755")?;
    let site = Path::new(SITE);
    for folder in FOLDERS {
        fs::create_dir_all(site.join(folder))?;
    }
    for (name, found) in system {
        match found {
            Found::Link(to) => symlink(to, site.join(name))?,
            Found::Folder(tree) => {
                fs::create_dir_all(site.join(name))?;
                attach(tree, &site.join(name))?;
            }
            Found::File(tree) => {
                make_file(&site.join(name))?;
                attach(tree, &site.join(name))?;
            }
        }
    }
    for (name, text) in WRITTEN {
        fs::write(site.join(name), text)?;
    }
    for (name, to) in LINKS {
        symlink(to, site.join(name))?;
    }
    proc(&site.join("proc"), &site.join("dev/null"))?;
    enter(site)
}

enum Found {
    Link(PathBuf),
    Folder(OwnedFd),
    File(OwnedFd),
}

/// What of the machine is shown, as far as it is there.
fn system() -> io::Result<Vec<(&'static str, Found)>> {
    let mut all = Vec::new();
    let root = Path::new("/");
    for name in SYSTEM.into_iter().chain(ETC) {
        let path = root.join(name);
        let Ok(kind) = fs::symlink_metadata(&path).map(|found| found.file_type()) else { continue };
        all.push((
            name,
            if kind.is_symlink() && SYSTEM.contains(&name) {
                Found::Link(fs::read_link(&path)?)
            } else if path.is_dir() {
                Found::Folder(copy(&path)?)
            } else if path.is_file() {
                Found::File(copy(&path)?)
            } else {
                continue;
            },
        ));
    }
    for name in DEVICES {
        // Device files would not open on a mount without devices.
        let attributes =
            libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;
        all.push((name, Found::File(copy_with(&root.join(name), attributes)?)));
    }
    Ok(all)
}

fn make_file(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create(path).map(drop)
}

/// The sandbox's own processes. `hidepid=2`: only those that the reader may trace, which leaves
/// out the sandbox's first process, so that `/proc/1` tells nothing.
fn proc(at: &Path, nothing: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", at, "proc", flags, c"hidepid=2")?;
    for name in MASKED {
        let path = at.join(name);
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_dir() {
            let flags = flags | MountFlags::RDONLY;
            rustix::mount::mount("tmpfs", &path, "tmpfs", flags, c"size=4k,nr_inodes=1,mode=555")?;
        } else {
            let attributes = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOEXEC;
            attach(copy_with(nothing, attributes)?, &path)?;
        }
    }
    // The kernel's settings belong to root, who in some containers is whom the function runs as.
    attach(copy(&at.join("sys"))?, &at.join("sys"))
}

/// pivot_root(2), in the way that needs no folder for the old root: "pivot_root(".", ".")" there.
fn enter(root: &Path) -> io::Result<()> {
    std::env::set_current_dir(root)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// A mount that an assignment brings.
pub(super) struct Brought {
    pub(super) tree: OwnedFd,
    pub(super) target: PathBuf,
    pub(super) is_folder: bool,
}

impl Brought {
    pub(super) fn attach(self) -> io::Result<()> {
        let Self { tree, target, is_folder } = self;
        if is_folder {
            fs::create_dir_all(&target)?;
        } else {
            make_file(&target)?;
        }
        attach(tree, &target)
    }
}

/// Ephemeral storage of so many bytes, and what belongs to the function.
pub(super) fn furnish(storage: u64, uid: u32, gid: u32, brought: Vec<Brought>) -> io::Result<()> {
    let options = format!("{},mode=700,uid={uid},gid={gid}", size(storage));
    let options = CString::new(options)?;
    rustix::mount::mount("tmpfs", "/tmp", "tmpfs", STORAGE, options.as_c_str())?;
    brought.into_iter().try_for_each(Brought::attach)
}

/// So that what is looked for at start is found once it is there: a dynamic linker never looks
/// again for a folder that was not.
pub(super) fn furnish_ahead() -> io::Result<()> {
    LIBRARIES.iter().try_for_each(fs::create_dir_all)
}

/// What `furnish_ahead` has made shows where nothing is mounted over it.
pub(super) fn unfurnish() -> io::Result<()> {
    LIBRARIES.iter().try_for_each(|folder| match fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// Another size of the storage that is there.
pub(super) fn resize_storage(storage: u64) -> io::Result<()> {
    let options = CString::new(size(storage))?;
    Ok(rustix::mount::mount_remount("/tmp", STORAGE, options.as_c_str())?)
}

fn size(storage: u64) -> String {
    // A file takes a page at least; without a limit of their own, empty files would cost nothing.
    let inodes = (storage / 4096).max(1024);
    format!("size={storage},nr_inodes={inodes}")
}

/// From here on `/` itself is read-only too.
pub(super) fn seal() -> io::Result<()> {
    sys::set_mount_attributes(root()?, READ_ONLY, false)
}

/// The root as it is now, to be found again from another mount namespace.
pub(super) fn root() -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open("/", flags, Mode::empty())?)
}
