//! From a request's head to a [`Claim`]: Authorization header or presigned query.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cumulet_base::Timestamp;
use http::HeaderName;

use super::canonical::pairs;
use super::encode::{amz_date, decode, read_amz_date, read_http_date};
use super::{Algorithm, Claim, Form, Head, Part, PayloadHash, SignatureError};

/// Query parameters that are looked at.
const MAX_PARAMETERS: usize = 4096;
/// Names in SignedHeaders.
const MAX_SIGNED_HEADERS: usize = 128;
/// Bytes of a list of signed headers or of another part.
const MAX_PART: usize = 8 << 10;
/// Bytes of a credential, whose parts the key cache keeps.
const MAX_CREDENTIAL: usize = 512;
/// Bytes of a session token (AWS's stay below 4 KB and warns that they may grow).
const MAX_TOKEN: usize = 16 << 10;

const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const REGION_SET: HeaderName = HeaderName::from_static("x-amz-region-set");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// The parts of a signature, wherever they came from.
#[derive(Default)]
struct Parts {
    credential: Option<String>,
    signature: Option<String>,
    signed_headers: Option<String>,
    date: Option<String>,
    token: Option<String>,
    region_set: Option<String>,
    content_sha256: Option<String>,
    /// Presigned only.
    algorithm: Option<String>,
    expires: Option<String>,
}

/// Reads what the request says of its signature; `None` where it says nothing (an Authorization
/// header of another kind, such as `Bearer`, is somebody else's).
pub fn parse(head: &Head<'_>) -> Result<Option<Claim>, SignatureError> {
    let mut all = head.headers.get_all(http::header::AUTHORIZATION).iter();
    let header = all.next().filter(|v| v.as_bytes().trim_ascii_start().starts_with(b"AWS"));
    if header.is_some() && all.next().is_some() {
        return Err(SignatureError::Duplicate("Authorization".to_owned()));
    }
    let query = from_query(head.split().1)?;
    match (header, query) {
        (Some(_), Some(_)) => Err(SignatureError::TwoForms),
        (Some(value), None) => {
            let text = value
                .to_str()
                .map_err(|_| SignatureError::Malformed("Authorization".to_owned()))?;
            header_claim(head, text.trim()).map(Some)
        }
        (None, Some(parts)) => query_claim(head, parts).map(Some),
        (None, None) => Ok(None),
    }
}

fn algorithm(name: &str) -> Result<Algorithm, SignatureError> {
    [Algorithm::HmacSha256, Algorithm::EcdsaP256]
        .into_iter()
        .find(|a| a.as_str() == name)
        .ok_or_else(|| SignatureError::UnknownAlgorithm(shortened(name)))
}

/// Enough of what came to recognise it in an error.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

fn set(slot: &mut Option<String>, name: &str, value: &str) -> Result<(), SignatureError> {
    let most = match name {
        "X-Amz-Security-Token" | "x-amz-security-token" => MAX_TOKEN,
        "X-Amz-Credential" | "Credential" => MAX_CREDENTIAL,
        _ => MAX_PART,
    };
    if value.len() > most {
        return Err(SignatureError::TooMany("bytes in one part of its signature"));
    }
    match slot.replace(value.to_owned()) {
        None => Ok(()),
        Some(_) => Err(SignatureError::Duplicate(name.to_owned())),
    }
}

fn header_claim(head: &Head<'_>, text: &str) -> Result<Claim, SignatureError> {
    let (name, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let algorithm = algorithm(name)?;
    let mut parts = Parts::default();
    for pair in rest.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(SignatureError::Malformed(shortened(pair)));
        };
        match key {
            "Credential" => set(&mut parts.credential, key, value)?,
            "SignedHeaders" => set(&mut parts.signed_headers, key, value)?,
            "Signature" => set(&mut parts.signature, key, value)?,
            // AWS is not known to refuse others; they are not part of what is signed.
            _ => {}
        }
    }
    for (slot, name) in [
        (&mut parts.token, TOKEN),
        (&mut parts.region_set, REGION_SET),
        (&mut parts.content_sha256, CONTENT_SHA256),
        (&mut parts.date, DATE),
    ] {
        for value in head.headers.get_all(&name) {
            let value =
                value.to_str().map_err(|_| SignatureError::Malformed(name.to_string()))?.trim();
            set(slot, name.as_str(), value)?;
        }
    }
    if parts.date.is_none() {
        parts.date = head
            .headers
            .get(http::header::DATE)
            .map(|date| String::from_utf8_lossy(date.as_bytes().trim_ascii()).into_owned());
    }
    let hashed = || BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    claim(algorithm, Form::Header, parts, hashed)
}

/// The presigned parts of a query; `None` where it carries no signature.
fn from_query(query: &[u8]) -> Result<Option<Parts>, SignatureError> {
    let mut parts = Parts::default();
    let (mut v2_key, mut v2_signature) = (false, false);
    for (count, (name, value)) in pairs(query).enumerate() {
        if count >= MAX_PARAMETERS {
            return Err(SignatureError::TooMany("query parameters"));
        }
        let name = decode(name, b'+');
        let slot = match &*name {
            b"X-Amz-Algorithm" => &mut parts.algorithm,
            b"X-Amz-Credential" => &mut parts.credential,
            b"X-Amz-Date" => &mut parts.date,
            b"X-Amz-Expires" => &mut parts.expires,
            b"X-Amz-SignedHeaders" => &mut parts.signed_headers,
            b"X-Amz-Signature" => &mut parts.signature,
            b"X-Amz-Security-Token" => &mut parts.token,
            b"X-Amz-Region-Set" => &mut parts.region_set,
            b"X-Amz-Content-Sha256" => &mut parts.content_sha256,
            other => {
                v2_key |= other == b"AWSAccessKeyId";
                v2_signature |= other == b"Signature";
                continue;
            }
        };
        let name = String::from_utf8_lossy(&name);
        let value = decode(value, b'+');
        let value =
            std::str::from_utf8(&value).map_err(|_| SignatureError::Malformed(name.to_string()))?;
        set(slot, &name, value)?;
    }
    if v2_key && v2_signature {
        return Err(SignatureError::UnknownAlgorithm("AWS".to_owned()));
    }
    let signed = parts.algorithm.is_some()
        || parts.credential.is_some()
        || parts.signed_headers.is_some()
        || parts.signature.is_some();
    Ok(signed.then_some(parts))
}

fn query_claim(head: &Head<'_>, mut parts: Parts) -> Result<Claim, SignatureError> {
    // A header says it better than the query: it is what the client does with the URL. Whether it
    // may stand there at all is for the check of unsigned headers.
    if let Some(value) = head.header("x-amz-content-sha256") {
        parts.content_sha256 = Some(value.to_owned());
    }
    let algorithm = match &parts.algorithm {
        Some(name) => algorithm(name)?,
        None => Algorithm::HmacSha256,
    };
    let mut missing = Vec::new();
    if parts.algorithm.is_none() {
        missing.push(Part::Algorithm);
    }
    if parts.expires.is_none() {
        missing.push(Part::Expires);
    }
    let expires = match parts.expires.take() {
        None => 0,
        Some(text) => text
            .parse::<u32>()
            .ok()
            .filter(|e| (1..=604_800).contains(e) && !text.starts_with('+'))
            .ok_or_else(|| SignatureError::Expires(shortened(&text)))?,
    };
    if !missing.is_empty() {
        let rest = absent(&parts, algorithm);
        missing.extend(rest);
        return Err(SignatureError::Incomplete { missing, query: true, hashed: String::new() });
    }
    claim(algorithm, Form::Presigned { expires }, parts, String::new)
}

fn absent(parts: &Parts, algorithm: Algorithm) -> Vec<Part> {
    let v4a = algorithm == Algorithm::EcdsaP256;
    [
        (parts.credential.is_none(), Part::Credential),
        (parts.signature.is_none(), Part::Signature),
        (parts.signed_headers.is_none(), Part::SignedHeaders),
        (parts.date.is_none(), Part::Date),
        (v4a && parts.region_set.is_none(), Part::RegionSet),
    ]
    .into_iter()
    .filter_map(|(gone, part)| gone.then_some(part))
    .collect()
}

fn claim(
    algorithm: Algorithm,
    form: Form,
    parts: Parts,
    hashed: impl Fn() -> String,
) -> Result<Claim, SignatureError> {
    let missing = absent(&parts, algorithm);
    let (Some(credential), Some(signature), Some(signed_headers), Some(date), true) =
        (parts.credential, parts.signature, parts.signed_headers, parts.date, missing.is_empty())
    else {
        let query = form != Form::Header;
        return Err(SignatureError::Incomplete { missing, query, hashed: hashed() });
    };
    let (date, stamp) = read_date(date, form)?;
    check_signed_headers(&signed_headers)?;
    let payload = match parts.content_sha256 {
        None => PayloadHash::Absent,
        Some(value) => PayloadHash::read(&value)
            .ok_or_else(|| SignatureError::ContentSha256(shortened(&value)))?,
    };
    let mut claim = Claim {
        algorithm,
        access_key: String::new(),
        date,
        scope_date: String::new(),
        region: parts.region_set.unwrap_or_default(),
        service: String::new(),
        signed_headers,
        session_token: parts.token,
        form,
        payload,
        stamp,
        signature,
        terminator: None,
    };
    read_credential(&mut claim, &credential)?;
    Ok(claim)
}

/// The date, and its form in the string to sign.
fn read_date(text: String, form: Form) -> Result<(Timestamp, String), SignatureError> {
    if let Some(date) = read_amz_date(&text) {
        return Ok((date, text));
    }
    match read_http_date(&text) {
        Some(date) if form == Form::Header => Ok((date, amz_date(date))),
        _ => Err(SignatureError::Date(shortened(&text))),
    }
}

fn read_credential(claim: &mut Claim, credential: &str) -> Result<(), SignatureError> {
    let mut it = credential.split('/').map(str::to_owned);
    let all = match claim.algorithm {
        Algorithm::HmacSha256 => {
            (it.next(), it.next(), it.next().map(Some), it.next(), it.next(), it.next())
        }
        Algorithm::EcdsaP256 => (it.next(), it.next(), Some(None), it.next(), it.next(), it.next()),
    };
    let (Some(key), Some(day), Some(region), Some(service), Some(end), None) = all else {
        let want = if claim.algorithm == Algorithm::HmacSha256 { 5 } else { 4 };
        return Err(SignatureError::Credential { got: shortened(credential), want });
    };
    claim.access_key = key;
    claim.scope_date = day;
    if let Some(region) = region {
        claim.region = region;
    }
    claim.service = service;
    claim.terminator = Some(end).filter(|e| e != "aws4_request");
    Ok(())
}

fn check_signed_headers(list: &str) -> Result<(), SignatureError> {
    let bad = || SignatureError::SignedHeaders(shortened(list));
    if list.split(';').count() > MAX_SIGNED_HEADERS {
        return Err(SignatureError::TooMany("signed headers"));
    }
    // Their order is the client's affair (AWS asks for a sorted one): it is signed as it stands.
    let token =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    if list.split(';').any(|n| n.is_empty() || !n.bytes().all(token)) {
        return Err(bad());
    }
    let sorted = list.split(';').zip(list.split(';').skip(1)).all(|(a, b)| a < b);
    if sorted {
        return Ok(());
    }
    let mut names: Vec<&str> = list.split(';').collect();
    names.sort_unstable();
    if names.windows(2).any(|w| matches!(w, [a, b] if a == b)) {
        return Err(bad());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method};

    const GOOD: &str = "AWS4-HMAC-SHA256 Credential=AK/20150830/us-east-1/iam/aws4_request, \
                        SignedHeaders=host;x-amz-date, Signature=00";

    fn read(
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Option<Claim>, SignatureError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        parse(&Head {
            method: &Method::GET,
            target: target.as_bytes(),
            headers: &map,
            authority: None,
        })
    }

    fn header(authorization: &str) -> Result<Option<Claim>, SignatureError> {
        read("/", &[("authorization", authorization), ("x-amz-date", "20150830T123600Z")])
    }

    #[test]
    fn a_header_is_read() {
        let claim = header(GOOD).unwrap().unwrap();
        assert_eq!(claim.scope(), "20150830/us-east-1/iam/aws4_request");
        assert_eq!((&*claim.access_key, claim.form), ("AK", Form::Header));
        assert!(header("Bearer x").unwrap().is_none());
        assert!(read("/?a=b", &[]).unwrap().is_none());
    }

    #[test]
    fn each_fault_has_its_error() {
        use SignatureError as E;
        let without = |part: &str| GOOD.replace(part, "Other=");
        let missing = |e: E| match e {
            E::Incomplete { missing, .. } => missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(header(&without("Signature=")).unwrap_err()), [Part::Signature]);
        assert_eq!(missing(header(&without("Credential=")).unwrap_err()), [Part::Credential]);
        assert_eq!(missing(read("/", &[("authorization", GOOD)]).unwrap_err()), [Part::Date]);
        assert!(matches!(header("AWS AK:sig"), Err(E::UnknownAlgorithm(a)) if a == "AWS"));
        assert!(matches!(header("AWS4-HMAC-SHA512 x=y"), Err(E::UnknownAlgorithm(_))));
        assert!(matches!(header(&format!("{GOOD}, Signature=00")), Err(E::Duplicate(_))));
        assert!(matches!(header("AWS4-HMAC-SHA256 nonsense"), Err(E::Malformed(_))));
        assert!(matches!(header(&GOOD.replace("/iam", "")), Err(E::Credential { want: 5, .. })));
        assert!(matches!(header(&GOOD.replace("host;", "Host;")), Err(E::SignedHeaders(_))));
        assert!(matches!(header(&GOOD.replace("host;", "x-amz-date;")), Err(E::SignedHeaders(_))));
        let twice = [("authorization", GOOD), ("authorization", GOOD)];
        assert!(matches!(read("/", &twice), Err(E::Duplicate(_))));
        let date = [("authorization", GOOD), ("x-amz-date", "today")];
        assert!(matches!(read("/", &date), Err(E::Date(_))));
        let sha = [
            ("authorization", GOOD),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-content-sha256", "x"),
        ];
        assert!(matches!(read("/", &sha), Err(E::ContentSha256(_))));
        assert!(matches!(
            read("/?X-Amz-Signature=0", &[("authorization", GOOD)]),
            Err(E::TwoForms)
        ));
        assert!(matches!(read("/?AWSAccessKeyId=a&Signature=b", &[]), Err(E::UnknownAlgorithm(_))));
    }

    #[test]
    fn presigned_faults() {
        use SignatureError as E;
        let url = |expires: &str| {
            format!(
                "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20150830%2Fr%2Fs3%2Faws4_request\
                 &X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00{expires}"
            )
        };
        let claim = read(&url("&X-Amz-Expires=604800"), &[]).unwrap().unwrap();
        assert_eq!(claim.form, Form::Presigned { expires: 604_800 });
        for bad in ["0", "-1", "604801", "x", "", "99999999999999999999"] {
            let result = read(&url(&format!("&X-Amz-Expires={bad}")), &[]);
            assert!(matches!(result, Err(E::Expires(_))), "{bad}");
        }
        assert!(matches!(read(&url(""), &[]), Err(E::Incomplete { query: true, .. })));
        let twice = url("&X-Amz-Expires=1&X-Amz-Expires=2");
        assert!(matches!(read(&twice, &[]), Err(E::Duplicate(_))));
        let long = url("&X-Amz-Expires=1").replace("AK%2F", &format!("{}%2F", "A".repeat(512)));
        assert!(matches!(read(&long, &[]), Err(E::TooMany(_))));
        let many = format!("/?{}", "a&".repeat(5000));
        assert!(matches!(read(&many, &[]), Err(E::TooMany(_))));
    }
}
