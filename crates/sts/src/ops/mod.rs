//! STS's operations, one a file.

mod assume_role;
mod get_caller_identity;
mod get_session_token;

use std::time::Duration;

use cumulet_api_sts::types::Credentials;
use cumulet_service::{Cx, Error, Principal, Result, temporary};

/// Credentials of `principal` for `seconds`, as answers have them. `least` is how long a token the
/// caller wants at least, which tests of clients ask for.
fn issue(cx: &Cx, principal: Principal, seconds: i32, least: Option<i32>) -> Result<Credentials> {
    let lasts = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let issued = temporary::issue(cx.sealer(), cx.ids(), principal, cx.now().after(lasts))?;
    let least = least.and_then(|least| usize::try_from(least).ok()).unwrap_or_default();
    if issued.token.len() < least {
        return Err(Error::validation("Session tokens cannot be made longer than they are here."));
    }
    Ok(Credentials {
        access_key_id: issued.access_key,
        secret_access_key: issued.secret.to_string(),
        session_token: issued.token,
        expiration: issued.expires,
    })
}

/// Refuses a one-time code: nobody has an MFA device here.
fn refuse_mfa(serial: Option<&String>, code: Option<&String>) -> Result<()> {
    if serial.is_some() || code.is_some() {
        let message = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        return Err(Error::access_denied(message));
    }
    Ok(())
}
