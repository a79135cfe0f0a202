//! Execution roles: Lambda assumes them as anyone does, through STS.

use std::sync::{Arc, Weak};
use std::time::Duration;

use cumulet_api_sts::ops::{AssumeRole, AssumeRoleRequest};
use cumulet_base::Arn;
use cumulet_sandbox::{BoxFuture, CredentialSource, Credentials};
use cumulet_service::{Cloud, Cx, Found, Principal, Result};

use crate::access::PRINCIPAL;
use crate::error::Error;
use crate::logs::Group;
use crate::name::FunctionName;

/// How long a sandbox's credentials last; it is replaced before they end.
const DURATION: Duration = Duration::from_secs(3600);

/// Assumes a function's role when a sandbox starts.
pub(crate) struct RoleSource {
    pub(crate) cloud: Weak<Cloud>,
    pub(crate) name: FunctionName,
    pub(crate) role: String,
    /// Where the function's lines go: written as the role.
    pub(crate) logs: Arc<Group>,
}

impl CredentialSource for RoleSource {
    fn credentials(&self) -> BoxFuture<'_, std::result::Result<Credentials, String>> {
        Box::pin(async {
            let cloud = self.cloud.upgrade().ok_or("the cloud is being stopped")?;
            let cx =
                cloud.context(Principal::service(PRINCIPAL)).in_region(self.name.region.clone());
            let given = assume(&cx, &self.name, &self.role).await.map_err(|e| e.to_string())?;
            let found = session(&cx, &given).await.map_err(|e| e.to_string())?;
            if let Found::Identity(role) = found {
                self.logs.is_written_by(&cx, role.principal).await;
            }
            Ok(given)
        })
    }
}

/// Refuses a role that Lambda may not assume: its trust policy must name `lambda.amazonaws.com`.
pub(crate) async fn check(cx: &Cx, name: &FunctionName, role: &str) -> Result<()> {
    take_on(cx, name, role).await.map(drop)
}

/// A session of a function's role, as which Lambda itself acts for the function: reads streams,
/// sends records.
pub(crate) async fn principal(cx: &Cx, name: &FunctionName, role: &str) -> Result<Principal> {
    let given = take_on(cx, name, role).await?;
    match session(cx, &given).await? {
        Found::Identity(identity) => Ok((*identity.principal).clone()),
        _ => Err(cumulet_service::Error::internal("a session of a role that nobody knows")),
    }
}

async fn take_on(cx: &Cx, name: &FunctionName, role: &str) -> Result<Credentials> {
    match assume(cx, name, role).await {
        Err(error) if error.status < 500 => {
            let refused: cumulet_service::Error = Error::Invalid(
                "The role defined for the function cannot be assumed by Lambda.".to_owned(),
            )
            .into();
            Err(refused.because(error))
        }
        given => given,
    }
}

async fn session(cx: &Cx, given: &Credentials) -> Result<Found> {
    let (key, token) = (&given.access_key_id, Some(given.session_token.as_str()));
    cx.cloud().parts().credentials.find(key, token).await
}

/// The session is called like the function. A session's name has two characters at least; what AWS
/// calls that of a function with one is not known.
fn session_name(function: &str) -> String {
    if function.len() < 2 { format!("awslambda_{function}") } else { function.to_owned() }
}

async fn assume(cx: &Cx, name: &FunctionName, role: &str) -> Result<Credentials> {
    let arn: Arn = name.arn();
    let cx = cx
        .acting_as(Principal::service_for(PRINCIPAL, &name.account, &arn))
        .in_account(name.account.clone());
    let input = AssumeRoleRequest {
        role_arn: role.to_owned(),
        role_session_name: session_name(&name.name),
        duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        ..AssumeRoleRequest::default()
    };
    let output = cx.call::<AssumeRole>(input).await?;
    let given = output.credentials.ok_or_else(|| {
        cumulet_service::Error::internal("AssumeRole answered without credentials")
    })?;
    Ok(Credentials {
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key,
        session_token: given.session_token,
        expires: given.expiration,
    })
}
