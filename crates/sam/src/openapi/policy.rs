//! The resource policy of a REST API: who may call it, from where.

use super::paths::{ANY_METHOD, conditional, wildcard, wrong_path};
use super::rest::{POLICY, RestEditor};
use crate::fault::{Fault, Of};
use crate::intrinsics::sub_with;
use crate::node::{Dict, Node, Text, dict, python};
use crate::python;

impl RestEditor {
    /// Adds statements for every method of a path.
    pub(crate) fn add_resource_policy(
        &mut self,
        policy: &Node,
        path: &Text,
        stage: &Node,
    ) -> Result<(), Fault> {
        if !policy.is_map() {
            return Err(Fault::structure("Resource Policy is not a valid dictionary."));
        }
        let resources = self.method_uris(path, stage)?;
        for (key, effect) in [("AwsAccountWhitelist", "Allow"), ("AwsAccountBlacklist", "Deny")] {
            if !policy.at(key).is_null() {
                self.add_accounts(policy.at(key), effect, &resources)?;
            }
        }
        for (key, operator) in
            [("IpRangeWhitelist", "NotIpAddress"), ("IpRangeBlacklist", "IpAddress")]
        {
            if policy.at(key).truthy() {
                let ranges = as_list(policy.at(key));
                let condition = dict! { operator => dict! { "aws:SourceIp" => ranges } };
                self.add_deny(&resources, condition);
            }
        }
        for (list, operator) in [("Blacklist", "StringEquals"), ("Whitelist", "StringNotEquals")] {
            let sources = sources(policy, list)?;
            if sources.is_empty() {
                continue;
            }
            self.add_deny(&resources, dict! { operator => sources });
        }
        self.doc.insert(POLICY, self.resource_policy.clone());
        Ok(())
    }

    /// Statements that the author wrote out.
    pub(crate) fn add_custom_statements(&mut self, statements: &Node) {
        if !statements.is_null() {
            if self.statements().is_null() {
                self.set_statements(statements.clone());
            } else {
                self.extend_statements(&as_list(statements), true);
            }
        }
        self.doc.insert(POLICY, self.resource_policy.clone());
    }

    fn statements(&self) -> Node {
        self.resource_policy.at("Statement").clone()
    }

    fn set_statements(&mut self, statements: Node) {
        if let Node::Map(policy) = &mut self.resource_policy {
            policy.insert("Version", "2012-10-17");
            policy.insert("Statement", statements);
        }
    }

    fn extend_statements(&mut self, more: &[Node], once: bool) {
        let mut all = match self.statements() {
            Node::Null => Vec::new(),
            other => as_list(&other),
        };
        for statement in more {
            if !once || !all.contains(statement) {
                all.push(statement.clone());
            }
        }
        self.set_statements(all.into());
    }

    fn add_accounts(
        &mut self,
        accounts: &Node,
        effect: &str,
        resources: &Node,
    ) -> Result<(), Fault> {
        if !accounts.truthy() {
            return Ok(());
        }
        if !matches!(accounts, Node::Map(_) | Node::List(_)) {
            return Err(Fault::structure(format!(
                "Type of '{}' must be a list or dictionary",
                python::str(accounts)
            )));
        }
        let statement = python! {
            "Effect" => effect,
            "Action" => "execute-api:Invoke",
            "Resource" => resources.clone(),
            "Principal" => python! { "AWS" => as_list(accounts) },
        };
        if self.statements().is_null() {
            self.set_statements(statement);
        } else {
            self.extend_statements(&[statement], false);
        }
        Ok(())
    }

    /// Everyone may, unless the condition holds.
    fn add_deny(&mut self, resources: &Node, condition: Node) {
        let statement = |effect: &str| {
            python! {
                "Effect" => effect,
                "Action" => "execute-api:Invoke",
                "Resource" => resources.clone(),
                "Principal" => "*",
            }
        };
        let mut deny = statement("Deny");
        if let Node::Map(deny) = &mut deny {
            deny.insert("Condition", condition);
        }
        let both = [statement("Allow"), deny];
        self.extend_statements(&both, true);
    }

    fn method_uris(&self, path: &Text, stage: &Node) -> Result<Node, Fault> {
        let mut uris = Vec::new();
        let node = self.paths.get(&path.text).ok_or_else(|| wrong_path(&path.text))?;
        let wild = wildcard(&path.text, true);
        for item in conditional(node)? {
            let item = item.as_map().ok_or_else(|| wrong_path(&path.text))?;
            for method in item.keys() {
                let lower = method.text.to_lowercase();
                let every = lower == ANY_METHOD || lower == "any";
                let name = if every { "*".to_owned() } else { method.text.to_uppercase() };
                let uri = Text {
                    text: format!("execute-api:/${{__Stage__}}/{name}{wild}"),
                    unicode: path.unicode || (method.unicode && !every),
                };
                uris.push(sub_with(uri, dict! { "__Stage__" => stage }));
            }
        }
        Ok(uris.into())
    }
}

fn as_list(node: &Node) -> Vec<Node> {
    match node {
        Node::List(items) => items.clone(),
        other => vec![other.clone()],
    }
}

/// The condition keys for VPCs and VPC endpoints.
fn sources(policy: &Node, list: &str) -> Result<Dict, Fault> {
    let mut condition = Dict::python();
    let mut add = |key: &str, items: Vec<Node>| {
        if let Node::List(all) = condition.entry(key, || Node::List(Vec::new())) {
            all.extend(items);
        }
    };
    let name = format!("SourceVpc{list}");
    match policy.at(&name) {
        Node::Null => {}
        given => {
            if Of::Resource("").strings("", given).is_err() {
                return Err(Fault::structure(format!(
                    "{name} must be a list of strings. Use IntrinsicVpc{list} instead for values \
                     that use Intrinsic Functions"
                )));
            }
            let of = |prefix: &str| -> Vec<Node> {
                let items = given.as_list().unwrap_or_default().iter();
                let fits = |one: &&Node| one.as_str().is_some_and(|one| one.starts_with(prefix));
                items.filter(fits).cloned().collect()
            };
            for (key, prefix) in [("aws:SourceVpc", "vpc-"), ("aws:SourceVpce", "vpce-")] {
                let found = of(prefix);
                if !found.is_empty() {
                    add(key, found);
                }
            }
        }
    }
    for (key, name) in [("aws:SourceVpc", "IntrinsicVpc"), ("aws:SourceVpce", "IntrinsicVpce")] {
        if let Node::List(items) = policy.at(&format!("{name}{list}")) {
            add(key, items.clone());
        }
    }
    let any = condition.iter().any(|(_, items)| items.truthy());
    Ok(if any { condition } else { Dict::default() })
}
