//! NEW_PASSWORD_REQUIRED: a user whom an administrator made chooses a password of his own.

use cumulet_api_cognito_idp::types::ChallengeNameType;
use cumulet_service::{Error as ServiceError, Result};
use serde::{Deserialize, Serialize};

use super::{Parameters, SignIn, Step};
use crate::Cognito;
use crate::error::Error;
use crate::model::{Status, User};
use crate::schema;
use crate::secrets;
use crate::store::{self, Taken};
use crate::sweep::take_once;

const PURPOSE: &str = "cognito/new-password";
/// How the reply names attributes.
const PREFIX: &str = "userAttributes.";

#[derive(Serialize, Deserialize)]
struct Ticket {
    sub: String,
    /// When the user was last changed, so that a password set meanwhile ends the step.
    modified: i64,
    nonce: String,
    until: i64,
}

impl Cognito {
    /// The challenge, with the attributes that are there and those that lack.
    pub(super) fn ask_new_password(sign_in: &SignIn<'_>, user: &User) -> Result<Step> {
        let SignIn { cx, pool, .. } = sign_in;
        let ticket = Ticket {
            sub: user.sub.clone(),
            modified: user.modified,
            nonce: cx.ids().uuid(),
            until: sign_in.ticket_end(),
        };
        let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
        let lacking: Vec<String> = schema::required(schema)
            .filter(|name| !user.attributes.contains_key(*name))
            .map(|name| format!("{PREFIX}{name}"))
            .collect();
        let text = |value| serde_json::to_string(&value).map_err(ServiceError::internal);
        Ok(Step::Challenge {
            name: ChallengeNameType::NewPasswordRequired,
            session: Some(secrets::ticket(cx.sealer(), PURPOSE, &sign_in.bound_to(), &ticket)?),
            parameters: Parameters::from([
                ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
                ("requiredAttributes".to_owned(), text(serde_json::json!(lacking))?),
                ("userAttributes".to_owned(), text(serde_json::json!(user.attributes))?),
            ]),
        })
    }

    /// Takes the new password, and attributes that lacked.
    pub(super) async fn new_password(
        &self,
        session: Option<&str>,
        sign_in: &SignIn<'_>,
    ) -> Result<Step> {
        let (name, password) = (sign_in.required("USERNAME")?, sign_in.required("NEW_PASSWORD")?);
        sign_in.check_secret_hash(&[name])?;
        let SignIn { cx, pool, client, .. } = sign_in;
        let invalid = || Error::NotAuthorized("Invalid session for the user.");
        let session =
            session.ok_or_else(|| Error::invalid("Missing required parameter Session"))?;
        let ticket = secrets::redeem::<Ticket>(cx.sealer(), PURPOSE, &sign_in.bound_to(), session);
        let ticket = ticket.ok_or_else(invalid)?;
        sign_in.check_ticket_end(ticket.until)?;
        let snapshot = cx.store().snapshot();
        let mut user =
            store::user(&snapshot, &pool.place, &ticket.sub).await?.ok_or_else(invalid)?;
        let same = user.modified == ticket.modified && user.status == Status::ForceChangePassword;
        let named = store::find_user(&snapshot, pool, name).await?;
        if !same || !user.enabled || named.is_none_or(|named| named.sub != user.sub) {
            return Err(invalid().into());
        }
        add_attributes(sign_in, &mut user)?;
        self.set_password(cx, pool, &mut user, password).await?;
        user.status = Status::Confirmed;
        user.modified = cx.now().millis();
        cx.store()
            .transact(|tx| {
                let (ticket, user) = (&ticket, &user);
                async move {
                    take_once(&tx, &ticket.nonce, ticket.until).await?;
                    let before = store::user(&tx, &pool.place, &ticket.sub).await?;
                    let before = before.filter(|before| before.modified == ticket.modified);
                    let before = before.ok_or_else(invalid)?;
                    store::save_user(&tx, pool, Some(&before), user, Taken::Refuse).await
                }
            })
            .await?;
        Ok(Step::Done(Box::new(self.open_session(cx, pool, client, &user).await?)))
    }
}

/// Adds the reply's `userAttributes.*`. What is there already stays, and nothing required lacks.
fn add_attributes(sign_in: &SignIn<'_>, user: &mut User) -> Result<()> {
    let schema = sign_in.pool.settings.schema_attributes.as_deref().unwrap_or_default();
    let given: std::collections::BTreeMap<String, String> = sign_in
        .parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value.clone())))
        .collect();
    schema::check(schema, &given)?;
    for (name, value) in given {
        if !sign_in.client.writes(&name) {
            return Err(
                Error::NotAuthorized("A client attempted to write unauthorized attribute").into()
            );
        }
        if user.attributes.get(&name).is_some_and(|there| *there != value) {
            let required = schema::required(schema).any(|required| required == name);
            if required {
                return Err(
                    Error::NotAuthorized("Cannot modify an already provided attribute").into()
                );
            }
            schema::check_mutable(schema, &name)?;
            if name == "email" || name == "phone_number" {
                user.verify(&name, false);
            }
        }
        user.attributes.insert(name, value);
    }
    if let Some(name) = schema::required(schema).find(|name| !user.attributes.contains_key(*name)) {
        return Err(Error::invalid(format!("Invalid attributes given, {name} is missing")).into());
    }
    Ok(())
}
