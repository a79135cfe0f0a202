//! Small structured values: JSON behind a version.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::StoreError;

/// A value of a stored type. Written as two bytes of version (big endian) and JSON.
///
/// Adding an optional field needs `#[serde(default)]` and no new version. Any other change takes
/// the next version and a step in [`Record::upgrade`].
pub trait Record: Serialize + DeserializeOwned + Send {
    /// The version that is written now.
    const VERSION: u16;

    /// Turns what an older version wrote into this one's JSON, or says why it cannot.
    fn upgrade(version: u16, stored: Value) -> Result<Value, String> {
        let _ = stored;
        Err(format!("version {version} cannot be read any more"))
    }
}

/// The bytes under which a record is stored.
pub(crate) fn encode<R: Record>(record: &R) -> Result<Bytes, StoreError> {
    let mut bytes = R::VERSION.to_be_bytes().to_vec();
    serde_json::to_writer(&mut bytes, record)
        .map_err(|why| StoreError::Corrupt(format!("a record cannot be written: {why}")))?;
    Ok(bytes.into())
}

/// The record that was stored as `bytes` under `key`.
pub(crate) fn decode<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, StoreError> {
    let corrupt = |why: &dyn std::fmt::Display| {
        StoreError::Corrupt(format!("the record at {}: {why}", key.escape_ascii()))
    };
    let Some((version, json)) = bytes.split_first_chunk::<2>() else {
        return Err(corrupt(&"too short"));
    };
    let version = u16::from_be_bytes(*version);
    if version == R::VERSION {
        return serde_json::from_slice(json).map_err(|why| corrupt(&why));
    }
    if version > R::VERSION {
        return Err(corrupt(&format_args!(
            "written by a newer binary (version {version}, known: {})",
            R::VERSION
        )));
    }
    let stored = serde_json::from_slice(json).map_err(|why| corrupt(&why))?;
    let upgraded = R::upgrade(version, stored).map_err(|why| corrupt(&why))?;
    serde_json::from_value(upgraded).map_err(|why| corrupt(&why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
    }

    impl Record for Old {
        const VERSION: u16 = 1;
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        names: Vec<String>,
    }

    impl Record for New {
        const VERSION: u16 = 2;

        fn upgrade(version: u16, mut stored: Value) -> Result<Value, String> {
            match version {
                1 => Ok(serde_json::json!({ "names": [stored["name"].take()] })),
                _ => Err("unknown".to_owned()),
            }
        }
    }

    #[test]
    fn a_newer_binary_reads_what_an_older_one_wrote() {
        let stored = encode(&Old { name: "n".to_owned() }).unwrap();
        assert_eq!(&stored[..], b"\x00\x01{\"name\":\"n\"}");
        assert_eq!(decode::<New>(b"k", &stored), Ok(New { names: vec!["n".to_owned()] }));
    }

    #[test]
    fn an_older_binary_refuses_what_a_newer_one_wrote() {
        let stored = encode(&New { names: vec![] }).unwrap();
        let refused = decode::<Old>(b"k", &stored).unwrap_err();
        assert!(matches!(&refused, StoreError::Corrupt(why) if why.contains("newer")), "{refused}");
    }

    #[test]
    fn damage_is_an_error_that_names_the_key() {
        for wrong in [&b""[..], b"\x00", b"\x00\x01", b"\x00\x01{}", b"\x00\x00{}"] {
            let refused = decode::<Old>(b"some\0key", wrong).unwrap_err();
            assert!(matches!(refused, StoreError::Corrupt(why) if why.contains("some\\x00key")));
        }
    }
}
