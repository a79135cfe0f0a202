//! Keepers: one for each mapping, which runs its lanes while it is enabled.
//!
//! Everything here runs in the one process that has the store, so no lease says who polls. A lane
//! is told to stop and ends when its batch is through; only then do the lanes of the changed
//! mapping begin.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use cumulet_service::Cloud;
use cumulet_store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::lane::Lane;
use super::{MappingRecord, store};
use crate::Lambda;

/// The pause after the store has failed, or a lane has broken.
const PAUSE: Duration = Duration::from_secs(1);

/// What a keeper is to run: nothing where its mapping is disabled or gone.
type Wish = Option<Arc<MappingRecord>>;

/// Begins to poll what there are mappings of, now and later.
pub(crate) fn start(lambda: &Arc<Lambda>, cloud: &Arc<Cloud>) {
    let all = Keepers {
        lambda: Arc::downgrade(lambda),
        cloud: Arc::downgrade(cloud),
        store: cloud.parts().store.clone(),
    };
    tokio::spawn(all.run());
}

#[derive(Clone)]
struct Keepers {
    lambda: Weak<Lambda>,
    cloud: Weak<Cloud>,
    store: Store,
}

impl Keepers {
    async fn run(self) {
        let mut changes = self.store.watch(&store::everywhere());
        let mut keepers: HashMap<String, watch::Sender<Wish>> = HashMap::new();
        loop {
            match store::load_all(&self.store).await {
                Ok(mappings) => self.bring_to(&mut keepers, mappings),
                Err(why) => {
                    tracing::warn!(%why, "event source mappings cannot be read");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn bring_to(
        &self,
        keepers: &mut HashMap<String, watch::Sender<Wish>>,
        mappings: Vec<MappingRecord>,
    ) {
        let there: HashSet<String> = mappings.iter().map(|one| one.uuid.clone()).collect();
        // A keeper ends when nobody can wish anything of it.
        keepers.retain(|uuid, _| there.contains(uuid));
        for mapping in mappings {
            let wish = keepers.entry(mapping.uuid.clone()).or_insert_with(|| {
                let (wish, wished) = watch::channel(None);
                tokio::spawn(self.clone().keep(wished));
                wish
            });
            let wanted = mapping.enabled.then(|| Arc::new(mapping));
            wish.send_if_modified(|present| {
                let differs = *present != wanted;
                *present = wanted;
                differs
            });
        }
    }

    /// Runs the lanes of what is wished for.
    async fn keep(self, mut wished: watch::Receiver<Wish>) {
        loop {
            let wish = wished.borrow_and_update().clone();
            let changed = match wish {
                None => wished.changed().await,
                Some(mapping) => match self.lanes(&mapping).await {
                    Some(lanes) => run(lanes, &mut wished).await,
                    None => pause(&mut wished).await,
                },
            };
            if changed.is_err() {
                return;
            }
        }
    }

    async fn lanes(&self, mapping: &Arc<MappingRecord>) -> Option<Vec<Lane>> {
        let name = mapping.name()?;
        let records = match store::prepare(&self.store, &name, mapping.settings.lanes).await {
            Ok(records) => records,
            Err(error) => {
                tracing::warn!(mapping = mapping.uuid, %error, "a mapping cannot begin");
                return None;
            }
        };
        let lane = |(number, record): (usize, _)| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let (lambda, cloud) = (Weak::clone(&self.lambda), Weak::clone(&self.cloud));
            Lane::new(lambda, cloud, Arc::clone(mapping), name.clone(), number, record)
        };
        Some(records.into_iter().enumerate().map(lane).collect())
    }
}

/// Runs lanes until something else is wished for, or one of them breaks.
async fn run(
    lanes: Vec<Lane>,
    wished: &mut watch::Receiver<Wish>,
) -> Result<(), watch::error::RecvError> {
    let (stop, _) = watch::channel(false);
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(lane.run(stop.subscribe()));
    }
    let changed = tokio::select! {
        changed = wished.changed() => Some(changed),
        // None ends by itself, unless its mapping is gone or it broke.
        _ = running.join_next() => None,
    };
    stop.send_replace(true);
    while running.join_next().await.is_some() {}
    match changed {
        Some(changed) => changed,
        None => pause(wished).await,
    }
}

async fn pause(wished: &mut watch::Receiver<Wish>) -> Result<(), watch::error::RecvError> {
    tokio::select! {
        changed = wished.changed() => changed,
        () = tokio::time::sleep(PAUSE) => Ok(()),
    }
}
