//! Other programs that a build runs: their output is kept for the case that they fail, and they go
//! when we go.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// Bytes of a program's output that are kept: the end of it.
const KEPT: usize = 64 << 10;
/// Lines of it that an error shows.
const SHOWN: usize = 40;
/// A build that takes longer than this hangs.
const LONGEST: Duration = Duration::from_mins(30);
/// How long output is waited for once the program has ended: what it started may hold it open.
const LINGER: Duration = Duration::from_secs(2);

/// A program to run.
pub(crate) struct Run {
    /// As a person would type it: `npm ci --omit=dev`.
    shown: String,
    command: Command,
}

impl Run {
    /// `program` in the folder `dir`.
    pub(crate) fn new(program: impl AsRef<OsStr>, dir: &Path) -> Self {
        let shown = Path::new(program.as_ref()).file_name().unwrap_or(program.as_ref());
        let shown = shown.to_string_lossy().into_owned();
        let mut command = Command::new(program.as_ref());
        command.current_dir(dir);
        Self { shown, command }
    }

    /// A command line for the shell, in the folder `dir`.
    pub(crate) fn shell(line: &str, dir: &Path) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).current_dir(dir);
        Self { shown: line.to_owned(), command }
    }

    /// One argument more.
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&argument.as_ref().to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// An argument that says nothing to a person.
    pub(crate) fn quietly(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// A setting of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// How it would be typed.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Runs it to its end. The error says what ran, how it ended and what it said last.
    pub(crate) async fn run(self) -> Result<(), String> {
        let Self { shown, mut command } = self;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        command.process_group(0);
        let mut child = command.spawn().map_err(|why| not_started(&shown, &why))?;
        let mut group = Group(child.id());
        let mut out = tokio::spawn(tail(child.stdout.take()));
        let mut err = tokio::spawn(tail(child.stderr.take()));
        let ended = tokio::time::timeout(LONGEST, child.wait()).await;
        let Ok(status) = ended else {
            let minutes = LONGEST.as_secs() / 60;
            return Err(format!("`{shown}` did not end within {minutes} minutes"));
        };
        let status = status.map_err(|why| format!("`{shown}`: {why}"))?;
        group.0 = None;
        if status.success() {
            return Ok(());
        }
        let mut said = Vec::new();
        for stream in [&mut out, &mut err] {
            if let Ok(Ok(bytes)) = tokio::time::timeout(LINGER, stream).await {
                said.extend(bytes);
            }
        }
        Err(failed(&shown, status, &String::from_utf8_lossy(&said)))
    }
}

/// Kills the whole group unless it ended by itself.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// The end of a stream.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return kept };
    let mut buffer = vec![0; 8 << 10];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept
}

fn not_started(shown: &str, why: &std::io::Error) -> String {
    let program = shown.split(' ').next().unwrap_or(shown);
    match why.kind() {
        std::io::ErrorKind::NotFound => {
            format!("`{program}` is not installed, and `{shown}` needs it")
        }
        _ => format!("`{shown}` did not start: {why}"),
    }
}

fn failed(shown: &str, status: ExitStatus, said: &str) -> String {
    let mut text = format!("`{shown}` failed ({status})");
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    if !lines.is_empty() {
        text.push_str(", saying:");
    }
    for line in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
        text.push_str("\n  | ");
        text.push_str(line);
    }
    text
}

/// The file called `name` in the folders of `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_says_what_ran_and_what_it_said() {
        let here = Path::new(".");
        assert_eq!(Run::new("true", here).run().await, Ok(()));
        let why = Run::shell("echo one; echo two >&2; exit 3", here).run().await.unwrap_err();
        assert!(
            why.starts_with("`echo one; echo two >&2; exit 3` failed (exit status: 3)"),
            "{why}"
        );
        assert!(why.ends_with("  | one\n  | two"), "{why}");
        let why = Run::new("no-such-program", here).arg("x").run().await.unwrap_err();
        assert_eq!(why, "`no-such-program` is not installed, and `no-such-program x` needs it");
    }

    #[tokio::test]
    async fn output_without_end_is_not_kept() {
        let noise =
            "i=0; while [ $i -lt 30000 ]; do echo a line of noise; i=$((i+1)); done; exit 1";
        let why = Run::shell(noise, Path::new(".")).run().await.unwrap_err();
        assert_eq!(why.lines().count(), 1 + SHOWN);
    }

    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let line = "(sleep 1; touch late) & touch begun; sleep 60";
        let run = Run::shell(line, folder.path());
        let task = tokio::spawn(run.run());
        while !folder.path().join("begun").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        task.abort();
        let _ = task.await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert!(!folder.path().join("late").exists());
    }
}
