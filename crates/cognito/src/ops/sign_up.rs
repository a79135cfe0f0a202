//! SignUp: a user makes an account for himself.
//!
//! Promises: the user is there, unconfirmed, and a code is on its way to his e-mail address or phone
//! where the pool verifies it, both or neither.
//! Refuses: names that are taken, passwords and attributes that the pool does not allow, clients that
//! may not write an attribute, pools where only administrators make users.

use cumulet_api_cognito_idp::ops::{SignUp, SignUpRequest, SignUpResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::schema;
use crate::store;
use crate::store::Taken;
use crate::tokens;
use crate::users;

impl Handle<SignUp> for Cognito {
    async fn access(&self, _: &Cx, _: &SignUpRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: SignUpRequest) -> Result<SignUpResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret_hash(
            cx,
            &pool,
            &client,
            &[&input.username],
            input.secret_hash.as_deref(),
        )?;
        if pool.admin_only() {
            return Err(Error::NotAuthorized("SignUp is not permitted for this user pool").into());
        }
        let password = input.password.ok_or_else(|| Error::invalid("Password is required."))?;
        let given = schema::by_name(input.user_attributes.as_ref());
        users::check_writes(&client, given.keys())?;
        let mut user = users::new_user(cx, &pool, &input.username, given)?;
        let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
        schema::check_required(schema, &user.attributes)?;
        for name in ["email", "phone_number"] {
            if user.attributes.contains_key(name) {
                user.verify(name, false);
            }
        }
        let (sub, username) = (user.sub.as_str(), user.username.as_str());
        user.password = Some(self.password_for(cx, &pool, (sub, username), &password).await?);
        // A phone comes before e-mail where both are verified ("SignUp", API reference).
        let wanted: Vec<&'static str> =
            ["phone_number", "email"].into_iter().filter(|name| pool.auto_verifies(name)).collect();
        let details = cx
            .store()
            .transact(|tx| {
                let (pool, user, wanted) = (&pool, &user, &wanted);
                async move {
                    store::save_user(&tx, pool, None, user, Taken::Refuse).await?;
                    match Self::reachable(user, wanted, false) {
                        Some(to) => {
                            self.send_code(cx, &tx, pool, user, Purpose::SignUp, to).await.map(Some)
                        }
                        None => Ok(None),
                    }
                }
            })
            .await?;
        Ok(SignUpResponse {
            user_confirmed: false,
            code_delivery_details: details,
            user_sub: user.sub,
            session: None,
        })
    }
}
