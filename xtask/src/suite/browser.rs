//! The browser that tests of web pages drive: the machine's own Chromium, or Debian's package of
//! it, which is installed where it is missing.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Names that it goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const REMEDY: &str = "install Chromium (Debian: apt install chromium), or name one in \
                      CUMULET_CHROMIUM";

/// The browser's executable, installed when it is missing and apt is there.
pub(super) fn find_or_install() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("CUMULET_CHROMIUM") {
        let path = PathBuf::from(named);
        let message = || format!("CUMULET_CHROMIUM: {} is not there", path.display());
        return if path.is_file() { Ok(path) } else { Err(message()) };
    }
    if let Some(path) = NAMES.iter().find_map(|name| on_path(name)) {
        return Ok(path);
    }
    install()?;
    on_path(NAMES[0]).ok_or_else(|| format!("apt installed no `{}`: {REMEDY}", NAMES[0]))
}

fn install() -> Result<(), String> {
    if on_path("apt-get").is_none() {
        return Err(format!("there is no browser: {REMEDY}"));
    }
    println!("── installing Debian's chromium");
    apt(&["update", "-qq"])?;
    apt(&["install", "--yes", "-qq", "--no-install-recommends", "chromium"])
}

/// Runs apt-get, through sudo where this is not root and sudo asks for no password.
fn apt(arguments: &[&str]) -> Result<(), String> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        sudo
    };
    let done = command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
    let why = match done {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("ended with {status}"),
        Err(error) => format!("did not start ({error})"),
    };
    Err(format!("apt-get {} {why}: {REMEDY}", arguments.join(" ")))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("cargo").is_some());
        assert_eq!(on_path("there-is-no-such-program"), None);
    }
}
