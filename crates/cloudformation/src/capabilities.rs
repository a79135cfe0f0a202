//! What a caller must acknowledge: that a template makes identities, or is not what will be done.
//! "Acknowledging IAM resources in CloudFormation templates", user guide.

use cumulet_api_cloudformation::types::Capability;
use cumulet_template::Template;

use crate::error::Error;
use crate::source::Asked;

/// Types that give somebody leave to do something, and the property that names each.
const IDENTITIES: [(&str, &str); 10] = [
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::RolePolicy", ""),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserPolicy", ""),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// The capability that a template needs, and the types for which it does.
pub(crate) fn needed(template: &Template) -> Option<(Capability, String)> {
    let mut types = Vec::new();
    let mut named = false;
    for resource in &template.resources {
        let Some((_, name)) = IDENTITIES.iter().find(|(kind, _)| *kind == resource.type_name)
        else {
            continue;
        };
        named |= resource.properties.contains_key(*name);
        if !types.contains(&resource.type_name.as_str()) {
            types.push(resource.type_name.as_str());
        }
    }
    let capability = if named { Capability::CapabilityNamedIam } else { Capability::CapabilityIam };
    let reason = || {
        let types = types.join(", ");
        format!("The following resource(s) require capabilities: [{types}]")
    };
    (!types.is_empty()).then(|| (capability, reason()))
}

/// Refuses identities that were not acknowledged.
pub(crate) fn check(template: &Template, asked: &Asked) -> Result<(), Error> {
    let given = &asked.capabilities;
    match needed(template) {
        // The one for named identities covers both.
        Some((wanted, _))
            if !given.contains(&wanted) && !given.contains(&Capability::CapabilityNamedIam) =>
        {
            Err(Error::Capabilities(wanted.as_str().to_owned()))
        }
        _ => Ok(()),
    }
}

/// Refuses to carry out unseen what macros make; a change set shows it first.
pub(crate) fn check_macros(transforms: &[String], asked: &Asked) -> Result<(), Error> {
    let expands = asked.capabilities.contains(&Capability::CapabilityAutoExpand);
    if transforms.is_empty() || asked.reviewed || expands {
        return Ok(());
    }
    Err(Error::Capabilities(Capability::CapabilityAutoExpand.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn named_identities_need_more() {
        let role = |properties| {
            let role = json!({"Type": "AWS::IAM::Role", "Properties": properties});
            Template::new(&json!({"Resources": {"R": role}})).unwrap()
        };
        let asked = |capabilities: &[Capability]| Asked {
            capabilities: capabilities.to_vec(),
            ..Asked::default()
        };
        let (plain, named) = (role(json!({})), role(json!({"RoleName": "r"})));
        let refused = |wanted: &str| Err(Error::Capabilities(wanted.to_owned()));
        assert_eq!(check(&plain, &asked(&[])), refused("CAPABILITY_IAM"));
        assert_eq!(check(&plain, &asked(&[Capability::CapabilityIam])), Ok(()));
        assert_eq!(check(&plain, &asked(&[Capability::CapabilityNamedIam])), Ok(()));
        let iam = asked(&[Capability::CapabilityIam]);
        assert_eq!(check(&named, &iam), refused("CAPABILITY_NAMED_IAM"));
        let sam = [cumulet_sam::TRANSFORM.to_owned()];
        assert_eq!(check_macros(&sam, &iam), refused("CAPABILITY_AUTO_EXPAND"));
        assert_eq!(check_macros(&sam, &Asked { reviewed: true, ..asked(&[]) }), Ok(()));
    }
}
