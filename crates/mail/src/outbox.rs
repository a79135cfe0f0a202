//! The outbox: messages that wait for delivery.
//!
//! A message is sent at least once: it is removed after the server took it, so a crash in between
//! sends it again. Retries come after 30 s, 1 min, 2 min … at most 1 h, for a day; then it is given
//! up, which the log says without saying to whom it was.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_store::{Direction, Key, Read as _, Record, Sealer, StoreError, Tx};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{Mail, MailError, Mailer, Message, Smtp, next_number, open, seal};

/// Messages that wait at most.
pub const QUEUED: u64 = 10_000;

/// Messages that are sent at once.
const ABREAST: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);
/// How often is looked for retries that are due.
const ROUND: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Queued {
    sealed: String,
    /// When it was queued, milliseconds since the epoch.
    since: i64,
    /// When it is to be sent.
    due: i64,
    attempts: u32,
}

impl Record for Queued {
    const VERSION: u16 = 1;
}

fn prefix() -> Key {
    Key::global("mail").text("outbox")
}

pub(crate) async fn push(
    tx: &Tx,
    sealer: &Sealer,
    message: &Message,
    now: Timestamp,
) -> Result<(), MailError> {
    let number = next_number(tx, "outbox").await?;
    // The oldest that still waits must be near enough.
    let oldest = tx.range(&prefix().prefix(), Direction::Forward, 1).await?;
    if let Some((key, _)) = oldest.items.first()
        && *key < prefix().u64(number.saturating_sub(QUEUED - 1)).as_bytes()
    {
        return Err(MailError::Full);
    }
    let key = prefix().u64(number);
    let sealed = seal(sealer, &key, message)?;
    tx.put_record(key, &Queued { sealed, since: now.millis(), due: now.millis(), attempts: 0 });
    Ok(())
}

/// Delivers for ever.
pub(crate) async fn run(mail: Arc<Mail>) {
    let mut watch = mail.store.watch(&prefix());
    loop {
        match deliver_to_configured(&mail).await {
            Ok(_) => {}
            Err(MailError::Store(StoreError::Closed)) => return,
            Err(why) => tracing::warn!(%why, "queued mail is not delivered"),
        }
        let _ = tokio::time::timeout(ROUND, watch.changed()).await;
    }
}

async fn deliver_to_configured(mail: &Arc<Mail>) -> Result<usize, MailError> {
    match mail.settings().await? {
        Some(settings) => deliver(mail, Arc::new(Smtp::new(&settings)?)).await,
        None => Ok(0),
    }
}

/// Sends all that is due, once each; how many were delivered.
pub(crate) async fn deliver(mail: &Arc<Mail>, mailer: Arc<dyn Mailer>) -> Result<usize, MailError> {
    let now = mail.now();
    let mut scan = mail.store.snapshot().scan(prefix().prefix(), Direction::Forward);
    let (mut sending, mut delivered) = (JoinSet::new(), 0);
    while let Some((key, queued)) = scan.next_record::<Queued>().await? {
        if queued.due > now.millis() {
            continue;
        }
        if sending.len() >= ABREAST
            && let Some(done) = sending.join_next().await
        {
            delivered += usize::from(done.unwrap_or(false));
        }
        let (mail, mailer) = (Arc::clone(mail), Arc::clone(&mailer));
        sending.spawn(async move { deliver_one(&mail, mailer.as_ref(), &key, queued).await });
    }
    while let Some(done) = sending.join_next().await {
        delivered += usize::from(done.unwrap_or(false));
    }
    Ok(delivered)
}

/// Sends one message and notes what came of it; whether it was delivered.
async fn deliver_one(mail: &Mail, mailer: &dyn Mailer, key: &[u8], queued: Queued) -> bool {
    let sent = match open(&mail.sealer, key, &queued.sealed) {
        Ok(message) => mailer.send(&message).await,
        Err(why) => Err(why),
    };
    let delivered = sent.is_ok();
    let next = sent.err().and_then(|why| retry(&queued, mail.now(), &why));
    let noted = mail
        .store
        .transact(|tx| {
            match &next {
                Some(next) => tx.put_record(key.to_vec(), next),
                None => tx.delete(key.to_vec()),
            }
            async { Ok::<_, StoreError>(()) }
        })
        .await;
    if let Err(why) = noted {
        tracing::warn!(%why, "what became of a message is not noted: it may be sent again");
    }
    delivered
}

/// The message as it waits again, or `None` where it is given up.
fn retry(queued: &Queued, now: Timestamp, why: &MailError) -> Option<Queued> {
    let age = now.since(Timestamp::from_millis(queued.since));
    if age >= GIVE_UP {
        tracing::warn!(%why, attempts = queued.attempts, "a message is given up");
        return None;
    }
    tracing::info!(%why, attempts = queued.attempts, "a message is tried again later");
    let pause = FIRST_PAUSE.saturating_mul(1 << queued.attempts.min(10)).min(LONGEST_PAUSE);
    let due = now.after(pause).millis();
    Some(Queued { due, attempts: queued.attempts + 1, ..queued.clone() })
}
