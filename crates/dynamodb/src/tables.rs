//! Tables, compiled: what operations look at.

use std::collections::HashMap;
use std::sync::Arc;

use cumulet_attribute::KeyType;
use cumulet_auth::policy::Document;
use cumulet_base::{AccountId, Arn, Limits, Region};
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Read as _, Snapshot, Store, StoreError, View};
use cumulet_work::Lease;

use crate::error::Error;
use crate::expression::{Path, Projection};
use crate::history::History;
use crate::key::{KeyAttribute, KeyError, KeySchema};
use crate::model::{IndexRecord, IndexState, KeyRecord, ProjectionRecord, Scalar, TableRecord};
use crate::resource_policy;
use crate::store::{self, ItemKeys};
use crate::streams::{self, StreamName};

/// Every table of every account and region.
#[derive(Debug)]
pub(crate) struct Tables(View<HashMap<Box<[u8]>, Arc<Table>>>);

/// A table, ready for requests.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) record: TableRecord,
    pub(crate) arn: Arn,
    pub(crate) schema: KeySchema,
    pub(crate) indexes: Vec<Index>,
    /// What tells of its changes, where it is on.
    pub(crate) stream: Option<Stream>,
    /// What keeps what writes replace, where anything needs it.
    pub(crate) history: Option<History>,
    pub(crate) keys: ItemKeys,
    /// The sizes of its item collections.
    pub(crate) collections: ItemKeys,
    /// Bytes of an item collection, at most.
    pub(crate) collection_limit: u64,
    pub(crate) policy: Option<Arc<Document>>,
    /// Under which key the record lies, and the bytes that lay there.
    pub(crate) stored_at: Box<[u8]>,
    pub(crate) stored: bytes::Bytes,
}

/// A secondary index, ready for requests.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) record: IndexRecord,
    pub(crate) schema: KeySchema,
    pub(crate) keys: ItemKeys,
    /// What entries hold; `None`: all.
    pub(crate) projection: Option<Projection>,
}

/// A table's stream, ready for writes.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: StreamName,
    pub(crate) view: streams::View,
}

impl Index {
    /// Whether it has every entry: it can be read.
    pub(crate) fn is_whole(&self) -> bool {
        self.record.state == IndexState::Active
    }

    /// Whether its entries hold an attribute.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.projection.as_ref().is_none_or(|held| held.attributes().any(|one| one == name))
    }
}

impl Tables {
    pub(crate) async fn open(
        store: &Store,
        limits: &Limits,
    ) -> std::result::Result<Self, StoreError> {
        let (prefix, limit) = (store::all_tables(), limits.item_collection);
        View::new(store, prefix.as_bytes(), move |now| load(now, limit)).await.map(Self)
    }

    /// The table of that name. While the record is read as of the last commit, a write must see it
    /// again in its own transaction: [`Table::check`].
    pub(crate) async fn find(
        &self,
        account: &AccountId,
        region: &Region,
        name: &str,
    ) -> Result<Option<Arc<Table>>> {
        let key = store::table(account, region, name);
        Ok(self.0.get().await?.get(key.as_bytes()).cloned())
    }
}

async fn load(
    snapshot: Snapshot,
    limit: u64,
) -> std::result::Result<HashMap<Box<[u8]>, Arc<Table>>, StoreError> {
    let mut tables = HashMap::new();
    let mut scan = snapshot.scan(store::all_tables().prefix(), Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        let (_, mut table) = Table::read(&snapshot, &key, stored).await?;
        table.collection_limit = limit;
        tables.insert(key.as_ref().into(), Arc::new(table));
    }
    Ok(tables)
}

impl Table {
    /// The table whose record lies at `key`, as these bytes; whose it is, and where.
    pub(crate) async fn read(
        snapshot: &Snapshot,
        key: &[u8],
        stored: bytes::Bytes,
    ) -> std::result::Result<((AccountId, Region), Self), StoreError> {
        let record: Option<TableRecord> = snapshot.get_record(key).await?;
        let record = record.ok_or_else(|| StoreError::Corrupt("it is gone".to_owned()))?;
        let (account, region) = store::owner(key)?;
        let table = Self::new(&account, &region, record, key, stored)?;
        Ok(((account, region), table))
    }

    pub(crate) fn new(
        account: &AccountId,
        region: &Region,
        record: TableRecord,
        stored_at: &[u8],
        stored: bytes::Bytes,
    ) -> std::result::Result<Self, StoreError> {
        let broken = || StoreError::Corrupt(format!("table {}: a key without a type", record.name));
        let indexes = record.indexes.iter().map(|index| {
            let schema = schema(&record, &index.key).ok_or_else(broken)?;
            let keys = store::entries(account, region, &record.id, &index.name);
            let names = projected(&record, index);
            let projection = names.map(|n| Projection::of_attributes(n.iter().map(String::as_str)));
            Ok(Index { record: index.clone(), schema, keys, projection })
        });
        let indexes = indexes.collect::<std::result::Result<_, StoreError>>()?;
        let policy = record.policy.as_ref().map(|policy| {
            let broken = || StoreError::Corrupt(format!("the policy of table {}", record.name));
            resource_policy::compile(policy).ok_or_else(broken)
        });
        let name = record.name.clone();
        let name = TableName { account: account.clone(), region: region.clone(), name };
        Ok(Self {
            arn: name.arn(),
            history: History::of(&name, &record),
            collections: store::collections(account, region, &record.id),
            collection_limit: Limits::default().item_collection,
            schema: schema(&record, &record.key).ok_or_else(broken)?,
            indexes,
            stream: stream(account, region, &record)?,
            keys: store::items(account, region, &record.id),
            policy: policy.transpose()?,
            stored_at: stored_at.into(),
            stored,
            record,
        })
    }

    /// Refuses to go on in a transaction in which the table is not what it was when found. A write
    /// that raced with DeleteTable or UpdateTable finds the table again.
    pub(crate) async fn check(&self, tx: &cumulet_store::Tx) -> Result<bool> {
        let now = tx.get(&self.stored_at).await?;
        match now {
            None => Err(Error::TableNotFound.into()),
            Some(bytes) => Ok(bytes == self.stored),
        }
    }

    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.record.name == name)
    }

    /// The indexes that writes keep: all but those being removed.
    pub(crate) fn kept_indexes(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.record.state != IndexState::Deleting)
    }

    /// Refuses paths into keys of the table or of an index: keys are scalars.
    pub(crate) fn check_paths<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> std::result::Result<(), KeyError> {
        let nested = paths.into_iter().filter(|path| path.is_nested());
        self.check_nested(nested.map(Path::attribute))
    }

    /// The same for attributes into which paths lead.
    pub(crate) fn check_nested<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> std::result::Result<(), KeyError> {
        names.into_iter().try_for_each(|name| {
            if self.schema.has(name) {
                return Err(KeyError::Nested(name.to_owned()));
            }
            if self.kept_indexes().any(|index| index.schema.has(name)) {
                return Err(KeyError::IndexNested(name.to_owned()));
            }
            Ok(())
        })
    }

    /// Whether its items with one partition key, and their entries in local indexes, have a limit.
    pub(crate) fn has_collections(&self) -> bool {
        self.indexes.iter().any(|index| index.record.local)
    }

    pub(crate) fn index_arn(&self, name: &str) -> String {
        format!("{}/index/{name}", self.arn)
    }
}

fn schema(record: &TableRecord, key: &KeyRecord) -> Option<KeySchema> {
    let attribute = |name: &String| {
        let (_, scalar) = record.attributes.iter().find(|(attribute, _)| attribute == name)?;
        let kind = match scalar {
            Scalar::S => KeyType::S,
            Scalar::N => KeyType::N,
            Scalar::B => KeyType::B,
        };
        Some(KeyAttribute { name: name.clone(), kind })
    };
    let sort = match &key.range {
        Some(name) => Some(attribute(name)?),
        None => None,
    };
    Some(KeySchema { partition: attribute(&key.hash)?, sort })
}

fn stream(
    account: &AccountId,
    region: &Region,
    record: &TableRecord,
) -> std::result::Result<Option<Stream>, StoreError> {
    let Some(stream) = &record.stream else { return Ok(None) };
    let unknown = || StoreError::Corrupt(format!("table {}: a stream's view", record.name));
    let name = StreamName {
        account: account.clone(),
        region: region.clone(),
        table: record.name.clone(),
        label: stream.label,
    };
    Ok(Some(Stream { name, view: streams::View::parse(&stream.view).ok_or_else(unknown)? }))
}

/// The attributes of an index's entries: its keys, the table's keys and what it includes.
fn projected(record: &TableRecord, index: &IndexRecord) -> Option<Vec<String>> {
    let included = match &index.projection {
        ProjectionRecord::All => return None,
        ProjectionRecord::KeysOnly => [].as_slice(),
        ProjectionRecord::Include(names) => names,
    };
    let keys = [&index.key, &record.key]
        .into_iter()
        .flat_map(|key| std::iter::once(&key.hash).chain(&key.range));
    let mut names: Vec<String> = keys.chain(included).cloned().collect();
    names.sort();
    names.dedup();
    Some(names)
}

/// A table as a request names it: by its name or by its ARN.
#[derive(Debug, Clone)]
pub(crate) struct TableName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl TableName {
    /// Reads a `TableName` parameter. (DeveloperGuide, "Naming rules"; ARNs since 2024.)
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Self> {
        let own = |name: &str| Self {
            account: cx.account().clone(),
            region: cx.region().clone(),
            name: name.to_owned(),
        };
        if !text.starts_with("arn:") {
            check_name(text)?;
            return Ok(own(text));
        }
        let arn: Arn = text.parse().map_err(|_| Error::InvalidTableArn)?;
        let name = arn.resource().strip_prefix("table/").ok_or(Error::InvalidTableArn)?;
        check_name(name)?;
        Ok(Self {
            account: arn.account().parse().map_err(|_| Error::InvalidTableArn)?,
            region: arn.region().parse().map_err(|_| Error::InvalidTableArn)?,
            name: name.to_owned(),
        })
    }

    /// The table that a job is about; `None`, and told, where its payload names none.
    pub(crate) fn of_job(lease: &Lease) -> Option<Self> {
        let part =
            |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
        let (Ok(account), Ok(region)) = (part("account").parse(), part("region").parse()) else {
            tracing::error!(job = %lease.key, "a job without account and region");
            return None;
        };
        Some(Self { account, region, name: part("table").to_owned() })
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("dynamodb", &self.region, &self.account, &format!("table/{}", self.name))
    }

    /// The table's stream of that label.
    pub(crate) fn stream(&self, label: i64) -> StreamName {
        let (account, region) = (self.account.clone(), self.region.clone());
        StreamName { account, region, table: self.name.clone(), label }
    }

    pub(crate) fn key(&self) -> cumulet_store::Key {
        store::table(&self.account, &self.region, &self.name)
    }
}

fn check_name(name: &str) -> Result<()> {
    if !(3..=255).contains(&name.len()) {
        return Err(Error::TableNameLength.into());
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if name.bytes().all(fits) { Ok(()) } else { Err(Error::TableNamePattern(name.into()).into()) }
}
