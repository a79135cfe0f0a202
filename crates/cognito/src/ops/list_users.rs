//! ListUsers: users of a pool, those that the filter lets through, at most 60 a page.
//!
//! A page looks at 5,000 users at most: it may be short, or empty, and yet have a token for the
//! next.

use cumulet_api_cognito_idp::ops::{ListUsers, ListUsersRequest, ListUsersResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use super::page;
use crate::model::User;
use crate::user_filter::Filter;

use crate::Cognito;
use crate::error::Error;
use crate::users::{self, on_pool, pool_of};

impl Handle<ListUsers> for Cognito {
    async fn access(&self, cx: &Cx, input: &ListUsersRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:ListUsers", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: ListUsersRequest) -> Result<ListUsersResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let filter = Filter::parse(input.filter.as_deref().unwrap_or_default())?;
        let range = page::from(&pool.place.key("user"), input.pagination_token.as_deref())?;
        let limit = usize::try_from(input.limit.unwrap_or(60)).unwrap_or(60);
        if limit > 60 {
            return Err(Error::invalid("Limit must be at most 60.").into());
        }
        let limit = if limit == 0 { 60 } else { limit };
        let mut scan = cx.store().snapshot().scan(range, Direction::Forward);
        let (mut found, mut last, mut seen) = (Vec::new(), None, 0);
        let mut more = true;
        while found.len() < limit && seen < LOOKED_AT {
            let Some((key, user)) = scan.next_record::<User>().await? else {
                more = false;
                break;
            };
            seen += 1;
            if filter.as_ref().is_none_or(|filter| filter.matches(&user)) {
                let mut shown = users::shown(&user);
                if let Some(wanted) = &input.attributes_to_get {
                    let wants = |name: &str| wanted.iter().any(|wanted| wanted == name);
                    shown.attributes.get_or_insert_default().retain(|it| wants(&it.name));
                }
                found.push(shown);
            }
            last = Some(key);
        }
        let more = more && scan.next().await?.is_some();
        let pagination_token = page::token(last.as_ref(), more);
        Ok(ListUsersResponse { users: Some(found), pagination_token })
    }
}

/// Users that one page looks at, at most.
const LOOKED_AT: usize = 5_000;
