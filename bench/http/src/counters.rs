//! What a server has used, as the kernel counts it.

use std::fs;

/// Counted up to a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Microseconds of user and system time, of the process and what it started.
    pub(crate) cpu: f64,
    /// Flushes of the machine's disks: whoever asked for them.
    pub(crate) flushes: f64,
}

/// Reads them for a process.
pub(crate) fn read(pid: u32) -> Result<Counters, String> {
    Ok(Counters { cpu: microseconds(pid)?, flushes: flushes() })
}

/// From `/proc/PID/stat` (in ticks of 10 ms, proc(5)).
fn microseconds(pid: u32) -> Result<f64, String> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
    // The name in parentheses may hold anything; fields 14 and 15 are the 12th and 13th behind it.
    let fields: Vec<&str> =
        text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or_default();
    let own = (ticks(11) + ticks(12)) * 10_000.0;
    // A child that is gone by now has nothing to say.
    Ok(own + children(pid).into_iter().filter_map(|child| microseconds(child).ok()).sum::<f64>())
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| parsed(&list)).collect()
}

fn parsed(list: &str) -> Vec<u32> {
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The 16th field of each disk's `stat` (the kernel's Documentation/block/stat.rst).
fn flushes() -> f64 {
    let disks = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let stats = disks.filter_map(|disk| fs::read_to_string(disk.path().join("stat")).ok());
    stats.filter_map(|stat| stat.split_whitespace().nth(15)?.parse::<f64>().ok()).sum()
}
