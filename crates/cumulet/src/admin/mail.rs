//! `GET /_cumulet/mail`: the mail server that is set, without its password. `POST` sets it or
//! removes it, or sends a test mail by it.

use cumulet_mail::{Channel, Mail, MailError, Mailer as _, Message, Settings, Smtp};
use serde::{Deserialize, Serialize};

use super::answer::Problem;

/// What is to be done.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// Deliver by this server from now on.
    Set(Settings),
    /// Deliver by none.
    Remove,
    /// Send a mail to this address, now.
    Test(String),
}

/// The mail server that is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: cumulet_mail::Security,
    pub(crate) user: Option<String>,
    pub(crate) from: String,
}

/// `None` where none is set.
pub(super) async fn get(mail: &Mail) -> Result<Option<Server>, Problem> {
    let settings = mail.settings().await.map_err(|why| Problem::failed(&why))?;
    Ok(settings.map(|settings| Server {
        host: settings.host,
        port: settings.port,
        security: settings.security,
        user: settings.credentials.map(|(user, _)| user),
        from: settings.from,
    }))
}

pub(super) async fn post(mail: &Mail, wish: Wish) -> Result<Option<Server>, Problem> {
    let done = match wish {
        Wish::Set(settings) => mail.configure(Some(&settings)).await,
        Wish::Remove => mail.configure(None).await,
        Wish::Test(address) => test(mail, address).await,
    };
    match done {
        Ok(()) => get(mail).await,
        Err(why @ (MailError::Settings(_) | MailError::NotConfigured)) => {
            Err(Problem::wrong(why.to_string()))
        }
        Err(why) => Err(Problem::failed(&why)),
    }
}

/// Sends a mail past the outbox, to know now what the server says to it.
async fn test(mail: &Mail, to: String) -> Result<(), MailError> {
    let settings = mail.settings().await?.ok_or(MailError::NotConfigured)?;
    let message = Message {
        channel: Channel::Email,
        to,
        subject: "Mail from your cloud".to_owned(),
        body: format!(
            "This is a test: your cloud delivers its mail by {}:{}.\n",
            settings.host, settings.port
        ),
    };
    Smtp::new(&settings)?.send(&message).await
}
