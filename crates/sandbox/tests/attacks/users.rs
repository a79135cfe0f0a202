//! The same as an ordinary user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::rig::example;

/// This test program and those that it starts, at places that everybody may look into: the target
/// folder may lie in somebody's home.
fn copied(folder: &tempfile::TempDir) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["deps", "examples"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    for name in ["launcher", "orphan"] {
        fs::copy(example(name), folder.path().join("examples").join(name)).unwrap();
    }
    let program = folder.path().join("deps/tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    program
}

/// Starts this test program again as nobody.
#[test]
fn as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: this is an ordinary user already");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copied(&folder))
        .args(["--skip", "users::", "--test-threads=1"])
        .current_dir(&folder)
        .env_remove("HOME")
        .env_remove("PYENV_ROOT")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains(" passed"), "{said}");
}
