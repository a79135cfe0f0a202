//! ConfirmForgotPassword: a new password for a code that ForgotPassword sent.
//!
//! Promises: the code is spent, the password set and every session of the user ended, together.
//! Refuses: wrong, expired and spent codes; more than five guesses an hour; passwords that the pool does
//! not allow (before the code is looked at).

use cumulet_api_cognito_idp::ops::{
    ConfirmForgotPassword, ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::codes::Purpose;
use crate::error::Error;
use crate::model::Status;
use crate::passwords;
use crate::store;
use crate::store::Taken;
use crate::tokens;

impl Handle<ConfirmForgotPassword> for Cognito {
    async fn access(&self, _: &Cx, _: &ConfirmForgotPasswordRequest) -> Result<Vec<Access>> {
        // Anybody may ask; what he gets depends on what he knows.
        Ok(vec![])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ConfirmForgotPasswordRequest,
    ) -> Result<ConfirmForgotPasswordResponse> {
        let (pool, client) =
            store::client_and_pool(&cx.store().snapshot(), &input.client_id).await?;
        tokens::check_secret_hash(
            cx,
            &pool,
            &client,
            &[&input.username],
            input.secret_hash.as_deref(),
        )?;
        passwords::check(&pool.password_policy(), &input.password)?;
        let named = self.named(cx, &pool, &client, &input.username).await?;
        // A code that was pretended to be sent is counted by the name, whoever has it.
        let subject = named.subject();
        let code = &input.confirmation_code;
        let checked = self.check_code(cx, &pool, &subject, Purpose::Password, code).await?;
        let Some(user) = named.user() else { return Err(Error::CodeMismatch.into()) };
        let mut changed = user.clone();
        self.set_password(cx, &pool, &mut changed, &input.password).await?;
        let now = cx.now().millis();
        cx.store()
            .transact(|tx| {
                let (pool, checked, changed) = (&pool, &checked, &changed);
                async move {
                    let before = store::known_user(&tx, pool, &user.sub).await?;
                    checked.spend(&tx, pool, &before).await?;
                    let mut after = before.clone();
                    after.password.clone_from(&changed.password);
                    after.history.clone_from(&changed.history);
                    after.temporary_until = None;
                    // The code went to an address of his, so it confirms him too.
                    after.status = Status::Confirmed;
                    after.modified = now.max(before.modified + 1);
                    store::end_sessions(&tx, &pool.place, &user.sub).await?;
                    store::save_user(&tx, pool, Some(&before), &after, Taken::Refuse).await
                }
            })
            .await?;
        Ok(ConfirmForgotPasswordResponse {})
    }
}
