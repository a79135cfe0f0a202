//! AWS's signing test suite, v4 and v4a, signed in the header and in the query: each vector's
//! canonical request, string to sign and signature, and what becomes of it when a byte changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::encode::{read_amz_date, unhex};
use super::verify::signed_text;
use super::*;

struct Request {
    method: Method,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

struct Vector {
    name: String,
    access_key: String,
    secret: Secret,
    style: Style,
    now: Timestamp,
}

fn suite(version: &str) -> Option<Vec<PathBuf>> {
    let folder = format!("{}/../../../shared/vectors/sigv4/{version}", env!("CARGO_MANIFEST_DIR"));
    let Ok(all) = fs::read_dir(&folder) else {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{folder} is missing");
        eprintln!("passed over: no vectors at {folder}");
        return None;
    };
    let mut all: Vec<PathBuf> = all.map(|e| e.unwrap().path()).collect();
    all.sort();
    Some(all)
}

fn text(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

fn request(raw: &str) -> Request {
    let (head, body) = raw.split_once("\n\n").unwrap_or((raw, ""));
    let mut lines = head.lines();
    let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest).as_bytes().to_vec();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in lines.filter(|l| !l.is_empty()) {
        if line.starts_with(' ') {
            // A folded line (RFC 9112 section 5.2) reaches us as blanks.
            let last = headers.last_mut().unwrap();
            last.1.extend(line.as_bytes());
        } else {
            let (name, value) = line.split_once(':').unwrap();
            headers.push((name.to_lowercase(), value.as_bytes().to_vec()));
        }
    }
    Request { method: method.parse().unwrap(), target, headers, body: body.as_bytes().to_vec() }
}

impl Request {
    fn header_map(&self) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_bytes(value).ok()?,
            );
        }
        Some(map)
    }
}

impl Vector {
    fn read(folder: &Path) -> Option<Self> {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let context: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(folder.join("context.json")).ok()?).unwrap();
        let credentials = &context["credentials"];
        let date = context["timestamp"].as_str().unwrap().replace(['-', ':'], "");
        Some(Self {
            access_key: credentials["access_key_id"].as_str().unwrap().to_owned(),
            secret: Secret::new(credentials["secret_access_key"].as_str().unwrap().to_owned()),
            style: Style {
                normalize: context["normalize"] == true,
                // This copy of the suite writes the blank of the original request as %20, which
                // only comes out as its canonical request says where it is encoded once.
                encode_twice: name != "get-space-normalized",
                unsigned_token: context["omit_session_token"] == true,
                ..Style::COMMON
            },
            now: read_amz_date(&date).unwrap(),
            name,
        })
    }

    fn expect(&self) -> Expect<'_> {
        Expect {
            services: &["service"],
            region: Some("us-east-1"),
            style: self.style,
            now: self.now,
            skew: Duration::from_secs(900),
        }
    }

    /// Parses and verifies, as the gateway does; gives the canonical request.
    fn verify(&self, request: &Request) -> Result<Vec<u8>, String> {
        let headers = request.header_map().ok_or("not a header")?;
        let head = Head {
            method: &request.method,
            target: &request.target,
            headers: &headers,
            authority: None,
        };
        let claim = parse(&head).map_err(|e| e.to_string())?.ok_or("unsigned")?;
        if claim.access_key != self.access_key {
            return Err("another key".to_owned());
        }
        let key = SigningKey::derive(&claim, &self.secret);
        let hash: [u8; 32] = digest(&SHA256, &request.body).as_ref().try_into().unwrap();
        let body = BodyHash::Collected(&hash);
        verify(&head, &claim, &key, &self.expect(), body).map_err(|e| format!("{e:?}"))?;
        Ok(signed_text(&head, &claim, self.style, "", b'+').unwrap().0)
    }
}

/// Changes one byte at a time, every `step`th; all that differ in meaning have to be refused.
fn mutate(vector: &Vector, form: &str, step: usize) {
    let folder = format!("{form} of {}", vector.name);
    let raw = |change: &dyn Fn(&mut Request)| {
        let path =
            format!("{}/../../../shared/vectors/sigv4/{}", env!("CARGO_MANIFEST_DIR"), vector.name);
        let mut r = request(&text(Path::new(&path), &format!("{form}-signed-request.txt")));
        change(&mut r);
        r
    };
    let whole = raw(&|_| {});
    let canonical = vector.verify(&whole).unwrap();
    let refused = |change: &dyn Fn(&mut Request), what: &str| {
        assert!(vector.verify(&raw(change)).is_err(), "{folder}: {what} changed, and accepted");
    };
    refused(&|r| r.method = Method::DELETE, "method");
    refused(&|r| r.body.push(b'x'), "body");
    refused(&|r| r.headers.push(("x-amz-meta-new".into(), b"x".to_vec())), "unsigned header");
    refused(&|r| r.headers.retain(|(n, _)| n != "host"), "host");
    // A token that is added after signing may be changed; it has to fit the key all the same.
    let token = whole.target.windows(21).position(|w| w == b"X-Amz-Security-Token=");
    let token = token.filter(|_| vector.style.unsigned_token).map_or(0..0, |start| {
        let rest = &whole.target[start..];
        start + 21..start + rest.iter().position(|b| *b == b'&').unwrap_or(rest.len())
    });
    for at in (0..whole.target.len()).step_by(step).filter(|at| !token.contains(at)) {
        let changed = raw(&|r| r.target[at] = if r.target[at] == b'Q' { b'P' } else { b'Q' });
        match vector.verify(&changed) {
            Err(_) => {}
            // A segment that `..` takes away again.
            Ok(same) => assert!(
                same == canonical && vector.style.normalize && vector.name.contains("relative"),
                "{folder}: target byte {at}"
            ),
        }
    }
    for (i, (name, value)) in whole.headers.iter().enumerate() {
        if vector.style.unsigned_token && name == "x-amz-security-token" {
            continue;
        }
        for at in (0..value.len()).step_by(step) {
            refused(&|r| r.headers[i].1[at] ^= 1, &format!("byte {at} of {name}"));
        }
    }
}

fn run(version: &str, step: usize) {
    let Some(all) = suite(version) else { return };
    let mut count = 0;
    for folder in all {
        let Some(mut vector) = Vector::read(&folder) else { continue };
        for form in ["header", "query"] {
            let name = format!("{form} of {}", vector.name);
            let signed = request(&text(&folder, &format!("{form}-signed-request.txt")));
            let headers = signed.header_map().unwrap();
            let head = Head {
                method: &signed.method,
                target: &signed.target,
                headers: &headers,
                authority: None,
            };
            let claim = parse(&head).unwrap().unwrap();
            let payload = encode::hex(digest(&SHA256, &signed.body).as_ref());
            let (canonical, to_sign) =
                signed_text(&head, &claim, vector.style, &payload, b'+').unwrap();
            let file = |what: &str| text(&folder, &format!("{form}-{what}.txt"));
            assert_eq!(String::from_utf8(canonical).unwrap(), file("canonical-request"), "{name}");
            assert_eq!(
                String::from_utf8(to_sign.clone()).unwrap(),
                file("string-to-sign"),
                "{name}"
            );
            let key = SigningKey::derive(&claim, &vector.secret);
            assert!(key.accepts(&to_sign, file("signature").trim()), "{name}");
            vector.verify(&signed).unwrap_or_else(|e| panic!("{name}: {e}"));
            let short = std::mem::take(&mut vector.name);
            vector.name = format!("{version}/{short}");
            mutate(&vector, form, step);
            vector.name = short;
            count += 1;
        }
    }
    assert_eq!(count, 76, "38 vectors, each in two forms");
}

#[test]
fn v4() {
    run("v4", 1);
}

#[test]
fn v4a() {
    run("v4a", 5);
}

#[test]
fn public_keys_of_v4a() {
    for folder in suite("v4a").unwrap_or_default() {
        let vector = Vector::read(&folder).unwrap();
        let key: serde_json::Value =
            serde_json::from_str(&text(&folder, "public-key.json")).unwrap();
        let mut point = vec![4];
        for part in ["X", "Y"] {
            point.extend(unhex(key[part].as_str().unwrap()).unwrap());
        }
        assert_eq!(v4a::public_key(&vector.access_key, vector.secret.expose()).to_vec(), point);
    }
}

/// Two of the suite's folders have no context; what they hold is checked as far as it goes.
#[test]
fn paths_that_are_encoded_twice() {
    let Some(all) = suite("v4") else { return };
    let mut count = 0;
    for folder in all.iter().filter(|f| !f.join("context.json").exists()) {
        let mut request = request(&text(folder, "header-signed-request.txt"));
        // One of them was signed for another date than its canonical request says.
        for (name, value) in &mut request.headers {
            if name == "x-amz-date" {
                *value = b"20210511T154045Z".to_vec();
            }
        }
        let headers = request.header_map().unwrap();
        let head = Head {
            method: &request.method,
            target: &request.target,
            headers: &headers,
            authority: None,
        };
        let claim = parse(&head).unwrap().unwrap();
        let payload = encode::hex(digest(&SHA256, b"").as_ref());
        let (canonical, to_sign) =
            signed_text(&head, &claim, Style::COMMON, &payload, b'+').unwrap();
        assert_eq!(
            String::from_utf8(canonical).unwrap(),
            text(folder, "header-canonical-request.txt")
        );
        if let Ok(expected) = fs::read_to_string(folder.join("header-string-to-sign.txt")) {
            assert_eq!(String::from_utf8(to_sign).unwrap(), expected.trim_end());
        }
        count += 1;
    }
    assert_eq!(count, 2);
}
