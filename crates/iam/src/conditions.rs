//! The condition keys of a request, beside those that follow from principal and resource (which
//! `auth` adds itself).
//!
//! Source: "AWS global condition context keys" in the IAM user guide. What is given and what is not
//! stands in `api/condition-keys.toml`.

use std::borrow::Cow;

use cumulet_auth::policy::{Context, Values};
use cumulet_service::{Access, Cx, Principal, RequestInfo, Session};

/// Looks keys up only when a policy asks for them.
pub(crate) struct Conditions<'a> {
    pub cx: &'a Cx,
    pub access: &'a Access,
}

impl Context for Conditions<'_> {
    fn key(&self, name: &str) -> Option<Values<'_>> {
        let Some(short) = name.strip_prefix("aws:") else { return self.of_service(name) };
        match short {
            "sourceip" | "useragent" | "referer" | "securetransport" | "requestedregion" => {
                self.of_request(short)
            }
            "sourcearn" | "sourceaccount" => self.of_source(short),
            "calledvia" | "calledviafirst" | "calledvialast" => self.of_chain(short),
            "viaawsservice" => Some(flag(self.cx.is_forwarded())),
            "tokenissuetime" => {
                self.cx.principal().issued().map(|at| Values::one(at.iso8601(false)))
            }
            // "Present only when the principal uses temporary credentials"; there is no MFA here.
            "multifactorauthpresent" => self.cx.principal().issued().map(|_| flag(false)),
            "sourceidentity" => {
                let identity =
                    self.session().and_then(|session| session.source_identity.as_deref());
                identity.map(Values::one)
            }
            _ => self.of_service(name),
        }
    }
}

impl<'a> Conditions<'a> {
    fn session(&self) -> Option<&'a Session> {
        match self.cx.principal() {
            Principal::Role { session, .. } => Some(session),
            _ => None,
        }
    }

    /// A service that acts as itself makes a request of its own, without address and agent.
    fn of_request(&self, short: &str) -> Option<Values<'a>> {
        let request = self.cx.request();
        let own = matches!(self.cx.principal(), Principal::Service { .. });
        match short {
            "securetransport" => Some(flag(own || is_secure(request))),
            "requestedregion" => Some(Values::one(self.cx.region().as_str())),
            _ if own => None,
            "sourceip" => request.source_ip.map(|address| Values::one(address.to_string())),
            "useragent" => request.user_agent.as_deref().map(Values::one),
            _ => request.referer.as_deref().map(Values::one),
        }
    }

    /// The services through which the request came.
    fn of_chain(&self, short: &str) -> Option<Values<'a>> {
        let via = self.cx.called_via();
        match short {
            "calledviafirst" => via.first().map(|service| Values::one(*service)),
            "calledvialast" => via.last().map(|service| Values::one(*service)),
            _ if via.is_empty() => None,
            _ => Some(Values::Many(via.iter().map(|service| Cow::Borrowed(*service)).collect())),
        }
    }

    fn of_source(&self, short: &str) -> Option<Values<'a>> {
        let Principal::Service { source_account, source_arn, .. } = self.cx.principal() else {
            return None;
        };
        let source = if short == "sourcearn" { source_arn } else { source_account };
        source.as_deref().map(Values::one)
    }

    /// What the operation says of itself, then what the session's issuer said of it.
    fn of_service(&self, name: &str) -> Option<Values<'a>> {
        let mut keys = self.access.context.iter();
        if let Some((_, values)) = keys.find(|(key, _)| key.to_lowercase() == name) {
            return Some(match values.as_slice() {
                [one] => Values::one(one.as_str()),
                many => Values::Many(many.iter().map(|value| Cow::Borrowed(&**value)).collect()),
            });
        }
        let mut keys = self.session()?.context.iter();
        keys.find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| Values::one(&**value))
    }
}

/// Over TLS, or without leaving the machine: nobody can listen in on loopback or a socket, and the
/// tools that people have make buckets whose policy asks for TLS and then use them by this cloud's
/// plain address (W3C Secure Contexts 3.1 trusts loopback likewise).
fn is_secure(request: &RequestInfo) -> bool {
    request.secure || request.source_ip.is_none_or(|address| address.is_loopback())
}

fn flag(value: bool) -> Values<'static> {
    Values::one(if value { "true" } else { "false" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::Timestamp;

    #[test]
    fn what_stays_on_the_machine_is_secure() {
        let mut request = RequestInfo::internal(String::new(), Timestamp::from_secs(0));
        for (secure, address, expected) in [
            (false, Some("127.0.0.1"), true),
            (false, Some("::1"), true),
            (false, None, true),
            (false, Some("192.0.2.1"), false),
            (true, Some("192.0.2.1"), true),
        ] {
            request.secure = secure;
            request.source_ip = address.map(|text| text.parse().unwrap());
            assert_eq!(is_secure(&request), expected, "{secure} {address:?}");
        }
    }
}
