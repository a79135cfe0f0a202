//! USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH: the password comes in the clear, over TLS.

use cumulet_service::Result;

use super::{SignIn, Step};
use crate::Cognito;
use crate::error::Error;

impl Cognito {
    pub(super) async fn with_password(&self, sign_in: &SignIn<'_>) -> Result<Step> {
        let (name, password) = (sign_in.required("USERNAME")?, sign_in.required("PASSWORD")?);
        if password.len() > 1024 {
            return Err(Error::credentials().into());
        }
        sign_in.check_secret_hash(&[name])?;
        let SignIn { cx, pool, client, .. } = sign_in;
        let named = self.named(cx, pool, client, name).await?;
        self.begin_attempt(sign_in, &named.subject(), None).await?;
        let right = self.password_is(cx, pool, named.user(), (name, password)).await?;
        match named.user() {
            Some(user) if right => self.admit(sign_in, user).await,
            _ => Err(Error::credentials().into()),
        }
    }
}
