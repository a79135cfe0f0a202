//! A pool's attributes: the standard ones (OpenID Connect Core section 5.1), its own, and what
//! their values must be. Pure.

use std::collections::BTreeMap;

use cumulet_api_cognito_idp::types::{
    AttributeDataType, AttributeType, NumberAttributeConstraintsType, SchemaAttributeType,
    StringAttributeConstraintsType,
};

use crate::error::Error;

/// Attributes of a pool's own, at most.
const OWN: usize = 50;
/// Characters of a value, at most.
const LONGEST: usize = 2_048;

/// Every pool's attributes: name, type, shortest and longest.
const STANDARD: [(&str, AttributeDataType, usize, usize); 20] = [
    ("sub", AttributeDataType::String, 1, LONGEST),
    ("name", AttributeDataType::String, 0, LONGEST),
    ("given_name", AttributeDataType::String, 0, LONGEST),
    ("family_name", AttributeDataType::String, 0, LONGEST),
    ("middle_name", AttributeDataType::String, 0, LONGEST),
    ("nickname", AttributeDataType::String, 0, LONGEST),
    ("preferred_username", AttributeDataType::String, 0, LONGEST),
    ("profile", AttributeDataType::String, 0, LONGEST),
    ("picture", AttributeDataType::String, 0, LONGEST),
    ("website", AttributeDataType::String, 0, LONGEST),
    ("email", AttributeDataType::String, 0, LONGEST),
    ("email_verified", AttributeDataType::Boolean, 0, 0),
    ("gender", AttributeDataType::String, 0, LONGEST),
    ("birthdate", AttributeDataType::String, 10, 10),
    ("zoneinfo", AttributeDataType::String, 0, LONGEST),
    ("locale", AttributeDataType::String, 0, LONGEST),
    ("phone_number", AttributeDataType::String, 0, LONGEST),
    ("phone_number_verified", AttributeDataType::Boolean, 0, 0),
    ("address", AttributeDataType::String, 0, LONGEST),
    ("updated_at", AttributeDataType::Number, 0, 0),
];

/// The whole schema of a pool whose owner asks for `wanted`.
pub(crate) fn complete(wanted: &[SchemaAttributeType]) -> Result<Vec<SchemaAttributeType>, Error> {
    let mut schema: Vec<SchemaAttributeType> = STANDARD.iter().map(standard).collect();
    let mut own = 0;
    for attribute in wanted {
        let name = attribute.name.as_deref().unwrap_or_default();
        if let Some(known) = schema.iter_mut().find(|known| known.name.as_deref() == Some(name)) {
            if name.starts_with("custom:") {
                return Err(Error::invalid(format!("Attribute {name} is given twice.")));
            }
            known.required = attribute.required.or(known.required);
            known.mutable = attribute.mutable.or(known.mutable);
            let texts = attribute.string_attribute_constraints.clone();
            known.string_attribute_constraints =
                texts.or(known.string_attribute_constraints.take());
            continue;
        }
        own += 1;
        schema.push(custom(name, attribute)?);
    }
    if own > OWN {
        return Err(Error::Quota("User pool schema cannot have more than 50 custom attributes."));
    }
    Ok(schema)
}

fn standard(row: &(&str, AttributeDataType, usize, usize)) -> SchemaAttributeType {
    let (name, kind, shortest, longest) = *row;
    SchemaAttributeType {
        name: Some(name.to_owned()),
        attribute_data_type: Some(kind),
        developer_only_attribute: Some(false),
        mutable: Some(name != "sub"),
        required: Some(name == "sub"),
        string_attribute_constraints: (kind == AttributeDataType::String).then(|| {
            StringAttributeConstraintsType {
                min_length: Some(shortest.to_string()),
                max_length: Some(longest.to_string()),
            }
        }),
        number_attribute_constraints: (kind == AttributeDataType::Number).then(|| {
            NumberAttributeConstraintsType { min_value: Some("0".to_owned()), max_value: None }
        }),
    }
}

fn custom(name: &str, attribute: &SchemaAttributeType) -> Result<SchemaAttributeType, Error> {
    let plain = name.strip_prefix("custom:").unwrap_or(name);
    if !(1..=20).contains(&plain.chars().count()) {
        return Err(Error::invalid(format!(
            "Invalid AttributeName: {name}; names of custom attributes have 1 to 20 characters."
        )));
    }
    if attribute.required == Some(true) {
        return Err(Error::invalid("Required custom attributes are not supported currently."));
    }
    let developer = attribute.developer_only_attribute.unwrap_or(false);
    let prefix = if developer { "dev:custom:" } else { "custom:" };
    let kind = attribute.attribute_data_type.unwrap_or(AttributeDataType::String);
    let texts = attribute.string_attribute_constraints.clone().unwrap_or_default();
    let numbers = attribute.number_attribute_constraints.clone().unwrap_or_default();
    Ok(SchemaAttributeType {
        name: Some(format!("{prefix}{plain}")),
        attribute_data_type: Some(kind),
        developer_only_attribute: Some(developer),
        mutable: Some(attribute.mutable.unwrap_or(true)),
        required: Some(false),
        string_attribute_constraints: (kind == AttributeDataType::String).then_some(texts),
        number_attribute_constraints: (kind == AttributeDataType::Number).then_some(numbers),
    })
}

/// The attributes of a request by name; the last of a name counts.
pub(crate) fn by_name(list: Option<&Vec<AttributeType>>) -> BTreeMap<String, String> {
    let pair = |it: &AttributeType| (it.name.clone(), it.value.clone().unwrap_or_default());
    list.into_iter().flatten().map(pair).collect()
}

/// Refuses values that the schema does not allow.
pub(crate) fn check(
    schema: &[SchemaAttributeType],
    attributes: &BTreeMap<String, String>,
) -> Result<(), Error> {
    for (name, value) in attributes {
        if name == "sub" {
            return Err(Error::invalid("Cannot modify the non-mutable attribute sub"));
        }
        let known = schema.iter().find(|known| known.name.as_ref() == Some(name));
        let Some(known) = known else {
            return Err(nonconforming(name, "Attribute does not exist in the schema."));
        };
        check_value(known, name, value)?;
    }
    Ok(())
}

/// Refuses a new user who lacks a required attribute.
pub(crate) fn check_required(
    schema: &[SchemaAttributeType],
    attributes: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let lacking = required(schema).find(|name| !attributes.contains_key(*name));
    lacking.map_or(Ok(()), |name| Err(nonconforming(name, "The attribute is required\n")))
}

/// Names of the required attributes, without `sub`.
pub(crate) fn required(schema: &[SchemaAttributeType]) -> impl Iterator<Item = &str> {
    let needed = schema.iter().filter(|attribute| attribute.required == Some(true));
    needed.filter_map(|attribute| attribute.name.as_deref()).filter(|name| *name != "sub")
}

/// Refuses a change of an attribute that is set once.
pub(crate) fn check_mutable(schema: &[SchemaAttributeType], name: &str) -> Result<(), Error> {
    let known = schema.iter().find(|known| known.name.as_deref() == Some(name));
    match known.and_then(|known| known.mutable) {
        Some(false) => Err(Error::AttributeFixed(format!("user.{name}"))),
        _ => Ok(()),
    }
}

fn nonconforming(name: &str, why: &str) -> Error {
    Error::invalid(format!("Attributes did not conform to the schema: {name}: {why}"))
}

fn check_value(known: &SchemaAttributeType, name: &str, value: &str) -> Result<(), Error> {
    let length = value.chars().count();
    if length > LONGEST {
        return Err(nonconforming(name, "String must be no longer than 2048 characters"));
    }
    match name {
        "email" if !value.is_empty() && !is_email(value) => {
            return Err(Error::invalid("Invalid email address format."));
        }
        "phone_number" if !value.is_empty() && !is_phone(value) => {
            return Err(Error::invalid("Invalid phone number format."));
        }
        _ => {}
    }
    let bound = |text: Option<&String>| text.and_then(|text| text.parse::<f64>().ok());
    match known.attribute_data_type {
        Some(AttributeDataType::String) => {
            let rules = known.string_attribute_constraints.as_ref();
            let (least, most) = (
                rules.and_then(|r| r.min_length.as_ref()),
                rules.and_then(|r| r.max_length.as_ref()),
            );
            if bound(least).is_some_and(|least| (length as f64) < least) {
                let least = least.map_or("", String::as_str);
                return Err(nonconforming(
                    name,
                    &format!("String must be at least {least} characters"),
                ));
            }
            if bound(most).is_some_and(|most| length as f64 > most) {
                let most = most.map_or("", String::as_str);
                return Err(nonconforming(
                    name,
                    &format!("String must be no longer than {most} characters"),
                ));
            }
        }
        Some(AttributeDataType::Number) => {
            let rules = known.number_attribute_constraints.as_ref();
            let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
            let number =
                number.ok_or_else(|| nonconforming(name, "Attribute value must be a number"))?;
            let low = bound(rules.and_then(|r| r.min_value.as_ref()));
            let high = bound(rules.and_then(|r| r.max_value.as_ref()));
            if low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high) {
                return Err(nonconforming(name, "Attribute value is out of range"));
            }
        }
        Some(AttributeDataType::Boolean) if !["true", "false"].contains(&value) => {
            return Err(nonconforming(name, "Attribute value must be true or false"));
        }
        _ => {}
    }
    Ok(())
}

/// An address as far as can be said without sending to it: one `@`, something before it, a host
/// behind it, no spaces or control characters.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"".contains(c);
    !local.is_empty()
        && text.len() <= 254
        && text.chars().all(plain)
        && !host.contains('@')
        && host.split('.').count() >= 2
        && host.split('.').all(|label| !label.is_empty())
}

/// E.164: `+` and up to 15 digits.
pub(crate) fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_must_fit() {
        let own = |name: &str, kind, most: Option<&str>| SchemaAttributeType {
            name: Some(name.to_owned()),
            attribute_data_type: Some(kind),
            string_attribute_constraints: most.map(|most| StringAttributeConstraintsType {
                min_length: None,
                max_length: Some(most.to_owned()),
            }),
            number_attribute_constraints: Some(NumberAttributeConstraintsType {
                min_value: Some("1".to_owned()),
                max_value: Some("9".to_owned()),
            }),
            ..SchemaAttributeType::default()
        };
        let schema = complete(&[
            own("team", AttributeDataType::String, Some("4")),
            own("level", AttributeDataType::Number, None),
        ])
        .unwrap();
        for (name, value, fits) in [
            ("custom:team", "blue", true),
            ("custom:team", "green", false),
            ("custom:level", "9", true),
            ("custom:level", "10", false),
            ("custom:level", "NaN", false),
            ("custom:other", "x", false),
            ("team", "blue", false),
            ("sub", "x", false),
            ("email", "a@b.c", true),
            ("email", "a@b", false),
            ("email", "a@b.c\r\nBcc: d@e.f", false),
            ("phone_number", "+4912345", true),
            ("phone_number", "12345", false),
            ("email_verified", "yes", false),
            ("birthdate", "2000-01-01", true),
            ("birthdate", "2000", false),
            ("name", "", true),
        ] {
            let one = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(check(&schema, &one).is_ok(), fits, "{name}={value}");
        }
    }

    #[test]
    fn a_pool_may_require_and_fix_standard_attributes() {
        let wanted = SchemaAttributeType {
            name: Some("email".to_owned()),
            required: Some(true),
            mutable: Some(false),
            ..SchemaAttributeType::default()
        };
        let schema = complete(&[wanted]).unwrap();
        assert_eq!(required(&schema).collect::<Vec<_>>(), ["email"]);
        assert!(check_required(&schema, &BTreeMap::new()).is_err());
        assert!(check_mutable(&schema, "email").is_err());
        assert!(check_mutable(&schema, "name").is_ok());
        let custom = SchemaAttributeType {
            name: Some("x".into()),
            required: Some(true),
            ..SchemaAttributeType::default()
        };
        assert!(complete(&[custom]).is_err());
    }
}
