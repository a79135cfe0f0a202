//! The real clients: pytest drives boto3, the AWS CLI, the SAM CLI, the JavaScript SDK and a
//! browser against clouds of their own (tests/clients/). Their packages are pinned and installed
//! below the target folder, once per change of the pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::steps::Steps;
use super::{browser, need};

const SUITE: &str = "tests/clients";
const PYTHON: &str = "install Python 3.10 or later (Debian: apt install python3 python3-venv)";
const NODE: &str = "install Node.js 20 or later with npm (Debian: apt install nodejs npm)";

/// Installs what is missing and runs the suite; `arguments` go to pytest.
pub(super) fn run(steps: &mut Steps, root: &Path, target: &Path, arguments: &[String]) {
    let suite = root.join(SUITE);
    let venv = target.join("venv");
    let sam = target.join("sam");
    let node = target.join("node");
    let python = venv.join("bin/python");
    // The SAM CLI wants another boto3 than the tests do: it has an environment of its own.
    let pins = ["requirements.txt", "requirements-sam.txt"].map(|name| suite.join(name));
    let ready = steps.record("python packages", || install_python(&pins[0], &venv))
        & steps.record("SAM CLI", || install_python(&pins[1], &sam))
        & steps.record("node packages", || install_node(&suite, &node));
    let mut chromium = PathBuf::new();
    let ready =
        ready & steps.record("browser", || browser::find_or_install().map(|path| chromium = path));
    if !(ready && steps.succeeded("build")) {
        steps.record("clients", || {
            Err("they need the binary and the packages, which are not there".to_owned())
        });
        return;
    }
    steps.sum_up();
    let mut pytest = Command::new(python);
    pytest
        .current_dir(root)
        .args(["-B", "-m", "pytest", SUITE, "-o"])
        .arg(format!("cache_dir={}", target.join("pytest").display()))
        .args(arguments)
        .env("CUMULET_BIN", target.join("debug/cumulet"))
        .env("CUMULET_SAM_BIN", sam.join("bin"))
        .env("CUMULET_NODE_MODULES", node.join("node_modules"))
        .env("CUMULET_CHROMIUM", chromium);
    steps.run("clients", &mut pytest);
}

fn install_python(pins: &Path, venv: &Path) -> Result<(), String> {
    let version = need("python3", PYTHON)?;
    let stamp = Stamp::new(venv, &version, &[pins])?;
    if stamp.is_current() {
        return Ok(());
    }
    let name = pins.file_name().unwrap_or_default().display();
    println!("── installing the Python packages of {SUITE}/{name}");
    clear(venv)?;
    let mut command = Command::new("python3");
    succeed(command.args(["-m", "venv"]).arg(venv), PYTHON)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    succeed(pip.arg(pins), "pip needs the network, or a folder of wheels in PIP_FIND_LINKS")?;
    stamp.write()
}

fn install_node(suite: &Path, folder: &Path) -> Result<(), String> {
    let version = need("node", NODE)?;
    need("npm", NODE)?;
    let pins = ["package.json", "package-lock.json"].map(|name| suite.join("node").join(name));
    let stamp = Stamp::new(folder, &version, &[&pins[0], &pins[1]])?;
    if stamp.is_current() {
        return Ok(());
    }
    println!("── installing the Node packages of {SUITE}/node/package-lock.json");
    clear(folder)?;
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for pin in &pins {
        let name = pin.file_name().unwrap_or_default();
        fs::copy(pin, folder.join(name)).map_err(|e| format!("{}: {e}", pin.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"]);
    succeed(&mut npm, "npm needs the network, or a registry in its configuration")?;
    stamp.write()
}

/// What an installed folder was made from, kept inside it and written last: a folder without it
/// was left half done.
struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    fn new(folder: &Path, version: &str, pins: &[&Path]) -> Result<Self, String> {
        let mut text = format!("{version}\n");
        for pin in pins {
            text += &fs::read_to_string(pin).map_err(|e| format!("{}: {e}", pin.display()))?;
        }
        Ok(Self { path: folder.join("installed-from"), text })
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn write(&self) -> Result<(), String> {
        fs::write(&self.path, &self.text).map_err(|e| format!("{}: {e}", self.path.display()))
    }
}

fn clear(folder: &Path) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))
}

fn succeed(command: &mut Command, remedy: &str) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}: {remedy}")),
        Err(error) => Err(format!("{command:?} did not start ({error}): {remedy}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_when_pins_changed() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let pins = folder.join("pins");
        fs::write(&pins, "a==1").unwrap();
        let stamp = Stamp::new(&folder, "Python 3", &[&pins]).unwrap();
        assert!(!stamp.is_current());
        stamp.write().unwrap();
        assert!(stamp.is_current());
        assert!(!Stamp::new(&folder, "Python 4", &[&pins]).unwrap().is_current());
        fs::write(&pins, "a==2").unwrap();
        assert!(!Stamp::new(&folder, "Python 3", &[&pins]).unwrap().is_current());
        clear(&folder).unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn a_missing_tool_is_named_with_its_remedy() {
        let sentence = need("there-is-no-such-program", "install it").unwrap_err();
        assert!(sentence.starts_with("`there-is-no-such-program` is missing"), "{sentence}");
        assert!(sentence.ends_with("install it"), "{sentence}");
    }
}
