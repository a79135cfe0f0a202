//! What was measured, for a person.

/// One target in one round.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests: usize,
    pub(crate) per_second: f64,
    /// The server's microseconds a request.
    pub(crate) cpu: f64,
    /// Microseconds until half of the answers were there.
    pub(crate) p50: f64,
    /// Microseconds until 99 of 100 answers were there.
    pub(crate) p99: f64,
}

/// Prints medians with ratios to the first target, then the raw rows.
pub(crate) fn print(connections: usize, rows: &[Row]) {
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
    println!("{connections} connections, medians of interleaved rounds");
    println!(
        "{:<28} {:>9} {:>7} {:>10} {:>7} {:>9} {:>9}",
        "", "CPU µs", "ratio", "req/s", "ratio", "p50 µs", "p99 µs"
    );
    let Some(limit) = names.first() else { return };
    for name in &names {
        let (cpu, rate) = (median(name, |r| r.cpu), median(name, |r| r.per_second));
        println!(
            "{name:<28} {cpu:>9.1} {:>7.2} {rate:>10.0} {:>7.2} {:>9.0} {:>9.0}",
            cpu / median(limit, |r| r.cpu),
            rate / median(limit, |r| r.per_second),
            median(name, |r| r.p50),
            median(name, |r| r.p99),
        );
    }
    println!("\nname\trequests\treq/s\tcpu_us\tp50_us\tp99_us");
    for row in rows {
        let Row { name, requests, per_second, cpu, p50, p99 } = row;
        println!("{name}\t{requests}\t{per_second:.0}\t{cpu:.1}\t{p50:.0}\t{p99:.0}");
    }
}
