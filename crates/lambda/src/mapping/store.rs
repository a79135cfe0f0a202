//! Where mappings lie in the store.
//!
//! | key | value |
//! |---|---|
//! | `lambda`, for all accounts; `mapping`, account, region, UUID | [`MappingRecord`] |
//! | `lambda`, account, region; `mapping-of`, source, function's ARN | the UUID |
//! | `lambda`, account, region; `mapping-lane`, UUID, lane | [`LaneRecord`] |
//!
//! The first lies where one watch sees all of them.

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Key, Read, Store, StoreError, Tx};

use super::model::{LaneRecord, MappingRecord};
use crate::error::Error;
use crate::name::FunctionName;

const SERVICE: &str = "lambda";

/// What the records of all mappings begin with.
pub(super) fn everywhere() -> Key {
    Key::global(SERVICE).text("mapping")
}

/// What the records of an account's mappings in a region begin with.
pub(crate) fn all(account: &AccountId, region: &Region) -> Key {
    everywhere().text(account.as_str()).text(region.as_str())
}

/// A mapping that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MappingName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) uuid: String,
}

impl MappingName {
    /// The mapping with that UUID, of the request's account and region.
    pub(crate) fn of(cx: &Cx, uuid: &str) -> Self {
        let (account, region) = (cx.account().clone(), cx.region().clone());
        Self { account, region, uuid: uuid.to_owned() }
    }

    /// Reads a mapping's ARN; `None` for one of something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let uuid = arn.resource().strip_prefix("event-source-mapping:")?.to_owned();
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        (arn.service() == "lambda").then_some(Self { account, region, uuid })
    }

    /// The mapping's ARN.
    pub(crate) fn arn(&self) -> Arn {
        let resource = format!("event-source-mapping:{}", self.uuid);
        Arn::new("lambda", &self.region, &self.account, &resource)
    }

    /// The mapping's record.
    pub(crate) fn key(&self) -> Key {
        all(&self.account, &self.region).text(&self.uuid)
    }

    /// What the records of its lanes begin with.
    pub(crate) fn lanes(&self) -> Key {
        Key::new(SERVICE, &self.account, &self.region).text("mapping-lane").text(&self.uuid)
    }

    /// A lane's record.
    pub(super) fn lane(&self, number: u32) -> Key {
        self.lanes().u64(number.into())
    }

    /// The mapping, which must be there.
    pub(crate) async fn load(&self, read: &impl Read) -> Result<MappingRecord> {
        Ok(self.find(read).await?.ok_or_else(Error::nothing_there)?)
    }

    /// The mapping, if there is one.
    pub(crate) async fn find(&self, read: &impl Read) -> Result<Option<MappingRecord>> {
        Ok(read.get_record(&self.key()).await?)
    }

    /// Its lanes, as far as they have begun.
    pub(crate) async fn load_lanes(
        &self,
        read: &impl Read,
    ) -> std::result::Result<Vec<LaneRecord>, StoreError> {
        let mut scan = read.scan(self.lanes().prefix(), Direction::Forward);
        let mut lanes = Vec::new();
        while let Some((_, lane)) = scan.next_record().await? {
            lanes.push(lane);
        }
        Ok(lanes)
    }
}

impl MappingRecord {
    /// Its name; `None` where the record is damaged.
    pub(crate) fn name(&self) -> Option<MappingName> {
        let (account, region) = (self.account.parse().ok()?, self.region.parse().ok()?);
        Some(MappingName { account, region, uuid: self.uuid.clone() })
    }

    /// The function that it runs.
    pub(crate) fn function_name(&self, of: &MappingName) -> FunctionName {
        FunctionName {
            account: of.account.clone(),
            region: of.region.clone(),
            name: self.function.clone(),
            qualifier: self.qualifier.clone(),
        }
    }
}

/// Takes the place of the one mapping that a source and a function may have. Refuses where there is
/// one.
pub(crate) async fn claim(
    tx: &Tx,
    source: &str,
    function: &FunctionName,
    uuid: &str,
) -> Result<()> {
    let key = pair(source, function);
    if let Some(other) = tx.get(&key).await? {
        return Err(Error::Conflict(format!(
            "The event source arn (\" {source} \") and function (\" {} \") provided mapping \
             already exists. Please update or delete the existing mapping with UUID {}",
            function.name,
            String::from_utf8_lossy(&other)
        ))
        .into());
    }
    tx.put(key, uuid.as_bytes().to_vec());
    Ok(())
}

/// Gives the place free.
pub(crate) fn release(tx: &Tx, source: &str, function: &FunctionName) {
    tx.delete(pair(source, function));
}

fn pair(source: &str, function: &FunctionName) -> Key {
    let root = Key::new(SERVICE, &function.account, &function.region);
    root.text("mapping-of").text(source).text(function.named_arn().as_str())
}

/// All mappings of all accounts.
pub(super) async fn load_all(store: &Store) -> std::result::Result<Vec<MappingRecord>, StoreError> {
    let snapshot = store.snapshot();
    let mut scan = snapshot.scan(everywhere().prefix(), Direction::Forward);
    let mut all = Vec::new();
    while let Some((_, mapping)) = scan.next_record().await? {
        all.push(mapping);
    }
    Ok(all)
}

/// The lanes of a mapping, made or brought to their present number: with another number other items
/// fall to each, so all begin where the slowest was. What the others had done since comes again.
pub(super) async fn prepare(
    store: &Store,
    name: &MappingName,
    lanes: u32,
) -> Result<Vec<LaneRecord>> {
    store
        .transact(|tx: Tx| async move {
            let present = name.load_lanes(&tx).await?;
            let is_whole = present.len() == lanes as usize;
            if is_whole && present.iter().all(|lane| lane.of == lanes) {
                return Ok(present);
            }
            let slowest = present.into_iter().min_by(|a, b| a.place().cmp(&b.place()));
            let slowest = slowest.unwrap_or_default();
            let lane = LaneRecord { of: lanes, failed: 0, ends: Vec::new(), ..slowest };
            tx.delete_range(&name.lanes().prefix()).await?;
            for number in 0..lanes {
                tx.put_record(name.lane(number), &lane);
            }
            Ok(vec![lane; lanes as usize])
        })
        .await
}

/// Stores how far a lane is; whether its mapping is still there.
pub(super) async fn save(
    store: &Store,
    name: &MappingName,
    number: u32,
    lane: &LaneRecord,
) -> std::result::Result<bool, StoreError> {
    store
        .transact(|tx: Tx| async move {
            let is_there = tx.get(&name.key()).await?.is_some();
            if is_there {
                tx.put_record(name.lane(number), lane);
            }
            Ok(is_there)
        })
        .await
}
