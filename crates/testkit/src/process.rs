//! The process: its address from its standard output, its log, its end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What the binary says on its standard output when it accepts connections.
const ANNOUNCEMENT: &str = "listening on http://";
/// How often an ending process is looked at.
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    announced: Receiver<SocketAddr>,
    log: PathBuf,
}

impl Process {
    /// Starts the binary with its standard error in `log` (appended).
    pub(crate) fn start(
        binary: &Path,
        arguments: &[OsString],
        environment: &BTreeMap<OsString, OsString>,
        log: PathBuf,
    ) -> io::Result<Self> {
        let errors = File::options().create(true).append(true).open(&log)?;
        let mut child = Command::new(binary)
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", binary.display())))?;
        let (announce, announced) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || follow(output, &announce));
        }
        Ok(Self { child, announced, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the address that the process announces.
    pub(crate) fn address(&mut self, limit: Duration) -> io::Result<SocketAddr> {
        self.announced.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.explain("it did not say where it listens"),
            RecvTimeoutError::Disconnected => {
                self.explain("it ended, or closed its output, before it said where it listens")
            }
        })
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Sends SIGTERM with the `kill` program: the standard library has no call for it, and this
    /// crate no unsafe code.
    pub(crate) fn terminate(&mut self, limit: Duration) -> io::Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
        if !sent.success() {
            return Err(self.explain("it had ended before SIGTERM"));
        }
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.explain(&format!("SIGTERM ended it: {status}"))),
                None => thread::sleep(TICK),
            }
        }
        Err(self.explain("it still runs long after SIGTERM"))
    }

    /// An error with what the process wrote to its log.
    pub(crate) fn explain(&self, message: &str) -> io::Error {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        io::Error::other(format!("cumulet: {message}. Its log:\n{log}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the process's output to its end (a full pipe would stop it) and announces its address.
fn follow(output: ChildStdout, announce: &mpsc::Sender<SocketAddr>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let address = line.strip_prefix(ANNOUNCEMENT).and_then(|rest| rest.trim().parse().ok());
        if let Some(address) = address {
            // The receiver is gone when the cloud was dropped meanwhile.
            let _ = announce.send(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (tempfile::TempDir, Process) {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c".into(), script.into()];
        let log = folder.path().join("log");
        let process = Process::start("sh".as_ref(), &arguments, &BTreeMap::new(), log).unwrap();
        (folder, process)
    }

    #[test]
    fn an_announced_address_is_read() {
        let (_folder, mut process) =
            shell("echo hello; echo listening on http://127.0.0.1:4567; exec sleep 60");
        let address = process.address(Duration::from_secs(10)).unwrap();
        assert_eq!(address, SocketAddr::from(([127, 0, 0, 1], 4567)));
        assert!(!process.has_ended());
        process.kill().unwrap();
        assert!(process.has_ended());
    }

    #[test]
    fn a_process_that_ends_early_is_explained_by_its_log() {
        let (_folder, mut process) = shell("echo no disk left >&2; exit 3");
        let error = process.address(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("no disk left"), "{error}");
    }

    #[test]
    fn a_silent_process_is_given_up_and_dies_with_its_handle() {
        let (_folder, mut process) = shell("exec sleep 60");
        let error = process.address(Duration::from_millis(20)).unwrap_err().to_string();
        assert!(error.contains("did not say"), "{error}");
        let pid = process.id().to_string();
        drop(process);
        assert!(!Command::new("kill").args(["-0", &pid]).status().unwrap().success());
    }

    #[test]
    fn sigterm_wants_a_clean_exit() {
        let trap = |code| {
            format!(
                "trap 'exit {code}' TERM; echo listening on http://127.0.0.1:1; \
                 while :; do sleep 0.01; done"
            )
        };
        let (_folder, mut clean) = shell(&trap(0));
        clean.address(Duration::from_secs(10)).unwrap();
        clean.terminate(Duration::from_secs(10)).unwrap();
        let (_folder, mut unclean) = shell(&trap(1));
        unclean.address(Duration::from_secs(10)).unwrap();
        let error = unclean.terminate(Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("exit status: 1"), "{error}");
    }
}
