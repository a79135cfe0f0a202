//! What was measured, for a person.

use crate::load::Plan;

/// One target in one round. Times are microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests: usize,
    pub(crate) per_second: f64,
    /// The server's, a request.
    pub(crate) cpu: f64,
    /// Of the machine's disks, a request.
    pub(crate) flushes: f64,
    /// Until half of the answers were there.
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    /// Until 999 of 1,000 were there.
    pub(crate) p999: f64,
}

/// Prints medians with ratios to the first target, then the raw rows.
pub(crate) fn print(plan: &Plan, rows: &[Row]) {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let median = |name: &str, of: fn(&Row) -> f64| {
        let mut values: Vec<f64> = rows.iter().filter(|r| r.name == name).map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let asked = plan.rate.map(|rate| format!(", {rate:.0} requests a second, open loop"));
    println!(
        "{} connections{}, medians of interleaved rounds",
        plan.connections,
        asked.unwrap_or_default()
    );
    println!(
        "{:<28} {:>9} {:>7} {:>10} {:>7} {:>8} {:>8} {:>8} {:>8} {:>10}",
        "", "CPU µs", "ratio", "req/s", "ratio", "p50 µs", "p90", "p99", "p99.9", "flushes/req"
    );
    let Some(limit) = names.first() else { return };
    for name in &names {
        let (cpu, rate) = (median(name, |r| r.cpu), median(name, |r| r.per_second));
        println!(
            "{name:<28} {cpu:>9.1} {:>7.2} {rate:>10.0} {:>7.2} {:>8.0} {:>8.0} {:>8.0} {:>8.0} \
             {:>10.3}",
            cpu / median(limit, |r| r.cpu),
            rate / median(limit, |r| r.per_second),
            median(name, |r| r.p50),
            median(name, |r| r.p90),
            median(name, |r| r.p99),
            median(name, |r| r.p999),
            median(name, |r| r.flushes),
        );
    }
    println!("\nname\trequests\treq/s\tcpu_us\tp50_us\tp90_us\tp99_us\tp999_us\tflushes");
    for row in rows {
        let Row { name, requests, per_second, cpu, flushes, p50, p90, p99, p999 } = row;
        println!(
            "{name}\t{requests}\t{per_second:.0}\t{cpu:.1}\t{p50:.0}\t{p90:.0}\t{p99:.0}\t\
             {p999:.0}\t{flushes:.3}"
        );
    }
}
