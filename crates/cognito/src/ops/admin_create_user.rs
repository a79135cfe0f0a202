//! AdminCreateUser: an administrator makes a user, who gets a temporary password by e-mail or
//! phone.
//!
//! Promises: user and invitation, both or neither; the user must choose a password when he first
//! signs in, while the temporary one holds. MessageAction RESEND renews it for a user who has not;
//! SUPPRESS sends nothing. Refuses: names and aliases that are taken (ForceAliasCreation moves an
//! alias), passwords and attributes that the pool does not allow.

use cumulet_api_cognito_idp::ops::{
    AdminCreateUser, AdminCreateUserRequest, AdminCreateUserResponse,
};
use cumulet_api_cognito_idp::types::{DeliveryMediumType, MessageActionType};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Cognito;
use crate::codes;
use crate::error;
use crate::error::Error;
use crate::model::Status;
use crate::passwords;
use crate::schema;
use crate::store;
use crate::store::Taken;
use crate::users::{self, on_pool, pool_of};

impl Handle<AdminCreateUser> for Cognito {
    async fn access(&self, cx: &Cx, input: &AdminCreateUserRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:AdminCreateUser", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AdminCreateUserRequest,
    ) -> Result<AdminCreateUserResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        if let Some(given) = &input.temporary_password {
            passwords::check(&pool.password_policy(), given)?;
        }
        let password = input.temporary_password.clone();
        let password =
            password.unwrap_or_else(|| passwords::temporary(cx.ids(), &pool.password_policy()));
        let resend = input.message_action == Some(MessageActionType::Resend);
        let before = store::find_user(&cx.store().snapshot(), &pool, &input.username).await?;
        let mut user = match before.as_ref().filter(|_| resend) {
            Some(user) if user.status != Status::ForceChangePassword => {
                let text = "Resend not possible. User is not in a state to receive an invitation.";
                return Err(Error::UnsupportedUserState(text).into());
            }
            Some(user) => user.clone(),
            None if resend => return Err(Error::UserNotFound.into()),
            None => {
                let given = schema::by_name(input.user_attributes.as_ref());
                users::new_user(cx, &pool, &input.username, given)?
            }
        };
        let (sub, username) = (user.sub.as_str(), user.username.as_str());
        user.password = Some(self.password_for(cx, &pool, (sub, username), &password).await?);
        user.status = Status::ForceChangePassword;
        user.temporary_until = Some(cx.now().after(pool.temporary_validity()).millis());
        let suppressed = input.message_action == Some(MessageActionType::Suppress);
        let wanted = channels(input.desired_delivery_mediums.as_deref().unwrap_or_default());
        let force = input.force_alias_creation == Some(true);
        let taken = if force { Taken::Move } else { Taken::Refuse };
        cx.store()
            .transact(|tx| {
                let (pool, user, before) = (&pool, &user, before.as_ref().filter(|_| resend));
                let (wanted, password, name) = (&wanted, &password, &input.username);
                async move {
                    let now = store::user(&tx, &pool.place, &user.sub).await?;
                    if now.as_ref().map(|it| it.modified) != before.map(|it| it.modified) {
                        return Err(Error::UserNotFound.into());
                    }
                    store::save_user(&tx, pool, before, user, taken).await?;
                    for to in wanted.iter().filter_map(|it| Self::reachable(user, &[*it], false)) {
                        if !suppressed {
                            let message = codes::invitation(pool, to, name, password);
                            self.mail.enqueue(&tx, &message).await.map_err(error::mail)?;
                        }
                    }
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(AdminCreateUserResponse { user: Some(users::shown(&user)) })
    }
}

/// The addresses that are wanted; a phone where nothing is said ("AdminCreateUser", API reference)
/// and the user has one is what AWS uses, e-mail otherwise.
fn channels(wanted: &[DeliveryMediumType]) -> Vec<&'static str> {
    if wanted.is_empty() {
        return vec!["phone_number", "email"];
    }
    let name = |medium: &DeliveryMediumType| match medium {
        DeliveryMediumType::Sms => "phone_number",
        DeliveryMediumType::Email => "email",
    };
    wanted.iter().map(name).collect()
}
