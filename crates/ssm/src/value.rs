//! Values: their rules, their data types, and secrets at rest.
//!
//! SecureStrings are sealed under this cloud's master key. AWS seals them with a key of KMS; of its
//! keys only `alias/aws/ssm`, which every account has, stands for anything here as long as there is
//! no KMS.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Result as ServiceResult};

use crate::error::Error;
use crate::model::StoredValue;
use crate::name::Name;

/// The key of SecureStrings where a request names none.
pub(crate) const DEFAULT_KEY: &str = "alias/aws/ssm";
const PURPOSE: &str = "ssm";
/// Bytes of a value.
pub(crate) const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
/// Bytes of a compiled pattern.
const PATTERN_SIZE: usize = 1 << 20;

/// The part of `alias/aws/ssm`'s key policy that lets everybody of the account use it through
/// Parameter Store ("Allow access through ..." in the AWS managed key's policy).
static KEY_POLICY: LazyLock<Option<Arc<Document>>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "*"}, "Resource": "*",
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
        "Condition": {"StringLike": {"kms:ViaService": "ssm.*.amazonaws.com"}}}]}"#;
    Document::parse(text, Grammar::Resource).ok().map(Arc::new)
});

/// Checks the value itself, whatever its tier.
pub(crate) fn check(value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: \
             Member must have length greater than or equal to 1.",
        ));
    }
    if value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return Err(Error::validation(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ));
    }
    Ok(())
}

pub(crate) fn check_size(value: &str, advanced: bool) -> Result<(), Error> {
    let (tier, most) =
        if advanced { ("Advanced", ADVANCED_BYTES) } else { ("Standard", STANDARD_BYTES) };
    if value.len() <= most {
        return Ok(());
    }
    let upgrade = if advanced {
        ""
    } else {
        " To create a larger parameter value, upgrade the parameter to use the advanced-parameter \
         tier."
    };
    Err(Error::validation(format!(
        "{tier} tier parameters support a maximum parameter value of {most} characters.{upgrade}"
    )))
}

/// Whether all of the value matches. AWS does not say whether a part would do; its other
/// `AllowedPattern`s (CloudFormation) want all of it. Patterns are those of Rust's `regex`: no
/// look-around and no back-references, so that none can take forever.
pub(crate) fn check_pattern(value: &str, pattern: &str) -> Result<(), Error> {
    let whole = format!("^(?:{pattern})$");
    let build = |unicode| {
        let mut builder = regex::bytes::RegexBuilder::new(&whole);
        builder.unicode(unicode).size_limit(PATTERN_SIZE).build()
    };
    // Without Unicode, `(?i)` is known too.
    let regex = build(true).or_else(|_| build(false)).map_err(|_| Error::InvalidAllowedPattern)?;
    if regex.is_match(value.as_bytes()) {
        return Ok(());
    }
    Err(Error::PatternMismatch(pattern.to_owned()))
}

/// What a data type says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    Fits,
    Wrong,
    /// A type of AWS that is not here yet.
    NotHere,
    Unknown,
}

/// Holds a value against a data type. The forms of the newer types are documented by example only;
/// what is here takes the plain reading.
pub(crate) fn typed(value: &str, data_type: &str) -> Typed {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fits = match data_type {
        "text" => true,
        "boolean" => matches!(value, "true" | "false"),
        "integer" => digits(value.strip_prefix(['-', '+']).unwrap_or(value)),
        "float" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "json" => cumulet_wire::json::document(value.as_bytes(), 64).is_ok(),
        "ipv4-address" => value.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6-address" => value.parse::<std::net::Ipv6Addr>().is_ok(),
        "aws:account:id" => value.len() == 12 && digits(value),
        "hostname" => is_hostname(value),
        "aws:ec2:image"
        | "aws:ssm:integration"
        | "aws:region"
        | "binary"
        | "email"
        | "url"
        | "jsonc" => return Typed::NotHere,
        _ => return Typed::Unknown,
    };
    if fits { Typed::Fits } else { Typed::Wrong }
}

/// RFC 1123 section 2.1.
fn is_hostname(value: &str) -> bool {
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    value.len() <= 253 && value.split('.').all(fits)
}

/// The key that a request names, or the default; any other would be a key of KMS, and there is
/// none.
pub(crate) fn key(cx: &Cx, named: Option<&str>) -> Result<String, Error> {
    let alias = |arn: Arn| arn.as_str() == key_arn(cx).as_str();
    match named {
        None | Some(DEFAULT_KEY) => Ok(DEFAULT_KEY.to_owned()),
        Some(arn) if arn.parse().is_ok_and(alias) => Ok(DEFAULT_KEY.to_owned()),
        Some(other) => Err(Error::InvalidKey(other.to_owned())),
    }
}

fn key_arn(cx: &Cx) -> Arn {
    Arn::new("kms", cx.region(), cx.account(), DEFAULT_KEY)
}

/// Leave to encrypt or decrypt a parameter under the default key, on behalf of the caller as AWS
/// has it. Its key policy allows whoever may call Parameter Store, so that what decides are denials
/// in the caller's own policies. The key goes by its alias' ARN, since without KMS it has no id.
pub(crate) fn key_access(cx: &Cx, action: &'static str, name: &Name) -> Access {
    let via = format!("ssm.{}.amazonaws.com", cx.region());
    Access::on(cx, action, key_arn(cx))
        .with("kms:ViaService", vec![via])
        .with("kms:CallerAccount", vec![cx.account().as_str().to_owned()])
        .with("kms:EncryptionContextKeys", vec!["PARAMETER_ARN".to_owned()])
        .with("kms:EncryptionContext:PARAMETER_ARN", vec![name.arn().to_string()])
        .under(KEY_POLICY.clone())
}

/// What binds a secret to its place: one version's cannot stand for another's.
fn place(name: &Name, version: u64) -> Vec<u8> {
    format!("{}:{version}", name.arn()).into_bytes()
}

pub(crate) fn seal(cx: &Cx, name: &Name, version: u64, value: &str) -> Result<StoredValue, Error> {
    let sealed = cx.sealer().seal(PURPOSE, &place(name, version), value.as_bytes());
    let sealed = sealed.map_err(|_| Error::Seal("a parameter cannot be sealed"))?;
    Ok(StoredValue::Sealed(STANDARD.encode(sealed)))
}

/// The value to answer: a secret as it lies in the store, unless it is to be decrypted, for which
/// the caller needs leave.
pub(crate) async fn reveal(
    cx: &Cx,
    name: &Name,
    version: u64,
    stored: StoredValue,
    decrypt: bool,
) -> ServiceResult<String> {
    match stored {
        StoredValue::Plain(value) => Ok(value),
        StoredValue::Sealed(sealed) if !decrypt => Ok(sealed),
        StoredValue::Sealed(sealed) => {
            cx.authorize(&key_access(cx, "kms:Decrypt", name)).await?;
            let broken = || Error::Seal("a parameter's secret cannot be opened");
            let sealed = STANDARD.decode(sealed).map_err(|_| broken())?;
            let opened = cx.sealer().open_sealed(PURPOSE, &place(name, version), &sealed);
            let opened = opened.map_err(|_| broken())?;
            Ok(String::from_utf8(opened.to_vec()).map_err(|_| broken())?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_policy_is_a_policy() {
        assert!(KEY_POLICY.is_some());
    }

    #[test]
    fn values_are_held_against_their_types() {
        for (data_type, fine, wrong) in [
            ("boolean", "true", "True"),
            ("integer", "-12", "1.5"),
            ("float", "1e-3", "one"),
            ("json", "{\"a\": [1]}", "{a: 1}"),
            ("ipv4-address", "10.0.0.1", "10.0.0.256"),
            ("ipv6-address", "::1", "10.0.0.1"),
            ("aws:account:id", "000000000000", "1"),
            ("hostname", "a.example.com", "-a.example"),
        ] {
            assert_eq!(typed(fine, data_type), Typed::Fits, "{data_type}");
            assert_eq!(typed(wrong, data_type), Typed::Wrong, "{data_type}");
        }
        assert_eq!(typed("x", "text"), Typed::Fits);
        assert_eq!(typed("ami-1", "aws:ec2:image"), Typed::NotHere);
        assert_eq!(typed("x", "TEXT"), Typed::Unknown);
    }

    #[test]
    fn patterns_match_all_of_the_value() {
        assert_eq!(check_pattern("123", "^\\d+$"), Ok(()));
        assert_eq!(check_pattern("123", "\\d+"), Ok(()));
        assert!(check_pattern("a123", "\\d+").is_err());
        assert_eq!(check_pattern("ABC", "(?i)abc"), Ok(()));
        assert_eq!(check_pattern("x", "a(?=b)"), Err(Error::InvalidAllowedPattern));
        assert_eq!(check_pattern("x", "a{1000}{1000}"), Err(Error::InvalidAllowedPattern));
        bolero::check!().with_type::<(String, String)>().with_iterations(1_000).for_each(
            |(value, pattern)| {
                let _ = check_pattern(value, pattern);
            },
        );
    }

    #[test]
    fn nested_references_and_large_values_are_refused() {
        assert!(check("{{ssm:x}}").is_err());
        assert_eq!(check("{\"a\":{\"b\":{}}}"), Ok(()));
        assert!(check("").is_err());
        assert!(check_size(&"x".repeat(4097), false).is_err());
        assert!(check_size(&"x".repeat(8192), true).is_ok());
        assert!(check_size(&"ä".repeat(4096), true).is_ok());
        assert!(check_size(&"ä".repeat(4097), true).is_err());
    }
}
