//! Refresh: new access and ID tokens for a refresh token, and with rotation a new one of those too.

use cumulet_api_cognito_idp::types::AuthenticationResultType;
use cumulet_service::{Cx, Error as ServiceError, Result};

use super::{SignIn, Step};
use crate::Cognito;
use crate::error::Error;
use crate::pool::{Client, Pool};
use crate::store;
use crate::tokens::{Refreshed, next_secret, refresh_token};

impl Cognito {
    /// REFRESH_TOKEN_AUTH. Not where tokens rotate: there GetTokensFromRefreshToken is the way
    /// ("Refresh token rotation", Cognito guide).
    pub(super) async fn refresh(&self, sign_in: &SignIn<'_>) -> Result<Step> {
        let SignIn { cx, pool, client, .. } = sign_in;
        if client.rotation().is_some() {
            let text = "Refresh token rotation is enabled: use GetTokensFromRefreshToken";
            return Err(Error::invalid(text).into());
        }
        let token = sign_in.required("REFRESH_TOKEN")?;
        let Refreshed { user, event, session, .. } =
            self.refreshed(cx, pool, client, token).await?;
        // The secret hash is over the user's own name, not over an alias that he signed in with.
        sign_in.check_secret_hash(&[&user.username, &user.sub])?;
        let tokens = self.issue(cx, pool, client, &user, &event, &session).await?;
        Ok(Step::Done(Box::new(tokens)))
    }

    /// GetTokensFromRefreshToken.
    pub(crate) async fn tokens_from(
        &self,
        cx: &Cx,
        pool: &Pool,
        client: &Client,
        token: &str,
    ) -> Result<AuthenticationResultType> {
        let refreshed = self.refreshed(cx, pool, client, token).await?;
        let Some(grace) = client.rotation() else {
            let Refreshed { user, event, session, .. } = &refreshed;
            return self.issue(cx, pool, client, user, event, session).await;
        };
        let Refreshed { user, event, hash, .. } = &refreshed;
        let (secret, next) = next_secret(cx);
        let until = cx.now().after(grace).millis();
        let key = store::session_key(&pool.place, &user.sub, event);
        let session = cx
            .store()
            .transact(|tx| {
                let (next, key) = (&next, &key);
                async move {
                    let session = store::session(&tx, &pool.place, &user.sub, event).await?;
                    let revoked = Error::NotAuthorized("Refresh Token has been revoked");
                    let mut session = session.ok_or(revoked)?;
                    if session.refresh == *hash {
                        session.previous = Some((session.refresh.clone(), until));
                    } else if session.previous.as_ref().is_none_or(|(old, _)| old != hash) {
                        return Err(Error::RefreshTokenReuse.into());
                    }
                    session.refresh.clone_from(next);
                    tx.put_record(key.clone(), &session);
                    Ok::<_, ServiceError>(session)
                }
            })
            .await?;
        let mut tokens = self.issue(cx, pool, client, user, event, &session).await?;
        let new = refresh_token(cx, &pool.place, client, &user.sub, event, &secret)?;
        tokens.refresh_token = Some(new);
        Ok(tokens)
    }
}
