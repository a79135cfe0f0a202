//! AWS::Serverless::SimpleTable: a DynamoDB table with one key.

use crate::fault::{Fault, Of};
use crate::node::{Node, dict, list};
use crate::resource::{Resource, tag_list};
use crate::resources::SamResource;
use crate::schema::{Form, Property, literal, optional};

const SCHEMA: &[Property] = &[
    literal("PointInTimeRecoverySpecification", Form::Any),
    optional("PrimaryKey", Form::Strings),
    optional("ProvisionedThroughput", Form::IntsOrMaps),
    optional("TableName", Form::StrOrMap),
    optional("Tags", Form::Map),
    optional("SSESpecification", Form::Map),
];

pub(super) fn transform(table: &SamResource) -> Result<Vec<Resource>, Fault> {
    table.check("AWS::Serverless::SimpleTable", SCHEMA)?;
    let (name, kind) = key(table)?;
    let mut result = table
        .becomes("AWS::DynamoDB::Table")
        .with(
            "AttributeDefinitions",
            list![dict! {
                "AttributeName" => name.clone(), "AttributeType" => kind
            }],
        )
        .with("KeySchema", list![dict! { "AttributeName" => name, "KeyType" => "HASH" }]);
    for property in ["PointInTimeRecoverySpecification", "SSESpecification", "TableName"] {
        if table.at(property).truthy() {
            result.set(property, table.at(property));
        }
    }
    if table.at("ProvisionedThroughput").truthy() {
        result.set("ProvisionedThroughput", table.at("ProvisionedThroughput"));
    } else {
        result.set("BillingMode", "PAY_PER_REQUEST");
    }
    if table.at("Tags").truthy() {
        result.set("Tags", tag_list(table.at("Tags")));
    }
    Ok(vec![result])
}

fn key(table: &SamResource) -> Result<(Node, &'static str), Fault> {
    let key = table.at("PrimaryKey");
    if !key.truthy() {
        return Ok(("id".into(), "S"));
    }
    let of = Of::Resource(&table.id.text);
    let name = of.present("PrimaryKey.Name", key.at("Name"))?;
    let kind = of.present("PrimaryKey.Type", key.at("Type"))?;
    let kind = match kind.as_str() {
        Some("String") => "S",
        Some("Number") => "N",
        Some("Binary") => "B",
        _ => {
            let given = crate::python::str(kind);
            return Err(table.fault(format!("Invalid 'Type' \"{given}\".")));
        }
    };
    Ok((name.clone(), kind))
}
