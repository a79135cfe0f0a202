//! What can be wrong with a value, in AWS's words.

use std::fmt;

/// How much of the caller's own text an error repeats, in bytes: AWS repeats all of it, which for
/// a request of 16 MiB is more than anybody reads.
const QUOTE: usize = 1024;

/// Why a value or an item is refused. `Display` is AWS's message of a ValidationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueError {
    /// An AttributeValue with no type set, or a name without a value.
    Empty,
    /// An AttributeValue with more than one type set.
    MoreThanOneType,
    /// `NULL: false`.
    NullNotTrue,
    /// An SS without members.
    EmptyStringSet,
    /// An NS without members.
    EmptyNumberSet,
    /// A BS without members.
    EmptyBinarySet,
    /// An SS with a member twice; the members in the caller's order.
    StringSetDuplicates(String),
    /// An NS with a member twice, compared by value: 1 and 1.0 are the same.
    NumberSetDuplicates,
    /// A BS with a member twice; the members as Base64 in the caller's order.
    BinarySetDuplicates(String),
    /// Not a decimal number; the caller's text, empty for the empty string.
    NotNumeric(String),
    /// A magnitude of 1E126 or more.
    NumberOverflow,
    /// A magnitude below 1E-130.
    NumberUnderflow,
    /// More than 38 significant digits.
    NumberTooManyDigits,
    /// Lists and maps nested more than 32 levels deep.
    NestingTooDeep,
    /// More than 400 KB by AWS's count.
    ItemTooLarge,
}

impl ValueError {
    /// Text that is not a number.
    pub(crate) fn not_numeric(text: &str) -> Self {
        Self::NotNumeric(quote(text))
    }
}

/// At most [`QUOTE`] bytes of a text, cut at a character.
pub(crate) fn quote(text: &str) -> String {
    text.char_indices().take_while(|(at, _)| *at < QUOTE).map(|(_, c)| c).collect()
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const INVALID: &str = "One or more parameter values were invalid: ";
        const ONE_TYPE: &str = "must contain exactly one of the supported datatypes";
        match self {
            Self::Empty => write!(f, "Supplied AttributeValue is empty, {ONE_TYPE}"),
            Self::MoreThanOneType => {
                write!(f, "Supplied AttributeValue has more than one datatypes set, {ONE_TYPE}")
            }
            Self::NullNotTrue => {
                write!(f, "{INVALID}Null attribute value types must have the value of true")
            }
            // Two blanks: so AWS writes it.
            Self::EmptyStringSet => write!(f, "{INVALID}An string set  may not be empty"),
            Self::EmptyNumberSet => write!(f, "{INVALID}An number set  may not be empty"),
            Self::EmptyBinarySet => write!(f, "{INVALID}Binary sets should not be empty"),
            Self::StringSetDuplicates(members) => {
                write!(f, "{INVALID}Input collection {members} contains duplicates.")
            }
            Self::NumberSetDuplicates => f.write_str("Input collection contains duplicates"),
            // No blank before "of": so AWS writes it.
            Self::BinarySetDuplicates(members) => {
                write!(f, "{INVALID}Input collection {members}of type BS contains duplicates.")
            }
            Self::NotNumeric(text) if text.is_empty() => {
                f.write_str("The parameter cannot be converted to a numeric value")
            }
            Self::NotNumeric(text) => {
                write!(f, "The parameter cannot be converted to a numeric value: {text}")
            }
            Self::NumberOverflow => f.write_str(
                "Number overflow. Attempting to store a number with magnitude larger than \
                 supported range",
            ),
            Self::NumberUnderflow => f.write_str(
                "Number underflow. Attempting to store a number with magnitude smaller than \
                 supported range",
            ),
            Self::NumberTooManyDigits => {
                f.write_str("Attempting to store more than 38 significant digits in a Number")
            }
            Self::NestingTooDeep => f.write_str(
                "Nesting Levels have exceeded supported limits: Attributes in the item have \
                 nested levels beyond supported limit",
            ),
            Self::ItemTooLarge => f.write_str("Item size has exceeded the maximum allowed size"),
        }
    }
}

impl std::error::Error for ValueError {}

/// Stored bytes that are not a stored item: truncated, altered, or of a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored item is damaged or of an unknown version")
    }
}

impl std::error::Error for Damaged {}
