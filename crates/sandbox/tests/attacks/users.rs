//! The same as an ordinary user.

use std::process::Command;

/// Starts this test program again as nobody.
#[test]
fn as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("passed over: this is an ordinary user already");
        return;
    }
    let ended = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(std::env::current_exe().unwrap())
        .args(["--skip", "users::", "--test-threads=1"])
        .env_remove("HOME")
        .env_remove("PYENV_ROOT")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains(" passed"), "{said}");
}
