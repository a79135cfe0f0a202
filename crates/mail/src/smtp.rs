//! Delivery to a mail server (RFC 5321, submission as in RFC 6409).

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::{BoxFuture, Channel, MailError, Mailer, Message, Security, Settings};

/// How long one command may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A mail server that messages are handed to.
#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// The mail server of these settings. Nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<Self, MailError> {
        let from = settings.from.parse().map_err(|_| {
            MailError::Settings(format!("{:?} is no sender: write Name <user@host>", settings.from))
        })?;
        let refused = |why: lettre::transport::smtp::Error| MailError::Settings(why.to_string());
        let host = settings.host.as_str();
        let builder = match settings.security {
            Security::StartTls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(refused)?
            }
            Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(refused)?,
            Security::Plain if ["localhost", "127.0.0.1", "::1"].contains(&host) => {
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            }
            Security::Plain => {
                let why = "mail goes unencrypted only to a server on this machine";
                return Err(MailError::Settings(why.to_owned()));
            }
        };
        let mut builder = builder.port(settings.port).timeout(Some(TIMEOUT));
        if let Some((user, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// The message as it goes to the server. Addresses and headers are checked and encoded by the
    /// library, so that no line break in them begins another header.
    fn compose(&self, message: &Message) -> Result<lettre::Message, MailError> {
        let refused = |why: &dyn std::fmt::Display| MailError::Delivery(why.to_string());
        if message.channel != Channel::Email {
            return Err(MailError::NotConfigured);
        }
        let to: Address = message.to.parse().map_err(|_| refused(&"no e-mail address"))?;
        let kind = if message.body.trim_start().starts_with('<') {
            ContentType::TEXT_HTML
        } else {
            ContentType::TEXT_PLAIN
        };
        lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject.clone())
            .header(kind)
            .body(message.body.clone())
            .map_err(|why| refused(&why))
    }
}

impl Mailer for Smtp {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let composed = self.compose(message)?;
            match self.transport.send(composed).await {
                Ok(_) => Ok(()),
                Err(why) => Err(MailError::Delivery(why.to_string())),
            }
        })
    }
}
