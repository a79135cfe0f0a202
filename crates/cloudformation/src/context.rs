//! What a template's functions can ask of the world: the stack's resources, exports of other
//! stacks, SSM parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use cumulet_api_ssm::ops::{GetParameter, GetParameterRequest};
use cumulet_service::{Cx, Result};
use cumulet_template::{Context, DynamicReference, Lookup, Pseudo};
use serde_json::{Map, Value};

use crate::begin;
use crate::error::Error;
use crate::model::StackRecord;
use crate::store::{self, Place};

/// Rounds of looking up what an evaluation asked for: each brings what the one before named.
const ROUNDS: usize = 8;

/// What is known of one resource.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    /// It is there.
    There { physical_id: String, attributes: Map<String, Value> },
    /// It will be made: nothing is known yet.
    Later,
}

/// What an evaluation may refer to.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) resources: BTreeMap<String, Fact>,
    exports: BTreeMap<String, Option<String>>,
    parameters: BTreeMap<String, Option<String>>,
    asked: Mutex<Asked>,
}

/// What was asked for and not known.
#[derive(Debug, Default)]
struct Asked {
    exports: BTreeSet<String>,
    parameters: BTreeSet<(String, bool)>,
}

impl Known {
    /// Evaluates until nothing is asked for that has not been looked up.
    pub(crate) async fn evaluate<T>(
        &mut self,
        cx: &Cx,
        run: impl Fn(&Self) -> std::result::Result<T, cumulet_template::Error>,
    ) -> Result<T> {
        for _ in 0..ROUNDS {
            let result = run(self);
            let asked =
                std::mem::take(self.asked.get_mut().unwrap_or_else(PoisonError::into_inner));
            if asked.exports.is_empty() && asked.parameters.is_empty() {
                return Ok(result.map_err(Error::from)?);
            }
            self.look_up(cx, asked).await?;
        }
        Err(Error::invalid("Template error: dynamic references lead to ever more of them").into())
    }

    async fn look_up(&mut self, cx: &Cx, asked: Asked) -> Result<()> {
        let (snapshot, place) = (cx.store().snapshot(), Place::of(cx));
        for name in asked.exports {
            let export = store::export(&snapshot, &place, &name).await?;
            let value = export.map(|export| export.value);
            if value.is_none() {
                return Err(Error::invalid(format!("No export named {name} found.")).into());
            }
            self.exports.insert(name, value);
        }
        for (name, secret) in asked.parameters {
            let value = parameter(cx, &name, secret).await?;
            self.parameters.insert(name, value);
        }
        Ok(())
    }

    /// The names of exports that evaluations asked for.
    pub(crate) fn imported(&self) -> impl Iterator<Item = &str> {
        self.exports.keys().map(String::as_str)
    }

    fn asked(&self, note: impl FnOnce(&mut Asked)) {
        note(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn parameter(&self, name: &str, version: Option<u64>, secret: bool) -> Lookup {
        let name = version.map_or_else(|| name.to_owned(), |version| format!("{name}:{version}"));
        match self.parameters.get(&name) {
            Some(Some(value)) => Lookup::Value(Value::String(value.clone())),
            Some(None) => Lookup::Unknown,
            None => {
                self.asked(|asked| {
                    asked.parameters.insert((name, secret));
                });
                Lookup::Later
            }
        }
    }
}

impl Context for Known {
    fn reference(&self, resource: &str) -> Lookup {
        match self.resources.get(resource) {
            Some(Fact::There { physical_id, .. }) => {
                Lookup::Value(Value::String(physical_id.clone()))
            }
            Some(Fact::Later) => Lookup::Later,
            None => Lookup::Unknown,
        }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Lookup {
        match self.resources.get(resource) {
            Some(Fact::There { attributes, .. }) => {
                attributes.get(attribute).cloned().map_or(Lookup::Unknown, Lookup::Value)
            }
            Some(Fact::Later) => Lookup::Later,
            None => Lookup::Unknown,
        }
    }

    fn import(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.exports.get(name) {
            return value.clone().map(Value::String);
        }
        self.asked(|asked| {
            asked.exports.insert(name.to_owned());
        });
        None
    }

    fn zones(&self, region: &str) -> Vec<String> {
        // A region of this cloud is one place; three zones are what templates select from.
        ["a", "b", "c"].iter().map(|zone| format!("{region}{zone}")).collect()
    }

    fn dynamic(&self, reference: &DynamicReference) -> Lookup {
        match reference {
            DynamicReference::Ssm { name, version } => self.parameter(name, *version, false),
            DynamicReference::SsmSecure { name, version } => self.parameter(name, *version, true),
            // This cloud has no Secrets Manager.
            DynamicReference::SecretsManager { .. } => Lookup::Unknown,
        }
    }
}

/// The value of an SSM parameter (`name` or `name:version`), read as the one who acts.
pub(crate) async fn parameter(cx: &Cx, name: &str, secret: bool) -> Result<Option<String>> {
    let input = GetParameterRequest { name: name.to_owned(), with_decryption: Some(secret) };
    match cx.via(begin::PRINCIPAL).call::<GetParameter>(input).await {
        Ok(found) => Ok(found.parameter.and_then(|parameter| parameter.value)),
        Err(why) if why.status < 500 && why.code.starts_with("ParameterNotFound") => Ok(None),
        Err(why) if why.status < 500 && why.code.starts_with("ParameterVersionNotFound") => {
            Ok(None)
        }
        Err(why) => Err(why),
    }
}

/// The pseudo parameters of a stack.
pub(crate) fn pseudo(cx: &Cx, stack: &StackRecord) -> Pseudo {
    Pseudo {
        account_id: cx.account().as_str().to_owned(),
        region: cx.region().as_str().to_owned(),
        partition: "aws".to_owned(),
        url_suffix: "amazonaws.com".to_owned(),
        stack_id: stack.id.clone(),
        stack_name: stack.name.clone(),
        notification_arns: stack.settings.notification_arns.clone(),
    }
}
