//! The custom domain of an HTTP API or a WebSocket API.

use crate::fault::Fault;
use crate::intrinsics::reference;
use crate::logical_id;
use crate::node::{Dict, Node, Text, dict, list};
use crate::python;
use crate::resource::Resource;
use crate::resources::{SamResource, route53};
use crate::state::State;

/// The domain, its mappings and record sets. `tag` is the key of SAM's own tag.
pub(super) fn domain(
    state: &mut State<'_>,
    api: &SamResource,
    tag: &str,
) -> Result<Vec<Resource>, Fault> {
    let given = api.at("Domain");
    if given.is_null() {
        return Ok(Vec::new());
    }
    let mut config = given.as_map().cloned().unwrap_or_default();
    let (name, certificate) = (config.at("DomainName").clone(), config.at("CertificateArn"));
    if name.is_null() || certificate.is_null() {
        return Err(api.fault(
            "Custom Domains only works if both DomainName and CertificateArn are provided.",
        ));
    }
    let mut details = Dict::default();
    details.insert("CertificateArn", certificate.clone());
    let endpoint = match config.at("EndpointConfiguration") {
        Node::Null => Node::from("REGIONAL"),
        given if given.is("REGIONAL") => given.clone(),
        _ => {
            return Err(
                api.fault("EndpointConfiguration for Custom Domains must be one of ['REGIONAL'].")
            );
        }
    };
    config.insert("EndpointConfiguration", endpoint.clone());
    details.insert("EndpointType", endpoint);
    for key in ["OwnershipVerificationCertificateArn", "SecurityPolicy"] {
        if config.at(key).truthy() {
            details.insert(key, config.at(key).clone());
        }
    }
    let id = Text::from(logical_id::with_hash("ApiGatewayDomainNameV2", &name));
    let mut domain = Resource::new(&id, "AWS::ApiGatewayV2::DomainName", &api.passed())
        .with("DomainName", name)
        .with("Tags", dict! { tag => "SAM" })
        .with("DomainNameConfigurations", list![Node::Map(details)]);
    set_mutual_tls(api, &config, &mut domain)?;
    let mut resources = mappings(api, &config, &id)?;
    let target = Node::from(&id);
    resources.extend(route53::record_sets(state, api, &mut config, &target, true)?);
    resources.push(domain);
    Ok(resources)
}

fn set_mutual_tls(api: &SamResource, config: &Dict, domain: &mut Resource) -> Result<(), Fault> {
    const FIELDS: [&str; 2] = ["TruststoreUri", "TruststoreVersion"];
    let given = config.at("MutualTlsAuthentication");
    if !given.truthy() {
        return Ok(());
    }
    let fields = python::repr(&list![FIELDS[0], FIELDS[1]]);
    let Some(given) = given.as_map() else {
        return Err(api.fault(format!(
            "MutualTlsAuthentication must be a map with at least one of the following fields \
             {fields}."
        )));
    };
    let mut unknown: Vec<&str> =
        given.iter().map(|(key, _)| key).filter(|key| !FIELDS.contains(key)).collect();
    if !unknown.is_empty() {
        unknown.sort_unstable();
        return Err(Fault::resource(
            &unknown.join(","),
            format!("Available MutualTlsAuthentication fields are {fields}."),
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

fn mappings(api: &SamResource, config: &Dict, domain: &Text) -> Result<Vec<Resource>, Fault> {
    let mapping = |id: String| {
        Resource::new(id, "AWS::ApiGatewayV2::ApiMapping", &api.passed())
            .with("DomainName", reference(domain))
            .with("ApiId", reference(&api.id))
            .with("Stage", reference(format!("{}.Stage", api.id.text)))
    };
    let given = config.at("BasePath");
    let paths = match given {
        Node::Text(_) if given.truthy() => vec![given.clone()],
        Node::List(paths) if given.truthy() => paths.clone(),
        _ => return Ok(vec![mapping(format!("{}ApiMapping", api.id.text))]),
    };
    paths
        .iter()
        .map(|path| {
            let Some(path) = path.as_str() else {
                return Err(api.fault("Basepath must be a string."));
            };
            let separator = |c: char| matches!(c, '-' | '_' | '/');
            if !path.chars().all(|c| c.is_ascii_alphanumeric() || separator(c)) {
                return Err(api.fault("Invalid Basepath name provided."));
            }
            let plain: String = path.chars().filter(|c| !separator(*c)).collect();
            Ok(mapping(format!("{}{plain}ApiMapping", api.id.text))
                .with("ApiMappingKey", path.trim_matches('/')))
        })
        .collect()
}
