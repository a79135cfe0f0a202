//! AWS's own managed policies, as far as this cloud has them: those that templates name.
//!
//! Each is a file in `managed/`, after AWS's managed policy reference guide. `ReadOnlyAccess` is a
//! subset: the reading actions of the services that this cloud has.

use cumulet_api_iam::types;
use cumulet_base::Timestamp;

use crate::text;
use crate::wire::Detail;

/// A policy of AWS's.
#[derive(Debug)]
pub(crate) struct Managed {
    /// The policy's name.
    pub name: &'static str,
    /// Its path: `/`, `/service-role/` …
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! managed {
    ($($path:literal $name:literal),* $(,)?) => {
        &[$(Managed {
            name: $name,
            path: $path,
            text: include_str!(concat!("../managed/", $name, ".json")),
        }),*]
    };
}

static ALL: &[Managed] = managed![
    "/" "AWSLambda_FullAccess",
    "/" "AWSLambda_ReadOnlyAccess",
    "/" "AWSXRayDaemonWriteAccess",
    "/" "AWSXrayWriteOnlyAccess",
    "/" "AdministratorAccess",
    "/" "AmazonAPIGatewayAdministrator",
    "/" "AmazonAPIGatewayInvokeFullAccess",
    "/" "AmazonCognitoPowerUser",
    "/" "AmazonCognitoReadOnly",
    "/" "AmazonDynamoDBFullAccess",
    "/" "AmazonDynamoDBReadOnlyAccess",
    "/" "AmazonS3FullAccess",
    "/" "AmazonS3ReadOnlyAccess",
    "/" "AmazonSQSFullAccess",
    "/" "AmazonSSMReadOnlyAccess",
    "/" "CloudWatchLogsFullAccess",
    "/" "CloudWatchLogsReadOnlyAccess",
    "/" "IAMReadOnlyAccess",
    "/" "PowerUserAccess",
    "/" "ReadOnlyAccess",
    "/service-role/" "AWSLambdaBasicExecutionRole",
    "/service-role/" "AWSLambdaDynamoDBExecutionRole",
    "/service-role/" "AWSLambdaENIManagementAccess",
    "/service-role/" "AWSLambdaKinesisExecutionRole",
    "/service-role/" "AWSLambdaRole",
    "/service-role/" "AWSLambdaSQSQueueExecutionRole",
    "/service-role/" "AWSLambdaVPCAccessExecutionRole",
    "/service-role/" "AmazonAPIGatewayPushToCloudWatchLogs",
];

/// All of them.
pub(crate) fn all() -> &'static [Managed] {
    ALL
}

/// The policy that `arn` (`arn:aws:iam::aws:policy/…`) names.
pub(crate) fn find(arn: &str) -> Option<&'static Managed> {
    let resource = arn.strip_prefix(Managed::PREFIX)?;
    ALL.iter()
        .find(|policy| resource.strip_prefix(policy.path).is_some_and(|name| name == policy.name))
}

impl Managed {
    /// What their ARNs begin with.
    pub(crate) const PREFIX: &str = "arn:aws:iam::aws:policy";

    pub(crate) fn arn(&self) -> String {
        format!("{}{}{}", Self::PREFIX, self.path, self.name)
    }

    /// As GetPolicy answers it. `uses` is how many have it attached, and how many as boundary.
    /// AWS's ids and dates of these policies are not kept.
    pub(crate) fn describe(&self, uses: (usize, usize)) -> types::Policy {
        types::Policy {
            policy_name: Some(self.name.to_owned()),
            arn: Some(self.arn()),
            path: Some(self.path.to_owned()),
            default_version_id: Some("v1".to_owned()),
            attachment_count: i32::try_from(uses.0).ok(),
            permissions_boundary_usage_count: i32::try_from(uses.1).ok(),
            is_attachable: Some(true),
            create_date: Some(Timestamp::from_millis(0)),
            update_date: Some(Timestamp::from_millis(0)),
            ..types::Policy::default()
        }
    }

    /// Its one version.
    pub(crate) fn version(&self, detail: Detail) -> types::PolicyVersion {
        types::PolicyVersion {
            document: Some(text::encode(self.text)).filter(|_| detail == Detail::Full),
            version_id: Some("v1".to_owned()),
            is_default_version: Some(true),
            create_date: Some(Timestamp::from_millis(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_a_policy_and_found_by_its_arn() {
        for policy in ALL {
            assert!(text::check_managed(policy.text).is_ok(), "{}", policy.name);
            assert_eq!(find(&policy.arn()).map(|found| found.name), Some(policy.name));
        }
        assert!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
        assert!(find("arn:aws:iam::aws:policy/").is_none());
    }
}
