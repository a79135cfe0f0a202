//! AWS's Serverless Application Model: `Transform: AWS::Serverless-2016-10-31`, in Rust. Pure.
//!
//! [`transform`] takes a template and gives the CloudFormation template that AWS makes of it,
//! generated logical ids included. What AWS does is known from its documentation and from its
//! published pairs of templates and results, which the tests run.

mod events;
mod fault;
mod globals;
mod implicit;
mod intrinsics;
mod logical_id;
mod node;
mod openapi;
mod policies;
mod prepare;
mod python;
mod resource;
mod resources;
mod roles;
mod schema;
mod state;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use fault::Fault;
pub use fault::TransformError;
use state::State;

/// The name under which a template asks for this transform.
pub const TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// What the transform knows of the place where it runs.
#[derive(Clone)]
pub struct Context<'c> {
    /// Region of the stack.
    pub region: &'c str,
    /// Account of the stack.
    pub account: &'c str,
    /// Partition of the region: `aws`, `aws-cn`, ….
    pub partition: &'c str,
    /// ARNs of AWS's managed policies by name. A name that is not there stays as it is.
    pub managed_policies: &'c BTreeMap<String, String>,
    /// Gives the template's URL for an application of the Serverless Application Repository, by
    /// its ARN and version, or says why not.
    pub application: &'c dyn Fn(&str, &str) -> Result<String, String>,
    /// Seconds since 1970, for APIs that ask for a deployment each time.
    pub now: u64,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("region", &self.region).finish_non_exhaustive()
    }
}

/// Transforms a template. `parameters` are the values given to the stack, by name.
///
/// On failure every error found; [`TransformError::summary`] makes AWS's answer of them.
pub fn transform(
    template: &Value,
    parameters: &Map<String, Value>,
    context: &Context<'_>,
) -> Result<Value, Vec<TransformError>> {
    run(template, parameters, context).map_err(|fault| Fault::into_errors(vec![fault]))
}

fn run(
    template: &Value,
    parameters: &Map<String, Value>,
    context: &Context<'_>,
) -> Result<Value, Fault> {
    let mut state = State::new(template, parameters, context)?;
    resources::application::resolve_locations(&mut state)?;
    prepare::default_definitions(&mut state)?;
    implicit::add_apis(&mut state, &implicit::REST)?;
    implicit::add_apis(&mut state, &implicit::HTTP)?;
    globals::apply(&mut state)?;
    resources::connector::unfold(&mut state);
    state.begin_output();
    for id in resources::order(&state) {
        if let Err(fault) = resources::transform(&mut state, &id) {
            state.note(fault)?;
        }
    }
    resources::deployment::finish(&mut state);
    state.finish()
}
