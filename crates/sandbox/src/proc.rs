//! What `/proc` says about a process and its descendants (proc(5)).

use std::fs;
use std::net::{IpAddr, SocketAddr};

/// Processes looked at in one tree: a fork bomb must not hold the platform up.
const TREE_LIMIT: usize = 4096;

/// `leader` and its descendants, as far as they are linked to it. A process whose parent has died
/// belongs to init and is not seen: only a cgroup or a pid namespace would hold it.
pub(crate) fn tree(leader: u32) -> Vec<u32> {
    let mut all = vec![leader];
    let mut at = 0;
    while let Some(&pid) = all.get(at) {
        at += 1;
        // Each thread lists the children that it started itself.
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let Ok(children) = fs::read_to_string(task.path().join("children")) else { continue };
            let room = TREE_LIMIT.saturating_sub(all.len());
            let children =
                children.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok());
            all.extend(children.take(room));
        }
    }
    all
}

/// Bytes resident of `leader` and its descendants. Pages that they share count for each.
pub(crate) fn resident(leader: u32) -> u64 {
    let page = rustix::param::page_size() as u64;
    let pages = |pid: &u32| -> u64 {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        statm.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0)
    };
    tree(leader).iter().map(pages).sum::<u64>() * page
}

/// Whether `leader` or a descendant holds the socket that is connected from `peer` to `api`.
pub(crate) fn holds_connection(leader: u32, peer: SocketAddr, api: SocketAddr) -> bool {
    let Some(inode) = socket_inode(peer, api) else { return false };
    let link = format!("socket:[{inode}]");
    let holds = |pid: u32| {
        let Ok(fds) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == &*link))
    };
    // Almost always it is the program itself, which spares the walk.
    holds(leader) || tree(leader).into_iter().skip(1).any(holds)
}

/// The inode of the TCP socket whose own address is `local` and whose peer is `remote`. An IPv6
/// socket may have connected to the IPv4 address, so both tables are read.
fn socket_inode(local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        find_inode(&table, local, remote)
    })
}

fn find_inode(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u64> {
    let (local, remote) = (table_forms(local)?, table_forms(remote)?);
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let (from, to) = (fields.nth(1)?, fields.next()?);
        let matches = local.iter().zip(&remote).any(|(l, r)| l == from && r == to);
        // After the addresses: state, queues, timer, retransmits, uid, timeout, inode.
        let inode = if matches { fields.nth(6)?.parse().ok()? } else { 0 };
        // A socket that no process holds any more shows inode 0.
        (inode != 0).then_some(inode)
    })
}

/// How the tables write an IPv4 address: as is, and mapped into IPv6. Words are in the machine's
/// byte order, the port is not.
fn table_forms(address: SocketAddr) -> Option<[String; 2]> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    let word = u32::from_ne_bytes(ip.octets());
    let mark = u32::from_ne_bytes([0, 0, 0xff, 0xff]);
    let port = address.port();
    Some([format!("{word:08X}:{port:04X}"), format!("{:016X}{mark:08X}{word:08X}:{port:04X}", 0)])
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_belongs_to_who_holds_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap();
        let client = TcpStream::connect(api).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert!(holds_connection(std::process::id(), peer, api));
        let mut other = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert!(!holds_connection(other.id(), peer, api));
        other.kill().unwrap();
        other.wait().unwrap();
        drop(client);
        assert!(!holds_connection(std::process::id(), peer, api));
    }

    #[test]
    fn both_tables_are_understood() {
        let peer: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let api: SocketAddr = "127.0.0.1:9001".parse().unwrap();
        let [v4, v6] = table_forms(peer).unwrap();
        let [to4, to6] = table_forms(api).unwrap();
        if cfg!(target_endian = "little") {
            assert_eq!(v4, "0100007F:9C40");
            assert_eq!(v6, "0000000000000000FFFF00000100007F:9C40");
        }
        let row = |from: &str, to: &str, inode| {
            format!("head\n 0: {from} {to} 01 00000000:00000000 00:00000000 00000000 0 0 {inode} 1")
        };
        assert_eq!(find_inode(&row(&v4, &to4, 77), peer, api), Some(77));
        assert_eq!(find_inode(&row(&v6, &to6, 78), peer, api), Some(78));
        assert_eq!(find_inode(&row(&v4, &to4, 0), peer, api), None);
        assert_eq!(find_inode(&row(&to4, &v4, 77), peer, api), None);
        assert_eq!(find_inode("", peer, api), None);
    }

    #[test]
    fn children_are_found_and_counted() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert!(tree(std::process::id()).contains(&child.id()));
        assert!(resident(std::process::id()) > 1 << 20);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(resident(child.id()), 0);
    }
}
