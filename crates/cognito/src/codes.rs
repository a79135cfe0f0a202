//! Codes: six digits, sent to an address, that show whose it is.

use std::time::Duration;

use cumulet_api_cognito_idp::types::{
    CodeDeliveryDetailsType, DeliveryMediumType, VerificationMessageTemplateType,
};
use cumulet_mail::{Channel, Message};
use cumulet_service::{Cx, Result};
use cumulet_store::Tx;

use crate::Cognito;
use crate::error::{self, Error};
use crate::model::User;
use crate::pool::Pool;
use crate::secrets;
use crate::store::Subject;

const CODES: &str = "cognito/code";

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// Confirming a sign-up.
    SignUp,
    /// A new password in place of a forgotten one.
    Password,
    /// Showing that `email` or `phone_number` is the user's.
    Attribute(&'a str),
}

impl Purpose<'_> {
    fn name(self) -> String {
        match self {
            Self::SignUp => "sign-up".to_owned(),
            Self::Password => "password".to_owned(),
            Self::Attribute(name) => format!("attribute:{name}"),
        }
    }

    /// How long its codes hold ("Quotas in Amazon Cognito").
    fn validity(self) -> Duration {
        Duration::from_secs(match self {
            Self::Password => 3600,
            Self::SignUp | Self::Attribute(_) => 24 * 3600,
        })
    }
}

/// A code that was right, to be spent by the transaction that it allows.
#[derive(Debug)]
pub(crate) struct Checked {
    purpose: String,
    sealed: String,
}

impl Checked {
    /// Spends the code; fails where another request was faster.
    pub(crate) async fn spend(&self, tx: &Tx, pool: &Pool, user: &User) -> Result<()> {
        let subject = Subject::User(&user.sub);
        let mut trials = subject.trials(tx, &pool.place).await?;
        if !trials.holds(&self.purpose, &self.sealed) {
            return Err(Error::ExpiredCode.into());
        }
        trials.spend(&self.purpose);
        subject.put(tx, &pool.place, &trials);
        Ok(())
    }
}

impl Cognito {
    /// Sends a code to a user's address within `tx`, at most five an hour.
    pub(crate) async fn send_code(
        &self,
        cx: &Cx,
        tx: &Tx,
        pool: &Pool,
        user: &User,
        purpose: Purpose<'_>,
        (attribute, address): (&str, &str),
    ) -> Result<CodeDeliveryDetailsType> {
        let code = cx.ids().text(6, "0123456789");
        let name = purpose.name();
        let sealed = secrets::seal(cx.sealer(), CODES, &pool.place, &user.sub, code.as_bytes())?;
        let subject = Subject::User(&user.sub);
        let mut trials = subject.trials(tx, &pool.place).await?;
        let now = cx.now();
        let expires = now.after(purpose.validity()).millis();
        trials.send_code(&name, Some(sealed), expires, now.millis())?;
        subject.put(tx, &pool.place, &trials);
        let message = compose(pool, purpose, attribute, address, &code, &user.username);
        self.mail.enqueue(tx, &message).await.map_err(error::mail)?;
        Ok(details(attribute, address))
    }

    /// Pretends to send a code to somebody who does not exist or cannot be reached: the same limits,
    /// the same answer in kind, the same time.
    pub(crate) async fn pretend_to_send(
        cx: &Cx,
        tx: &Tx,
        pool: &Pool,
        subject: &Subject<'_>,
        purpose: Purpose<'_>,
    ) -> Result<()> {
        let mut trials = subject.trials(tx, &pool.place).await?;
        let now = cx.now();
        let expires = now.after(purpose.validity()).millis();
        trials.send_code(&purpose.name(), None, expires, now.millis())?;
        subject.put(tx, &pool.place, &trials);
        Ok(())
    }

    /// Checks a guess, which counts before it is looked at. For somebody who does not exist no
    /// guess is right.
    pub(crate) async fn check_code(
        &self,
        cx: &Cx,
        pool: &Pool,
        subject: &Subject<'_>,
        purpose: Purpose<'_>,
        code: &str,
    ) -> Result<Checked> {
        let (name, now) = (purpose.name(), cx.now().millis());
        let sealed = cx
            .store()
            .transact(|tx| {
                let name = &name;
                async move {
                    let mut trials = subject.trials(&tx, &pool.place).await?;
                    let sealed = trials.guess(name, now)?;
                    subject.put(&tx, &pool.place, &trials);
                    Ok::<_, cumulet_service::Error>(sealed)
                }
            })
            .await?;
        let (Some(sealed), Subject::User(sub)) = (sealed, subject) else {
            return Err(Error::CodeMismatch.into());
        };
        let right = secrets::open(cx.sealer(), CODES, &pool.place, sub, &sealed)?;
        if aws_lc_rs::constant_time::verify_slices_are_equal(&right, code.as_bytes()).is_err() {
            return Err(Error::CodeMismatch.into());
        }
        Ok(Checked { purpose: name, sealed })
    }
}

/// Where a code went, with most of the address hidden.
pub(crate) fn details(attribute: &str, address: &str) -> CodeDeliveryDetailsType {
    let medium = match attribute {
        "phone_number" => DeliveryMediumType::Sms,
        _ => DeliveryMediumType::Email,
    };
    CodeDeliveryDetailsType {
        destination: Some(masked(address)),
        delivery_medium: Some(medium),
        attribute_name: Some(attribute.to_owned()),
    }
}

/// `a***@e***` or `+*******4567`.
fn masked(address: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    if let Some((local, host)) = address.split_once('@') {
        return format!("{}***@{}***", first(local), first(host));
    }
    let count = address.chars().count();
    let hide = |(at, c): (usize, char)| if at > 0 && at + 4 < count { '*' } else { c };
    address.chars().enumerate().map(hide).collect()
}

/// The text of a message with a code, as the pool's owner wrote it where he did.
fn compose(
    pool: &Pool,
    purpose: Purpose<'_>,
    attribute: &str,
    address: &str,
    code: &str,
    username: &str,
) -> Message {
    let settings = &pool.settings;
    let template: VerificationMessageTemplateType =
        settings.verification_message_template.clone().unwrap_or_default();
    let usual = match purpose {
        Purpose::SignUp => "Your confirmation code is {####}",
        Purpose::Password => "Your password reset code is {####}",
        Purpose::Attribute(_) => "Your verification code is {####}",
    };
    let (channel, subject, body) = if attribute == "phone_number" {
        let own = template.sms_message.or_else(|| settings.sms_verification_message.clone());
        (Channel::Sms, String::new(), own)
    } else {
        let own = template.email_message.or_else(|| settings.email_verification_message.clone());
        let subject =
            template.email_subject.or_else(|| settings.email_verification_subject.clone());
        let subject = subject.unwrap_or_else(|| "Your verification code".to_owned());
        (Channel::Email, subject, own)
    };
    let body = body.unwrap_or_else(|| usual.to_owned());
    let html = body.trim_start().starts_with('<');
    let body = body.replace("{####}", code).replace("{username}", &shown(username, html));
    Message { channel, to: address.to_owned(), subject, body }
}

/// The invitation that a user gets whom an administrator made.
pub(crate) fn invitation(
    pool: &Pool,
    (attribute, address): (&str, &str),
    username: &str,
    password: &str,
) -> Message {
    let config = pool.settings.admin_create_user_config.as_ref();
    let template = config.and_then(|it| it.invite_message_template.clone()).unwrap_or_default();
    let usual = "Your username is {username} and temporary password is {####}.";
    let (channel, subject, body) = if attribute == "phone_number" {
        (Channel::Sms, String::new(), template.sms_message)
    } else {
        let subject = template.email_subject.unwrap_or_else(|| "Your temporary password".into());
        (Channel::Email, subject, template.email_message)
    };
    let body = body.unwrap_or_else(|| usual.to_owned());
    let html = body.trim_start().starts_with('<');
    // The user's own text last: what is in it is not a placeholder.
    let body = body.replace("{####}", &shown(password, html));
    let body = body.replace("{username}", &shown(username, html));
    Message { channel, to: address.to_owned(), subject, body }
}

/// A text as it may stand in a message: what a user chose must not become markup.
fn shown(text: &str, html: bool) -> String {
    if html {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hidden() {
        assert_eq!(masked("ann@example.com"), "a***@e***");
        assert_eq!(masked("+4915112345678"), "+*********5678");
        assert_eq!(masked("öl@ü.de"), "ö***@ü***");
    }
}
