//! Web pages: configured for this cloud, built by the command that the app names, and uploaded to
//! the bucket that it names.

mod kind;
mod upload;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use cumulet_api_cloudformation::types::StackResourceSummary;
use cumulet_api_cloudfront::ops::{CreateInvalidation, CreateInvalidationRequest};
use cumulet_api_cloudfront::types::{InvalidationBatch, Paths};
use cumulet_service::Cx;

use self::upload::Sent;
use super::app::{App, OWN};
use super::build::{blocking, install};
use super::files::{self, Listing};
use super::progress::{Progress, Step};
use super::settings::{FILE, PageSettings};
use super::show;
use crate::admin::outputs;
use crate::command::Run;
use crate::running::Running;

/// Not a page's own.
const LEFT_OUT: [&str; 3] = [".git", OWN, "node_modules"];

/// Resources that have a host of their own.
const APIS: [&str; 2] = ["AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"];

/// A deployed stack, as pages need to know it.
pub(super) struct Deployed<'a> {
    pub(super) cx: &'a Cx,
    pub(super) app: &'a App,
    pub(super) running: &'a Running,
    pub(super) resources: &'a [StackResourceSummary],
    pub(super) outputs: &'a BTreeMap<String, String>,
}

impl Deployed<'_> {
    /// What `name` stands for: a resource of the stack, one of its outputs, or itself.
    fn means(&self, name: &str) -> String {
        let resource = self.resources.iter().find(|one| one.logical_resource_id == name);
        let physical = resource.and_then(|one| one.physical_resource_id.clone());
        physical.or_else(|| self.outputs.get(name).cloned()).unwrap_or_else(|| name.to_owned())
    }
}

/// Builds and uploads one page.
pub(super) async fn publish(
    deployed: &Deployed<'_>,
    page: &PageSettings,
    progress: &Progress,
) -> Result<(), String> {
    let name = page.folder.display();
    let step = progress.step(format!("page {name}"));
    match published(deployed, page, &step).await {
        Ok(done) => {
            step.done(&done.to_string());
            Ok(())
        }
        Err(why) => {
            step.failed();
            Err(format!("page {name}: {why}"))
        }
    }
}

/// What was uploaded, and to which bucket.
pub(super) struct Published {
    sent: Sent,
    bucket: String,
}

impl Published {
    /// Whether the bucket is not what it was.
    pub(super) fn anything(&self) -> bool {
        self.sent.anything()
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.sent, self.bucket)
    }
}

/// The same as a part of `step`.
pub(super) async fn published(
    deployed: &Deployed<'_>,
    page: &PageSettings,
    step: &Step,
) -> Result<Published, String> {
    let folder = deployed.app.folder.join(&page.folder);
    if let Some(file) = &page.config {
        configure(deployed, &folder.join(file)).await?;
    }
    if let Some(line) = &page.build {
        build(deployed.app, page, &folder, line, step).await?;
    }
    let output = folder.join(&page.output);
    if !output.is_dir() {
        let (output, told) = (output.display(), page.output.display());
        return Err(format!("there is no folder {output} (`output = \"{told}\"` in {FILE})"));
    }
    let listing = blocking(move || files::list(&output, &LEFT_OUT)).await?;
    if listing.is_empty() {
        return Err("there is nothing to upload".to_owned());
    }
    step.now("upload");
    let bucket = deployed.means(&page.bucket);
    let mark = format!("{}/{}", deployed.app.stack, page.folder.display());
    let note = stamp_file(deployed.app, page).with_extension("keys");
    let names: String = listing.keys().flat_map(|name| [name, "\n"]).collect();
    let before = fs::read_to_string(&note).unwrap_or_default();
    let before = before.lines().map(str::to_owned).collect();
    let sent = upload::upload(deployed.cx, &mark, &bucket, listing, before).await?;
    fs::write(&note, names).map_err(|why| format!("{}: {why}", note.display()))?;
    if let Some(distribution) = page.distribution.as_ref().filter(|_| sent.anything()) {
        invalidate(deployed.cx, &deployed.means(distribution)).await?;
    }
    Ok(Published { sent, bucket })
}

/// Writes what a page has to know of this cloud, where it is not written already.
async fn configure(deployed: &Deployed<'_>, file: &Path) -> Result<(), String> {
    let region = deployed.cx.region();
    for api in deployed.resources.iter().filter(|one| APIS.contains(&one.resource_type.as_str())) {
        if let Some(id) = &api.physical_resource_id {
            // What is written names the port that an API has, once it has one.
            let name = format!("https://{id}.execute-api.{region}.amazonaws.com");
            show::reached(deployed.running, &name).await;
        }
    }
    let ports = &deployed.running.admin.ports;
    let config = outputs::of(deployed.cx, ports, &deployed.app.stack).await?;
    let text = serde_json::to_string_pretty(&config).map_err(|why| why.to_string())? + "\n";
    if fs::read_to_string(file).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let parent = file.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| fs::write(file, text)).map_err(|why| format!("{}: {why}", file.display()))
}

/// Makes a distribution's caches forget all that they keep.
async fn invalidate(cx: &Cx, distribution: &str) -> Result<(), String> {
    let input = CreateInvalidationRequest {
        distribution_id: distribution.to_owned(),
        invalidation_batch: InvalidationBatch {
            paths: Paths { quantity: 1, items: Some(vec!["/*".to_owned()]) },
            caller_reference: format!("cumulet-up-{}", cx.ids().uuid()),
        },
    };
    let made = cx.call::<CreateInvalidation>(input).await;
    made.map(drop).map_err(|why| format!("the distribution {distribution}: {}", why.message))
}

/// Runs the app's build command, unless what it works on is what it was the last time.
async fn build(
    app: &App,
    page: &PageSettings,
    folder: &Path,
    line: &str,
    step: &Step,
) -> Result<(), String> {
    let stamp = stamp_file(app, page);
    let output = page.output.clone();
    let (at, about) = (folder.to_owned(), line.to_owned());
    let inputs = move || {
        let listing = files::list(&at, &LEFT_OUT)?;
        digest(&about, &listing, &output)
    };
    let before = blocking(inputs.clone()).await?;
    // What is built among the sources is in the hash with them.
    let there = folder.join(&page.output).is_dir();
    if there && fs::read_to_string(&stamp).is_ok_and(|text| text == before) {
        return Ok(());
    }
    let manifest = folder.join("package.json");
    if manifest.is_file() && needs_install(folder, &stamp) {
        install(folder, step, false).await?;
        note_install(folder, &stamp)?;
    }
    let run = Run::shell(line, folder);
    step.now(run.shown());
    run.run().await?;
    // A build may write among its own sources.
    let after = blocking(inputs).await?;
    fs::write(&stamp, after).map_err(|why| format!("{}: {why}", stamp.display()))
}

/// Everything that the page is built from, as a hash.
fn digest(line: &str, listing: &Listing, output: &Path) -> Result<String, String> {
    let built = |name: &str| !output.as_os_str().is_empty() && Path::new(name).starts_with(output);
    let sources = listing.iter().filter(|(name, _)| !built(name));
    let sources: Listing = sources.map(|(name, entry)| (name.clone(), entry.clone())).collect();
    let mut hash = files::sha256();
    hash.update(line.as_bytes());
    files::digest(&sources, &mut hash).map_err(|why| why.to_string())?;
    Ok(files::hex(hash))
}

fn stamp_file(app: &App, page: &PageSettings) -> PathBuf {
    let mut hash = files::sha256();
    hash.update(page.folder.as_os_str().as_encoded_bytes());
    let name: String = files::hex(hash).chars().take(16).collect();
    app.own(&format!("page-{name}"))
}

/// Whether the dependencies are not there, or were installed for other manifests.
fn needs_install(folder: &Path, stamp: &Path) -> bool {
    let noted = fs::read_to_string(stamp.with_extension("npm"));
    let same = noted.is_ok_and(|noted| noted == manifests(folder));
    !folder.join("node_modules").is_dir() || !same
}

fn note_install(folder: &Path, stamp: &Path) -> Result<(), String> {
    let note = stamp.with_extension("npm");
    fs::write(&note, manifests(folder)).map_err(|why| format!("{}: {why}", note.display()))
}

fn manifests(folder: &Path) -> String {
    let mut hash = files::sha256();
    for name in ["package.json", "package-lock.json"] {
        hash.update(&fs::read(folder.join(name)).unwrap_or_default());
        hash.update(b"\0");
    }
    files::hex(hash)
}
