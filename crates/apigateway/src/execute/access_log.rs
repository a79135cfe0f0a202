//! Access logs: a stage's format, filled with what is known of a request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Cx, LogLine};

use super::incoming::Incoming;

/// Values of `$context.…` by name.
pub(crate) type Variables = BTreeMap<Cow<'static, str>, String>;

/// What each request has ("Logging variables").
pub(crate) fn variables(incoming: &Incoming, status: u16, length: u64, millis: u128) -> Variables {
    let text = |text: &str| text.to_owned();
    [
        ("requestId", text(&incoming.request_id)),
        ("extendedRequestId", text(&incoming.extended_request_id)),
        ("accountId", text(&incoming.account)),
        ("apiId", text(&incoming.api)),
        ("stage", text(&incoming.stage)),
        ("domainName", text(&incoming.domain)),
        ("domainPrefix", text(incoming.domain.split('.').next().unwrap_or_default())),
        ("httpMethod", text(&incoming.method)),
        ("path", text(&incoming.raw_path)),
        ("protocol", text(incoming.protocol)),
        ("identity.sourceIp", text(&incoming.source_ip)),
        ("identity.userAgent", text(incoming.header("user-agent").unwrap_or("-"))),
        ("requestTime", incoming.clf_time()),
        ("requestTimeEpoch", incoming.received.millis().to_string()),
        ("status", status.to_string()),
        ("responseLength", length.to_string()),
        ("responseLatency", millis.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (Cow::Borrowed(name), value))
    .collect()
}

/// `format` with the values of its variables, and `-` for those that have none.
pub(crate) fn fill(format: &str, variables: &Variables) -> String {
    let mut line = String::with_capacity(format.len() * 2);
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("$context.") {
        line.push_str(before);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_' || c == '-';
        let end = after.find(|c| !fits(c)).unwrap_or(after.len());
        let name = after.get(..end).unwrap_or_default();
        // A sentence's full stop is no part of a name.
        let name = name.trim_end_matches(['.', '-']);
        // What a client chose (a path, a user agent) must not forge fields or lines.
        let value = variables.get(name).map_or("-", String::as_str);
        for c in value.chars() {
            match c {
                '"' | '\\' => line.extend(['\\', c]),
                c if c.is_control() => line.push(' '),
                c => line.push(c),
            }
        }
        rest = after.get(name.len()..).unwrap_or_default();
    }
    line.push_str(rest);
    line
}

/// A log group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl Group {
    /// The one that a stage's `destinationArn` names: of the API's own account, for nobody writes
    /// into another's log.
    pub(crate) fn named(cx: &Cx, destination: &str) -> Option<Self> {
        let arn: Arn = destination.parse().ok()?;
        let name = arn.resource().strip_prefix("log-group:")?;
        let name = name.strip_suffix(":*").unwrap_or(name).to_owned();
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let is_own = arn.service() == "logs" && !name.is_empty() && account == *cx.account();
        is_own.then_some(Self { account, region, name })
    }

    /// As policies name a stream.
    pub(crate) fn stream_arn(&self, stream: &str) -> Arn {
        let resource = format!("log-group:{}:log-stream:{stream}", self.name);
        Arn::new("logs", &self.region, &self.account, &resource)
    }
}

/// Writes the line.
pub(crate) fn write(cx: &Cx, group: Group, stream: String, message: String, makes_group: bool) {
    let Group { account, region, name } = group;
    cx.emit(LogLine { account, region, group: name, stream, at: cx.now(), message, makes_group });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_filled() {
        let variables = Variables::from([
            ("status".into(), "200".to_owned()),
            ("path".into(), "/a\"b\n".to_owned()),
        ]);
        let cases = [
            ("$context.status", "200"),
            (r#"{"s":$context.status,"p":"$context.path"}"#, r#"{"s":200,"p":"/a\"b "}"#),
            ("$context.none $context.status.", "- 200."),
            ("plain $contextual", "plain $contextual"),
            ("$context.", "-"),
        ];
        for (format, expected) in cases {
            assert_eq!(fill(format, &variables), expected, "{format}");
        }
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            fill(&format!("$context.{text}"), &variables);
        });
    }
}
