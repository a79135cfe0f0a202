//! Answers of the administration, and the headers that all of them have.

use cumulet_base::Body;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Styles and scripts from files of this listener, and nothing from elsewhere; in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Bytes that a page takes: an event has 6 MB at most, and a character of it may take six bytes as
/// an escape.
const INPUT: usize = 40 << 20;

/// A value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            with(status, "application/json", text)
        }
        Err(why) => {
            tracing::error!(%why, "an answer cannot be written");
            message(StatusCode::INTERNAL_SERVER_ERROR, "The answer cannot be written.")
        }
    }
}

/// A few words, for a program or a person: `{"message": …}`.
pub(super) fn message(status: StatusCode, words: &str) -> Response<Body> {
    let mut text = json!({ "message": words }).to_string();
    text.push('\n');
    with(status, "application/json", text)
}

/// A body of the named media type.
pub(super) fn with(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a page has no answer, in words for the person who asked.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    words: String,
}

impl Problem {
    /// What was asked for makes no sense, or is not there.
    pub(super) fn wrong(words: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, words: words.into() }
    }

    /// What to tell a person.
    pub(super) fn into_words(self) -> String {
        self.words
    }

    /// The cloud cannot do it now.
    pub(super) fn failed(why: &dyn std::fmt::Display) -> Self {
        Self { status: StatusCode::BAD_GATEWAY, words: why.to_string() }
    }
}

impl From<cumulet_service::Error> for Problem {
    fn from(error: cumulet_service::Error) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self { status, words: format!("{}: {}", error.code, error.message) }
    }
}

/// The answer of a page that may have none.
pub(super) fn of(result: Result<impl Serialize, Problem>) -> Response<Body> {
    match result {
        Ok(value) => json(StatusCode::OK, &value),
        Err(Problem { status, words }) => message(status, &words),
    }
}

/// What was sent to a page.
pub(super) async fn input<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let text = body.collect(INPUT).await.map_err(|why| Problem::wrong(why.to_string()))?;
    serde_json::from_slice(&text).map_err(|why| Problem::wrong(why.to_string()))
}
