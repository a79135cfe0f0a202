//! What the machine has: room, time, runtimes, isolation, certificates.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cumulet_sandbox::{Fit, Runtime, climb, discover, select};
use cumulet_store::Options;

use super::Finding;
use crate::isolation::{LEAST, advised, this_program, way_out};

/// No clock that is right shows less: this was written later, 2026-01-01T00:00:00Z.
const WRITTEN: Duration = Duration::from_secs(1_767_225_600);
/// Where distributions keep the authorities that programs trust.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whether there is room for data.
pub(super) fn disk(data: &Path) -> Finding {
    const WHAT: &str = "disk";
    // The folder, or the nearest one above that is there.
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let found = absolute.ancestors().find_map(|path| rustix::fs::statvfs(path).ok());
    let Some(found) = found else {
        return Finding::warn(WHAT, "how much room there is cannot be found out");
    };
    room(found.f_bavail.saturating_mul(found.f_frsize), Options::default().min_free_bytes)
}

fn room(free: u64, least: u64) -> Finding {
    const WHAT: &str = "disk";
    let words = format!("{} MB free", free >> 20);
    let least_mb = least >> 20;
    if free < least {
        let advice = format!("{words}: below {least_mb} MB nothing is written. Make room.");
        Finding::fail(WHAT, advice)
    } else if free < least.saturating_mul(8) {
        Finding::warn(WHAT, format!("{words}: at {least_mb} MB the cloud refuses writes"))
    } else {
        Finding::ok(WHAT, words)
    }
}

/// Whether the clock can be right: signatures count by it to 15 minutes.
pub(super) fn clock() -> Finding {
    const WHAT: &str = "clock";
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if now < WRITTEN {
        let advice = "the clock is years behind: set it, or no request's signature is valid";
        return Finding::fail(WHAT, advice);
    }
    let systemd = Path::new("/run/systemd/timesync");
    if systemd.is_dir() && !systemd.join("synchronized").exists() {
        return Finding::warn(
            WHAT,
            "it is not synchronised: requests from other machines fail once it is 15 minutes off",
        );
    }
    Finding::ok(WHAT, "plausible")
}

/// Which functions this machine can run.
pub(super) fn runtimes(folder: Option<&Path>) -> Finding {
    const WHAT: &str = "runtimes";
    let interpreters = discover(folder);
    let (mut exact, mut newer, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for runtime in Runtime::all() {
        match select(runtime, &interpreters).map(|selected| selected.fit) {
            Some(Fit::Exact) => exact.push(runtime.name()),
            Some(Fit::Substituted { .. }) => newer.push(runtime.name()),
            None => missing.push(runtime.name()),
        }
    }
    let listed = |before: &str, names: &[&str]| match names {
        [] => String::new(),
        names => format!("{before}{}", names.join(", ")),
    };
    let words = exact.join(", ") + &listed("; with --newer-runtimes also ", &newer);
    if interpreters.is_empty() {
        return Finding::warn(
            WHAT,
            format!("{words}: neither Node.js nor Python was found in PATH, install one"),
        );
    }
    let words = words + &listed("; missing: ", &missing);
    Finding::ok(WHAT, format!("{words} (`cumulet runtimes` says more)"))
}

/// How strongly functions are walled in here. A sandbox is made to find out.
pub(super) fn isolation(data: &Path) -> Finding {
    const WHAT: &str = "isolation";
    let egress = way_out(None, &[]).ok();
    match climb(this_program(), &data.join("lambda/scratch"), egress) {
        Err(why) => Finding::fail(WHAT, format!("functions cannot be started: {why}")),
        Ok(climbed) => {
            let words = advised(&climbed);
            let weak = climbed.launcher.rung() < LEAST;
            if weak { Finding::warn(WHAT, words) } else { Finding::ok(WHAT, words) }
        }
    }
}

/// Whether this machine trusts anybody, which functions' and the cloud's own requests need.
pub(super) fn authorities() -> Finding {
    const WHAT: &str = "certificates";
    let named = std::env::var_os("SSL_CERT_FILE");
    let there = AUTHORITIES.iter().any(|path| Path::new(path).is_file())
        || named.is_some_and(|path| Path::new(&path).is_file());
    if there {
        Finding::ok(WHAT, "the machine's certificate authorities are there")
    } else {
        let advice = "no certificate authorities: mail by TLS and https requests fail. Install \
                      ca-certificates, or set SSL_CERT_FILE";
        Finding::warn(WHAT, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn room_is_judged_by_what_the_store_leaves_free() {
        let least = 256 << 20;
        for (free, health) in [
            (0, Health::Fail),
            (least - 1, Health::Fail),
            (least, Health::Warn),
            (least * 8, Health::Ok),
            (u64::MAX, Health::Ok),
        ] {
            assert_eq!(room(free, least).health, health, "{free}");
        }
        assert_ne!(disk(Path::new("/no/such/folder")).words, "");
    }

    #[test]
    fn what_a_package_brings_itself_always_runs() {
        assert!(runtimes(None).words.contains("provided.al2023"));
    }
}
