//! The mail server: where it is, how it is spoken to, as whom. Stored sealed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_store::{Key, Read, Record, Sealer, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{MailError, Smtp};

/// How the connection to a mail server is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// STARTTLS, without which nothing is sent (RFC 3207; usually port 587).
    StartTls,
    /// TLS from the first byte (RFC 8314; usually port 465).
    Tls,
    /// None: only to a server on this machine.
    Plain,
}

/// A mail server. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: Security,
    /// User name and password for AUTH, where the server wants that.
    pub credentials: Option<(String, String)>,
    /// The sender: `Notes <no-reply@example.com>`.
    pub from: String,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    sealed: String,
}

impl Record for Stored {
    const VERSION: u16 = 1;
}

const PURPOSE: &str = "mail/settings";

pub(crate) fn key() -> Key {
    Key::global("mail").text("settings")
}

/// Stores settings that can be used, or removes them.
pub(crate) async fn store(
    store: &Store,
    sealer: &Sealer,
    settings: Option<&Settings>,
) -> Result<(), MailError> {
    let stored = match settings {
        None => None,
        Some(settings) => {
            Smtp::new(settings)?;
            let plain = serde_json::to_vec(settings).map_err(|_| MailError::Sealed)?;
            let sealed = sealer.seal(PURPOSE, &key(), &plain).map_err(|_| MailError::Sealed)?;
            Some(Stored { sealed: STANDARD.encode(sealed) })
        }
    };
    store
        .transact(|tx| {
            match &stored {
                Some(stored) => tx.put_record(key(), stored),
                None => tx.delete(key()),
            }
            async { Ok::<_, StoreError>(()) }
        })
        .await?;
    Ok(())
}

pub(crate) async fn load(read: &impl Read, sealer: &Sealer) -> Result<Option<Settings>, MailError> {
    let Some(Stored { sealed }) = read.get_record(&key()).await? else { return Ok(None) };
    let sealed = STANDARD.decode(sealed).map_err(|_| MailError::Sealed)?;
    let plain = sealer.open_sealed(PURPOSE, &key(), &sealed).map_err(|_| MailError::Sealed)?;
    serde_json::from_slice(&plain).map(Some).map_err(|_| MailError::Sealed)
}
