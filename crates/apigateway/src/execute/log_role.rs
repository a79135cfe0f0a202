//! As whom access logs of REST APIs are written: the role of the account's settings.
//!
//! API Gateway assumes it through STS, as anyone does, and what it may not do leaves no lines
//! ("Permissions for CloudWatch logging"). Stages of HTTP APIs write by leave of the log group.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cumulet_api_sts::ops::{AssumeRole, AssumeRoleRequest};
use cumulet_base::{AccountId, Region, Timestamp};
use cumulet_service::{Access, Cx, Error, Principal, Result, temporary};

use super::access_log::Group;

/// Who API Gateway is to other services.
pub(crate) const PRINCIPAL: &str = "apigateway.amazonaws.com";
/// As API Gateway's sessions are called.
const SESSION: &str = "BackplaneAssumeRoleSession";
/// Seconds that a session lasts, the least there is.
const LASTS: i32 = 900;
/// How long it is used: what the role's trust policy says by then is heard.
const USED: Duration = Duration::from_secs(300);
/// How long an answer about the role's policies holds: each request asks.
const STALE: Duration = Duration::from_millis(500);
/// Streams of which answers are held, at most.
const MOST: usize = 1024;

/// The account's settings that a line is written by.
type Place = (AccountId, Region);

/// The roles that are written as.
#[derive(Debug, Default)]
pub(crate) struct Writers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    assumed: HashMap<Place, Assumed>,
    /// By the role and the stream: when it was asked, and the answer.
    asked: HashMap<(String, String), (Instant, Option<bool>)>,
    /// Where the last line was refused: that is told once.
    refused: HashSet<Place>,
}

#[derive(Debug)]
struct Assumed {
    role: String,
    principal: Arc<Principal>,
    until: Timestamp,
}

/// Becomes the role, if it trusts API Gateway.
pub(crate) async fn assume(cx: &Cx, role: &str) -> Result<Principal> {
    let service = cx.acting_as(Principal::service(PRINCIPAL));
    let input = AssumeRoleRequest {
        role_arn: role.to_owned(),
        role_session_name: SESSION.to_owned(),
        duration_seconds: Some(LASTS),
        ..AssumeRoleRequest::default()
    };
    let given = service.call::<AssumeRole>(input).await?.credentials;
    let opened = given
        .and_then(|given| temporary::open(cx.sealer(), &given.access_key_id, &given.session_token));
    opened.map(|opened| opened.principal).ok_or_else(|| Error::internal("a session does not open"))
}

impl Writers {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `role` may write to the stream, and whether it may make the group: `None` where it
    /// may not write. As it was up to half a second ago.
    pub(crate) async fn leave(
        &self,
        cx: &Cx,
        role: &str,
        group: &Group,
        stream: &str,
    ) -> Option<bool> {
        let asked = (role.to_owned(), group.stream_arn(stream).to_string());
        if let Some((at, leave)) = self.lock().asked.get(&asked)
            && at.elapsed() < STALE
        {
            return *leave;
        }
        let leave = self.ask(cx, role, group, stream).await;
        let mut known = self.lock();
        if known.asked.len() >= MOST {
            known.asked.retain(|_, (at, _)| at.elapsed() < STALE);
        }
        if known.asked.len() < MOST {
            known.asked.insert(asked, (Instant::now(), leave));
        }
        leave
    }

    async fn ask(&self, cx: &Cx, role: &str, group: &Group, stream: &str) -> Option<bool> {
        let place = (cx.account().clone(), cx.region().clone());
        let asked = match self.principal(cx, &place, role).await {
            Ok(principal) => ask(cx, &principal, group, stream).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(makes_group) => {
                self.lock().refused.remove(&place);
                Some(makes_group)
            }
            Err(refusal) => {
                if self.lock().refused.insert(place) {
                    tracing::warn!(role, group = group.name, %refusal, "access logs are not kept");
                }
                None
            }
        }
    }

    async fn principal(&self, cx: &Cx, place: &Place, role: &str) -> Result<Arc<Principal>> {
        let now = cx.now();
        if let Some(known) = self.lock().assumed.get(place)
            && known.role == role
            && now < known.until
        {
            return Ok(Arc::clone(&known.principal));
        }
        let principal = Arc::new(assume(cx, role).await?);
        let (role, until) = (role.to_owned(), now.after(USED));
        let assumed = Assumed { role, principal: Arc::clone(&principal), until };
        self.lock().assumed.insert(place.clone(), assumed);
        Ok(principal)
    }
}

/// Asks for what writing takes; gives whether the group may be made.
async fn ask(cx: &Cx, principal: &Principal, group: &Group, stream: &str) -> Result<bool> {
    let cx = cx.acting_as(principal.clone());
    let arn = group.stream_arn(stream);
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        cx.authorize(&Access::on(&cx, action, arn.clone())).await?;
    }
    cx.allows(&Access::on(&cx, "logs:CreateLogGroup", group.stream_arn(""))).await
}
