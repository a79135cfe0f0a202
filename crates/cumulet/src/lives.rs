//! A cloud that may be reset: `POST /_cumulet/reset` ends its life, removes its data, and begins
//! another one behind the same listeners.
//!
//! Each life has a tokio runtime of its own, so that whatever it spawned or remembers ends with it
//! for certain. Listeners and connections stay outside: a client keeps its connection, and a
//! request that comes during a reset waits and meets the new life. A request that is still under
//! way when the reset has waited long enough is cut off with a 503.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cumulet_base::Body;
use cumulet_iam::RootKey;
use cumulet_net::{Handler, Peer};
use cumulet_service::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use tokio::runtime::Runtime;
use tokio::sync::{RwLock, watch};
use tokio::task::JoinHandle;

use crate::admin;
use crate::compose::{FOLDERS, NotStarted};
use crate::life::{Entrance, Life, Setting};

/// How long a reset waits for requests under way.
const DRAIN: Duration = Duration::from_secs(5);
/// How long tasks that do not yield may hold a reset up.
const UNYIELDING: Duration = Duration::from_secs(5);
/// Where data go to be removed: a reset that a crash cuts short leaves no half of a store.
const DISCARDED: &str = "discarded";

/// The lives of one cloud, one at a time.
pub(crate) struct Lives {
    setting: Setting,
    /// The present one. Requests hold it for reading; a reset takes it for itself.
    present: RwLock<Option<Lived>>,
    /// Kept from life to life.
    root: Mutex<Option<RootKey>>,
    /// Changes to cut off requests that are under way.
    cut: watch::Sender<u64>,
}

struct Lived {
    life: Life,
    runtime: Runtime,
}

impl Lives {
    /// Begins the first life, over the data that are there.
    pub(crate) async fn begin(setting: Setting) -> Result<Arc<Self>, NotStarted> {
        let data = setting.place.data.join(DISCARDED);
        remove(&data).map_err(|why| format!("{}: {why}", data.display()))?;
        let (cut, _) = watch::channel(0);
        let lives =
            Arc::new(Self { setting, present: RwLock::default(), root: Mutex::default(), cut });
        let first = lives.lived().await?;
        *lives.present.write().await = Some(first);
        Ok(lives)
    }

    /// Looks at the present life.
    pub(crate) async fn with<T>(&self, look: impl FnOnce(&Life) -> T) -> Option<T> {
        self.present.read().await.as_ref().map(|lived| look(&lived.life))
    }

    /// What answers at an entrance, whichever life it is.
    pub(crate) fn handler(self: &Arc<Self>, entrance: Entrance) -> Arc<dyn Handler> {
        Arc::new(Way { lives: Arc::clone(self), entrance })
    }

    /// Ends the present life in order.
    pub(crate) async fn end(&self) {
        if let Some(Lived { life, runtime }) = self.present.write().await.take() {
            life.end().await;
            shut_down(runtime).await;
        }
    }

    /// A new life, in a runtime of its own.
    async fn lived(self: &Arc<Self>) -> Result<Lived, NotStarted> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|why| why.to_string())?;
        let this = Arc::clone(self);
        let root = self.root().clone();
        let begun = runtime.spawn(async move { Life::begin(&this.setting, root).await }).await;
        match begun.map_err(|why| why.to_string().into()).flatten() {
            Ok(life) => {
                *self.root() = Some(life.root.clone());
                Ok(Lived { life, runtime })
            }
            Err(why) => {
                shut_down(runtime).await;
                Err(why)
            }
        }
    }

    fn root(&self) -> std::sync::MutexGuard<'_, Option<RootKey>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes everything and begins anew. The new life takes requests when this returns.
    async fn reset(self: &Arc<Self>) -> Result<(), String> {
        let taken = self.present.write();
        tokio::pin!(taken);
        let waited = tokio::time::timeout(DRAIN, &mut taken).await;
        let mut present = if let Ok(present) = waited {
            present
        } else {
            self.cut.send_modify(|times| *times += 1);
            taken.await
        };
        if let Some(Lived { life, runtime }) = present.take() {
            let store = life.cloud.parts().store.clone();
            // First what may still write, then what it writes to.
            drop(life);
            shut_down(runtime).await;
            store.close().await;
        }
        let data = self.setting.place.data.clone();
        let discarded = tokio::task::spawn_blocking(move || discard(&data)).await;
        let discarded = discarded.map_err(|why| why.to_string())?;
        discarded.map_err(|why| format!("the data cannot be removed: {why}"))?;
        *present = Some(self.lived().await.map_err(|why| why.to_string())?);
        tracing::info!("everything was reset");
        Ok(())
    }

    async fn asked_to_reset(
        self: &Arc<Self>,
        peer: &Peer,
        request: &Request<Body>,
    ) -> Response<Body> {
        if let Err(refused) = admin::admit(peer, request, &self.setting.token) {
            return refused;
        }
        // On a task of its own: a client that goes away does not leave half of a reset.
        let this = Arc::clone(self);
        match tokio::spawn(async move { this.reset().await }).await {
            Ok(Ok(())) => admin::said(StatusCode::OK, "Everything was removed."),
            Ok(Err(why)) => admin::said(StatusCode::INTERNAL_SERVER_ERROR, &why),
            Err(why) => admin::said(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
        }
    }

    async fn pass_on(
        &self,
        entrance: Entrance,
        peer: Peer,
        request: Request<Body>,
    ) -> Response<Body> {
        let mut cut = self.cut.subscribe();
        let present = self.present.read().await;
        let Some(lived) = present.as_ref() else {
            return admin::said(StatusCode::SERVICE_UNAVAILABLE, "A reset failed: see the log.");
        };
        let handler = lived.life.handler(entrance);
        let answer = lived.runtime.spawn(async move { handler.handle(peer, request).await });
        let mut answer = Ended(answer);
        let cut_off = "The cloud was reset meanwhile.";
        tokio::select! {
            answered = &mut answer.0 => answered
                .unwrap_or_else(|_| admin::said(StatusCode::INTERNAL_SERVER_ERROR, "It failed.")),
            _ = cut.changed() => admin::said(StatusCode::SERVICE_UNAVAILABLE, cut_off),
        }
    }
}

/// An entrance to whichever life is present.
struct Way {
    lives: Arc<Lives>,
    entrance: Entrance,
}

impl Handler for Way {
    fn handle(&self, peer: Peer, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            if request.method() == Method::POST && request.uri().path() == "/_cumulet/reset" {
                return self.lives.asked_to_reset(&peer, &request).await;
            }
            self.lives.pass_on(self.entrance, peer, request).await
        })
    }
}

/// A task that ends with who waits for it.
struct Ended<T>(JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends everything that runs in `runtime`.
async fn shut_down(runtime: Runtime) {
    // It waits, which an async task may not.
    let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(UNYIELDING)).await;
    ended.unwrap_or_else(|why| tracing::error!("a life did not end well: {why}"));
}

/// Moves all data aside, the store first, which knows what the rest is for; then removes them.
fn discard(data: &Path) -> io::Result<()> {
    let aside = data.join(DISCARDED);
    remove(&aside)?;
    fs::create_dir(&aside)?;
    for folder in FOLDERS {
        match fs::rename(data.join(folder), aside.join(folder)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    fs::File::open(data)?.sync_all()?;
    remove(&aside)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clouds_own_folders_are_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        for own in FOLDERS {
            fs::create_dir(data.join(own)).unwrap();
            fs::write(data.join(own).join("x"), "x").unwrap();
        }
        fs::create_dir(data.join("photos")).unwrap();
        fs::write(data.join("admin-token"), "x").unwrap();
        // What a crash left.
        fs::create_dir(data.join(DISCARDED)).unwrap();
        discard(data).unwrap();
        discard(data).unwrap();
        let left = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort_unstable();
        assert_eq!(left, ["admin-token", "photos"]);
    }
}
