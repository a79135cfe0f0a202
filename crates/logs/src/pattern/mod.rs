//! Filter patterns: which events FilterLogEvents returns.
//!
//! Three languages, told apart by their first character: `{ $.level = "ERROR" }` looks into JSON
//! events, `[ip, ..., status=4*]` at fields between spaces, anything else at terms. Source:
//! CloudWatch Logs user guide, "Filter pattern syntax". Pure: no store, no clock.

mod delimited;
mod expression;
mod json;
mod lexer;
mod terms;
mod value;

#[cfg(test)]
mod tests;

/// Regular expressions that one JSON or space-delimited pattern may have (user guide, "Quotas").
const MOST_REGEXES: usize = 2;

/// A pattern, ready to be held against events.
#[derive(Debug)]
pub struct Pattern(Kind);

#[derive(Debug)]
enum Kind {
    Everything,
    Terms(terms::Terms),
    Json(json::Json),
    Delimited(delimited::Delimited),
}

/// The text is no pattern. AWS says no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPattern;

impl Pattern {
    /// Reads a pattern; a blank one matches every event. The API allows 1,024 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim();
        let kind = match text.chars().next() {
            None => Kind::Everything,
            Some('{') => Kind::Json(json::Json::parse(text)?),
            Some('[') => Kind::Delimited(delimited::Delimited::parse(text)?),
            // The guide's `" "`, and `""`, match all.
            Some(_) if text.trim_matches('"').trim().is_empty() => Kind::Everything,
            Some(_) => Kind::Terms(terms::Terms::parse(text)?),
        };
        Ok(Self(kind))
    }

    /// Whether an event's message matches. Linear in the message, but for JSON's tree.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Everything => true,
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(json) => json.matches(message),
            Kind::Delimited(delimited) => delimited.matches(message),
        }
    }
}
