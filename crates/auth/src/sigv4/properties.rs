//! What holds for any request and any body: what is signed verifies, what is changed does not, and
//! nothing panics, however the bytes arrive.

use std::collections::VecDeque;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cumulet_base::{Body, BodyError};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request};

use super::checksum::Sum;
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_222_923);

fn secret() -> Secret {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned())
}

fn signer<'a>(secret: &'a Secret, service: &'a str) -> Signer<'a> {
    Signer {
        access_key: "AKIDEXAMPLE",
        secret,
        session_token: Some("token/+="),
        region: "eu-central-1",
        service,
        style: Style::of(service),
    }
}

fn expect<'a>(services: &'a [&'a str], now: Timestamp) -> Expect<'a> {
    let style = Style::of(services.first().copied().unwrap_or_default());
    let skew = Duration::from_secs(900);
    Expect { services, region: Some("eu-central-1"), style, now, skew }
}

fn head<'a>(parts: &'a Parts, target: &'a str) -> Head<'a> {
    Head {
        method: &parts.method,
        target: target.as_bytes(),
        headers: &parts.headers,
        authority: None,
    }
}

fn sha(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn check(
    parts: &Parts,
    target: &str,
    services: &[&str],
    now: Timestamp,
    body: &[u8],
) -> Result<Verified, SignatureError> {
    let head = head(parts, target);
    let claim = parse(&head)?.ok_or(SignatureError::Unsigned)?;
    let key = SigningKey::derive(&claim, &secret());
    verify(&head, &claim, &key, &expect(services, now), BodyHash::Collected(&sha(body)))
}

fn parts(method: &str, uri: &str) -> Parts {
    Request::builder().method(method).uri(uri).body(()).unwrap().into_parts().0
}

#[test]
fn what_is_signed_verifies_and_what_is_changed_does_not() {
    bolero::check!()
        .with_iterations(2000)
        .with_type::<(String, String, Vec<u8>, bool, u8, u16)>()
        .for_each(|(path, query, body, s3, what, at)| {
            let service = if *s3 { "s3" } else { "lambda" };
            let secret = secret();
            let (mut p, mut q) = (Vec::new(), Vec::new());
            encode::push_encoded(&mut p, path.as_bytes());
            encode::push_encoded(&mut q, query.as_bytes());
            let (p, q) = (String::from_utf8(p).unwrap(), String::from_utf8(q).unwrap());
            let target = format!("/a/{p}/b?x={q}&y=1");
            let mut parts = parts("PUT", &format!("http://h.example{target}"));
            parts.headers.insert("x-amz-meta-a", HeaderValue::from_static("one  two"));
            signer(&secret, service).sign(&mut parts, Payload::Bytes(body), NOW).unwrap();
            check(&parts, &target, &[service], NOW, body).unwrap();

            let mut body = body.clone();
            let mut changed = target.clone();
            match what % 6 {
                0 => parts.method = Method::POST,
                1 => body.push(1),
                2 => changed.push('0'),
                3 => changed.insert(1 + usize::from(*at) % 2, 'z'),
                4 => drop(parts.headers.insert("x-amz-meta-a", HeaderValue::from_static("onetwo"))),
                _ => drop(parts.headers.insert("host", HeaderValue::from_static("h.examplf"))),
            }
            let result = check(&parts, &changed, &[service], NOW, &body);
            assert!(result.is_err(), "{what} changed, and accepted");
        });
}

#[test]
fn presigned_urls_live_as_long_as_they_say() {
    let secret = secret();
    for service in ["s3", "sts", "iotdata"] {
        let signer = signer(&secret, service);
        let expires = Duration::from_secs(60);
        let url = signer
            .presign(&Method::GET, "https://h.example/k%20y?a=b", &HeaderMap::new(), expires, NOW)
            .unwrap();
        let target = url.strip_prefix("https://h.example").unwrap();
        let mut parts = parts("GET", "/");
        parts.headers.insert("host", HeaderValue::from_static("h.example"));
        let at = |seconds| Timestamp::from_secs(NOW.secs() + seconds);
        check(&parts, target, &[service], NOW, b"").unwrap();
        check(&parts, target, &[service], at(59), b"").unwrap();
        check(&parts, target, &[service], at(-900), b"").unwrap();
        assert!(matches!(
            check(&parts, target, &[service], at(60), b""),
            Err(SignatureError::PresignExpired { expires: 60, .. })
        ));
        assert!(matches!(
            check(&parts, target, &[service], at(-901), b""),
            Err(SignatureError::PresignEarly { .. })
        ));
        parts.headers.insert("x-amz-acl", HeaderValue::from_static("public-read"));
        assert!(matches!(
            check(&parts, target, &[service], NOW, b""),
            Err(SignatureError::HeadersUnsigned(names)) if names == ["x-amz-acl"]
        ));
    }
}

#[test]
fn time_scope_and_payload_are_checked() {
    use SignatureError as E;
    let secret = secret();
    let signed = |service: &str, payload: Payload<'_>| {
        let mut parts = parts("GET", "http://h.example/");
        signer(&secret, service).sign(&mut parts, payload, NOW).unwrap();
        parts
    };
    let good = signed("sts", Payload::Bytes(b""));
    let at = |seconds| Timestamp::from_secs(NOW.secs() + seconds);
    for (seconds, accepted) in [(900, true), (901, false), (-900, true), (-901, false)] {
        assert_eq!(check(&good, "/", &["sts"], at(seconds), b"").is_ok(), accepted);
    }
    match check(&good, "/", &["iam", "x"], NOW, b"") {
        Err(E::Scope(faults)) => assert!(matches!(&faults[..], [ScopeFault::Service { .. }])),
        other => panic!("{other:?}"),
    }
    assert!(matches!(check(&good, "/", &["sts"], NOW, b"x"), Err(E::Mismatch(_))));
    let s3 = signed("s3", Payload::Bytes(b""));
    assert!(matches!(check(&s3, "/", &["s3"], NOW, b"x"), Err(E::BodyHash { .. })));
    let unsigned = signed("s3", Payload::Unsigned);
    assert!(check(&unsigned, "/", &["s3"], NOW, b"x").is_ok());
    let unsigned = signed("lambda", Payload::Unsigned);
    assert!(matches!(check(&unsigned, "/", &["lambda"], NOW, b"x"), Err(E::UnsignedPayload)));

    let claim = parse(&head(&good, "/")).unwrap().unwrap();
    let key = SigningKey::derive(&claim, &secret);
    let elsewhere = Expect { region: Some("eu-west-1"), ..expect(&["sts"], NOW) };
    let result = verify(&head(&good, "/"), &claim, &key, &elsewhere, BodyHash::Streaming);
    assert!(matches!(result, Err(E::Scope(f)) if matches!(f[..], [ScopeFault::Region { .. }])));
    let anywhere = Expect { region: None, ..elsewhere };
    let result = verify(&head(&good, "/"), &claim, &key, &anywhere, BodyHash::Streaming);
    assert!(matches!(result, Err(E::BodyUnread)));
}

#[test]
fn http2_has_its_host_in_authority() {
    let secret = secret();
    let mut parts = parts("GET", "http://h.example/");
    signer(&secret, "sts").sign(&mut parts, Payload::Bytes(b""), NOW).unwrap();
    parts.headers.remove("host");
    let without = head(&parts, "/");
    let claim = parse(&without).unwrap().unwrap();
    let key = SigningKey::derive(&claim, &secret);
    let body = sha(b"");
    let ask = |head: &Head<'_>| {
        verify(head, &claim, &key, &expect(&["sts"], NOW), BodyHash::Collected(&body))
    };
    assert!(matches!(ask(&without), Err(SignatureError::HeaderAbsent(_))));
    assert!(ask(&Head { authority: Some("h.example"), ..without }).is_ok());
    assert!(ask(&Head { authority: Some("i.example"), ..without }).is_err());
    // A plus in S3's query may have been signed as a space.
    assert!(
        ask(&Head { target: b"http://h.example/", authority: Some("h.example"), ..without })
            .is_ok()
    );
}

#[test]
fn a_plus_in_the_query_of_s3() {
    let secret = secret();
    for (service, accepted) in [("s3", true), ("lambda", false)] {
        let mut parts = parts("GET", "http://h.example/?q=a%20b");
        signer(&secret, service).sign(&mut parts, Payload::Bytes(b""), NOW).unwrap();
        assert_eq!(check(&parts, "/?q=a+b", &[service], NOW, b"").is_ok(), accepted);
    }
}

/// A chunked upload of `body`: the signed head and the bytes that follow it.
fn upload(
    kind: Streaming,
    body: &[u8],
    chunk: usize,
    algorithm: ChecksumAlgorithm,
) -> (Parts, Vec<u8>) {
    let mut parts = parts("PUT", "http://h.example/b/k");
    let length = body.len().to_string();
    parts.headers.insert("x-amz-decoded-content-length", length.parse().unwrap());
    if kind != Streaming::Signed {
        parts.headers.insert("x-amz-trailer", HeaderValue::from_static(algorithm.header()));
    }
    let secret = secret();
    let chain = signer(&secret, "s3").sign(&mut parts, Payload::Streaming(kind), NOW).unwrap();
    let mut sum = Sum::new(algorithm);
    sum.update(body);
    let sum = BASE64_STANDARD.encode(sum.finish());
    let mut wire = Vec::new();
    let Some(mut chain) = chain else {
        for piece in body.chunks(chunk) {
            wire.extend(format!("{:x}\r\n", piece.len()).bytes());
            wire.extend(piece);
            wire.extend(b"\r\n");
        }
        wire.extend(format!("0\r\n{}:{sum}\r\n\r\n", algorithm.header()).bytes());
        return (parts, wire);
    };
    for piece in body.chunks(chunk) {
        wire.extend(chain.sign_chunk(piece));
    }
    wire.extend(chain.sign_chunk(b""));
    if kind == Streaming::Signed {
        wire.extend(b"\r\n");
    } else {
        wire.extend(chain.sign_trailer(&[(algorithm.header(), &sum)]));
    }
    (parts, wire)
}

fn body_check(parts: &Parts, rules: &BodyRules) -> BodyCheck {
    let head = head(parts, "/b/k");
    let claim = parse(&head).unwrap().unwrap();
    let key = SigningKey::derive(&claim, &secret());
    verify(&head, &claim, &key, &expect(&["s3"], NOW), BodyHash::Streaming)
        .unwrap()
        .body_check(&head, rules)
        .unwrap()
}

/// Feeds `wire` in pieces of the given sizes (the last of them repeating).
fn feed(
    mut check: BodyCheck,
    wire: &[u8],
    sizes: &[usize],
) -> Result<(Vec<u8>, BodyDigests), BodyFault> {
    let (mut out, mut rest) = (VecDeque::new(), wire);
    let mut sizes =
        sizes.iter().copied().chain(std::iter::repeat(sizes.last().copied().unwrap_or(1)));
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(sizes.next().unwrap().clamp(1, rest.len()));
        check.push(Bytes::copy_from_slice(piece), &mut out)?;
        rest = tail;
    }
    let digests = check.finish()?;
    Ok((out.iter().flatten().copied().collect(), digests))
}

const KINDS: [Streaming; 3] =
    [Streaming::Signed, Streaming::SignedTrailer, Streaming::UnsignedTrailer];

#[test]
fn chunked_uploads_arrive_whole_however_they_are_split() {
    let body: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
    for kind in KINDS {
        for algorithm in ChecksumAlgorithm::ALL {
            for len in [0, 1, 8192, 20_000] {
                let (parts, wire) = upload(kind, &body[..len], 8192, algorithm);
                for split in [1, 3, 8193, 1 << 20] {
                    let rules = BodyRules { md5: true, ..BodyRules::default() };
                    let (got, digests) = feed(body_check(&parts, &rules), &wire, &[split]).unwrap();
                    assert_eq!(got, body[..len], "{kind:?} {len} {split}");
                    assert_eq!(digests.length, len as u64);
                    assert_eq!(digests.checksum.is_some(), kind != Streaming::Signed);
                    assert!(digests.md5.is_some());
                }
            }
        }
    }
}

#[test]
fn any_changed_byte_of_a_chunked_body_is_refused() {
    let body = vec![7u8; 9000];
    bolero::check!().with_iterations(1500).with_type::<(u8, u16, u8)>().for_each(
        |(kind, at, flip)| {
            let kind = KINDS[usize::from(*kind) % 3];
            let (parts, mut wire) = upload(kind, &body, 8192, ChecksumAlgorithm::Crc64Nvme);
            let at = usize::from(*at) % wire.len();
            let before = wire.clone();
            wire[at] ^= flip.max(&1);
            let result = feed(body_check(&parts, &BodyRules::default()), &wire, &[4096]);
            // Hex digits, header names and blanks have more than one spelling; the body has one.
            if let Ok((got, _)) = result {
                assert_eq!(got, body);
                let size_or_trailer =
                    kind == Streaming::UnsignedTrailer || !(4..=8192).contains(&at);
                assert!(size_or_trailer, "{kind:?} byte {at}: {:?}", before[at]);
            }
            wire.truncate(at);
            let cut = feed(body_check(&parts, &BodyRules::default()), &wire, &[4096]);
            if let Ok((got, _)) = cut {
                assert_eq!(got, body);
            }
        },
    );
}

#[test]
fn any_bytes_in_any_split_give_the_same_and_no_panic() {
    bolero::check!().with_iterations(4000).with_type::<(Vec<u8>, Vec<u8>, u8, bool)>().for_each(
        |(noise, sizes, kind, prefix)| {
            let kind = KINDS[usize::from(*kind) % 3];
            let (parts, good) = upload(kind, b"hello", 8192, ChecksumAlgorithm::Crc32);
            // Noise after a good beginning comes further.
            let keep = if *prefix { sizes.len() * 16 % good.len() } else { 0 };
            let wire: Vec<u8> = good[..keep].iter().chain(noise).copied().collect();
            let sizes: Vec<usize> = sizes.iter().map(|s| usize::from(*s) % 32 + 1).collect();
            let rules = BodyRules::default();
            let whole = feed(body_check(&parts, &rules), &wire, &[usize::MAX]);
            assert_eq!(feed(body_check(&parts, &rules), &wire, &sizes), whole);
            assert_eq!(feed(body_check(&parts, &rules), &wire, &[1]), whole);
        },
    );
}

#[test]
fn any_head_is_read_without_panic() {
    bolero::check!()
        .with_iterations(4000)
        .with_type::<(Vec<u8>, Vec<u8>, Vec<u8>, bool)>()
        .for_each(|(target, header, date, scheme)| {
            let mut headers = HeaderMap::new();
            let mut value =
                if *scheme { b"AWS4-HMAC-SHA256 Credential=".to_vec() } else { Vec::new() };
            value.extend(header);
            for (name, value) in [("authorization", &value), ("x-amz-date", date)] {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    headers.insert(name, value);
                }
            }
            let head = Head { method: &Method::GET, target, headers: &headers, authority: None };
            match parse(&head) {
                Ok(Some(claim)) => {
                    let key = SigningKey::derive(&claim, &secret());
                    let open =
                        Expect { services: &[], region: None, ..expect(&["s3"], claim.date) };
                    assert!(verify(&head, &claim, &key, &open, BodyHash::Streaming).is_err());
                }
                Ok(None) => {}
                Err(error) => {
                    for family in [Family::Json, Family::Query, Family::RestJson, Family::S3] {
                        assert!(error.describe(family).status >= 400);
                    }
                }
            }
        });
}

#[test]
fn each_fault_of_a_chunked_body_has_its_name() {
    use BodyFault as F;
    let rules = BodyRules::default();
    let run =
        |parts: &Parts, wire: &[u8]| feed(body_check(parts, &rules), wire, &[1000]).unwrap_err();
    let (parts, wire) =
        upload(Streaming::UnsignedTrailer, b"hello", 8192, ChecksumAlgorithm::Crc32);
    let text = String::from_utf8(wire.clone()).unwrap();
    let edit = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    assert!(matches!(run(&parts, &edit("hello", "hallo")), F::Checksum { .. }));
    assert!(matches!(run(&parts, &edit("crc32:", "crc32c:")), F::Trailer(_)));
    assert!(matches!(run(&parts, b"5\r\nhello\r\n0\r\n\r\n"), F::Trailer(_)));
    assert!(matches!(run(&parts, b"6\r\nhello!\r\n"), F::Incomplete { declared: 5, got: 6 }));
    assert!(matches!(
        run(&parts, b"4\r\nhell\r\n0\r\n\r\n"),
        F::Incomplete { declared: 5, got: 4 }
    ));
    assert!(matches!(run(&parts, b"5\r\nhel"), F::Incomplete { .. }));
    assert!(matches!(run(&parts, b"1\r\nh\r\n4\r\nello\r\n"), F::ChunkSize { chunk: 2, size: 1 }));
    assert!(matches!(run(&parts, b"xyz\r\n"), F::Chunk(_)));
    assert!(matches!(run(&parts, &vec![b'1'; 300]), F::Chunk(_)));
    assert!(matches!(run(&parts, &[&wire[..], b"more"].concat()), F::Chunk(_)));
    // Spellings that clients have: line feeds alone, more blank lines than one, none at all.
    for ending in ["\n\r\n\r\n\r\n", "\r\n", "\n"] {
        let spelled = text.replace("\r\n\r\n", ending);
        assert!(feed(body_check(&parts, &rules), spelled.as_bytes(), &[7]).is_ok(), "{ending:?}");
    }
    for kind in [Streaming::Signed, Streaming::SignedTrailer] {
        let (parts, wire) = upload(kind, b"hello", 8192, ChecksumAlgorithm::Sha256);
        let wire = String::from_utf8(wire).unwrap();
        assert!(matches!(run(&parts, wire.replace("hello", "hallo").as_bytes()), F::Signature(_)));
        let cut = wire.split_once("\r\n0;").unwrap().0;
        assert!(matches!(run(&parts, cut.as_bytes()), F::Incomplete { .. }));
    }
    let (parts, wire) = upload(Streaming::SignedTrailer, b"hello", 8192, ChecksumAlgorithm::Sha256);
    let wire = String::from_utf8(wire).unwrap();
    let unsigned = wire.split_once("x-amz-trailer-signature").unwrap().0;
    assert!(matches!(run(&parts, unsigned.as_bytes()), F::Trailer(_)));
    assert!(matches!(run(&parts, wire.replace("sha256:", "sha256:A").as_bytes()), F::Signature(_)));
}

#[test]
fn headers_of_a_body_are_compared() {
    use BodyFault as F;
    let rules = BodyRules::default();
    let run = |headers: &[(&'static str, &str)], body: &[u8], rules: &BodyRules| {
        let mut parts = parts("PUT", "/b/k");
        for (name, value) in headers {
            parts.headers.append(*name, value.parse().unwrap());
        }
        let check = BodyCheck::unsigned(&head(&parts, "/b/k"), rules)?;
        feed(check, body, &[3]).map(|(_, digests)| digests)
    };
    let abc = encode::hex(&sha(b"abc"));
    let sum = |algorithm| {
        let mut sum = Sum::new(algorithm);
        sum.update(b"abc");
        BASE64_STANDARD.encode(sum.finish())
    };
    let crc = sum(ChecksumAlgorithm::Crc32c);
    assert!(run(&[("x-amz-content-sha256", &abc)], b"abc", &rules).is_ok());
    assert!(matches!(
        run(&[("x-amz-content-sha256", &abc)], b"abd", &rules),
        Err(F::Sha256 { .. })
    ));
    assert!(run(&[("content-md5", "kAFQmDzST7DWlj99KOF/cg==")], b"abc", &rules).is_ok());
    assert!(matches!(
        run(&[("content-md5", "kAFQmDzST7DWlj99KOF/cg==")], b"", &rules),
        Err(F::Md5 { .. })
    ));
    assert_eq!(run(&[("content-md5", "kAFQ")], b"abc", &rules), Err(F::InvalidDigest));
    let crc_header = ("x-amz-checksum-crc32c", &*crc);
    assert!(run(&[crc_header], b"abc", &rules).is_ok());
    assert!(matches!(run(&[crc_header], b"abd", &rules), Err(F::Checksum { .. })));
    assert_eq!(run(&[crc_header, crc_header], b"abc", &rules), Err(F::ManyChecksums));
    let sha1 = sum(ChecksumAlgorithm::Sha1);
    let two = [crc_header, ("x-amz-checksum-sha1", &*sha1)];
    assert_eq!(run(&two, b"abc", &rules), Err(F::ManyChecksums));
    assert!(matches!(run(&[("x-amz-checksum-crc32", "x")], b"", &rules), Err(F::ChecksumValue(_))));
    assert_eq!(run(&[("x-amz-sdk-checksum-algorithm", "CRC32")], b"", &rules), Err(F::NoChecksum));
    assert_eq!(run(&[("x-amz-trailer", "x-amz-meta-a")], b"", &rules), Err(F::UnknownTrailer));
    let streaming = ("x-amz-content-sha256", Streaming::UnsignedTrailer.as_str());
    assert_eq!(run(&[streaming], b"", &rules), Err(F::NoLength));
    let signed = ("x-amz-content-sha256", Streaming::Signed.as_str());
    assert_eq!(run(&[signed], b"", &rules), Err(F::UnsignedChain));
    // CompleteMultipartUpload's header describes the object, and is left to S3.
    let rules = BodyRules { ignore_checksums: true, ..BodyRules::default() };
    assert!(run(&[("x-amz-checksum-crc32", "AAAAAA==-3")], b"<xml/>", &rules).is_ok());
    let rules =
        BodyRules { default_checksum: Some(ChecksumAlgorithm::Crc64Nvme), ..BodyRules::default() };
    let digests = run(&[], b"abc", &rules).unwrap();
    let expected = (ChecksumAlgorithm::Crc64Nvme, sum(ChecksumAlgorithm::Crc64Nvme));
    assert_eq!(digests.checksum, Some(expected));
}

/// Runs a future that never waits.
fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn a_checked_body_ends_with_its_verdict() {
    let (parts, wire) =
        upload(Streaming::SignedTrailer, &[1; 9000], 8192, ChecksumAlgorithm::Crc32);
    let rules = BodyRules { md5: true, ..BodyRules::default() };
    let (body, outcome) = checked(Body::from(wire.clone()), body_check(&parts, &rules));
    assert_eq!(body.len(), Some(9000));
    assert!(outcome.get().is_none());
    assert_eq!(now_or_never(body.collect(1 << 20)).unwrap(), vec![1; 9000]);
    let digests = outcome.get().unwrap();
    assert_eq!((digests.length, digests.trailers.len()), (9000, 1));

    let mut bad = wire;
    bad[200] ^= 1;
    let (body, outcome) = checked(Body::from(bad), body_check(&parts, &rules));
    let error = now_or_never(body.collect(1 << 20)).unwrap_err();
    assert!(matches!(error, BodyError::Refused(_)));
    let said = BodyFault::of(&error).unwrap().describe(Family::S3);
    assert_eq!((said.status, said.code), (403, "SignatureDoesNotMatch"));
    assert!(outcome.get().is_none());
}

/// Not a check but a measurement: `cargo test --release -p cumulet-auth -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn how_long_it_takes() {
    let secret = secret();
    let mut parts = parts("POST", "http://dynamodb.eu-central-1.amazonaws.com/");
    for (name, value) in [
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "DynamoDB_20120810.GetItem"),
        ("user-agent", "aws-sdk"),
    ] {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    let signer = Signer { session_token: None, ..signer(&secret, "dynamodb") };
    signer.sign(&mut parts, Payload::Bytes(b"{}"), NOW).unwrap();
    let (cache, hash, head) = (KeyCache::new(64), sha(b"{}"), head(&parts, "/"));
    let once = |rounds: u32, mut f: Box<dyn FnMut() + '_>| {
        // The best of fifty: the others measure what else the machine does.
        let batch = |_| {
            let start = std::time::Instant::now();
            (0..rounds / 50).for_each(|_| f());
            start.elapsed().as_nanos() / u128::from(rounds / 50)
        };
        (0..50).map(batch).min().unwrap()
    };
    let claim = parse(&head).unwrap().unwrap();
    let expect = expect(&["dynamodb"], NOW);
    let key = cache.get(&claim, &secret);
    let n = 200_000;
    println!("parse {} ns", once(n, Box::new(|| drop(parse(&head).unwrap()))));
    println!("cached key {} ns", once(n, Box::new(|| drop(cache.get(&claim, &secret)))));
    println!("derived key {} ns", once(n, Box::new(|| drop(SigningKey::derive(&claim, &secret)))));
    println!(
        "verify {} ns",
        once(
            n,
            Box::new(|| drop(
                verify(&head, &claim, &key, &expect, BodyHash::Collected(&hash)).unwrap()
            ))
        )
    );
    println!(
        "all three {} ns",
        once(
            n,
            Box::new(|| {
                let claim = parse(&head).unwrap().unwrap();
                let key = cache.get(&claim, &secret);
                verify(&head, &claim, &key, &expect, BodyHash::Collected(&hash)).unwrap();
            })
        )
    );
    let block = vec![7u8; 1 << 20];
    for algorithm in ChecksumAlgorithm::ALL {
        let mut sum = Sum::new(algorithm);
        let ns = once(200, Box::new(|| sum.update(&block)));
        println!("{algorithm:?} {} MB/s", 1_048_576_000 / ns);
    }
}
