//! From a policy's text to its compiled form.
//!
//! Source: "Grammar of the IAM JSON policy language" in the IAM user guide. The messages are
//! those that IAM is known to give; where several things are wrong, the order is IAM's too: the
//! syntax of the whole document first, then statement ids, actions, resources.

use serde_json::{Map, Value};

use super::condition;
use super::error::PolicyError;
use super::pattern::{Glob, Pattern};
use super::principal::Named;
use super::statement::{Effect, Listed, Statement};
use crate::json;

/// Bytes of a policy's text, white space included (the largest that IAM's API takes).
pub const MAX_TEXT: usize = 131_072;

/// Characters of a policy without white space: KMS's 32 KB is the largest quota of any service
/// here. Smaller ones (IAM's 6,144, S3's 20 KB) are their services' to check, with [`size`].
pub const MAX_SIZE: usize = 32_768;

/// The characters of a policy that count against quotas: all but white space.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_ascii_whitespace()).count()
}

/// What a policy is attached to, and so which elements it must and must not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grammar {
    /// A user, group, role or session; also permissions boundaries and what Lambda authorizers
    /// answer. No principal.
    Identity,
    /// A bucket, function, key, queue …: with a principal.
    Resource,
    /// A role's trust policy: with a principal, without resource.
    Trust,
}

/// A policy, compiled for evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub(super) grammar: Grammar,
    pub(super) statements: Box<[Statement]>,
}

impl Document {
    /// Reads and compiles a policy.
    pub fn parse(text: &str, grammar: Grammar) -> Result<Self, PolicyError> {
        if text.len() > MAX_TEXT || size(text) > MAX_SIZE {
            return Err(PolicyError::TooLarge);
        }
        let document = json::parse_object(text.as_bytes()).ok_or(PolicyError::Syntax)?;
        let mut version = "2008-10-17";
        let mut statements: &[Value] = &[];
        for (name, value) in &document {
            match name.as_str() {
                "Version" => version = value.as_str().ok_or(PolicyError::Syntax)?,
                "Id" if value.is_string() => {}
                "Statement" => statements = one_or_many(value),
                _ => return Err(PolicyError::Syntax),
            }
        }
        // Since 2012 `${…}` is a variable; before, it was text.
        let variables = match version {
            "2012-10-17" => true,
            "2008-10-17" => false,
            _ => return Err(PolicyError::Syntax),
        };
        let raw: Vec<Raw<'_>> = statements.iter().map(Raw::read).collect::<Result<_, _>>()?;
        if raw.is_empty() {
            return Err(PolicyError::Syntax);
        }
        check_sids(&raw, grammar)?;
        let compile = |raw: &Raw<'_>| raw.compile(grammar, variables);
        Ok(Self { grammar, statements: raw.iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// What the policy is attached to.
    pub fn grammar(&self) -> Grammar {
        self.grammar
    }
}

/// An element and whether it stood in its `Not…` form.
type Element<T> = Option<(T, bool)>;

/// A statement whose elements have the right types.
struct Raw<'a> {
    sid: Option<&'a str>,
    effect: &'a str,
    principal: Element<&'a Value>,
    actions: Element<Vec<&'a str>>,
    resources: Element<Vec<&'a str>>,
    condition: Option<&'a Value>,
}

impl<'a> Raw<'a> {
    fn read(statement: &'a Value) -> Result<Self, PolicyError> {
        let elements: &Map<String, Value> = statement.as_object().ok_or(PolicyError::Syntax)?;
        let mut raw = Self {
            sid: None,
            effect: "",
            principal: None,
            actions: None,
            resources: None,
            condition: None,
        };
        for (name, value) in elements {
            let not = name.starts_with("Not");
            match name.as_str() {
                "Sid" => raw.sid = Some(value.as_str().ok_or(PolicyError::Syntax)?),
                "Effect" => raw.effect = value.as_str().ok_or(PolicyError::Syntax)?,
                "Principal" | "NotPrincipal" => set(&mut raw.principal, value, not)?,
                "Action" | "NotAction" => set(&mut raw.actions, strings(value)?, not)?,
                "Resource" | "NotResource" => set(&mut raw.resources, strings(value)?, not)?,
                "Condition" if value.is_object() => raw.condition = Some(value),
                _ => return Err(PolicyError::Syntax),
            }
        }
        if !raw.effect.eq_ignore_ascii_case("allow") && !raw.effect.eq_ignore_ascii_case("deny") {
            return Err(PolicyError::Syntax);
        }
        Ok(raw)
    }

    fn compile(&self, grammar: Grammar, variables: bool) -> Result<Statement, PolicyError> {
        let effect = match self.effect {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return Err(PolicyError::LegacyParsing),
        };
        let principals = self.principals(grammar, effect)?;
        let conditions = match self.condition {
            None => Box::default(),
            Some(block) => condition::parse(block, variables)?,
        };
        let actions = self.compile_actions(grammar)?;
        let resources = self.compile_resources(grammar, variables)?;
        let sid = self.sid.filter(|sid| !sid.is_empty()).map(Box::from);
        Ok(Statement { sid, effect, principals, actions, resources, conditions })
    }

    fn principals(
        &self,
        grammar: Grammar,
        effect: Effect,
    ) -> Result<Option<Listed<Named>>, PolicyError> {
        let (value, negated) = match (grammar, self.principal) {
            (Grammar::Identity, None) => return Ok(None),
            (Grammar::Identity, Some(_)) => return Err(PolicyError::HasPrincipal),
            (_, None) => return Err(PolicyError::MissingPrincipal),
            // Only with Deny, and not in a trust policy (IAM user guide, "NotPrincipal").
            (Grammar::Trust, Some((_, true))) => return Err(PolicyError::NotPrincipal),
            (_, Some((_, true))) if effect == Effect::Allow => {
                return Err(PolicyError::NotPrincipal);
            }
            (_, Some(principal)) => principal,
        };
        let mut named = Vec::new();
        match value {
            Value::String(text) if text == "*" => named.push(Named::Everyone),
            Value::Object(kinds) => {
                for (kind, values) in kinds {
                    for text in strings(values)? {
                        named.push(Named::parse(kind, text)?);
                    }
                }
            }
            _ => return Err(PolicyError::Syntax),
        }
        if named.is_empty() {
            return Err(PolicyError::MissingPrincipal);
        }
        Ok(Some(Listed::new(named, negated)))
    }

    fn compile_actions(&self, grammar: Grammar) -> Result<Listed<Glob>, PolicyError> {
        let (actions, negated) = match &self.actions {
            Some((actions, negated)) if !actions.is_empty() => (actions, *negated),
            _ => return Err(PolicyError::MissingAction),
        };
        for action in actions {
            check_action(action)?;
            let sts = action.get(..4).is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:"));
            if grammar == Grammar::Trust && !sts {
                return Err(PolicyError::TrustAction);
            }
        }
        let globs = actions.iter().map(|action| Glob::ignoring_case(action)).collect();
        Ok(Listed::new(globs, negated))
    }

    fn compile_resources(
        &self,
        grammar: Grammar,
        variables: bool,
    ) -> Result<Option<Listed<Pattern>>, PolicyError> {
        let (resources, negated) = match (grammar, &self.resources) {
            (Grammar::Trust, Some(_)) => return Err(PolicyError::HasResource),
            // Some services' policies name none (ECR's); those that want one check it themselves.
            (Grammar::Trust | Grammar::Resource, None) => return Ok(None),
            (_, Some((resources, negated))) if !resources.is_empty() => (resources, *negated),
            _ => return Err(PolicyError::MissingResource),
        };
        if grammar == Grammar::Identity {
            resources.iter().try_for_each(|resource| check_resource(resource))?;
        }
        let patterns = resources.iter().map(|text| Pattern::resource(text, variables)).collect();
        Ok(Some(Listed::new(patterns, negated)))
    }
}

/// An element may stand once, be it plain or in its `Not…` form.
fn set<T>(element: &mut Element<T>, value: T, not: bool) -> Result<(), PolicyError> {
    if element.replace((value, not)).is_some() { Err(PolicyError::Syntax) } else { Ok(()) }
}

fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    }
}

fn strings(value: &Value) -> Result<Vec<&str>, PolicyError> {
    one_or_many(value).iter().map(|item| item.as_str().ok_or(PolicyError::Syntax)).collect()
}

fn check_sids(statements: &[Raw<'_>], grammar: Grammar) -> Result<(), PolicyError> {
    let mut sids: Vec<&str> =
        statements.iter().filter_map(|raw| raw.sid).filter(|sid| !sid.is_empty()).collect();
    // Policies of resources may have spaces and more in theirs.
    let plain = |sid: &&str| sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if grammar != Grammar::Resource && !sids.iter().all(plain) {
        return Err(PolicyError::Sid);
    }
    sids.sort_unstable();
    let unique = sids.iter().zip(sids.iter().skip(1)).all(|(a, b)| a != b);
    if unique { Ok(()) } else { Err(PolicyError::RepeatedSid) }
}

fn check_action(action: &str) -> Result<(), PolicyError> {
    if action == "*" {
        return Ok(());
    }
    let (vendor, name) = action.split_once(':').ok_or(PolicyError::Vendor)?;
    if name.contains(':') {
        return Err(PolicyError::Colons);
    }
    let plain = vendor.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if vendor == "*" || (plain && !vendor.is_empty()) {
        Ok(())
    } else {
        Err(PolicyError::InvalidVendor(vendor.into()))
    }
}

/// What IAM demands of a resource in an identity's policy. Fewer than six parts are allowed where
/// no part is empty (`arn:aws:logs:*`).
fn check_resource(resource: &str) -> Result<(), PolicyError> {
    const PARTITIONS: [&str; 8] = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
        "aws-eusc",
    ];
    if resource == "*" {
        return Ok(());
    }
    let arn = resource.strip_prefix("arn:").ok_or_else(|| PolicyError::NotArn(resource.into()))?;
    let (partition, rest) = arn.split_once(':').unwrap_or((arn, ""));
    if !PARTITIONS.contains(&partition) {
        let (partition, resource) = (partition.into(), resource.into());
        return Err(PolicyError::Partition { partition, resource });
    }
    let (service, rest) = rest.split_once(':').unwrap_or((rest, ""));
    if service.is_empty() || service.contains(['*', '?', '$']) {
        return Err(PolicyError::ResourceVendor);
    }
    if service == "iam" && !rest.starts_with([':', '*']) {
        return Err(PolicyError::Region(resource.into()));
    }
    let parts = resource.matches(':').count() + 1;
    if parts < 6 && resource.contains("::") { Err(PolicyError::LegacyParsing) } else { Ok(()) }
}
