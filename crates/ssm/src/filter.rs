//! Which parameters DescribeParameters and GetParametersByPath answer.

use cumulet_api_ssm::types::{ParameterStringFilter, ParametersFilter, ParametersFilterKey};

use crate::error::Error;
use crate::model::ParameterRecord;

const TYPES: [&str; 3] = ["String", "StringList", "SecureString"];

/// Conditions that must all hold.
#[derive(Debug, Default)]
pub(crate) struct Filter(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    key: Field,
    option: Match,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Name,
    Type,
    KeyId,
    Path,
    Label,
    Tier,
    DataType,
    Tag(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Match {
    Equals,
    BeginsWith,
    Contains,
    OneLevel,
    Recursive,
}

/// The operations' own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Describe,
    ByPath,
}

impl Filter {
    /// Reads `ParameterFilters`. Messages as AWS's answers have them.
    pub(crate) fn read(filters: &[ParameterStringFilter], of: Of) -> Result<Self, Error> {
        let mut conditions: Vec<Condition> = Vec::with_capacity(filters.len());
        for filter in filters {
            let condition = Condition::read(filter, of)?;
            if conditions.iter().any(|before| before.key == condition.key) {
                return Err(Error::FilterKey(format!(
                    "The following filter is duplicated in the request: {}. A request can contain \
                     only one occurrence of a specific filter.",
                    filter.key
                )));
            }
            conditions.push(condition);
        }
        Ok(Self(conditions))
    }

    /// Reads `Filters`, the older form. Names are compared by their beginnings.
    pub(crate) fn read_old(filters: &[ParametersFilter]) -> Self {
        let condition = |filter: &ParametersFilter| {
            let (key, option) = match filter.key {
                ParametersFilterKey::Name => (Field::Name, Match::BeginsWith),
                ParametersFilterKey::Type => (Field::Type, Match::Equals),
                ParametersFilterKey::KeyId => (Field::KeyId, Match::Equals),
            };
            Condition { key, option, values: filter.values.clone() }
        };
        Self(filters.iter().map(condition).collect())
    }

    /// Whether a parameter fits: in each condition, one of the values does.
    pub(crate) fn fits(&self, record: &ParameterRecord) -> bool {
        self.0.iter().all(|condition| condition.fits(record))
    }
}

impl Condition {
    fn read(filter: &ParameterStringFilter, of: Of) -> Result<Self, Error> {
        let values = filter.values.clone().unwrap_or_default();
        let key = key(filter, of)?;
        let default = if key == Field::Path { Match::OneLevel } else { Match::Equals };
        let option = match filter.option.as_deref() {
            None => default,
            Some(text) => option(text, &key, of)?,
        };
        // A tag's key alone asks for parameters that have it.
        if values.is_empty() && !matches!(key, Field::Tag(_)) {
            return Err(Error::FilterValue(format!(
                "The following filter values are missing : null for filter key {}",
                filter.key
            )));
        }
        if key == Field::Type
            && let Some(wrong) = values.iter().find(|value| !TYPES.contains(&value.as_str()))
        {
            return Err(Error::FilterOption(format!(
                "The following filter value is not valid: {wrong}. Valid values include: \
                 [String, StringList, SecureString]"
            )));
        }
        if key == Field::Path && values.iter().any(|value| !value.starts_with('/')) {
            return Err(Error::validation(PATH_RULES));
        }
        Ok(Self { key, option, values })
    }

    fn fits(&self, record: &ParameterRecord) -> bool {
        let bare = |name: &str| name.strip_prefix('/').unwrap_or(name).to_owned();
        let found = |actual: &str| {
            self.values.iter().any(|value| match self.option {
                Match::Equals => actual == value,
                Match::BeginsWith => actual.starts_with(value.as_str()),
                Match::Contains => actual.contains(value.as_str()),
                Match::OneLevel | Match::Recursive => false,
            })
        };
        match &self.key {
            Field::Type => found(&record.kind),
            Field::KeyId => record.key_id.as_deref().is_some_and(found),
            Field::Tier => found(&record.tier),
            Field::DataType => found(&record.data_type),
            Field::Label => record.labels.keys().any(|label| found(label)),
            Field::Tag(key) => {
                record.tags.get(key).is_some_and(|tag| self.values.is_empty() || found(tag))
            }
            // `/x` and `x` are one name.
            Field::Name if self.option == Match::Contains => found(&record.name),
            Field::Name => {
                let name = bare(&record.name);
                self.values.iter().map(|value| bare(value)).any(|value| match self.option {
                    Match::BeginsWith => name.starts_with(&value),
                    _ => name == value,
                })
            }
            Field::Path => {
                let recursive = self.option == Match::Recursive;
                self.values.iter().any(|path| lies_below(&bare(&record.name), path, recursive))
            }
        }
    }
}

/// Whether a name (without its leading slash) lies below a path, at any depth or directly.
pub(crate) fn lies_below(bare: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_matches('/');
    let rest = match path {
        "" => Some(bare),
        path => bare.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// What AWS says of a path that is none.
pub(crate) const PATH_RULES: &str = "The parameter doesn't meet the parameter name requirements. \
     The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" \
     or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: \
     . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if \
     specified, must use the forward slash symbol \"/\". Valid example: \
     /get/parameters2-/by1./path0_.";

fn key(filter: &ParameterStringFilter, of: Of) -> Result<Field, Error> {
    let key = match (filter.key.as_str(), of) {
        ("Type", _) => Some(Field::Type),
        ("KeyId", _) => Some(Field::KeyId),
        ("Label", Of::ByPath) => Some(Field::Label),
        ("Name", Of::Describe) => Some(Field::Name),
        ("Path", Of::Describe) => Some(Field::Path),
        ("Tier", Of::Describe) => Some(Field::Tier),
        ("DataType", Of::Describe) => Some(Field::DataType),
        (key, Of::Describe) => key.strip_prefix("tag:").map(|tag| Field::Tag(tag.to_owned())),
        _ => None,
    };
    let valid = match of {
        Of::Describe => "[Path, Name, Type, KeyId, Tier]",
        Of::ByPath => "[Type, KeyId]",
    };
    key.ok_or_else(|| {
        Error::FilterKey(format!(
            "The following filter key is not valid: {}. Valid filter keys include: {valid}",
            filter.key
        ))
    })
}

fn option(text: &str, key: &Field, of: Of) -> Result<Match, Error> {
    let (options, valid): (&[_], _) = match (key, of) {
        (Field::Path, _) => (
            &[("Recursive", Match::Recursive), ("OneLevel", Match::OneLevel)],
            "[Recursive, OneLevel]",
        ),
        (Field::Label, _) => (&[("Equals", Match::Equals)], "[Equals]"),
        (Field::Name, _) => (
            &[
                ("BeginsWith", Match::BeginsWith),
                ("Equals", Match::Equals),
                ("Contains", Match::Contains),
            ],
            "[BeginsWith, Equals, Contains]",
        ),
        _ => (
            &[("BeginsWith", Match::BeginsWith), ("Equals", Match::Equals)],
            "[BeginsWith, Equals]",
        ),
    };
    let found = options.iter().find(|(name, _)| *name == text);
    found.map(|(_, option)| *option).ok_or_else(|| {
        Error::FilterOption(format!(
            "The following filter option is not valid: {text}. Valid options include: {valid}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_whole_levels() {
        for (name, path, recursive, expected) in [
            ("a/b", "/a", false, true),
            ("a/b/c", "/a", false, false),
            ("a/b/c", "/a", true, true),
            ("a/b/c", "/a/", true, true),
            ("ab/c", "/a", true, false),
            ("a", "/a", true, false),
            ("x", "/", false, true),
            ("x/y", "/", false, false),
            ("x/y", "/", true, true),
        ] {
            assert_eq!(lies_below(name, path, recursive), expected, "{name} {path}");
        }
    }
}
