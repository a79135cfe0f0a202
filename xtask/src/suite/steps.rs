//! Steps of a run: each says what it does and how long it took, one that fails does not hide the
//! others, and the end sums up.

use std::process::Command;
use std::time::{Duration, Instant};

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    done: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    failure: Option<String>,
}

impl Steps {
    /// Runs a command with its output shown, and says whether it succeeded.
    pub(super) fn run(&mut self, name: &str, command: &mut Command) -> bool {
        println!("\n── {name}: {}", shown(command));
        self.record(name, || match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{} ended with {status}", program(command))),
            Err(error) => Err(format!("{} did not start: {error}", program(command))),
        })
    }

    /// Does something that is not a command.
    pub(super) fn record(&mut self, name: &str, work: impl FnOnce() -> Result<(), String>) -> bool {
        let started = Instant::now();
        let failure = work().err();
        let took = started.elapsed();
        match &failure {
            None => println!("── {name}: ok, {:.1} s", took.as_secs_f64()),
            Some(why) => println!("── {name}: FAILED after {:.1} s: {why}", took.as_secs_f64()),
        }
        let succeeded = failure.is_none();
        self.done.push(Step { name: name.to_owned(), took, failure });
        succeeded
    }

    /// Whether the step of this name ran and succeeded.
    pub(super) fn succeeded(&self, name: &str) -> bool {
        self.done.iter().any(|step| step.name == name && step.failure.is_none())
    }

    /// The steps so far with their durations. Printed before the last one, so that a good run ends
    /// with its test runner's own closing line.
    pub(super) fn sum_up(&self) {
        println!("\n── summary of the steps so far");
        for step in &self.done {
            let outcome = if step.failure.is_none() { "ok" } else { "FAILED" };
            println!("   {outcome:<7}{:>8.1} s  {}", step.took.as_secs_f64(), step.name);
        }
    }

    /// The end: what failed, if anything did.
    pub(super) fn finish(self) -> Result<(), String> {
        let failed: Vec<String> = self
            .done
            .iter()
            .filter_map(|step| step.failure.as_ref().map(|why| format!("{}: {why}", step.name)))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("failed\n  {}", failed.join("\n  "))) }
    }
}

fn program(command: &Command) -> String {
    let path = command.get_program().to_string_lossy();
    path.rsplit('/').next().unwrap_or(&path).to_owned()
}

fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program(command)).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_kept_and_the_rest_still_runs() {
        let mut steps = Steps::default();
        assert!(!steps.run("a", &mut Command::new("false")));
        assert!(!steps.run("b", &mut Command::new("there-is-no-such-program")));
        assert!(steps.run("c", &mut Command::new("true")));
        assert!(steps.succeeded("c") && !steps.succeeded("a") && !steps.succeeded("d"));
        let sentence = steps.finish().unwrap_err();
        assert!(sentence.contains("a: false ended with exit status: 1"), "{sentence}");
        assert!(sentence.contains("b: there-is-no-such-program did not start"), "{sentence}");
        assert!(!sentence.contains("c:"), "{sentence}");
    }

    #[test]
    fn a_good_run_ends_well() {
        let mut steps = Steps::default();
        steps.record("a", || Ok(()));
        assert_eq!(steps.finish(), Ok(()));
    }
}
