//! How many items a table and its indexes hold.
//!
//! AWS counts about every six hours. Here a count is taken when somebody asks, unless the last one
//! was so much work that its answer is kept as long as AWS would keep it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cumulet_base::Timestamp;
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Range, Read as _};

use crate::describe::Count;
use crate::tables::Table;
use crate::write::decode;

/// A count that took longer than this is kept.
const CHEAP: Duration = Duration::from_millis(50);
/// How long it is kept: as long as AWS's.
const KEPT: Duration = Duration::from_secs(6 * 60 * 60);

/// Counts that were much work, by table id.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<HashMap<String, (Timestamp, Vec<Count>)>>);

impl Counts {
    /// Of the table, then of each of its indexes.
    pub(crate) async fn of(&self, cx: &Cx, table: &Table) -> Result<Vec<Count>> {
        let id = &table.record.id;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((_, counts)) = kept.filter(|(at, _)| cx.now().since(*at) < KEPT)
            && counts.len() == table.indexes.len() + 1
        {
            return Ok(counts);
        }
        let began = Instant::now();
        let mut counts = vec![count(cx, table.keys.within(&[])).await?];
        for index in &table.indexes {
            counts.push(count(cx, index.keys.within(&[])).await?);
        }
        if began.elapsed() > CHEAP {
            let kept = (cx.now(), counts.clone());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), kept);
        }
        Ok(counts)
    }
}

async fn count(cx: &Cx, range: Range) -> Result<Count> {
    let mut count = Count::default();
    let mut scan = cx.store().snapshot().scan(range, Direction::Forward);
    while let Some((_, bytes)) = scan.next().await? {
        count.items += 1;
        count.bytes += decode(bytes)?.size() as i64;
    }
    Ok(count)
}
