//! Filling the cache: one viewer's fetch for all who ask for the same.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cumulet_base::{Body, BodyError, Timestamp};
use futures_util::stream;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use http::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::flight::{Landed, Lead};
use super::{
    Answered, Cdn, PATIENCE, Source, Visit, ask, direct, failed, headers, origin, page, show,
};
use crate::cache::freshness::{Said, Ttl, error_lifetime, lifetime};
use crate::cache::store::Object;

/// How long what is stale may stand in for an origin that fails, where the origin does not say.
const STAND_IN: Duration = Duration::from_secs(365 * 86_400);

impl Cdn {
    /// Asks the origin for all who want `key`; `stale` is what is kept of it.
    pub(super) async fn fill(
        &self,
        visit: &Visit<'_>,
        key: &[u8],
        ttl: Ttl,
        lead: Lead,
        stale: Option<Arc<Object>>,
    ) -> Answered {
        // What is invalidated from now on must not be kept as if it came later.
        let seen = visit.distribution.latest;
        let mut request = ask(visit, Body::empty(), true);
        if let Some(object) = &stale {
            conditions(object, &mut request.headers);
        }
        let asked = origin::ask(visit.cx, visit.distribution, &visit.behaviour.origin, request);
        let mut response = match asked.await {
            Ok(response) => response,
            Err(fault) => {
                if let Some(object) = stand_in(visit, stale.as_ref(), StatusCode::GATEWAY_TIMEOUT) {
                    lead.land(Landed::Object(Arc::clone(&object)));
                    return (show(visit, &object, Source::Hit), Source::Hit);
                }
                failed(visit, &fault)
            }
        };
        headers::from_origin(visit.behaviour, response.headers_mut());
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED
            && let Some(object) = &stale
        {
            let object = self.refresh(visit, key, ttl, object, response.headers(), seen);
            lead.land(Landed::Object(Arc::clone(&object)));
            return (show(visit, &object, Source::Refresh), Source::Refresh);
        }
        if status.is_server_error()
            && let Some(object) = stand_in(visit, stale.as_ref(), status)
        {
            lead.land(Landed::Object(Arc::clone(&object)));
            return (show(visit, &object, Source::Hit), Source::Hit);
        }
        self.keep(visit, key, ttl, lead, response, seen).await
    }

    /// Keeps an answer, where it may be, and shows it.
    async fn keep(
        &self,
        visit: &Visit<'_>,
        key: &[u8],
        ttl: Ttl,
        lead: Lead,
        response: Response<Body>,
        seen: u64,
    ) -> Answered {
        let now = visit.cx.now();
        let Some((fresh, usable)) = until(visit, ttl, response.status(), response.headers(), now)
        else {
            lead.land(Landed::Unshared);
            return (passed(visit, response).await, Source::Miss);
        };
        let (parts, body) = response.into_parts();
        let limit = visit.cx.limits().cdn_object;
        let body = match gather(body, limit, PATIENCE).await {
            Ok(Gathered::Whole(body)) => body,
            Ok(Gathered::Passing(body)) => {
                lead.land(Landed::Unshared);
                let response = Response::from_parts(parts, body);
                return (passed(visit, response).await, Source::Miss);
            }
            Err(error) => {
                let domain = &visit.behaviour.origin.domain;
                tracing::warn!(domain, %error, "an origin broke off");
                lead.land(Landed::Unshared);
                return (page::error(502, "The origin's answer broke off."), Source::Miss);
            }
        };
        let path = visit.viewer.path.to_owned();
        let object =
            Object::new(parts.status, parts.headers, body, path, now, (fresh, usable), seen);
        let object = Arc::new(object);
        let validated = [ETAG, LAST_MODIFIED].iter().any(|name| object.headers.contains_key(name));
        if fresh > now {
            self.cache.put(key, Arc::clone(&object), visit.cx.limits().cdn_cache);
            lead.land(Landed::Object(Arc::clone(&object)));
        } else {
            // Fresh for no time at all: kept only to be asked about, and not for who waits.
            if validated {
                self.cache.put(key, Arc::clone(&object), visit.cx.limits().cdn_cache);
            }
            lead.land(Landed::Unshared);
        }
        (show(visit, &object, Source::Miss), Source::Miss)
    }

    /// What is kept, found unchanged: with the new headers (RFC 9111 section 3.2).
    fn refresh(
        &self,
        visit: &Visit<'_>,
        key: &[u8],
        ttl: Ttl,
        object: &Object,
        news: &HeaderMap,
        seen: u64,
    ) -> Arc<Object> {
        let mut headers = object.headers.clone();
        for name in news.keys() {
            if ![CONTENT_LENGTH, CONTENT_ENCODING].contains(name) {
                headers.remove(name);
                for value in news.get_all(name) {
                    headers.append(name, value.clone());
                }
            }
        }
        let now = visit.cx.now();
        let (body, path) = (object.body.clone(), object.path.clone());
        let until = until(visit, ttl, object.status, &headers, now);
        let refreshed =
            Object::new(object.status, headers, body, path, now, until.unwrap_or((now, now)), seen);
        let refreshed = Arc::new(refreshed);
        match until {
            Some(_) => {
                self.cache.put(key, Arc::clone(&refreshed), visit.cx.limits().cdn_cache);
            }
            None => self.cache.remove(key),
        }
        refreshed
    }
}

/// An answer that is not kept. One that the viewer wants a part of is asked for again as he asked:
/// only the whole was.
async fn passed(visit: &Visit<'_>, response: Response<Body>) -> Response<Body> {
    if response.status() == StatusCode::OK && headers::asks_for_part(visit.viewer.headers) {
        return direct(visit, Body::empty()).await;
    }
    response
}

/// Asks the origin whether what is kept has changed.
fn conditions(object: &Object, headers: &mut HeaderMap) {
    for (own, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if object.status == StatusCode::OK
            && let Some(value) = object.headers.get(&own)
        {
            headers.insert(condition, value.clone());
        }
    }
}

/// What is stale, where it may stand in for an origin that fails; it does for as long as the error
/// would be kept.
fn stand_in(
    visit: &Visit<'_>,
    stale: Option<&Arc<Object>>,
    status: StatusCode,
) -> Option<Arc<Object>> {
    let now = visit.cx.now();
    let object =
        stale.filter(|object| now < object.usable_until && !object.status.is_server_error())?;
    let least = visit.distribution.errors.get(&status.as_u16()).map(|rule| rule.least);
    let seconds = error_lifetime(status, Said::default(), least).unwrap_or(0);
    object.extend(now.after(Duration::from_secs(seconds)));
    Some(Arc::clone(object))
}

/// Until when an answer is fresh, and may stand in for later ones; `None`: it is not kept.
fn until(
    visit: &Visit<'_>,
    ttl: Ttl,
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let said = Said::read(headers, now);
    let seconds = if status.as_u16() >= 400 {
        let least = visit.distribution.errors.get(&status.as_u16()).map(|rule| rule.least);
        error_lifetime(status, said, least)?
    } else {
        lifetime(ttl, said, headers)?
    };
    let fresh = now.after(Duration::from_secs(seconds));
    let longer = said.stale_if_error.map_or(STAND_IN, Duration::from_secs).min(STAND_IN);
    Some((fresh, fresh.after(longer)))
}

/// A body, as far as it is kept.
enum Gathered {
    Whole(Bytes),
    /// Longer than is kept, or slow to come: from its beginning on.
    Passing(Body),
}

/// Reads a body of `limit` bytes at most; one of unknown length for `patience` at most, since it
/// may be one that never ends.
async fn gather(mut body: Body, limit: usize, patience: Duration) -> Result<Gathered, BodyError> {
    match body.len() {
        Some(len) if len <= limit as u64 => return Ok(Gathered::Whole(body.collect(limit).await?)),
        Some(_) => return Ok(Gathered::Passing(body)),
        None => {}
    }
    let (mut chunks, mut size) = (VecDeque::new(), 0);
    let end = Instant::now() + patience;
    while size <= limit {
        match timeout_at(end, body.chunk()).await {
            Ok(Some(chunk)) => {
                let chunk = chunk?;
                size += chunk.len();
                chunks.push_back(chunk);
            }
            Ok(None) => {
                let mut whole = BytesMut::with_capacity(size);
                for chunk in &chunks {
                    whole.extend_from_slice(chunk);
                }
                return Ok(Gathered::Whole(whole.freeze()));
            }
            Err(_) => break,
        }
    }
    let rest = stream::unfold((chunks, body), |(mut chunks, mut body)| async move {
        let next = match chunks.pop_front() {
            Some(chunk) => Some(Ok(chunk)),
            None => body.chunk().await,
        };
        next.map(|next| (next, (chunks, body)))
    });
    Ok(Gathered::Passing(Body::stream(rest, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow(chunks: Vec<&'static str>, pause: Duration) -> Body {
        let chunks = stream::unfold(chunks.into_iter(), move |mut chunks| async move {
            let chunk = chunks.next()?;
            tokio::time::sleep(pause).await;
            Some((Ok(Bytes::from(chunk)), chunks))
        });
        Body::stream(chunks, None)
    }

    async fn gathered(body: Body, limit: usize, patience: Duration) -> (bool, String) {
        let (whole, bytes) = match gather(body, limit, patience).await.unwrap() {
            Gathered::Whole(bytes) => (true, bytes),
            Gathered::Passing(body) => (false, body.collect(1 << 20).await.unwrap()),
        };
        (whole, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn bodies_are_gathered_within_bounds() {
        let long = Duration::from_secs(60);
        let text = |text: &str| text.to_owned();
        assert_eq!(gathered(Body::from("abc"), 3, long).await, (true, text("abc")));
        assert_eq!(gathered(Body::from("abcd"), 3, long).await, (false, text("abcd")));
        let unknown = || slow(vec!["ab", "cd"], Duration::ZERO);
        assert_eq!(gathered(unknown(), 4, long).await, (true, text("abcd")));
        assert_eq!(gathered(unknown(), 3, long).await, (false, text("abcd")));
        let slow = slow(vec!["ab", "cd"], Duration::from_millis(50));
        assert_eq!(gathered(slow, 4, Duration::from_millis(1)).await, (false, text("abcd")));
    }
}
