//! Messages to people: by SMTP where that is configured, else into a mailbox in the store.
//!
//! [`Mail::enqueue`] belongs inside the transaction that the message is about, so that a code is
//! never stored without its message being on the way. What is queued is delivered in the background
//! and tried again for a day. Bodies carry codes: they are sealed at rest and never logged.

mod mailbox;
mod outbox;
mod settings;
mod smtp;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::Clock;
use cumulet_store::{Key, Read as _, Record, Sealer, Store, StoreError, Tx};
use cumulet_work::Work;
use serde::{Deserialize, Serialize};

pub use mailbox::{KEPT, Kept};
pub use outbox::QUEUED;
pub use settings::{Security, Settings};
pub use smtp::Smtp;

/// How a message reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
}

/// A message to a person. `Debug` shows neither to whom nor what.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How it is sent.
    pub channel: Channel,
    /// An e-mail address or a phone number in E.164.
    pub to: String,
    /// The subject; empty for text messages.
    pub subject: String,
    /// The text; HTML where it begins with `<`.
    pub body: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Why a message is not on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailError {
    /// Nothing is configured that could deliver it, and there is no mailbox.
    NotConfigured,
    /// Too many messages wait already.
    Full,
    /// The settings cannot be used; the text says why.
    Settings(String),
    /// The mail server refused, or cannot be reached.
    Delivery(String),
    /// What is stored cannot be read with this master key.
    Sealed,
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for MailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConfigured => {
                f.write_str("no mail server is configured: `cumulet config mail` sets one")
            }
            Self::Full => write!(f, "{QUEUED} messages wait for delivery already"),
            Self::Settings(why) | Self::Delivery(why) => f.write_str(why),
            Self::Sealed => f.write_str("a stored message or setting cannot be opened"),
            Self::Store(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for MailError {}

impl From<StoreError> for MailError {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

/// A future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Delivers one message, now.
pub trait Mailer: Send + Sync {
    /// `Ok` when somebody else has taken responsibility for it.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>>;
}

/// What becomes of a message that nothing is configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconfigured {
    /// It is kept in the mailbox, where a developer reads it.
    Mailbox,
    /// It is refused: on a public server nobody reads the mailbox.
    Refuse,
}

/// Takes messages and sees to their delivery.
pub struct Mail {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    unconfigured: Unconfigured,
}

/// The number that the next queued or kept message gets.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Next(u64);

impl Record for Next {
    const VERSION: u16 = 1;
}

impl Mail {
    /// Mail over this store.
    pub fn new(
        store: Store,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        unconfigured: Unconfigured,
    ) -> Arc<Self> {
        Arc::new(Self { store, sealer, clock, unconfigured })
    }

    /// Takes a message within the transaction that it is about. [`MailError::NotConfigured`] where
    /// nothing could deliver it.
    pub async fn enqueue(&self, tx: &Tx, message: &Message) -> Result<(), MailError> {
        let smtp = message.channel == Channel::Email && tx.get(&settings::key()).await?.is_some();
        let now = self.clock.now();
        match self.unconfigured {
            _ if smtp => outbox::push(tx, &self.sealer, message, now).await,
            Unconfigured::Mailbox => mailbox::push(tx, &self.sealer, message, now).await,
            Unconfigured::Refuse => Err(MailError::NotConfigured),
        }
    }

    /// The mailbox, newest first.
    pub async fn mailbox(&self) -> Result<Vec<Kept>, MailError> {
        mailbox::list(&self.store.snapshot(), &self.sealer).await
    }

    /// Sets the mail server, or removes it.
    pub async fn configure(&self, settings: Option<&Settings>) -> Result<(), MailError> {
        settings::store(&self.store, &self.sealer, settings).await
    }

    /// The mail server that is set.
    pub async fn settings(&self) -> Result<Option<Settings>, MailError> {
        settings::load(&self.store.snapshot(), &self.sealer).await
    }

    /// Begins to deliver what is queued. Once.
    pub fn start(self: &Arc<Self>, work: &Work) {
        outbox::register(self, work);
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("unconfigured", &self.unconfigured).finish_non_exhaustive()
    }
}

/// A message as it is stored: JSON, sealed for the place where it lies.
fn seal(sealer: &Sealer, place: &[u8], message: &Message) -> Result<String, MailError> {
    let plain = serde_json::to_vec(message).map_err(|_| MailError::Sealed)?;
    let sealed = sealer.seal("mail/message", place, &plain).map_err(|_| MailError::Sealed)?;
    Ok(STANDARD.encode(sealed))
}

/// The message that was sealed for `place`.
fn open(sealer: &Sealer, place: &[u8], sealed: &str) -> Result<Message, MailError> {
    let sealed = STANDARD.decode(sealed);
    let sealed = sealed.map_err(|_| MailError::Sealed)?;
    let plain =
        sealer.open_sealed("mail/message", place, &sealed).map_err(|_| MailError::Sealed)?;
    serde_json::from_slice(&plain).map_err(|_| MailError::Sealed)
}

/// The next number of a queue.
async fn next_number(tx: &Tx, queue: &str) -> Result<u64, StoreError> {
    let key = Key::global("mail").text("next").text(queue);
    let Next(number) = tx.get_record(&key).await?.unwrap_or_default();
    tx.put_record(key, &Next(number + 1));
    Ok(number)
}
