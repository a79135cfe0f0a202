//! The mailbox: the last messages that nothing was configured for, for a developer to read.

use cumulet_base::Timestamp;
use cumulet_store::{Direction, Key, Read, Record, Sealer, Tx};
use serde::{Deserialize, Serialize};

use crate::{MailError, Message, next_number, open, seal};

/// Messages that the mailbox keeps; older ones go.
pub const KEPT: u64 = 1_000;

/// A message in the mailbox.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// The message: `channel`, `to`, `subject`, `body`.
    #[serde(flatten)]
    pub message: Message,
    /// When it was put there, RFC 3339 in UTC.
    pub at: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    sealed: String,
    at: i64,
}

impl Record for Stored {
    const VERSION: u16 = 1;
}

fn prefix() -> Key {
    Key::global("mail").text("mailbox")
}

pub(crate) async fn push(
    tx: &Tx,
    sealer: &Sealer,
    message: &Message,
    now: Timestamp,
) -> Result<(), MailError> {
    let number = next_number(tx, "mailbox").await?;
    let key = prefix().u64(number);
    let sealed = seal(sealer, &key, message)?;
    tx.put_record(key, &Stored { sealed, at: now.millis() });
    if let Some(oldest) = number.checked_sub(KEPT) {
        tx.delete(prefix().u64(oldest));
    }
    Ok(())
}

pub(crate) async fn list(read: &impl Read, sealer: &Sealer) -> Result<Vec<Kept>, MailError> {
    let mut scan = read.scan(prefix().prefix(), Direction::Backward);
    let mut kept = Vec::new();
    while let Some((key, stored)) = scan.next_record::<Stored>().await? {
        let message = open(sealer, &key, &stored.sealed)?;
        kept.push(Kept { message, at: Timestamp::from_millis(stored.at).iso8601(true) });
    }
    Ok(kept)
}
