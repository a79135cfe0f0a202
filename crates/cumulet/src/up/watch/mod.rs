//! `cumulet up --watch`: what is saved is what runs. A function's code goes to the function, a page
//! to its bucket, and what the stack is made from through a change set; each is built anew where it
//! has to be, and nothing else is. What fails is said, and the next save is a new try.

mod changes;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cumulet_api_cloudformation::types::StackResourceSummary;
use cumulet_service::Cx;
use futures_util::future::join_all;
use tokio::sync::watch::Sender;

use self::changes::{Changes, Watcher};
use self::touched::{Touched, names, roots, touched};
use super::app::App;
use super::build::{Job, Workshop, jobs};
use super::code::{self, Code, Kind};
use super::progress::Progress;
use super::{Up, bring_up, page, reload, show, stack};
use crate::running::Running;
use crate::terminal::Style;

/// An app that is watched.
pub(super) struct Watch {
    watcher: Watcher,
    app: App,
    codes: Vec<Code>,
    /// Whether the stack is what the folder says, but for what was reloaded since.
    deployed: bool,
}

/// Where it is reloaded to.
pub(super) struct Site<'a> {
    pub(super) options: &'a Up,
    pub(super) running: &'a Running,
    pub(super) cx: &'a Cx,
    pub(super) workshop: &'a Arc<Workshop>,
    pub(super) progress: &'a Progress,
    /// Who follows the logs hears of the stack's resources here.
    pub(super) resources: Sender<Vec<StackResourceSummary>>,
}

impl Watch {
    /// Begins to watch the app, before it is deployed: what is saved meanwhile counts.
    pub(super) fn begin(app: App) -> Result<Self, String> {
        // What is wrong with it, the deployment says.
        let codes = code::find(&app).unwrap_or_default();
        let watcher = Watcher::start(roots(&app, &codes))?;
        Ok(Self { watcher, app, codes, deployed: false })
    }

    /// Reloads what changes, for ever. `deployed`: whether the app is up.
    pub(super) async fn run(mut self, site: Site<'_>, deployed: bool) {
        self.deployed = deployed;
        let folder = self.app.folder.display();
        site.progress.line(Some(Style::Dim), &format!("Watching {folder}: what is saved runs."));
        loop {
            let changes = self.watcher.next().await;
            for why in self.take_up(&site, &changes).await {
                site.progress.line(Some(Style::Red), &format!("cumulet: {why}"));
            }
        }
    }

    /// What could not be done.
    async fn take_up(&mut self, site: &Site<'_>, changes: &Changes) -> Vec<String> {
        let touched = touched(&self.app, &self.codes, changes);
        if touched.is_nothing() {
            return Vec::new();
        }
        if touched.definition || !self.deployed || self.is_the_stacks(&touched.codes) {
            return self.redeploy(site).await.err().into_iter().collect();
        }
        let resources = site.resources.borrow().clone();
        let mut failed = self.reload_functions(site, &resources, &touched, changes).await;
        failed.extend(self.reload_pages(site, &resources, &touched, changes).await.err());
        failed
    }

    /// Whether the code is that of a layer, or of a function that is published with each change:
    /// those are made anew by the stack.
    fn is_the_stacks(&self, ids: &BTreeSet<String>) -> bool {
        let mut codes = self.codes.iter().filter(|code| ids.contains(&code.id));
        codes.any(|code| code.kind == Kind::Layer || code::is_published(&self.app, &code.id))
    }

    /// Builds and deploys all of it, as `up` does at first.
    async fn redeploy(&mut self, site: &Site<'_>) -> Result<(), String> {
        let app = App::open(site.options)?;
        if app.stack != self.app.stack {
            let (now, before) = (&app.stack, &self.app.stack);
            return Err(format!(
                "the stack is called {now} now, and {before} is up: start `cumulet up` again"
            ));
        }
        self.codes = code::find(&app)?;
        self.app = app;
        self.deployed = false;
        self.watcher.watch(roots(&self.app, &self.codes))?;
        let Site { running, cx, workshop, progress, .. } = *site;
        let before = outputs(cx, &self.app.stack).await;
        bring_up(running, cx, &self.app, workshop, progress).await?;
        self.deployed = true;
        let resources = stack::resources(cx, &self.app.stack).await?;
        site.resources.send_replace(resources);
        if outputs(cx, &self.app.stack).await != before {
            show::outputs(running, cx, &self.app).await?;
        }
        Ok(())
    }

    async fn reload_functions(
        &self,
        site: &Site<'_>,
        resources: &[StackResourceSummary],
        touched: &Touched,
        changes: &Changes,
    ) -> Vec<String> {
        let codes = self.codes.iter().filter(|code| touched.codes.contains(&code.id));
        let jobs = match jobs(codes.cloned().collect()) {
            Ok(jobs) => jobs,
            Err(why) => return vec![why],
        };
        let reloads = jobs.iter().map(|job| self.reload(site, resources, job, changes));
        join_all(reloads).await.into_iter().filter_map(Result::err).collect()
    }

    /// One package, for all functions that it is of.
    async fn reload(
        &self,
        site: &Site<'_>,
        resources: &[StackResourceSummary],
        job: &Job,
        changes: &Changes,
    ) -> Result<(), String> {
        let step = site.progress.step_briefly(format!("reload {}", job.ids.join(", ")));
        let package = site.workshop.package(job, &step).await?;
        let packages: BTreeMap<_, _> =
            job.ids.iter().map(|id| (id.clone(), package.clone())).collect();
        let reloaded = reload::functions(site.cx, &self.app.stack, resources, &packages).await?;
        if !reloaded.is_empty() {
            let what = format!(
                "reload {}: {}",
                reloaded.join(", "),
                of(&names(&self.app, &job.code, changes))
            );
            site.progress.reloaded(step, &what, changes.since.elapsed());
        }
        Ok(())
    }

    async fn reload_pages(
        &self,
        site: &Site<'_>,
        resources: &[StackResourceSummary],
        touched: &Touched,
        changes: &Changes,
    ) -> Result<(), String> {
        if touched.pages.is_empty() {
            return Ok(());
        }
        let outputs = outputs(site.cx, &self.app.stack).await;
        let Site { running, cx, progress, .. } = *site;
        let deployed = page::Deployed { cx, app: &self.app, running, resources, outputs: &outputs };
        let pages = self.app.pages.iter().enumerate();
        for (_, page) in pages.filter(|(at, _)| touched.pages.contains(at)) {
            let step = progress.step_briefly(format!("reload page {}", page.folder.display()));
            let sent = page::published(&deployed, page, &step).await;
            let name = page.folder.display();
            let published = sent.map_err(|why| format!("page {name}: {why}"))?;
            if published.anything() {
                let what = format!("reload page {name}: {published}");
                progress.reloaded(step, &what, changes.since.elapsed());
            }
        }
        Ok(())
    }
}

/// The stack's outputs; none where there is no stack.
async fn outputs(cx: &Cx, name: &str) -> BTreeMap<String, String> {
    let found = stack::find(cx, name).await.ok().flatten();
    found.map(|found| stack::outputs(&found)).unwrap_or_default()
}

/// Changed files in a few words.
fn of(names: &[String]) -> String {
    match names {
        [] => "many files".to_owned(),
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}
