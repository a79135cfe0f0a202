//! The clients: blocking threads that send prepared bytes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::counters;
use crate::table::{self, Row};

const ROUNDS: usize = 5;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How targets are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    /// Of one target in one round.
    pub(crate) duration: Duration,
    /// Requests a second over all connections, whether answers come or not (an open loop); without
    /// it each connection asks as soon as it has its answer (a closed one).
    pub(crate) rate: Option<f64>,
}

impl Plan {
    /// From the command line's words.
    pub(crate) fn parse(
        connections: &str,
        seconds: &str,
        rate: Option<&str>,
    ) -> Result<Self, String> {
        let connections: usize = connections.parse().map_err(|_| "CONNECTIONS is no number")?;
        let seconds: f64 = seconds.parse().map_err(|_| "SECONDS is no number")?;
        let duration = Duration::try_from_secs_f64(seconds).map_err(|why| why.to_string())?;
        let rate = rate.map(|rate| rate.parse::<f64>().map_err(|_| "RATE is no number"));
        let rate = rate.transpose()?;
        if connections == 0 || rate.is_some_and(|rate| rate <= 0.0) {
            return Err("CONNECTIONS and RATE are above 0".to_owned());
        }
        Ok(Self { connections, duration, rate })
    }

    /// Between two requests of one connection.
    fn pause(&self) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate))
    }
}

/// A server and what it is asked.
struct Target {
    name: String,
    pid: u32,
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
}

/// Runs the rounds and prints what they told.
pub(crate) fn run(plan: &Plan, targets: &[&str]) -> Result<(), String> {
    let mut targets: Vec<Target> = targets.iter().map(|t| target(t)).collect::<Result<_, _>>()?;
    // The first round fills caches and is not counted. Who cannot be asked so is left out.
    targets.retain(|target| match measure(target, plan) {
        Ok(_) => true,
        Err(why) => {
            println!("left out: {why}");
            false
        }
    });
    let mut rows = Vec::new();
    for _ in 0..ROUNDS {
        for target in &targets {
            rows.push(measure(target, plan)?);
        }
    }
    table::print(plan, &rows);
    Ok(())
}

fn target(text: &str) -> Result<Target, String> {
    let wrong = || format!("{text}: not of the form NAME=PID@ADDRESS=FILE");
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (place, file) = rest.split_once('=').ok_or_else(wrong)?;
    let (pid, address) = place.split_once('@').ok_or_else(wrong)?;
    let bytes = fs::read(file).map_err(|why| format!("{file}: {why}"))?;
    Ok(Target {
        name: name.to_owned(),
        pid: pid.parse().map_err(|_| wrong())?,
        address: address.parse().map_err(|_| wrong())?,
        requests: split(&bytes).ok_or_else(|| format!("{file}: not requests"))?,
    })
}

/// The requests that stand one after the other, each with the body that its Content-Length says.
fn split(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
        let length = text.lines().find_map(content_length).unwrap_or(0);
        let (request, rest) = bytes.split_at_checked(head + length)?;
        requests.push(request.to_vec());
        bytes = rest;
    }
    if requests.is_empty() { None } else { Some(requests) }
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
}

fn measure(target: &Target, plan: &Plan) -> Result<Row, String> {
    let before = counters::read(target.pid)?;
    let begin = Instant::now();
    let taken = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..plan.connections)
            .map(|nth| scope.spawn(move || client(target, plan, nth, begin)))
            .collect();
        let joined =
            clients.into_iter().map(|c| c.join().map_err(|_| "a client panicked".to_owned())?);
        joined.collect::<Result<Vec<Vec<u32>>, String>>()
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let after = counters::read(target.pid)?;
    let mut latencies = taken.concat();
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = (latencies.len() as f64 * share) as usize;
        latencies.get(place).copied().map(f64::from).unwrap_or_default()
    };
    let asked = latencies.len().max(1) as f64;
    Ok(Row {
        name: target.name.clone(),
        requests: latencies.len(),
        per_second: latencies.len() as f64 / seconds,
        cpu: (after.cpu - before.cpu) / asked,
        flushes: (after.flushes - before.flushes) / asked,
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
    })
}

/// Asks again and again for the plan's time; returns the microseconds of each answer. In an open
/// loop they count from when the request was due: one that waits behind a slow answer waited.
fn client(target: &Target, plan: &Plan, nth: usize, begin: Instant) -> Result<Vec<u32>, String> {
    let said = |why: std::io::Error| format!("{}: {why}", target.name);
    let stream = TcpStream::connect(target.address).map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(said)?;
    let mut reader = BufReader::new(stream.try_clone().map_err(said)?);
    let mut writer = stream;
    let mut taken = Vec::new();
    let (mut line, mut body) = (String::new(), Vec::new());
    // Each connection begins elsewhere, so that not all ask for the same at once.
    let from = nth * target.requests.len() / plan.connections;
    let pause = plan.pause();
    let mut due = begin + pause.unwrap_or_default().mul_f64(nth as f64 / plan.connections as f64);
    for request in target.requests.iter().cycle().skip(from) {
        match pause {
            None => due = Instant::now(),
            Some(_) => std::thread::sleep(due.saturating_duration_since(Instant::now())),
        }
        if due >= begin + plan.duration {
            break;
        }
        writer.write_all(request).map_err(said)?;
        answer(&mut reader, &mut line, &mut body)
            .map_err(|why| format!("{}: {why}", target.name))?;
        taken.push(u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX));
        due += pause.unwrap_or_default();
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
    let mut refused = None;
    let mut first = true;
    loop {
        line.clear();
        if reader.read_line(line).map_err(|why| why.to_string())? == 0 {
            return Err("the connection was closed".to_owned());
        }
        if first && !line.starts_with("HTTP/1.1 2") {
            refused = Some(line.trim().to_owned());
        }
        first = false;
        if line.trim().is_empty() {
            break;
        }
        length = content_length(line).or(length);
    }
    body.resize(length.ok_or("an answer without a length")?, 0);
    reader.read_exact(body).map_err(|why| why.to_string())?;
    match refused {
        None => Ok(()),
        Some(status) => Err(format!("answered {status}: {}", String::from_utf8_lossy(body))),
    }
}
