//! ConfirmSignUp: a user shows that the address is his.
//!
//! Promises: the user is confirmed, the address that the code went to is verified, and the code is spent.
//! Refuses: wrong, expired and spent codes; more than five guesses an hour; an alias that another user
//! has, unless ForceAliasCreation moves it. Who does not exist fails as one whose code is wrong where
//! the client hides users.

use cumulet_api_cognito_idp::ops::{ConfirmSignUp, ConfirmSignUpRequest, ConfirmSignUpResponse};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::model::Status;
use crate::store;
use crate::store::Taken;
use crate::tokens;

impl Handle<ConfirmSignUp> for Cognito {
    async fn access(&self, _: &Cx, _: &ConfirmSignUpRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(&self, cx: &Cx, input: ConfirmSignUpRequest) -> Result<ConfirmSignUpResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret_hash(
            cx,
            &pool,
            &client,
            &[&input.username],
            input.secret_hash.as_deref(),
        )?;
        let named = self.named(cx, &pool, &client, &input.username).await?;
        // To whom users are hidden, the code is just not right.
        let confirmed = named.user().is_some_and(|user| user.status != Status::Unconfirmed);
        if confirmed && !client.hides_users() {
            let text = "User cannot be confirmed. Current status is CONFIRMED";
            return Err(Error::NotAuthorized(text).into());
        }
        let subject = named.subject();
        let code = &input.confirmation_code;
        let checked = self.check_code(cx, &pool, &subject, Purpose::SignUp, code).await?;
        let Some(user) = named.user() else { return Err(Error::CodeMismatch.into()) };
        let wanted: Vec<&'static str> =
            ["phone_number", "email"].into_iter().filter(|name| pool.auto_verifies(name)).collect();
        let taken = match input.force_alias_creation {
            Some(true) => Taken::Move,
            _ => Taken::Refuse,
        };
        let now = cx.now().millis();
        cx.store()
            .transact(|tx| {
                let (pool, checked, wanted) = (&pool, &checked, &wanted);
                async move {
                    let before = store::known_user(&tx, pool, &user.sub).await?;
                    checked.spend(&tx, pool, &before).await?;
                    let mut after = before.clone();
                    after.status = Status::Confirmed;
                    after.modified = now.max(before.modified + 1);
                    if let Some((name, _)) = Self::reachable(&before, wanted, false) {
                        after.verify(name, true);
                    }
                    store::save_user(&tx, pool, Some(&before), &after, taken).await
                }
            })
            .await?;
        Ok(ConfirmSignUpResponse { session: None })
    }
}
