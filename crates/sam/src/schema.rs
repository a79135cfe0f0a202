//! The forms that properties of SAM resources and events must have.

use crate::fault::Fault;
use crate::node::{Dict, Node};

/// The form of one property.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Any,
    Str,
    /// A string too; AWS words the fault in another way.
    Name,
    Map,
    List,
    Bool,
    Int,
    StrOrMap,
    StrOrList,
    BoolOrMap,
    /// A mapping of mappings.
    Maps,
    /// A mapping of strings.
    Strings,
    /// A mapping of integers or mappings.
    IntsOrMaps,
    /// A list of strings or mappings.
    ListOfStrOrMap,
    /// A list of strings.
    ListOfStr,
    /// A mapping, or a list of mappings.
    MapOrMaps,
    /// A string, a mapping, or a list of them.
    Policies,
    /// A string, or a list of strings and mappings.
    PolicyList,
    /// One of these two strings.
    Either(&'static str, &'static str),
}

/// One property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) required: bool,
    /// Whether an intrinsic function may stand in its place.
    pub(crate) intrinsics: bool,
}

/// An optional property.
pub(crate) const fn optional(name: &'static str, form: Form) -> Property {
    Property { name, form, required: false, intrinsics: true }
}

/// A required property.
pub(crate) const fn required(name: &'static str, form: Form) -> Property {
    Property { name, form, required: true, intrinsics: true }
}

/// An optional property in whose place no function may stand.
pub(crate) const fn literal(name: &'static str, form: Form) -> Property {
    Property { name, form, required: false, intrinsics: false }
}

/// A required property that is handed on as it is.
pub(crate) const fn passed(name: &'static str) -> Property {
    Property { name, form: Form::Any, required: true, intrinsics: false }
}

impl Form {
    fn fits(self, node: &Node) -> bool {
        let str_or_map = |node: &Node| matches!(node, Node::Text(_) | Node::Map(_));
        let all = |node: &Node, test: &dyn Fn(&Node) -> bool| match node {
            Node::List(items) => items.iter().all(test),
            _ => false,
        };
        let every = |node: &Node, test: &dyn Fn(&Node) -> bool| match node {
            Node::Map(dict) => dict.iter().all(|(_, value)| test(value)),
            _ => false,
        };
        // To Python a boolean is an integer.
        let int = |node: &Node| match node {
            Node::Number(number) => !number.is_f64(),
            Node::Bool(_) => true,
            _ => false,
        };
        match self {
            Self::Any => true,
            Self::Str | Self::Name => matches!(node, Node::Text(_)),
            Self::Map => node.is_map(),
            Self::List => matches!(node, Node::List(_)),
            Self::Bool => matches!(node, Node::Bool(_)),
            Self::Int => int(node),
            Self::StrOrMap => str_or_map(node),
            Self::StrOrList => {
                matches!(node, Node::Text(_)) || all(node, &|item| item.as_str().is_some())
            }
            Self::BoolOrMap => matches!(node, Node::Bool(_) | Node::Map(_)),
            Self::Maps => every(node, &Node::is_map),
            Self::Strings => every(node, &|value| value.as_str().is_some()),
            Self::IntsOrMaps => every(node, &|value| int(value) || value.is_map()),
            Self::ListOfStrOrMap => all(node, &str_or_map),
            Self::ListOfStr => all(node, &|item| item.as_str().is_some()),
            Self::MapOrMaps => node.is_map() || all(node, &Node::is_map),
            Self::Policies => str_or_map(node) || all(node, &str_or_map),
            Self::PolicyList => node.as_str().is_some() || all(node, &str_or_map),
            Self::Either(one, other) => node.is(one) || node.is(other),
        }
    }

    fn fault(self, id: &str, name: &str) -> Fault {
        let expected = match self {
            Self::Str => "string".to_owned(),
            Self::Map => "map".to_owned(),
            Self::Either(one, other) => format!("one of the strings: '{one}' or '{other}'"),
            _ => return Fault::resource(id, format!("Type of property '{name}' is invalid.")),
        };
        Fault::resource(id, format!("Property '{name}' should be a {expected}."))
    }
}

/// Checks properties against their forms.
///
/// `id` is a resource's logical id, or an event's together with its resource's.
pub(crate) fn check(
    id: &str,
    kind: &str,
    schema: &[Property],
    properties: &Dict,
) -> Result<(), Fault> {
    for (name, _) in properties.iter() {
        if !schema.iter().any(|property| property.name == name) {
            return Err(Fault::resource(
                id,
                format!("property {name} not defined for resource of type {kind}"),
            ));
        }
    }
    for property in schema {
        let value = properties.at(property.name);
        if property.intrinsics && value.as_map().is_some_and(|dict| dict.len() == 1) {
            continue;
        }
        if value.is_null() {
            if property.required {
                return Err(Fault::resource(
                    id,
                    format!("Missing required property '{}'.", property.name),
                ));
            }
        } else if !property.form.fits(value) {
            return Err(property.form.fault(id, property.name));
        }
    }
    Ok(())
}

/// Logical ids are alphanumeric.
pub(crate) fn check_id(id: &str) -> Result<(), Fault> {
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Fault::resource(id, "Logical ids must be alphanumeric."))
}
