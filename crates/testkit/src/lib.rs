//! Starts a whole cloud for a test: the real binary as a process of its own, in a fresh folder, on
//! a free port, so that a test can also kill it and start it again over the same data.
//!
//! For tests only. Blocking on purpose: a test needs no runtime to have a cloud.

mod health;
mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use process::Process;
use tempfile::TempDir;

/// How long a cloud may take to answer after it was started.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end after SIGTERM, which is longer than its own drain limit.
const STOP: Duration = Duration::from_secs(30);

/// What a cloud is started with.
#[derive(Debug, Default)]
pub struct Options {
    binary: Option<PathBuf>,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
}

/// A running cloud. Dropping it kills the process and removes its folder.
#[derive(Debug)]
pub struct Cloud {
    // Before the folder: the process ends first.
    process: Option<Process>,
    address: SocketAddr,
    root: Keys,
    options: Options,
    binary: PathBuf,
    folder: TempDir,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// `AKIA` and 16 of [A-Z2-7].
    pub id: String,
    /// 40 characters.
    pub secret: String,
}

impl Options {
    /// The binary to run, instead of the one that cargo built beside this test.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// One more argument of `cumulet serve`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// One more environment variable.
    #[must_use]
    pub fn environment(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Starts the cloud and waits until it answers. The error holds what it wrote to its standard
    /// error.
    pub fn start(self) -> io::Result<Cloud> {
        let binary = match &self.binary {
            Some(path) => path.clone(),
            None => built_binary()?,
        };
        let folder = tempfile::Builder::new().prefix("cumulet-test-").tempdir()?;
        let mut cloud = Cloud {
            process: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            root: Keys::random()?,
            options: self,
            binary,
            folder,
        };
        cloud.spawn()?;
        Ok(cloud)
    }
}

impl Cloud {
    /// A cloud with nothing special about it.
    pub fn start() -> io::Result<Self> {
        Options::default().start()
    }

    /// `http://127.0.0.1:PORT`; a restart changes the port.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account's root access key.
    pub fn root_keys(&self) -> &Keys {
        &self.root
    }

    /// The folder with its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The file with the master key, which lies outside the data.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Ends the process at once and without warning, as `kill -9` does.
    pub fn kill(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Asks the process to end (SIGTERM) and waits until it has. An exit other than 0 is an error.
    pub fn terminate(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.terminate(STOP),
            None => Ok(()),
        }
    }

    /// Starts the process again over the same data and keys; kills it first if it still runs.
    pub fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        self.spawn()
    }

    fn spawn(&mut self) -> io::Result<()> {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--data".into()];
        arguments.push(self.data().into());
        arguments.extend(["--listen", "127.0.0.1:0", "--key-file"].map(OsString::from));
        arguments.push(self.key_file().into());
        arguments.extend(self.options.arguments.iter().cloned());
        let mut environment = self.options.environment.clone();
        let root = [
            ("CUMULET_ROOT_ACCESS_KEY_ID", &self.root.id),
            ("CUMULET_ROOT_SECRET_ACCESS_KEY", &self.root.secret),
        ];
        environment.extend(root.map(|(name, value)| (name.into(), value.into())));
        let log = self.folder.path().join("log");
        let mut process = Process::start(&self.binary, &arguments, &environment, log)?;
        self.address = process.address(START)?;
        health::wait(self.address, START, || process.has_ended())
            .map_err(|error| process.explain(&error))?;
        self.process = Some(process);
        Ok(())
    }
}

impl Keys {
    fn random() -> io::Result<Self> {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut bytes = [0; 56];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let letters: String = bytes
            .iter()
            .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
            .map(|letter| char::from(*letter))
            .collect();
        let (id, secret) = letters.split_at(16);
        Ok(Self { id: format!("AKIA{id}"), secret: secret.to_owned() })
    }
}

/// The binary under test: what CUMULET_BIN names, or what cargo built into the folder that the
/// running test lies in (`target/debug/deps/test-…` → `target/debug/cumulet`).
fn built_binary() -> io::Result<PathBuf> {
    if let Some(path) = std::env::var_os("CUMULET_BIN") {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let found = test.ancestors().skip(1).take(3).map(|folder| folder.join("cumulet"));
    found.into_iter().find(|path| is_file(path)).ok_or_else(|| {
        let message = format!(
            "there is no `cumulet` above {}: run `cargo build -p cumulet` first, or name it in \
             CUMULET_BIN",
            test.display()
        );
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_form_of_aws_keys_and_differ() {
        let (a, b) = (Keys::random().unwrap(), Keys::random().unwrap());
        assert_eq!((a.id.len(), a.secret.len()), (20, 40));
        assert!(a.id.starts_with("AKIA"));
        assert_ne!(a, b);
    }

    #[test]
    fn a_binary_that_is_not_there_is_an_error() {
        let started = Options::default().binary("/nonexistent/cumulet").start();
        let error = started.unwrap_err().to_string();
        assert!(error.contains("/nonexistent/cumulet"), "{error}");
    }
}
