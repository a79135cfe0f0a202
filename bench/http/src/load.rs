//! The clients: blocking threads that send prepared bytes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::table::{self, Row};

const ROUNDS: usize = 5;

/// A server and what it is asked.
struct Target {
    name: String,
    pid: u32,
    address: SocketAddr,
    request: Vec<u8>,
}

/// Runs the rounds and prints what they told.
pub(crate) fn run(connections: &str, seconds: &str, targets: &[&str]) -> Result<(), String> {
    let connections: usize = connections.parse().map_err(|_| "CONNECTIONS is no number")?;
    let seconds: f64 = seconds.parse().map_err(|_| "SECONDS is no number")?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|why| why.to_string())?;
    let targets: Vec<Target> = targets.iter().map(|t| target(t)).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for round in 0..=ROUNDS {
        for target in &targets {
            let row = measure(target, connections, duration)?;
            // The first round fills caches and is not counted.
            if round > 0 {
                rows.push(row);
            }
        }
    }
    table::print(connections, &rows);
    Ok(())
}

fn target(text: &str) -> Result<Target, String> {
    let wrong = || format!("{text}: not of the form NAME=PID@ADDRESS=FILE");
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (place, file) = rest.split_once('=').ok_or_else(wrong)?;
    let (pid, address) = place.split_once('@').ok_or_else(wrong)?;
    Ok(Target {
        name: name.to_owned(),
        pid: pid.parse().map_err(|_| wrong())?,
        address: address.parse().map_err(|_| wrong())?,
        request: fs::read(file).map_err(|why| format!("{file}: {why}"))?,
    })
}

fn measure(target: &Target, connections: usize, duration: Duration) -> Result<Row, String> {
    let before = cpu_microseconds(target.pid)?;
    let begin = Instant::now();
    let taken = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections)
            .map(|_| scope.spawn(move || client(target, begin + duration)))
            .collect();
        let joined =
            clients.into_iter().map(|c| c.join().map_err(|_| "a client panicked".to_owned())?);
        joined.collect::<Result<Vec<Vec<u32>>, String>>()
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let cpu = cpu_microseconds(target.pid)? - before;
    let mut latencies = taken.concat();
    latencies.sort_unstable();
    let at =
        |share: usize| latencies.get(latencies.len() * share / 100).copied().unwrap_or_default();
    Ok(Row {
        name: target.name.clone(),
        requests: latencies.len(),
        per_second: latencies.len() as f64 / seconds,
        cpu: cpu / latencies.len().max(1) as f64,
        p50: f64::from(at(50)),
        p99: f64::from(at(99)),
    })
}

/// Asks again and again until `end`; returns the microseconds of each answer.
fn client(target: &Target, end: Instant) -> Result<Vec<u32>, String> {
    let said = |why: std::io::Error| format!("{}: {why}", target.name);
    let stream = TcpStream::connect(target.address).map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(said)?;
    let mut reader = BufReader::new(stream.try_clone().map_err(said)?);
    let mut writer = stream;
    let mut taken = Vec::new();
    let (mut line, mut body) = (String::new(), Vec::new());
    while Instant::now() < end {
        let begin = Instant::now();
        writer.write_all(&target.request).map_err(said)?;
        answer(&mut reader, &mut line, &mut body)
            .map_err(|why| format!("{}: {why}", target.name))?;
        taken.push(u32::try_from(begin.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(taken)
}

/// Reads one answer; anything but 2xx with a length is an error.
fn answer(
    reader: &mut BufReader<TcpStream>,
    line: &mut String,
    body: &mut Vec<u8>,
) -> Result<(), String> {
    let mut length = None;
    let mut first = true;
    loop {
        line.clear();
        reader.read_line(line).map_err(|why| why.to_string())?;
        if first && !line.starts_with("HTTP/1.1 2") {
            return Err(format!("answered {}", line.trim()));
        }
        first = false;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    body.resize(length.ok_or("an answer without a length")?, 0);
    reader.read_exact(body).map_err(|why| why.to_string())
}

/// User and system time of a process, from `/proc/PID/stat` (in ticks of 10 ms, proc(5)).
fn cpu_microseconds(pid: u32) -> Result<f64, String> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
    // The name in parentheses may hold anything; fields 14 and 15 are the 12th and 13th behind it.
    let fields: Vec<&str> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) * 10_000.0)
}
