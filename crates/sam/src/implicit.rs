//! Implicit APIs: events that name no API share one that SAM creates. Its definition, and those of
//! the APIs without one of their own, get a path for each event here; the integrations follow
//! when the functions are transformed.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::fault::{Fault, Of};
use crate::intrinsics::{combined, if_only, reference};
use crate::node::{Dict, Node, Text, dict};
use crate::openapi::{ANY_METHOD, HttpEditor, RestEditor};
use crate::state::State;

/// What differs between the two kinds of APIs.
#[derive(Debug)]
pub(crate) struct Kind {
    event_type: &'static str,
    id_property: &'static str,
    implicit_id: &'static str,
    resource_type: &'static str,
    http: bool,
}

/// REST APIs.
pub(crate) const REST: Kind = Kind {
    event_type: "Api",
    id_property: "RestApiId",
    implicit_id: "ServerlessRestApi",
    resource_type: "AWS::Serverless::Api",
    http: false,
};

/// HTTP APIs.
pub(crate) const HTTP: Kind = Kind {
    event_type: "HttpApi",
    id_property: "ApiId",
    implicit_id: "ServerlessHttpApi",
    resource_type: "AWS::Serverless::HttpApi",
    http: true,
};

/// For each API: for each path and method the condition of its function, and the functions'
/// policies.
#[derive(Debug, Default)]
struct Gathered {
    conditions: IndexMap<String, IndexMap<String, IndexMap<String, Node>>>,
    deletion_policies: Vec<Node>,
    update_replace_policies: Vec<Node>,
}

impl Kind {
    fn implicit_resource(&self) -> Node {
        let properties = if self.http {
            dict! { "DefinitionBody" => HttpEditor::skeleton(), "__MANAGE_SWAGGER" => true }
        } else {
            dict! {
                "StageName" => "Prod",
                "DefinitionBody" => RestEditor::skeleton(),
                "__MANAGE_SWAGGER" => true,
            }
        };
        dict! { "Type" => self.resource_type, "Properties" => properties }
    }

    fn is_valid(&self, body: &Node) -> bool {
        if self.http { HttpEditor::is_valid(body) } else { RestEditor::is_valid(body) }
    }

    fn add_path(&self, body: &Node, path: &Text, method: &Text) -> Result<Node, Fault> {
        if self.http {
            let mut editor = HttpEditor::new(body)?;
            editor.paths().add(path, method)?;
            Ok(editor.finish())
        } else {
            let mut editor = RestEditor::new(body)?;
            editor.paths().add(path, method)?;
            Ok(editor.finish())
        }
    }
}

/// Adds the paths of all events of this kind, and the implicit API where an event needs it.
pub(crate) fn add_apis(state: &mut State<'_>, kind: &Kind) -> Result<(), Fault> {
    // An API that the author gave this id takes its place back where no event is implicit.
    let existing = state.resources().get(kind.implicit_id).cloned();
    if let Some(resources) = state.resources_mut() {
        resources.insert(kind.implicit_id, kind.implicit_resource());
    }
    let mut gathered = Gathered::default();
    let mut faults = Vec::new();
    for id in state.ids_of(&["AWS::Serverless::Function", "AWS::Serverless::StateMachine"])? {
        match add_events(state, kind, &id.text, &mut gathered) {
            Err(fault @ Fault::Event { .. }) => faults.push(fault.of_resource(&id.text)),
            other => other?,
        }
    }
    set_condition(state, kind, &gathered);
    set_policies(state, kind, &gathered);
    set_path_conditions(state, kind, &gathered)?;
    let unused = state
        .properties(kind.implicit_id)
        .at("DefinitionBody")
        .at("paths")
        .as_map()
        .is_none_or(Dict::is_empty);
    if unused && let Some(resources) = state.resources_mut() {
        match existing {
            Some(existing) => resources.insert(kind.implicit_id, existing),
            None => {
                resources.remove(kind.implicit_id);
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Fault::Document(faults)) }
}

fn add_events(
    state: &mut State<'_>,
    kind: &Kind,
    id: &str,
    gathered: &mut Gathered,
) -> Result<(), Fault> {
    let Some(events) = state.properties(id).at("Events").as_map() else { return Ok(()) };
    let mut api_events = Dict::python();
    for (name, unicode, event) in events.iter_flavoured() {
        if event.at("Type").is(kind.event_type) {
            api_events.insert(Text { text: name.to_owned(), unicode }, event.clone());
        }
    }
    if api_events.is_empty() {
        return Ok(());
    }
    for name in api_events.keys() {
        let Some(event) = api_events.get_mut(&name.text).and_then(Node::as_map_mut) else {
            continue;
        };
        if !event.at("Properties").truthy() && !kind.http {
            continue;
        }
        if !event.contains("Properties") {
            event.insert("Properties", Dict::default());
        }
        let Some(properties) = event.get_mut("Properties") else { continue };
        add_event(state, kind, (id, &name.text), properties, gathered)?;
        // The other events see the result, should this one fail.
        write_event(state, id, &name, event.clone());
    }
    if let Some(Node::Map(events)) =
        state.properties_mut(id).and_then(|properties| properties.get_mut("Events"))
    {
        events.update(&api_events);
    }
    Ok(())
}

fn write_event(state: &mut State<'_>, id: &str, name: &Text, event: Dict) {
    if let Some(Node::Map(events)) =
        state.properties_mut(id).and_then(|properties| properties.get_mut("Events"))
    {
        events.insert(name, event);
    }
}

fn add_event(
    state: &mut State<'_>,
    kind: &Kind,
    (id, name): (&str, &str),
    node: &mut Node,
    gathered: &mut Gathered,
) -> Result<(), Fault> {
    Of::Event(name).map_or(node, "Properties should be a map.")?;
    let Node::Map(properties) = node else { return Ok(()) };
    if !properties.contains(kind.id_property) {
        tag_implicit_api(state, kind, id);
        properties.insert(kind.id_property, reference(kind.implicit_id));
    }
    if kind.http && !properties.at("Path").truthy() && !properties.at("Method").truthy() {
        properties.insert("Path", "$default");
        properties.insert("Method", ANY_METHOD);
    }
    let of = Of::Event(name);
    of.present("Path", properties.at("Path"))?;
    of.present("Method", properties.at("Method"))?;
    let api_id = api_id(properties.at(kind.id_property));
    let api_id = of.string(kind.id_property, api_id)?.text.clone();
    let path = of.string("Path", properties.at("Path"))?.clone();
    let method = of.string("Method", properties.at("Method"))?.clone();
    let resource = state.resources().at(id);
    let condition = resource.at("Condition").clone();
    if api_id == kind.implicit_id {
        gathered.deletion_policies.push(resource.at("DeletionPolicy").clone());
        gathered.update_replace_policies.push(resource.at("UpdateReplacePolicy").clone());
    }
    gathered
        .conditions
        .entry(api_id.clone())
        .or_default()
        .entry(path.text.clone())
        .or_default()
        .insert(method.text.clone(), condition.clone());
    add_path(state, kind, name, &api_id, (&path, &method))?;
    if kind.http && properties.contains("RouteSettings") {
        add_route_settings(state, (&api_id, name), properties, (&path, &method), &condition)?;
    }
    Ok(())
}

/// The logical id that an event names, or whatever else stands there.
pub(crate) fn api_id(node: &Node) -> &Node {
    match node.as_map().and_then(|dict| dict.get("Ref")) {
        Some(id) => id,
        None => node,
    }
}

/// Tags of the function, where it hands them on.
fn tag_implicit_api(state: &mut State<'_>, kind: &Kind, id: &str) {
    let section = match state.resources().at(id).at("Type").as_str() {
        Some("AWS::Serverless::Function") => "Function",
        _ => "StateMachine",
    };
    let globals = state.source.at("Globals").at(section);
    let properties = state.properties(id);
    let either = |key: &str| {
        let own = properties.at(key);
        if own.truthy() { own.clone() } else { globals.at(key).clone() }
    };
    let (tags, propagate) = (either("Tags"), either("PropagateTags"));
    if !tags.truthy() || !propagate.truthy() {
        return;
    }
    if let (Some(api), Node::Map(tags)) = (state.properties_mut(kind.implicit_id), &tags) {
        if let Node::Map(all) = api.entry("Tags", || Dict::default().into()) {
            all.update(tags);
        }
        api.insert("PropagateTags", true);
    }
}

fn add_path(
    state: &mut State<'_>,
    kind: &Kind,
    name: &str,
    api_id: &str,
    (path, method): (&Text, &Text),
) -> Result<(), Fault> {
    let api = state.resources().at(api_id);
    let other = api.at("Type").is("AWS::Serverless::HttpApi") && !kind.http;
    if api.is_null() || other {
        return Err(Fault::event(
            name,
            format!(
                "{} must be a valid reference to an '{}' resource in same template.",
                kind.id_property, kind.resource_type
            ),
        ));
    }
    let properties = api.at("Properties");
    let body = properties.at("DefinitionBody");
    // Definitions that the author wrote are the author's to complete.
    if !kind.is_valid(body) || !properties.at("__MANAGE_SWAGGER").truthy() {
        return Ok(());
    }
    let body = kind.add_path(body, path, method)?;
    if let Some(properties) = state.properties_mut(api_id) {
        properties.insert("DefinitionBody", body);
    }
    Ok(())
}

fn add_route_settings(
    state: &mut State<'_>,
    (api_id, event): (&str, &str),
    properties: &Dict,
    (path, method): (&Text, &Text),
    condition: &Node,
) -> Result<(), Fault> {
    let route = if method.text == ANY_METHOD {
        path.text.clone()
    } else {
        format!("{} {}", method.text.to_uppercase(), path.text)
    };
    let mut settings = properties.at("RouteSettings").clone();
    if condition.truthy() {
        settings = if_only(condition, settings);
    }
    let existing = state.properties(api_id).at("RouteSettings").clone();
    let mut all = match existing {
        Node::Null => Dict::default(),
        other => Of::Resource(api_id).map("RouteSettings", &other)?.clone(),
    };
    let settings = Of::Event(event).map("RouteSettings", &settings)?;
    if let Node::Map(one) = all.entry(route, || Dict::default().into()) {
        one.update(settings);
    }
    if let Some(properties) = state.properties_mut(api_id) {
        properties.insert("RouteSettings", all);
    }
    Ok(())
}

/// The conditions of all methods, where every one of them has one.
fn conditions<'a>(methods: impl Iterator<Item = &'a Node>) -> Option<Vec<Text>> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut texts = Vec::new();
    let mut any = false;
    for condition in methods {
        any = true;
        let text = condition.as_text()?;
        if names.insert(text.text.clone()) {
            texts.push(text.clone());
        }
    }
    texts.sort_by(|a, b| a.text.cmp(&b.text));
    any.then_some(texts)
}

fn add_combined(state: &mut State<'_>, name: &str, names: &[Text]) {
    let names: Vec<Node> = names.iter().map(Node::from).collect();
    let section = state.source.entry("Conditions", || Dict::default().into());
    if let Node::Map(section) = section {
        for (name, definition) in combined(&names, name) {
            section.insert(name, definition);
        }
    }
}

/// The implicit API exists where one of its functions does.
fn set_condition(state: &mut State<'_>, kind: &Kind, gathered: &Gathered) {
    let Some(paths) = gathered.conditions.get(kind.implicit_id) else { return };
    let Some(names) = conditions(paths.values().flat_map(IndexMap::values)) else { return };
    let condition = if let [only] = names.as_slice() {
        Node::from(only)
    } else {
        let name = format!("{}Condition", kind.implicit_id);
        add_combined(state, &name, &names);
        name.into()
    };
    if let Some(api) = state.resource_mut(kind.implicit_id) {
        api.insert("Condition", condition);
    }
}

/// The most careful of the functions' policies.
fn set_policies(state: &mut State<'_>, kind: &Kind, gathered: &Gathered) {
    let strongest = |given: &[Node], order: &[&'static str]| {
        order.iter().find(|policy| given.iter().any(|one| one.is(policy))).copied()
    };
    let deletion = strongest(&gathered.deletion_policies, &["Retain", "Delete"]);
    let replace = strongest(&gathered.update_replace_policies, &["Retain", "Snapshot", "Delete"]);
    let Some(api) = state.resource_mut(kind.implicit_id) else { return };
    for (key, policy) in [("DeletionPolicy", deletion), ("UpdateReplacePolicy", replace)] {
        if let Some(policy) = policy {
            api.insert(key, policy);
        }
    }
}

/// A path exists where one of its methods' functions does.
fn set_path_conditions(
    state: &mut State<'_>,
    kind: &Kind,
    gathered: &Gathered,
) -> Result<(), Fault> {
    for id in state.ids_of(&[kind.resource_type])? {
        let properties = state.properties(&id.text);
        if !properties.at("__MANAGE_SWAGGER").truthy() {
            continue;
        }
        let body = properties.at("DefinitionBody").clone();
        let body = if kind.http {
            let mut editor = HttpEditor::new(&body)?;
            for path in editor.path_names() {
                if let Some(condition) = path_condition(state, gathered, &id.text, &path.text) {
                    editor.paths().make_conditional(&path.text, &condition);
                }
            }
            editor.finish()
        } else {
            let mut editor = RestEditor::new(&body)?;
            for path in editor.path_names() {
                if let Some(condition) = path_condition(state, gathered, &id.text, &path.text) {
                    editor.paths().make_conditional(&path.text, &condition);
                }
            }
            editor.finish()
        };
        if let Some(properties) = state.properties_mut(&id.text) {
            properties.insert("DefinitionBody", body);
        }
    }
    Ok(())
}

fn path_condition(
    state: &mut State<'_>,
    gathered: &Gathered,
    api_id: &str,
    path: &str,
) -> Option<Node> {
    let names = conditions(gathered.conditions.get(api_id)?.get(path)?.values())?;
    if let [only] = names.as_slice() {
        return Some(only.into());
    }
    let place = path.replace('/', "SLASH").replace('{', "OB").replace('}', "CB");
    let name = format!("{api_id}{place}PathCondition");
    add_combined(state, &name, &names);
    Some(name.into())
}
