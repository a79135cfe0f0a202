//! What answering over HTTP costs a server, side by side with a bare hyper server.
//!
//! `cumulet-bench-http bare [BYTES]` is that server: one answer of so many bytes to everything. It
//! prints its address.
//!
//! `cumulet-bench-http load CONNECTIONS[@RATE] SECONDS NAME=PID@ADDRESS=FILE …` sends each target
//! the requests in FILE (one after the other, as they stand) over connections that stay open, in
//! five interleaved rounds, and prints a table (medians, and ratios to the first target) and the
//! raw rows. With RATE, so many requests are due each second whether answers come or not. The CPU
//! time is the server's own and its children's, from /proc: the client is left out of it. Flushes
//! are those of the machine's disks: keep it quiet.

mod bare;
mod counters;
mod load;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["bare"] => bare::run(0),
        ["bare", bytes] => {
            bytes.parse().map_err(|_| "BYTES is no number".to_owned()).and_then(bare::run)
        }
        ["load", connections, seconds, targets @ ..] => {
            let (connections, rate) = match connections.split_once('@') {
                Some((connections, rate)) => (connections, Some(rate)),
                None => (*connections, None),
            };
            load::Plan::parse(connections, seconds, rate).and_then(|plan| load::run(&plan, targets))
        }
        _ => Err("see the opening comment of bench/http/src/main.rs".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cumulet-bench-http: {why}");
            ExitCode::FAILURE
        }
    }
}
