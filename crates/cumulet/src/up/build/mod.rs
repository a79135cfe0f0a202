//! Builds an app's functions and layers into packages, with the machine's own `node`, `npm` and
//! Python. What has not changed since the last time is taken from there.

mod kept;
mod node;
mod package;
mod python;
mod recipe;

pub(super) use self::node::install;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cumulet_sandbox::Interpreter;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use self::recipe::Recipe;
use super::app::{App, OWN};
use super::code::Code;
use super::files::{self, Listing};
use super::progress::{Progress, Step, size};
use crate::command::Run;

/// What is in no package: others' bookkeeping, and what Python makes anew.
const LEFT_OUT: [&str; 4] = [".git", ".aws-sam", OWN, "__pycache__"];
/// Enters every hash of inputs: raise it when a build comes to mean something else.
const GENERATION: &str = "1";

/// A package that is ready to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// The zip.
    pub(super) path: PathBuf,
    /// Of the zip, in hexadecimal.
    pub(super) sha256: String,
    /// Of the zip.
    pub(super) bytes: u64,
}

/// One build, for all functions that it makes the same package of.
pub(super) struct Job {
    /// Their logical ids.
    pub(super) ids: Vec<String>,
    /// Of the first of them.
    pub(super) code: Code,
    recipe: Recipe,
    /// Where the files go in the package.
    subfolder: &'static str,
}

/// Where an app is built.
pub(super) struct Workshop {
    /// The app's folder.
    app: PathBuf,
    /// The folder of packages.
    folder: PathBuf,
    /// A folder of interpreters beside the machine's own.
    runtimes: Option<PathBuf>,
    /// All interpreters, once they were looked for.
    interpreters: OnceCell<Vec<Interpreter>>,
    places: Semaphore,
}

/// Builds all `codes` of an app: packages by logical id.
pub(super) async fn build(
    workshop: &Arc<Workshop>,
    codes: Vec<Code>,
    progress: &Progress,
) -> Result<BTreeMap<String, Package>, String> {
    let jobs = jobs(codes)?;
    tidy(&workshop.folder, &jobs);
    // Dropped at the first failure, which ends the other builds.
    let mut running = JoinSet::new();
    for job in jobs {
        let (workshop, progress) = (Arc::clone(workshop), progress.clone());
        running.spawn(async move { workshop.run(job, &progress).await });
    }
    let mut packages = BTreeMap::new();
    while let Some(built) = running.join_next().await {
        let (ids, package) = built.map_err(|why| why.to_string())??;
        packages.extend(ids.into_iter().map(|id| (id, package.clone())));
    }
    Ok(packages)
}

/// The builds to do: one for all functions of the same folder and recipe.
pub(super) fn jobs(codes: Vec<Code>) -> Result<Vec<Job>, String> {
    let mut jobs: Vec<Job> = Vec::new();
    for code in codes {
        let (recipe, subfolder) = recipe::recipe(&code)?;
        let same = jobs.iter_mut().find(|job| {
            let shared = match recipe {
                // Its target is named after the logical id.
                Recipe::Make => false,
                // Its entry point may be the handler.
                Recipe::Esbuild(_) => job.code.handler == code.handler,
                _ => true,
            };
            shared
                && job.code.path == code.path
                && job.recipe == recipe
                && job.subfolder == subfolder
        });
        match same {
            Some(job) => job.ids.push(code.id),
            None => jobs.push(Job { ids: vec![code.id.clone()], code, recipe, subfolder }),
        }
    }
    Ok(jobs)
}

/// Removes what earlier templates left.
fn tidy(folder: &Path, jobs: &[Job]) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        // Of folders, those of dependencies that are kept.
        let stem = if path.is_dir() {
            stem.and_then(|stem| stem.strip_suffix(kept::ENDING))
        } else {
            stem
        };
        let wanted = |job: &Job| stem.is_some_and(|stem| stem == job.code.id);
        let left = !jobs.iter().any(wanted);
        if left {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

impl Workshop {
    /// In the app's own folder.
    pub(super) fn open(app: &App, runtimes: Option<PathBuf>) -> Result<Arc<Self>, String> {
        let folder = app.own("build");
        fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        let places = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Arc::new(Self {
            app: app.folder.clone(),
            folder,
            runtimes,
            interpreters: OnceCell::new(),
            places: Semaphore::new(places),
        }))
    }

    async fn run(&self, job: Job, progress: &Progress) -> Result<(Vec<String>, Package), String> {
        let _place = self.places.acquire().await.map_err(|why| why.to_string())?;
        let names = match job.ids.as_slice() {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        let step = progress.step(format!("build {names}"));
        match self.made(&job, &step).await {
            Ok((package, fresh)) => {
                let size = size(package.bytes);
                step.done(&if fresh { size } else { format!("{size}, unchanged") });
                Ok((job.ids, package))
            }
            Err(why) => {
                step.failed();
                Err(self.failed(&names, &job, &why))
            }
        }
    }

    /// The package of a job, as a part of `step`.
    pub(super) async fn package(&self, job: &Job, step: &Step) -> Result<Package, String> {
        let _place = self.places.acquire().await.map_err(|why| why.to_string())?;
        let made = self.made(job, step).await;
        made.map(|(package, _)| package).map_err(|why| self.failed(&job.ids.join(", "), job, &why))
    }

    fn failed(&self, names: &str, job: &Job, why: &str) -> String {
        format!("{names}, from {}: {why}", shown(&self.app, &job.code.path))
    }

    /// The package of a job, and whether it was made just now.
    async fn made(&self, job: &Job, step: &Step) -> Result<(Package, bool), String> {
        if job.recipe == Recipe::Ready {
            let path = job.code.path.clone();
            return Ok((blocking(move || package::existing(path)).await?, true));
        }
        let listing = self.listing(job).await?;
        let interpreter = match &job.recipe {
            Recipe::Pip(runtime) => {
                Some(python::interpreter(self.interpreters().await?, *runtime)?)
            }
            _ => None,
        };
        let about = format!(
            "{GENERATION} {:?} {} {:?} {:?} {:?}",
            job.recipe, job.subfolder, interpreter, job.code.id, job.code.handler
        );
        let (inputs, listing) = blocking(move || inputs(&about, listing)).await?;
        let zip = self.folder.join(format!("{}.zip", job.code.id));
        let stamp = zip.with_extension("stamp");
        if let Some(package) = package::stamped(&stamp, &inputs, &zip) {
            return Ok((package, false));
        }
        let _ = fs::remove_file(&stamp);
        let target = self.folder.join(&job.code.id);
        let out = target.join(job.subfolder);
        fs::create_dir_all(&out).map_err(|why| format!("{}: {why}", out.display()))?;
        self.make(job, listing, interpreter, &out, step).await?;
        let _ = fs::remove_dir_all(self.scratch(&job.code));
        step.now("zip");
        let package = blocking(move || {
            let package = package::zip(&target, zip)?;
            let _ = fs::remove_dir_all(&target);
            package::stamp(&stamp, &inputs, &package)?;
            Ok(package)
        })
        .await?;
        Ok((package, true))
    }

    async fn listing(&self, job: &Job) -> Result<Listing, String> {
        let mut leave = LEFT_OUT.to_vec();
        if matches!(job.recipe, Recipe::Npm { .. } | Recipe::Esbuild(_)) {
            leave.push("node_modules");
        }
        let (path, app) = (job.code.path.clone(), self.app.clone());
        let bundles = matches!(job.recipe, Recipe::Esbuild(_));
        blocking(move || {
            let mut listing = files::list(&path, &leave)?;
            if bundles {
                listing.extend(node::around(&path, &app));
            }
            Ok(listing)
        })
        .await
    }

    /// Fills `out`.
    async fn make(
        &self,
        job: &Job,
        listing: Listing,
        interpreter: Option<Interpreter>,
        out: &Path,
        step: &Step,
    ) -> Result<(), String> {
        let code = &job.code;
        match (&job.recipe, interpreter) {
            (Recipe::Npm { install: true }, _) => {
                node::furnish(&self.folder, code, listing, out, step, true).await
            }
            (Recipe::Esbuild(properties), _) => {
                let mut folder = code.path.clone();
                if node::lacks_dependencies(code, &self.app) {
                    folder = self.scratch(code);
                    node::furnish(&self.folder, code, listing, &folder, step, false).await?;
                }
                node::bundle(code, properties, &self.app, &folder, out, step).await
            }
            (Recipe::Pip(_), Some(interpreter)) => {
                let bring =
                    async |to: &Path| python::install(&interpreter, &code.path, to, step).await;
                match python::kept(&self.folder, &code.id, &code.path, &interpreter) {
                    Some(kept) => kept.put(out, bring).await?,
                    None => bring(out).await?,
                }
                // The app's own files last: they win.
                copy(listing, out).await
            }
            (Recipe::Make, _) => {
                let scratch = self.scratch(code);
                copy(listing, &scratch).await?;
                // "Building custom runtimes": the target, and where it puts what it makes.
                let make = Run::new("make", &scratch).arg(format!("build-{}", code.id));
                let make = make.env("ARTIFACTS_DIR", out);
                step.now(make.shown());
                make.run().await
            }
            (Recipe::Copy | Recipe::Npm { .. } | Recipe::Ready | Recipe::Pip(_), _) => {
                copy(listing, out).await
            }
        }
    }

    /// Where a build works that must not work in the app's own folder.
    fn scratch(&self, code: &Code) -> PathBuf {
        self.folder.join(format!("{}-scratch", code.id))
    }

    async fn interpreters(&self) -> Result<&[Interpreter], String> {
        let look = || {
            let runtimes = self.runtimes.clone();
            blocking(move || Ok(cumulet_sandbox::discover(runtimes.as_deref())))
        };
        self.interpreters.get_or_try_init(look).await.map(Vec::as_slice)
    }
}

async fn copy(listing: Listing, to: &Path) -> Result<(), String> {
    let to = to.to_owned();
    blocking(move || files::copy(&listing, &to).map_err(|why| why.to_string())).await
}

/// Everything that a build's outcome hangs on, as a hash.
fn inputs(about: &str, listing: Listing) -> Result<(String, Listing), String> {
    let mut hash = files::sha256();
    hash.update(about.as_bytes());
    files::digest(&listing, &mut hash).map_err(|why| why.to_string())?;
    Ok((files::hex(hash), listing))
}

/// A path as a person sees it from the app's folder.
fn shown(app: &Path, path: &Path) -> String {
    match path.strip_prefix(app) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".to_owned(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Runs what waits for the disk where it holds up nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|why| why.to_string())?
}
