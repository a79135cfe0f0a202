//! Who may come in.
//!
//! The administration is for programs and people on this machine. Four things are asked, because
//! each alone can be got round: the peer's address (a proxy on this machine lends its own), the
//! Host (a name of somebody else's may resolve to loopback), where a browser says that the request
//! comes from (users' pages are served from loopback too), and the token.

use std::fmt;

use cumulet_gateway::is_loopback_host;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, ORIGIN};

/// What is known of a request before it is let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    /// Whether the other end of the connection is a loopback address.
    pub(super) loopback: bool,
    /// The host that was asked for, with its port.
    pub(super) authority: &'a str,
    pub(super) headers: &'a HeaderMap,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Peer,
    Host,
    CrossSite,
    Token,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Peer => "The administration answers only this machine itself (127.0.0.1, ::1).",
            Self::Host => {
                "The administration answers only to 127.0.0.1, [::1] and localhost as the Host."
            }
            Self::CrossSite => {
                "The administration answers no request that a page of another origin makes."
            }
            Self::Token => {
                "The administration wants its token: open the link that `cumulet status` prints, \
                 or send `Authorization: Bearer` with what the file admin-token in the data \
                 folder holds."
            }
        })
    }
}

/// Asks everything but the token.
pub(super) fn local(caller: Caller<'_>) -> Result<(), Refusal> {
    if !caller.loopback {
        return Err(Refusal::Peer);
    }
    // Names below `localhost` are users' sites.
    if !is_loopback_host(caller.authority) {
        return Err(Refusal::Host);
    }
    let headers = caller.headers;
    // What a person typed or opened from outside the browser comes from nowhere: `none`.
    let site = headers.get_all("sec-fetch-site").iter();
    if !site.into_iter().all(|site| site == "same-origin" || site == "none") {
        return Err(Refusal::CrossSite);
    }
    let own = |origin: &http::HeaderValue| {
        let origin = origin.to_str().unwrap_or_default();
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| host.eq_ignore_ascii_case(caller.authority))
    };
    if !headers.get_all(ORIGIN).iter().all(own) {
        return Err(Refusal::CrossSite);
    }
    Ok(())
}

/// The token that a script sends (RFC 6750 section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of a cookie. Of several with one name none is believed.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn who_may_come_in() {
        let here = "127.0.0.1:4566";
        for (loopback, authority, sent, expected) in [
            (true, here, &[][..], Ok(())),
            (false, here, &[][..], Err(Refusal::Peer)),
            (true, "localhost", &[][..], Ok(())),
            (true, "LOCALHOST:1", &[][..], Ok(())),
            (true, "[::1]:4566", &[][..], Ok(())),
            (true, "[::ffff:127.0.0.1]", &[][..], Ok(())),
            (true, "rebound.example.com:4566", &[][..], Err(Refusal::Host)),
            (true, "site.localhost:4566", &[][..], Err(Refusal::Host)),
            (true, "127.0.0.1.example.com", &[][..], Err(Refusal::Host)),
            (true, "0.0.0.0:4566", &[][..], Err(Refusal::Host)),
            (true, "", &[][..], Err(Refusal::Host)),
            (true, here, &[("sec-fetch-site", "same-origin")][..], Ok(())),
            (true, here, &[("sec-fetch-site", "none")][..], Ok(())),
            (true, here, &[("sec-fetch-site", "same-site")][..], Err(Refusal::CrossSite)),
            (true, here, &[("sec-fetch-site", "cross-site")][..], Err(Refusal::CrossSite)),
            (true, here, &[("origin", "http://127.0.0.1:4566")][..], Ok(())),
            (true, here, &[("origin", "http://127.0.0.1:5000")][..], Err(Refusal::CrossSite)),
            (true, here, &[("origin", "http://example.com")][..], Err(Refusal::CrossSite)),
            (true, here, &[("origin", "null")][..], Err(Refusal::CrossSite)),
            (
                true,
                here,
                &[("origin", "http://127.0.0.1:4566"), ("origin", "null")][..],
                Err(Refusal::CrossSite),
            ),
        ] {
            let headers = headers(sent);
            let caller = Caller { loopback, authority, headers: &headers };
            assert_eq!(local(caller), expected, "{caller:?}");
        }
    }

    #[test]
    fn one_token_and_one_cookie_or_none() {
        assert_eq!(bearer(&headers(&[("authorization", "Bearer abc")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "bearer  abc ")])), Some("abc"));
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(
            bearer(&headers(&[("authorization", "Bearer a"), ("authorization", "x")])),
            None
        );
        let sent = headers(&[("cookie", "a=1; b=2"), ("cookie", "c=3; a=4")]);
        assert_eq!((cookie(&sent, "b"), cookie(&sent, "c")), (Some("2"), Some("3")));
        assert_eq!((cookie(&sent, "a"), cookie(&sent, "d")), (None, None));
    }
}
