//! The custom domain of a REST API.

use crate::fault::{Fault, Of};
use crate::intrinsics::reference;
use crate::logical_id;
use crate::node::{Dict, Node, Text, list};
use crate::resource::Resource;
use crate::resources::{SamResource, route53};
use crate::state::State;

/// The domain, its base path mappings and record sets. `Domain` itself takes what AWS notes in
/// it, which the deployment's hash covers.
pub(super) fn build(state: &mut State<'_>, api: &mut SamResource) -> Result<Vec<Resource>, Fault> {
    let given = api.at("Domain").clone();
    if given.is_null() {
        return Ok(Vec::new());
    }
    let of = Of::Resource(&api.id.text);
    let mut config = of.map("Domain", &given)?.clone();
    let private = config.at("EndpointConfiguration").is("PRIVATE");
    let name = of.present("Domain.DomainName", config.at("DomainName"))?.clone();
    let certificate = of.present("Domain.CertificateArn", config.at("CertificateArn"))?.clone();
    let (prefix, kind) = if private {
        ("ApiGatewayDomainNameV2", "AWS::ApiGateway::DomainNameV2")
    } else {
        ("ApiGatewayDomainName", "AWS::ApiGateway::DomainName")
    };
    let id = Text::from(logical_id::with_hash(prefix, &name));
    let mut domain = Resource::new(&id, kind, &api.passed()).with("DomainName", name.clone());
    if !private {
        config.insert("ApiDomainName", &id);
    }
    let endpoint = endpoint(api, &mut config)?;
    let key = if endpoint.is("REGIONAL") { "RegionalCertificateArn" } else { "CertificateArn" };
    domain.set(key, certificate);
    let mut types = Dict::default();
    types.insert("Types", list![endpoint]);
    if config.at("IpAddressType").truthy() {
        types.insert("IpAddressType", config.at("IpAddressType").clone());
    }
    domain.set("EndpointConfiguration", types);
    if !private {
        set_mutual_tls(api, &config, &mut domain)?;
    }
    for key in
        ["SecurityPolicy", "EndpointAccessMode", "Policy", "OwnershipVerificationCertificateArn"]
    {
        let supported = match key {
            "Policy" => private,
            "OwnershipVerificationCertificateArn" => !private,
            _ => true,
        };
        if config.at(key).truthy() && supported {
            domain.set(key, config.at(key));
        }
    }
    let mut resources = mappings(api, &config, &id, private)?;
    if private {
        resources.extend(access_association(api, &config, &id)?);
    }
    let target = if private { name } else { Node::from(&id) };
    resources.extend(route53::record_sets(state, api, &mut config, &target, false)?);
    resources.push(domain);
    api.properties.insert("Domain", config);
    Ok(resources)
}

fn endpoint(api: &SamResource, config: &mut Dict) -> Result<Node, Fault> {
    match config.at("EndpointConfiguration") {
        Node::Null => {
            config.insert("EndpointConfiguration", "REGIONAL");
            Ok("REGIONAL".into())
        }
        given @ Node::Text(text)
            if matches!(text.text.as_str(), "EDGE" | "REGIONAL" | "PRIVATE") =>
        {
            Ok(given.clone())
        }
        _ => Err(api.fault(
            "EndpointConfiguration for Custom Domains must be one of ['EDGE', 'REGIONAL', \
             'PRIVATE'].",
        )),
    }
}

fn set_mutual_tls(api: &SamResource, config: &Dict, domain: &mut Resource) -> Result<(), Fault> {
    const FIELDS: [&str; 2] = ["TruststoreUri", "TruststoreVersion"];
    let given = config.at("MutualTlsAuthentication");
    if !given.truthy() {
        return Ok(());
    }
    let given = Of::Resource(&api.id.text).map("Domain.MutualTlsAuthentication", given)?;
    if given.iter().any(|(key, _)| !FIELDS.contains(&key)) {
        return Err(api.fault(
            "Available Domain.MutualTlsAuthentication fields are ['TruststoreUri', \
             'TruststoreVersion'].",
        ));
    }
    let mut result = Dict::default();
    for field in FIELDS {
        if given.at(field).truthy() {
            result.insert(field, given.at(field).clone());
        }
    }
    domain.set("MutualTlsAuthentication", result);
    Ok(())
}

fn mappings(
    api: &SamResource,
    config: &Dict,
    domain: &Text,
    private: bool,
) -> Result<Vec<Resource>, Fault> {
    let (kind, key) = if private {
        ("AWS::ApiGateway::BasePathMappingV2", "DomainNameArn")
    } else {
        ("AWS::ApiGateway::BasePathMapping", "DomainName")
    };
    let mapping = |id: String| {
        Resource::new(id, kind, &api.passed())
            .with(key, reference(domain))
            .with("RestApiId", reference(&api.id))
            .with("Stage", reference(format!("{}.Stage", api.id.text)))
    };
    let given = config.at("BasePath");
    let paths = match given {
        Node::Text(_) if given.truthy() => list![given],
        Node::List(_) if given.truthy() => given.clone(),
        _ => return Ok(vec![mapping(format!("{}BasePathMapping", api.id.text))]),
    };
    let paths = Of::Resource(&api.id.text).strings("Domain.BasePath", &paths)?.to_vec();
    let normalize = config.get("NormalizeBasePath").is_none_or(Node::truthy);
    Ok(paths
        .iter()
        .filter_map(Node::as_str)
        .map(|path| {
            let plain: String = path.chars().filter(|c| c.is_alphanumeric()).collect();
            mapping(format!("{}{plain}BasePathMapping", api.id.text))
                .with("BasePath", if normalize { plain.as_str() } else { path })
        })
        .collect())
}

/// Lets a VPC endpoint reach a private domain.
fn access_association(
    api: &SamResource,
    config: &Dict,
    domain: &Text,
) -> Result<Option<Resource>, Fault> {
    let given = config.at("AccessAssociation");
    if given.is_null() {
        return Ok(None);
    }
    let given = Of::Resource(&api.id.text).map("Domain.AccessAssociation", given)?;
    let endpoint = given.at("VpcEndpointId");
    let id = logical_id::with_hash("DomainNameAccessAssociation", &list![endpoint.clone(), domain]);
    Ok(Some(
        Resource::new(id, "AWS::ApiGateway::DomainNameAccessAssociation", &api.passed())
            .with("DomainNameArn", reference(domain))
            .with("AccessAssociationSourceType", "VPCE")
            .with("AccessAssociationSource", endpoint),
    ))
}
