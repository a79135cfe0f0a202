//! Condition keys: what a request says about itself.

use std::borrow::Cow;

use cumulet_base::Timestamp;

use super::principal::{Kind, Principal};

/// The values of a condition key that is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// A key that has one value.
    One(Cow<'a, str>),
    /// A key that has any number of them, such as `aws:TagKeys` or `dynamodb:LeadingKeys`.
    Many(Vec<Cow<'a, str>>),
}

impl<'a> Values<'a> {
    /// One value.
    pub fn one(value: impl Into<Cow<'a, str>>) -> Self {
        Self::One(value.into())
    }

    /// Each value.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values.as_slice(),
        }
        .iter()
        .map(AsRef::as_ref)
    }

    /// The value where there is exactly one: only that can stand in a policy variable.
    pub(super) fn single(&self) -> Option<&str> {
        let mut values = self.iter();
        values.next().filter(|_| values.next().is_none())
    }
}

/// Where condition keys are looked up, only those that a policy asks for.
pub trait Context {
    /// The values of `name`, which comes in lower case (`aws:resourcetag/team`); `None` where
    /// this request does not have the key.
    fn key(&self, name: &str) -> Option<Values<'_>>;
}

impl<F: Fn(&str) -> Option<Values<'static>>> Context for F {
    fn key(&self, name: &str) -> Option<Values<'_>> {
        self(name)
    }
}

/// Condition keys that are at hand as a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(Vec<(String, Values<'static>)>);

impl Keys {
    /// With `name`, whose case does not count, in addition. The first of two equal names counts.
    #[must_use]
    pub fn with(mut self, name: &str, values: Values<'static>) -> Self {
        self.0.push((name.to_lowercase(), values));
        self
    }
}

impl Context for Keys {
    fn key(&self, name: &str) -> Option<Values<'_>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, values)| values.clone())
    }
}

/// All keys of one evaluation: those that follow from the principal, the resource and the moment,
/// which no service can forget or a caller forge, before those of the request.
pub(super) struct Scope<'a> {
    pub principal: &'a Principal<'a>,
    pub resource_account: &'a str,
    pub now: Timestamp,
    pub context: &'a dyn Context,
}

impl Scope<'_> {
    /// The values of `name`, given in lower case.
    pub(super) fn key(&self, name: &str) -> Option<Values<'_>> {
        let Some(short) = name.strip_prefix("aws:") else { return self.context.key(name) };
        let who = self.principal;
        let present = |text| Some(text).filter(|text: &&str| !text.is_empty()).map(Values::one);
        if let Some(tag) = short.strip_prefix("principaltag/") {
            let tagged = who.tags.iter().find(|(key, _)| key.to_lowercase() == tag);
            return tagged.map(|(_, value)| Values::one(value.as_str()));
        }
        match short {
            "principalarn" => who.principal_arn().map(Values::one),
            "principalaccount" => present(who.account),
            "principaltype" => who.principal_type().map(Values::one),
            "userid" if who.kind == Kind::Anonymous => Some(Values::one("anonymous")),
            "userid" => present(who.userid),
            "username" => who.username().map(Values::one),
            "principalisawsservice" => {
                Some(Values::one(if who.kind == Kind::Service { "true" } else { "false" }))
            }
            "principalservicename" if who.kind == Kind::Service => present(who.arn),
            "principalservicename" => None,
            "resourceaccount" => present(self.resource_account),
            "currenttime" => Some(Values::one(self.now.iso8601(true))),
            "epochtime" => Some(Values::one(self.now.secs().to_string())),
            _ => self.context.key(name),
        }
    }
}
