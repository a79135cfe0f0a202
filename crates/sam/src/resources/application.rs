//! AWS::Serverless::Application: a nested stack, from a template or from the Serverless
//! Application Repository.

use crate::fault::{Fault, Of};
use crate::node::{Dict, Node};
use crate::python::Json;
use crate::resource::{Resource, tag_list};
use crate::resources::{SamResource, function::check_reserved_tags};
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

const KIND: &str = "AWS::Serverless::Application";

const SCHEMA: &[Property] = &[
    required("Location", Form::StrOrMap),
    optional("TemplateUrl", Form::Str),
    optional("Parameters", Form::Map),
    optional("NotificationARNs", Form::ListOfStrOrMap),
    optional("Tags", Form::Map),
    optional("TimeoutInMinutes", Form::Int),
];

fn key(id: &Node, version: &Node) -> String {
    format!("{}\n{}", Json::DEFAULT.write(id), Json::DEFAULT.write(version))
}

/// Asks the repository for the templates of the applications that the template names.
pub(crate) fn resolve_locations(state: &mut State<'_>) -> Result<(), Fault> {
    for id in state.ids_of(&[KIND])? {
        let location = state.properties(&id.text).at("Location");
        if !location.is_map() {
            continue;
        }
        let (app, version) = (location.at("ApplicationId"), location.at("SemanticVersion"));
        if app.is_null() || version.is_null() {
            continue;
        }
        let app = state.resolved_with_mappings(app)?;
        let version = state.resolved_with_mappings(version)?;
        if let Some(Node::Map(location)) =
            state.properties_mut(&id.text).and_then(|all| all.get_mut("Location"))
        {
            location.insert("ApplicationId", app.clone());
            location.insert("SemanticVersion", version.clone());
        }
        let key = key(&app, &version);
        if app.is_map() || version.is_map() || state.applications.contains_key(&key) {
            continue;
        }
        let found = locate(state, &id.text, &app, &version);
        state.applications.insert(key, found);
    }
    Ok(())
}

fn locate(state: &State<'_>, id: &str, app: &Node, version: &Node) -> Result<String, Fault> {
    let of = Of::Resource(id);
    let app = of.string("Location.ApplicationId", app)?;
    let version = of.string("Location.SemanticVersion", version)?;
    if app.text.contains("{{resolve:ssm:") {
        return Err(Fault::resource(
            id,
            "Serverless Application Repostiory does not support dynamic reference in \
             'ApplicationId' property.",
        ));
    }
    (state.context.application)(&app.text, &version.text)
        .map_err(|message| Fault::resource(id, message))
}

pub(super) fn transform(
    state: &mut State<'_>,
    app: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    locate_template(state, app)?;
    app.check(KIND, SCHEMA)?;
    check_reserved_tags(app, app.at("Tags"))?;
    let mut tags = Dict::default();
    tags.insert("lambda:createdBy", "SAM");
    if app.at("Location").is_map() {
        let location = app.at("Location");
        tags.insert_some("serverlessrepo:applicationId", location.at("ApplicationId"));
        tags.insert_some("serverlessrepo:semanticVersion", location.at("SemanticVersion"));
    }
    let mut list = tag_list(&tags.into());
    list.extend(tag_list(app.at("Tags")));
    let url = app.at("TemplateUrl");
    Ok(vec![
        Resource::new(&app.id, "AWS::CloudFormation::Stack", &app.passed())
            .after(app.depends_on.clone())
            .with("Parameters", app.at("Parameters"))
            .with("NotificationARNs", app.at("NotificationARNs"))
            .with("Tags", list)
            .with("TimeoutInMinutes", app.at("TimeoutInMinutes"))
            .with("TemplateURL", if url.truthy() { url.clone() } else { "".into() }),
    ])
}

fn locate_template(state: &State<'_>, app: &mut SamResource) -> Result<(), Fault> {
    let missing =
        |key: &str| app.fault(format!("Resource is missing the required [{key}] property."));
    let Some(location) = app.properties.get("Location").cloned() else {
        return Err(missing("Location"));
    };
    let Some(fields) = location.as_map() else {
        app.properties.insert("TemplateUrl", location);
        return Ok(());
    };
    for key in ["ApplicationId", "SemanticVersion"] {
        if !fields.contains(key) {
            return Err(missing(key));
        }
    }
    let (id, version) = (fields.at("ApplicationId"), fields.at("SemanticVersion"));
    Of::Resource(&app.id.text).present("ApplicationId", id)?;
    let unresolved = |key: &str| {
        app.fault(format!(
            "Property '{key}' cannot be resolved. Only FindInMap and Ref intrinsic functions are \
             supported."
        ))
    };
    if id.is_map() {
        return Err(unresolved("ApplicationId"));
    }
    if !version.truthy() {
        return Err(app.fault("Property 'SemanticVersion' cannot be blank."));
    }
    if version.is_map() {
        return Err(unresolved("SemanticVersion"));
    }
    match state.applications.get(&key(id, version)) {
        Some(Ok(url)) => app.properties.insert("TemplateUrl", url.as_str()),
        Some(Err(fault)) => return Err(fault.clone()),
        None => {}
    }
    Ok(())
}
