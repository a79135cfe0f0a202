//! Signs requests of this cloud's own: outgoing calls, the URLs it hands out, load generators.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use cumulet_base::Timestamp;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::canonical::{Canonical, string_to_sign};
use super::chunked::Chain;
use super::encode::{amz_date, hex, push_encoded};
use super::{Algorithm, Head, Secret, SigningKey, Streaming, Style};

/// Who signs, and for what scope. Always AWS4-HMAC-SHA256.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The access key's id.
    pub access_key: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
    /// Its session token, where it has one.
    pub session_token: Option<&'a str>,
    /// The region to sign for.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
    /// The service's way.
    pub style: Style,
}

/// The body to sign for.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// The whole of it.
    Bytes(&'a [u8]),
    /// Its SHA-256.
    Sha256(&'a [u8; 32]),
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// Chunks; the caller sets `x-amz-decoded-content-length` and `x-amz-trailer` beforehand.
    Streaming(Streaming),
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignError {
    /// It names no host.
    NoHost,
    /// This value cannot be put into a header.
    Value(&'static str),
    /// A URL to presign is `http(s)://host/path?query`.
    Url,
    /// 1 second to 7 days.
    Expires,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the request to sign names no host"),
            Self::Value(what) => write!(f, "the {what} cannot be put into a header"),
            Self::Url => f.write_str("the URL to sign is not http(s)://host/path?query"),
            Self::Expires => f.write_str("a presigned URL lives for 1 second to 7 days"),
        }
    }
}

impl std::error::Error for SignError {}

fn value(text: &str, what: &'static str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError::Value(what))
}

impl Signer<'_> {
    /// Signs the request in its headers. Gives the chain that signs the chunks, where the payload
    /// has signed chunks.
    pub fn sign(
        &self,
        parts: &mut Parts,
        payload: Payload<'_>,
        now: Timestamp,
    ) -> Result<Option<Chain>, SignError> {
        if !parts.headers.contains_key("host") {
            let authority = parts.uri.authority().ok_or(SignError::NoHost)?;
            let host = value(authority.as_str(), "host")?;
            parts.headers.insert("host", host);
        }
        let date = amz_date(now);
        parts.headers.insert("x-amz-date", value(&date, "date")?);
        if let Some(token) = self.session_token {
            parts.headers.insert("x-amz-security-token", value(token, "session token")?);
        }
        let (hash, given) = match payload {
            Payload::Bytes(bytes) => (hex(digest(&SHA256, bytes).as_ref()), false),
            Payload::Sha256(hash) => (hex(hash), false),
            Payload::Unsigned => ("UNSIGNED-PAYLOAD".to_owned(), true),
            Payload::Streaming(kind) => (kind.as_str().to_owned(), true),
        };
        if given || self.style.content_sha256 {
            parts.headers.insert("x-amz-content-sha256", value(&hash, "payload hash")?);
        }
        let names = signed_names(&parts.headers);
        let target = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let head = Head {
            method: &parts.method,
            target: target.as_bytes(),
            headers: &parts.headers,
            authority: None,
        };
        let (key, signature) = self.signature(&head, &names, &hash, &date, &[])?;
        let credential = format!("{}/{}", self.access_key, self.scope(&date));
        let authorization = format!(
            "{} Credential={credential}, SignedHeaders={names}, Signature={signature}",
            Algorithm::HmacSha256.as_str()
        );
        parts.headers.insert("authorization", value(&authorization, "credential")?);
        let chain = match payload {
            Payload::Streaming(Streaming::Signed | Streaming::SignedTrailer) => key
                .as_hmac()
                .map(|key| Chain::new(key.clone(), date.clone(), self.scope(&date), signature)),
            _ => None,
        };
        Ok(chain)
    }

    /// The URL with the signature in its query. `headers` are those that whoever uses it will
    /// send, and must; Host is taken from the URL. For S3 the payload is unsigned, elsewhere empty.
    pub fn presign(
        &self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        expires: Duration,
        now: Timestamp,
    ) -> Result<String, SignError> {
        let seconds = expires.as_secs();
        if !(1..=604_800).contains(&seconds) {
            return Err(SignError::Expires);
        }
        let rest = url.split_once("://").ok_or(SignError::Url)?.1;
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, target) = rest.split_at_checked(at).ok_or(SignError::Url)?;
        if host.is_empty() || url.contains('#') {
            return Err(SignError::Url);
        }
        let mut headers = headers.clone();
        headers.insert("host", value(host, "host")?);
        let names = signed_names(&headers);
        let date = amz_date(now);
        let credential = format!("{}/{}", self.access_key, self.scope(&date));
        let expires = seconds.to_string();
        let mut added = vec![
            ("X-Amz-Algorithm", Algorithm::HmacSha256.as_str()),
            ("X-Amz-Credential", &*credential),
            ("X-Amz-Date", &*date),
            ("X-Amz-Expires", &*expires),
            ("X-Amz-SignedHeaders", &*names),
        ];
        added.extend(self.session_token.map(|token| ("X-Amz-Security-Token", token)));
        let mut query = String::new();
        for (name, value) in added {
            let mut encoded = Vec::new();
            push_encoded(&mut encoded, value.as_bytes());
            query.push(if query.is_empty() && !target.contains('?') { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.push_str(&String::from_utf8_lossy(&encoded));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let full = format!("{slash}{target}{query}");
        let head = Head { method, target: full.as_bytes(), headers: &headers, authority: None };
        let hash = if self.style.content_sha256 {
            "UNSIGNED-PAYLOAD".to_owned()
        } else {
            hex(digest(&SHA256, b"").as_ref())
        };
        let skip: &[&str] = if self.style.unsigned_token { &["X-Amz-Security-Token"] } else { &[] };
        let (_, signature) = self.signature(&head, &names, &hash, &date, skip)?;
        let scheme = url.split_once("://").map_or("https", |(s, _)| s);
        Ok(format!("{scheme}://{host}{full}&X-Amz-Signature={signature}"))
    }

    fn scope(&self, date: &str) -> String {
        let day = date.get(..8).unwrap_or(date);
        format!("{day}/{}/{}/aws4_request", self.region, self.service)
    }

    fn signature(
        &self,
        head: &Head<'_>,
        names: &str,
        payload: &str,
        date: &str,
        skip: &[&str],
    ) -> Result<(SigningKey, String), SignError> {
        let canonical =
            Canonical { signed_headers: names, style: self.style, skip, payload, plus: b'+' }
                .build(head)
                .map_err(|_| SignError::NoHost)?;
        let algorithm = Algorithm::HmacSha256.as_str();
        let to_sign = string_to_sign(algorithm, date, &self.scope(date), &canonical);
        let day = date.get(..8).unwrap_or(date);
        let key = SigningKey::hmac(self.secret, day, self.region, self.service);
        let signature =
            key.as_hmac().map(|k| hex(hmac::sign(k, &to_sign).as_ref())).unwrap_or_default();
        Ok((key, signature))
    }
}

/// Host, the content's type and MD5, and every `x-amz-*`, sorted. Others may change on the way.
fn signed_names(headers: &HeaderMap) -> String {
    let mut names: Vec<&str> = headers
        .keys()
        .map(HeaderName::as_str)
        .filter(|n| {
            matches!(*n, "host" | "content-type" | "content-md5" | "content-encoding")
                || n.starts_with("x-amz-")
        })
        .collect();
    names.sort_unstable();
    names.join(";")
}
