//! The outbox: messages that wait for delivery, as jobs of the durable queue.
//!
//! A message is sent at least once: a crash between the server's answer and the end of the job
//! sends it again. Retries come after 30 s, 1 min, 2 min … at most 1 h, for a day; then it is given
//! up, which the log says without saying to whom it was.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_store::{Key, Read as _, Record, Sealer, StoreError, Tx};
use cumulet_work::{Job, Lease, LeaseError, Outcome, Work, enqueue};
use serde::{Deserialize, Serialize};

use crate::{Mail, MailError, Mailer, Message, Smtp, next_number, open, seal};

/// Messages that wait at most.
pub const QUEUED: u64 = 10_000;

const KIND: &str = "mail/deliver";
/// Messages that are sent at once.
const ABREAST: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);

/// A job's payload.
#[derive(Serialize, Deserialize)]
struct Queued {
    sealed: String,
    /// When it was queued, milliseconds since the epoch.
    since: i64,
}

/// How many messages wait.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Waiting(u64);

impl Record for Waiting {
    const VERSION: u16 = 1;
}

fn waiting() -> Key {
    Key::global("mail").text("waiting")
}

pub(crate) async fn push(
    tx: &Tx,
    sealer: &Sealer,
    message: &Message,
    now: Timestamp,
) -> Result<(), MailError> {
    let Waiting(count) = tx.get_record(&waiting()).await?.unwrap_or_default();
    if count >= QUEUED {
        return Err(MailError::Full);
    }
    tx.put_record(waiting(), &Waiting(count + 1));
    let key = next_number(tx, "outbox").await?.to_string();
    let queued = Queued { sealed: seal(sealer, key.as_bytes(), message)?, since: now.millis() };
    let payload = serde_json::to_value(queued).map_err(|_| MailError::Sealed)?;
    enqueue(tx, Job { kind: KIND.to_owned(), key, payload, run_at: now }).await?;
    Ok(())
}

/// Begins to deliver.
pub(crate) fn register(mail: &Arc<Mail>, work: &Work) {
    let mail = Arc::clone(mail);
    work.register(KIND, ABREAST, move |lease| {
        let mail = Arc::clone(&mail);
        async move {
            let mailer = match mail.settings().await {
                Ok(Some(settings)) => Smtp::new(&settings),
                Ok(None) => Err(MailError::NotConfigured),
                Err(why) => Err(why),
            };
            match mailer {
                Ok(mailer) => deliver(&mail, &mailer, &lease).await,
                Err(why) => failed(&mail, &lease, &why).await,
            }
        }
    });
}

/// Sends the message of one job.
async fn deliver(mail: &Mail, mailer: &dyn Mailer, lease: &Lease) -> Outcome {
    let sent = match payload(lease) {
        Some(queued) => match open(&mail.sealer, lease.key.as_bytes(), &queued.sealed) {
            Ok(message) => mailer.send(&message).await,
            Err(why) => Err(why),
        },
        None => Err(MailError::Sealed),
    };
    match sent {
        Ok(()) => finish(mail, lease).await,
        Err(why) => failed(mail, lease, &why).await,
    }
}

fn payload(lease: &Lease) -> Option<Queued> {
    Queued::deserialize(lease.payload.as_ref()).ok()
}

/// Tries again later, or gives the message up.
async fn failed(mail: &Mail, lease: &Lease, why: &MailError) -> Outcome {
    let since = payload(lease).map_or(0, |queued| queued.since);
    if mail.clock.now().since(Timestamp::from_millis(since)) >= GIVE_UP {
        tracing::warn!(%why, attempts = lease.attempt, "a message is given up");
        return finish(mail, lease).await;
    }
    tracing::info!(%why, attempts = lease.attempt, "a message is tried again later");
    let doubled = 1 << lease.attempt.saturating_sub(1).min(10);
    Outcome::Retry { after: FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE) }
}

/// Ends the job and counts it out in one transaction.
async fn finish(mail: &Mail, lease: &Lease) -> Outcome {
    let ended = mail
        .store
        .transact(|tx| async move {
            lease.finish(&tx).await?;
            let Waiting(count) = tx.get_record(&waiting()).await?.unwrap_or_default();
            tx.put_record(waiting(), &Waiting(count.saturating_sub(1)));
            Ok::<_, LeaseError>(())
        })
        .await;
    match ended {
        Ok(()) | Err(LeaseError::Lost) => {}
        Err(LeaseError::Store(why)) => note_unfinished(&why),
    }
    Outcome::Done
}

fn note_unfinished(why: &StoreError) {
    tracing::warn!(%why, "the end of a message's delivery is not noted: it may be sent again");
}
