//! The launcher of sandboxes for this crate's tests, whose own program cannot be started over: it
//! belongs to the test harness.

use std::process::ExitCode;

fn main() -> ExitCode {
    cumulet_sandbox::sandbox_entry().unwrap_or_else(|| {
        eprintln!("this program is started by the tests of cumulet-sandbox");
        ExitCode::FAILURE
    })
}
