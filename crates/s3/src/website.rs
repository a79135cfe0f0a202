//! A bucket as a website: its configuration, and where requests are led.
//!
//! Source: "Hosting a static website using Amazon S3" in the S3 user guide.

use cumulet_api_s3::ops::GetBucketWebsiteOutput;
use cumulet_api_s3::types::{
    Condition, ErrorDocument, IndexDocument, Protocol, Redirect, RedirectAllRequestsTo,
    RoutingRule as Rule, WebsiteConfiguration,
};

use cumulet_service::{Cx, Error, Result};
use cumulet_store::Read as _;
use cumulet_store::names::{self, ClaimError};

use crate::error::S3Error;
use crate::model::{RoutingRule, WebsiteRecord};
use crate::store::{Place, WEBSITE_NAMES};

/// The kind of configuration.
pub(crate) const WEBSITE: &str = "website";

/// Routing rules of one website.
const MOST_RULES: usize = 50;

/// Makes the list of websites say what the bucket's configuration says now.
pub(crate) async fn list(cx: &Cx, place: &Place) -> Result<()> {
    let owner = &place.owner();
    let done = cx
        .store()
        .transact(|tx| async move {
            let configured = tx.get(&place.config(WEBSITE)).await?.is_some();
            if configured {
                names::claim(&tx, WEBSITE_NAMES, &place.name, owner).await
            } else {
                names::release(&tx, WEBSITE_NAMES, &place.name, owner).await?;
                Ok(())
            }
        })
        .await;
    done.map_err(|error| match error {
        ClaimError::Store(error) => error.into(),
        // Whoever has the bucket's name has this one.
        ClaimError::Taken(_) => Error::internal(error),
    })
}

/// From the wire, checked.
pub(crate) fn read(asked: WebsiteConfiguration) -> Result<WebsiteRecord, S3Error> {
    let rules = asked.routing_rules.unwrap_or_default();
    if let Some(all) = asked.redirect_all_requests_to {
        if asked.index_document.is_some() || asked.error_document.is_some() || !rules.is_empty() {
            return Err(wrong(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
            ));
        }
        let protocol = all.protocol.map(|protocol| protocol.as_str().to_owned());
        return Ok(WebsiteRecord {
            redirect_all: Some((all.host_name, protocol)),
            ..WebsiteRecord::default()
        });
    }
    let index = asked.index_document.map(|index| index.suffix);
    let index = index.ok_or_else(|| {
        wrong("A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty")
    })?;
    if index.is_empty() || index.contains('/') {
        return Err(wrong("The IndexDocument Suffix is not well formed"));
    }
    if rules.len() > MOST_RULES {
        return Err(S3Error::InvalidRequest(format!(
            "{} routing rules provided, the number of routing rules in a website configuration is \
             limited to 50.",
            rules.len()
        )));
    }
    Ok(WebsiteRecord {
        redirect_all: None,
        index: Some(index),
        error: asked.error_document.map(|error| error.key),
        rules: rules.into_iter().map(read_rule).collect::<Result<_, _>>()?,
    })
}

fn wrong(message: &'static str) -> S3Error {
    S3Error::InvalidArgument { message, name: "WebsiteConfiguration", value: String::new() }
}

fn read_rule(rule: Rule) -> Result<RoutingRule, S3Error> {
    let Redirect {
        host_name,
        http_redirect_code,
        protocol,
        replace_key_prefix_with,
        replace_key_with,
    } = rule.redirect;
    if replace_key_prefix_with.is_some() && replace_key_with.is_some() {
        return Err(wrong("You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
    }
    let number = |text: Option<String>, low: u16, high: u16, message: &'static str| match text {
        None => Ok(None),
        Some(text) => {
            let code = text.parse().ok().filter(|code| (low..=high).contains(code));
            code.map(Some).ok_or_else(|| wrong(message))
        }
    };
    let redirect = "The provided HTTP redirect code is not valid. Valid codes are 3XX except 300.";
    let returned = "The provided HTTP error code is not valid. Valid codes are 4XX or 5XX.";
    let condition = rule.condition.unwrap_or_default();
    Ok(RoutingRule {
        prefix: condition.key_prefix_equals,
        status: number(condition.http_error_code_returned_equals, 400, 599, returned)?,
        host: host_name,
        protocol: protocol.map(|protocol| protocol.as_str().to_owned()),
        code: number(http_redirect_code, 301, 399, redirect)?,
        replace_key: replace_key_with,
        replace_prefix: replace_key_prefix_with,
    })
}

/// To the wire.
pub(crate) fn show(record: WebsiteRecord) -> GetBucketWebsiteOutput {
    let protocol = |text: Option<String>| {
        text.map(|text| if text == "https" { Protocol::Https } else { Protocol::Http })
    };
    let rules: Vec<Rule> = record
        .rules
        .into_iter()
        .map(|rule| Rule {
            condition: (rule.prefix.is_some() || rule.status.is_some()).then(|| Condition {
                key_prefix_equals: rule.prefix,
                http_error_code_returned_equals: rule.status.map(|status| status.to_string()),
            }),
            redirect: Redirect {
                host_name: rule.host,
                http_redirect_code: rule.code.map(|code| code.to_string()),
                protocol: protocol(rule.protocol),
                replace_key_prefix_with: rule.replace_prefix,
                replace_key_with: rule.replace_key,
            },
        })
        .collect();
    GetBucketWebsiteOutput {
        redirect_all_requests_to: record
            .redirect_all
            .map(|(host_name, own)| RedirectAllRequestsTo { host_name, protocol: protocol(own) }),
        index_document: record.index.map(|suffix| IndexDocument { suffix }),
        error_document: record.error.map(|key| ErrorDocument { key }),
        routing_rules: Some(rules).filter(|rules| !rules.is_empty()),
    }
}

/// The first rule for `key`, where a look at it gave `status`; `None` before the look.
pub(crate) fn rule<'r>(
    record: &'r WebsiteRecord,
    key: &str,
    status: Option<u16>,
) -> Option<&'r RoutingRule> {
    record.rules.iter().find(|rule| {
        let prefix = rule.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()));
        prefix && rule.status == status
    })
}

/// Where `rule` leads: status and URL. `endpoint`: scheme and host of the request.
pub(crate) fn redirect(rule: &RoutingRule, key: &str, endpoint: &str) -> (u16, String) {
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let scheme = rule.protocol.as_deref().unwrap_or(scheme);
    let host = rule.host.as_deref().unwrap_or(host);
    let behind = || {
        let prefix = rule.prefix.as_deref().unwrap_or_default();
        key.strip_prefix(prefix).unwrap_or(key).to_owned()
    };
    let key = match (&rule.replace_key, &rule.replace_prefix) {
        (Some(key), _) => key.clone(),
        (None, Some(prefix)) => format!("{prefix}{}", behind()),
        (None, None) => key.to_owned(),
    };
    let path = crate::listing::spell(&key, true);
    (rule.code.unwrap_or(301), format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(index: &str, rules: Vec<Rule>) -> WebsiteConfiguration {
        WebsiteConfiguration {
            index_document: Some(IndexDocument { suffix: index.to_owned() }),
            routing_rules: Some(rules),
            ..WebsiteConfiguration::default()
        }
    }

    fn docs_rule() -> Rule {
        Rule {
            condition: Some(Condition {
                key_prefix_equals: Some("docs/".into()),
                http_error_code_returned_equals: None,
            }),
            redirect: Redirect {
                replace_key_prefix_with: Some("documents/".into()),
                ..Redirect::default()
            },
        }
    }

    #[test]
    fn configurations_are_checked_and_come_back() {
        let record = read(configuration("index.html", vec![docs_rule()])).unwrap();
        let shown = show(record.clone());
        assert_eq!(shown.index_document.unwrap().suffix, "index.html");
        assert_eq!(shown.routing_rules.unwrap().len(), 1);
        assert!(read(WebsiteConfiguration::default()).is_err());
        assert!(read(configuration("a/b", vec![])).is_err());
        assert!(read(configuration("i", vec![docs_rule(); 51])).is_err());
        let mut both = docs_rule();
        both.redirect.replace_key_with = Some("k".into());
        assert!(read(configuration("i", vec![both])).is_err());
    }

    #[test]
    fn rules_lead_elsewhere() {
        let record = read(configuration("i", vec![docs_rule()])).unwrap();
        let found = rule(&record, "docs/a b", None).unwrap();
        let expect = (301, "http://w.example/documents/a%20b".to_owned());
        assert_eq!(redirect(found, "docs/a b", "http://w.example"), expect);
        assert!(rule(&record, "other", None).is_none());
        assert!(rule(&record, "docs/", Some(404)).is_none());
    }
}
