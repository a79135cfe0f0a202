//! Account ids and regions: small, checked, cheap to clone.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A text that is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// An account id is twelve decimal digits.
    Account(String),
    /// A region is 1 to 32 of `a-z`, `0-9` and `-`.
    Region(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(text) => write!(f, "an account id is 12 digits, not {text:?}"),
            Self::Region(text) => {
                write!(f, "a region is 1-32 letters a-z, digits and dashes, not {text:?}")
            }
        }
    }
}

impl std::error::Error for NameError {}

/// A twelve-digit AWS account id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account that this ecosystem's tools expect when none is named.
    pub const DEFAULT: Self = Self(*b"000000000000");

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        // Only digits get in (`FromStr`, `DEFAULT`), so this is always UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match <[u8; 12]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(NameError::Account(text.to_owned())),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A region's name, such as `eu-west-1`. Any well-formed name is a region of this cloud.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.into())) } else { Err(NameError::Region(text.to_owned())) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        assert_eq!("000000000000".parse::<AccountId>().unwrap(), AccountId::DEFAULT);
        for wrong in ["", "1", "00000000000a", "0000000000000", "٠٠٠٠٠٠"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn regions_are_plain_names() {
        assert_eq!("eu-west-1".parse::<Region>().unwrap().as_str(), "eu-west-1");
        for wrong in ["", "EU", "a/b", "a:b", "a b"] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }
}
