//! Record sets that lead to an API's domain.

use crate::fault::{Fault, Of};
use crate::intrinsics::get_att;
use crate::logical_id;
use crate::node::{Dict, Node, list};
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::state::State;

/// The hosted zone of CloudFront's distributions, the same for all.
const CLOUDFRONT_ZONE: &str = "Z2FDTNDATAQYW2";

/// The record set group of the domain. `target` is what its attributes are read from: for REST
/// APIs' private domains AWS takes the domain's name, for the others the resource's id.
pub(super) fn record_sets(
    state: &mut State<'_>,
    api: &SamResource,
    domain: &mut Dict,
    target: &Node,
    only_first_zone: bool,
) -> Result<Option<Resource>, Fault> {
    let Some(route53) = domain.get("Route53").filter(|config| !config.is_null()) else {
        return Ok(None);
    };
    let of = Of::Resource(&api.id.text);
    let route53 = of.map("Domain.Route53", route53)?.clone();
    let (zone_id, zone_name) = (route53.at("HostedZoneId"), route53.at("HostedZoneName"));
    if zone_id.is_null() && zone_name.is_null() {
        return Err(api.fault(
            "HostedZoneId or HostedZoneName is required to enable Route53 support on Custom \
             Domains.",
        ));
    }
    let zone = if zone_id.truthy() { zone_id } else { zone_name };
    let separate = route53.at("SeparateRecordSetGroup");
    let separate = if separate.truthy() {
        of.boolean("Domain.Route53.SeparateRecordSetGroup", separate)?
    } else {
        false
    };
    let id = if separate {
        let hashed = list![zone.clone(), domain.at("DomainName").clone()];
        logical_id::with_hash("RecordSetGroup", &hashed)
    } else {
        logical_id::with_hash("RecordSetGroup", zone)
    };
    let sets = sets(domain, &route53, target);
    let new = || {
        let mut group = Resource::new(id.as_str(), "AWS::Route53::RecordSetGroup", &api.passed());
        for key in ["HostedZoneId", "HostedZoneName"] {
            group.set(key, route53.at(key));
        }
        if only_first_zone && route53.contains("HostedZoneId") {
            group.set("HostedZoneName", Node::Null);
        }
        group
    };
    let mut group =
        if separate { new() } else { state.record_sets.get(&id).cloned().unwrap_or_else(new) };
    if let Node::List(all) = group.properties.entry("RecordSets", || Node::List(Vec::new())) {
        all.extend(sets);
    }
    if !separate {
        state.record_sets.insert(id, group.clone());
    }
    Ok(Some(group))
}

fn sets(domain: &mut Dict, route53: &Dict, target: &Node) -> Vec<Node> {
    let alias = alias(domain, route53, target);
    let name = domain.at("DomainName").clone();
    let set = |kind: &str| {
        let mut set = Dict::default();
        set.insert("Name", name.clone());
        set.insert("Type", kind);
        set.insert("AliasTarget", alias.clone());
        for key in ["Region", "SetIdentifier"] {
            set.insert_some(key, route53.at(key));
        }
        Node::Map(set)
    };
    let mut sets = vec![set("A")];
    if *route53.at("IpV6") == Node::Bool(true) {
        sets.push(set("AAAA"));
    }
    sets
}

fn alias(domain: &mut Dict, route53: &Dict, target: &Node) -> Dict {
    let attribute = |name: &str| match target {
        Node::Text(id) => get_att(id, name),
        other => {
            let path = list![other.clone(), name];
            crate::node::dict! { "Fn::GetAtt" => path }
        }
    };
    let mut alias = Dict::default();
    alias.insert_some("EvaluateTargetHealth", route53.at("EvaluateTargetHealth"));
    match domain.at("EndpointConfiguration").as_str() {
        Some("REGIONAL") => {
            alias.insert("HostedZoneId", attribute("RegionalHostedZoneId"));
            alias.insert("DNSName", attribute("RegionalDomainName"));
        }
        Some("EDGE") => {
            let name = match route53.at("DistributionDomainName") {
                Node::Null => attribute("DistributionDomainName"),
                given => given.clone(),
            };
            // AWS notes it in the property, which the deployment's hash then covers.
            if let Some(Node::Map(config)) = domain.get_mut("Route53") {
                config.insert("DistributionDomainName", name.clone());
            }
            alias.insert("HostedZoneId", CLOUDFRONT_ZONE);
            alias.insert("DNSName", name);
        }
        _ => {
            alias.insert("HostedZoneId", route53.at("VpcEndpointHostedZoneId").clone());
            alias.insert("DNSName", route53.at("VpcEndpointDomainName").clone());
        }
    }
    alias
}
