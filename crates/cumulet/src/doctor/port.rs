//! Whether the port is free, or who has it.

use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::Finding;

const WHAT: &str = "port";
/// Processes that are looked at to find who has the port.
const PROCESSES: usize = 20_000;

/// Whether a cloud could listen at `address`; `running` is the URL of the one that does.
pub(super) fn port(address: SocketAddr, running: Option<&str>) -> Finding {
    if let Some(url) = running {
        return Finding::ok(WHAT, format!("the cloud of this data folder listens at {url}"));
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(WHAT, format!("{address} is free")),
        Err(why) if why.kind() == ErrorKind::AddrInUse => {
            let who = holder(address.port()).map_or_else(
                || "another program (as root, `ss -ltnp` shows which)".to_owned(),
                |(pid, name)| format!("{name} (process {pid})"),
            );
            let advice = "stop it, or choose another address with --listen";
            Finding::fail(WHAT, format!("{address} is in use by {who}: {advice}"))
        }
        Err(why) if why.kind() == ErrorKind::PermissionDenied => Finding::fail(
            WHAT,
            format!("this user may not listen on {address}: ports below 1024 want a capability"),
        ),
        Err(why) => Finding::fail(WHAT, format!("{address}: {why}")),
    }
}

/// The process that listens on a port: its id and its name. `None` where this user may not see it.
fn holder(port: u16) -> Option<(String, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let sockets: Vec<String> =
        tables.iter().flatten().flat_map(|table| listening(table, port)).collect();
    for process in fs::read_dir("/proc").ok()?.flatten().take(PROCESSES) {
        let pid = process.file_name().to_string_lossy().into_owned();
        // `self` and its like are processes that have a number too.
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        for link in links {
            let link = link.to_string_lossy();
            if sockets.iter().any(|inode| link == format!("socket:[{inode}]")) {
                let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
                return Some((pid, name.trim().to_owned()));
            }
        }
    }
    None
}

/// The inodes of sockets that listen on a port, in a table as /proc/net/tcp is one (proc(5)).
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let ending = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| {
        row.get(1).is_some_and(|local| local.ends_with(&ending)) && row.get(3) == Some(&LISTEN)
    })
    .filter_map(|row| row.get(9).map(|&inode| inode.to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn a_taken_port_fails_and_says_who_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let found = port(address, None);
        assert_eq!(found.health, Health::Fail);
        let this = format!("process {}", std::process::id());
        assert!(found.words.contains(&this), "{found:?}");
        assert_eq!(port(address, Some("http://127.0.0.1:1")).health, Health::Ok);
    }

    #[test]
    fn tables_of_sockets() {
        let table = "  sl  local_address rem_address st queues timer retry uid timeout inode\n\
             0: 0100007F:11D6 00000000:0000 0A 0:0 00:0 0 0 0 777 1\n\
             1: 0100007F:11D6 0100007F:9999 01 0:0 00:0 0 0 0 778 1\n\
             broken\n";
        assert_eq!(listening(table, 4566), ["777"]);
        assert!(listening(table, 80).is_empty() && listening("", 80).is_empty());
    }
}
