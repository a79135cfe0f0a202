//! The worked examples of AWS's page on chunked uploads (S3 API reference, "Signature calculations
//! … multiple chunks" and "… trailing headers"): 65 KiB of `a` in chunks of 64 KiB.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::*;

/// Verifies head and body; gives the length of the payload.
fn upload(signed: &str, signature: &str, headers: &[(&'static str, &str)], wire: &[u8]) -> u64 {
    let mut map = HeaderMap::new();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={signature}"
    );
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    for (name, value) in [
        ("authorization", &*authorization),
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
    ] {
        map.insert(name, value.parse().unwrap());
    }
    let target = b"/examplebucket/chunkObject.txt";
    let head = Head { method: &Method::PUT, target, headers: &map, authority: None };
    let claim = parse(&head).unwrap().unwrap();
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    let expect = Expect {
        services: &["s3"],
        region: Some("us-east-1"),
        style: Style::S3,
        now: claim.date,
        skew: Duration::from_secs(900),
    };
    let key = SigningKey::derive(&claim, &secret);
    let verified = verify(&head, &claim, &key, &expect, BodyHash::Streaming).unwrap();
    let mut check = verified.body_check(&head, &BodyRules::default()).unwrap();
    let mut out = VecDeque::new();
    for piece in wire.chunks(1500) {
        check.push(Bytes::copy_from_slice(piece), &mut out).unwrap();
    }
    assert!(out.iter().flatten().all(|b| *b == b'a'));
    check.finish().unwrap().length
}

fn chunks(signatures: [&str; 3]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (size, signature) in [65_536, 1024, 0].into_iter().zip(signatures) {
        wire.extend(format!("{size:x};chunk-signature={signature}\r\n").bytes());
        wire.extend(vec![b'a'; size]);
        if size > 0 {
            wire.extend(b"\r\n");
        }
    }
    wire
}

#[test]
fn signed_chunks() {
    let mut wire = chunks([
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ]);
    wire.extend(b"\r\n");
    assert_eq!(wire.len(), 66_824);
    let length = upload(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
         x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        &[
            ("content-length", "66824"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ],
        &wire,
    );
    assert_eq!(length, 66_560);
}

#[test]
fn signed_chunks_and_trailer() {
    let mut wire = chunks([
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ]);
    // As the page has it: the line ends in a line feed before its own line end.
    wire.extend(b"x-amz-checksum-crc32c:sOO8/Q==\n\r\n");
    wire.extend(b"x-amz-trailer-signature:");
    wire.extend(b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n");
    let length = upload(
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
         x-amz-storage-class;x-amz-trailer",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        &[
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ],
        &wire,
    );
    assert_eq!(length, 66_560);
}
