//! Schemas: what a type looks like on the wire and which constraints its values must keep.
//!
//! A schema has two halves. The [`Kind`] follows from the Rust type; the [`Rules`] come from the
//! member that uses it. Both are small and `Copy`, so codecs make the schema of a list's element
//! from that of the list without any table.

use std::sync::OnceLock;

use crate::Shape;

/// Kind and rules of one value.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// What kind of value it is.
    pub kind: Kind,
    /// What must hold for it.
    pub rules: &'static Rules,
}

impl Schema {
    /// The schema of a type on its own, without rules.
    pub const fn of<T: Shape>() -> Self {
        Self { kind: T::KIND, rules: &Rules::NONE }
    }

    /// The schema of a list's elements or a map's values.
    #[must_use]
    pub fn each(self) -> Self {
        let kind = match self.kind {
            Kind::List(kind) | Kind::Map(kind) => *kind,
            other => other,
        };
        Self { kind, rules: self.rules.each.unwrap_or(&Rules::NONE) }
    }

    /// The rules of a map's keys.
    pub fn keys(self) -> &'static Rules {
        self.rules.keys.unwrap_or(&Rules::NONE)
    }
}

/// The kinds of the Smithy and Coral models.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Members by name. Behind a function, so that structures may contain themselves.
    Structure(fn() -> &'static Structure),
    /// Elements of one kind.
    List(&'static Kind),
    /// String keys, values of one kind.
    Map(&'static Kind),
    /// UTF-8 text.
    String,
    /// One of a fixed set of texts, in the order in which AWS lists them.
    Enum(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// 32 bits, signed.
    Integer,
    /// 64 bits, signed.
    Long,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// Bytes.
    Blob,
    /// A moment.
    Timestamp,
    /// Any JSON value: the user's own document.
    Document,
    /// The request's or response's body as it comes.
    Stream,
    /// A value that reads and writes itself (DynamoDB's attribute values).
    Custom,
}

/// A structure's name and members.
#[derive(Debug)]
pub struct Structure {
    /// The name in the model.
    pub name: &'static str,
    /// The members in the model's order.
    pub members: &'static [Member],
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The member's name in the model: what validation messages call it.
    pub name: &'static str,
    /// Its name on the wire (`locationName`).
    pub wire: &'static str,
    /// Where in a REST request or response it stands.
    pub at: Location,
    /// Whether a value must be there.
    pub required: bool,
    /// Its kind and rules.
    pub schema: Schema,
}

/// Where a member stands in an HTTP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body, beside others.
    Body,
    /// In the path (`{Name}` or `{Name+}`).
    Uri,
    /// In the query string.
    Query,
    /// Every query parameter, as a map.
    Queries,
    /// In one header.
    Header,
    /// In all headers that begin with the wire name.
    Headers,
    /// It is the body.
    Payload,
    /// It is the response's status code.
    Status,
}

/// How a timestamp is written where the protocol's default does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeFormat {
    /// Epoch seconds, with a fraction where there is one.
    Epoch,
    /// RFC 3339 in UTC.
    Iso8601,
    /// RFC 9110's date.
    Http,
}

/// Constraints and spelling of a value.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Least length of a text, blob, list or map; least value of a number.
    pub min: Option<i64>,
    /// Greatest length or value.
    pub max: Option<i64>,
    /// What the whole text must match.
    pub pattern: Option<&'static Pattern>,
    /// Never show the value in a message or a log.
    pub sensitive: bool,
    /// The timestamp's format.
    pub time: Option<TimeFormat>,
    /// Rules of a list's elements or a map's values.
    pub each: Option<&'static Rules>,
    /// Rules of a map's keys.
    pub keys: Option<&'static Rules>,
    /// XML and query: the element of one list item or map entry; `member` and `entry` by default.
    pub item: Option<&'static str>,
    /// XML and query: the name of a map's key element; `key` by default.
    pub key: Option<&'static str>,
    /// XML and query: the name of a map's value element; `value` by default.
    pub value: Option<&'static str>,
    /// XML and query: items stand without an element around them.
    pub flattened: bool,
    /// XML: the value is an attribute of the parent's element.
    pub attribute: bool,
    /// XML: the namespace, as (prefix or empty, URI).
    pub xmlns: Option<(&'static str, &'static str)>,
    /// The SDKs fill this member with a UUID where the caller leaves it out.
    pub token: bool,
}

impl Rules {
    /// No rules at all.
    pub const NONE: Self = Self {
        min: None,
        max: None,
        pattern: None,
        sensitive: false,
        time: None,
        each: None,
        keys: None,
        item: None,
        key: None,
        value: None,
        flattened: false,
        attribute: false,
        xmlns: None,
        token: false,
    };
}

/// A regular expression that the whole of a text must match, compiled when first used.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<regex::Regex>>,
}

impl Pattern {
    /// A pattern as the model spells it.
    pub const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// The model's spelling, for messages.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole of `value` matches. A pattern that this engine cannot compile matches
    /// everything; `xtask codegen` leaves such patterns out, so there is none in generated code.
    pub fn matches(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| {
            regex::RegexBuilder::new(&format!("^(?:{})$", self.text))
                .size_limit(1 << 20)
                .build()
                .ok()
        });
        compiled.as_ref().is_none_or(|regex| regex.is_match(value))
    }
}
