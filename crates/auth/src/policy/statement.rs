//! One compiled statement and whether it applies to a request.

use super::condition::Condition;
use super::context::Scope;
use super::pattern::{Case, Glob, Pattern};
use super::principal::{Kind, Named, Principal, Reach, all_listed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// An element or its `Not…` form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Listed<T> {
    In(Box<[T]>),
    NotIn(Box<[T]>),
}

impl<T> Listed<T> {
    pub(super) fn new(items: Vec<T>, negated: bool) -> Self {
        if negated { Self::NotIn(items.into()) } else { Self::In(items.into()) }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub sid: Option<Box<str>>,
    pub effect: Effect,
    /// `None` in the policy of an identity, which is its own principal.
    pub principals: Option<Listed<Named>>,
    pub actions: Listed<Glob>,
    /// `None` where the policy belongs to one resource and does not name it.
    pub resources: Option<Listed<Pattern>>,
    pub conditions: Box<[Condition]>,
}

impl Statement {
    /// Whether action, resource and conditions fit the request.
    pub(super) fn applies(&self, action: &str, resource: &str, scope: &Scope<'_>) -> bool {
        self.names_action(action)
            && self.names_resource(resource, scope)
            && self.conditions.iter().all(|condition| condition.holds(scope))
    }

    fn names_action(&self, action: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(action, Case::Ignored));
        match &self.actions {
            Listed::In(globs) => any(globs),
            Listed::NotIn(globs) => !any(globs),
        }
    }

    fn names_resource(&self, resource: &str, scope: &Scope<'_>) -> bool {
        match &self.resources {
            None => true,
            Some(Listed::In(patterns)) => {
                patterns.iter().any(|pattern| pattern.matches(resource, scope) == Ok(true))
            }
            Some(Listed::NotIn(patterns)) => {
                patterns.iter().all(|pattern| pattern.matches(resource, scope) == Ok(false))
            }
        }
    }

    /// How directly the statement's principal is `who`, or `None`.
    pub(super) fn reach(&self, who: &Principal<'_>) -> Option<Reach> {
        match &self.principals {
            None => Some(Reach::Caller),
            Some(Listed::NotIn(listed)) => (!all_listed(listed, who)).then_some(Reach::Entity),
            Some(Listed::In(listed)) => {
                let by_arn = self.conditions.iter().any(Condition::singles_out_principals);
                // A role that everyone may assume is not meant for whoever has a token of some
                // provider; AWS's guide names providers in every such policy. A Deny means all.
                let must_be_named = who.kind == Kind::Federated && self.effect == Effect::Allow;
                let reach = |named: &Named| match named {
                    Named::Everyone if must_be_named => None,
                    named => named.reach(who, by_arn),
                };
                listed.iter().filter_map(reach).max()
            }
        }
    }
}
