//! How strongly functions are walled in: the strongest rung that the machine gives, what becomes of
//! them where that is not enough, and where they may go from there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cumulet_sandbox::egress::{Egress, EgressLimits, EgressPolicy, Resolvers, Way};
use cumulet_sandbox::{BoxFuture, Climbed, Launcher, Launching, RefusingLauncher, Rung, climb};
use futures_util::FutureExt as _;
use futures_util::future::Shared;

/// Where others may call functions, they are in sandboxes. What the top rung has beyond that, users
/// of their own and limits that the kernel counts, takes root.
pub(crate) const LEAST: Rung = Rung::Rootless;

/// How functions of a cloud are started, once it is found out.
#[derive(Debug, Clone)]
pub(crate) struct Isolation(Shared<BoxFuture<'static, Judged>>);

impl Isolation {
    /// What starts them.
    pub(crate) fn launcher(&self) -> Launching {
        let found = self.0.clone();
        let launcher: BoxFuture<'static, _> = Box::pin(async { found.await.launcher });
        launcher.shared()
    }

    /// For a person: the rung, and whether functions start on it.
    pub(crate) async fn words(&self) -> String {
        self.0.clone().await.words
    }
}

#[derive(Debug, Clone)]
struct Judged {
    launcher: Arc<dyn Launcher>,
    words: String,
}

/// This program, even where its file was replaced meanwhile.
pub(crate) fn this_program() -> PathBuf {
    "/proc/self/exe".into()
}

/// The public internet, and each `HOST:PORT` that the owner opens. Blocks, to read the machine's
/// resolvers.
pub(crate) fn way_out(cloud: Option<SocketAddr>, opened: &[String]) -> Result<Arc<Egress>, String> {
    let mut policy = EgressPolicy::default();
    for entry in opened {
        policy.allow(entry).map_err(|why| format!("--egress-allow: {why}"))?;
    }
    if let Some(cloud) = cloud {
        policy.cloud(cloud, []);
    }
    let limits = EgressLimits::of_this_process();
    Ok(Arc::new(Egress::new(policy, limits, Resolvers::of_host())))
}

/// Finds the rung, and says in the log which it is. The cloud need not wait for that: it takes some
/// tens of milliseconds. Functions that would be on a weaker one than `least` are not started. They
/// reach the cloud at `cloud`, and what the owner has `opened`.
pub(crate) async fn find(
    data: &Path,
    cloud: SocketAddr,
    opened: &[String],
    least: Rung,
) -> Result<Isolation, String> {
    let scratch = data.join("lambda/scratch");
    let opened = opened.to_vec();
    let egress = tokio::task::spawn_blocking(move || way_out(Some(cloud), &opened)).await;
    let egress = egress.map_err(|why| why.to_string()).flatten()?;
    let look = tokio::task::spawn_blocking(move || {
        climb(this_program(), &scratch, Some(egress)).map(|climbed| judge(climbed, least))
    });
    let found: BoxFuture<'static, _> = Box::pin(async {
        let looked = look.await.map_err(|why| why.to_string());
        looked.and_then(|found| found.map_err(|why| why.to_string())).unwrap_or_else(|why| {
            tracing::error!("no function is started: {why}");
            let launcher = Arc::new(RefusingLauncher::new(Rung::Process, why.clone()));
            Judged { launcher, words: format!("functions cannot be started: {why}") }
        })
    });
    Ok(Isolation(found.shared()))
}

fn judge(climbed: Climbed, least: Rung) -> Judged {
    let (rung, advice) = (climbed.launcher.rung(), advised(&climbed));
    if rung < least {
        tracing::error!("no function is started: isolation {advice}");
        let why = format!(
            "this machine isolates functions on the rung {rung:?} only, and {least:?} is wanted: \
             see `cumulet doctor`, or allow it by --allow-weak-isolation {rung}",
            rung = rung.name(),
            least = least.name(),
        );
        let words = format!("{rung}: too weak, functions are not started");
        return Judged { launcher: Arc::new(RefusingLauncher::new(rung, why)), words };
    }
    if rung == Rung::Process {
        tracing::warn!("isolation {advice}");
    } else {
        tracing::info!("isolation {advice}");
    }
    let words = described(rung, climbed.egress);
    Judged { launcher: climbed.launcher, words }
}

/// What was found, and what would lead to a stronger rung, where there is one.
pub(crate) fn advised(climbed: &Climbed) -> String {
    let words = described(climbed.launcher.rung(), climbed.egress);
    match &climbed.obstacle {
        Some(obstacle) => format!("{words}. {obstacle}"),
        None => words,
    }
}

/// The rung, what it means, and how far out functions get on it.
fn described(rung: Rung, egress: Option<Way>) -> String {
    let words = format!("{rung}: {}", rung.words());
    match egress {
        Some(way) => format!("{words}, with a way out to {way}"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_weak_is_refused_and_says_how_to_allow_it() {
        let climbed = |rung| Climbed {
            launcher: Arc::new(RefusingLauncher::new(rung, "as it was found")),
            obstacle: (rung < Rung::Full).then(|| "A reason.".to_owned()),
            egress: (rung > Rung::Process).then_some(Way::Transparent),
        };
        let words = |rung, least| judge(climbed(rung), least).words;
        assert!(words(Rung::Process, Rung::Process).starts_with("process: functions run as plain"));
        assert!(words(Rung::Rootless, Rung::Rootless).starts_with("rootless: each function"));
        assert!(words(Rung::Process, Rung::Rootless).ends_with("functions are not started"));
        let words = advised(&climbed(Rung::Full));
        assert!(words.ends_with(", with a way out to the internet"), "{words}");
        let words = advised(&climbed(Rung::Rootless));
        assert!(words.ends_with(", with a way out to the internet. A reason."), "{words}");
    }

    #[test]
    fn what_cannot_be_opened_is_said() {
        assert!(
            way_out(None, &["10.0.0.5:5432".to_owned(), "db.example.org:1".to_owned()]).is_ok()
        );
        let why = way_out(None, &["10.0.0.5".to_owned()]).unwrap_err();
        assert!(why.starts_with("--egress-allow: '10.0.0.5' is not HOST:PORT"), "{why}");
    }
}
