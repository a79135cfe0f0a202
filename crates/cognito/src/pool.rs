//! A user pool and an app client as the rest of the service sees them.

use std::time::Duration;

use cumulet_api_cognito_idp::types::{
    AliasAttributeType, ExplicitAuthFlowsType as Flow, FeatureType, PasswordPolicyType,
    PreventUserExistenceErrorTypes, RecoveryOptionNameType, TimeUnitsType, UserPoolClientType,
    UserPoolType, UsernameAttributeType, VerifiedAttributeType,
};
use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::Cx;
use cumulet_store::Key;

use crate::model::{ClientRecord, PoolRecord};

/// Where a pool lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// The pool's id.
    pub(crate) id: String,
}

impl Place {
    /// Where the pool of this id would lie for this request.
    pub(crate) fn of(cx: &Cx, id: &str) -> Self {
        Self { account: cx.account().clone(), region: cx.region().clone(), id: id.to_owned() }
    }

    /// The key of what this pool has of one kind.
    pub(crate) fn key(&self, kind: &str) -> Key {
        Key::new("cognito", &self.account, &self.region).text(kind).text(&self.id)
    }

    pub(crate) fn arn(&self) -> Arn {
        let resource = format!("userpool/{}", self.id);
        Arn::new("cognito-idp", &self.region, &self.account, &resource)
    }

    /// The id after its underscore: what SRP calls the pool.
    pub(crate) fn name(&self) -> &str {
        self.id.split_once('_').map_or(self.id.as_str(), |(_, name)| name)
    }
}

/// A user pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) place: Place,
    pub(crate) record: PoolRecord,
    pub(crate) settings: UserPoolType,
}

impl Pool {
    /// A name as names are compared in this pool.
    pub(crate) fn fold(&self, name: &str) -> String {
        let sensitive = self.settings.username_configuration.as_ref();
        // Omitted, names are case-sensitive ("UsernameConfigurationType", API reference).
        if sensitive.is_none_or(|it| it.case_sensitive) {
            name.to_owned()
        } else {
            name.to_lowercase()
        }
    }

    /// Whether users sign in with `email` or `phone_number` in place of a username.
    pub(crate) fn signs_in_with(&self, attribute: &str) -> bool {
        let named = |it: &UsernameAttributeType| it.as_str() == attribute;
        self.settings.username_attributes.as_ref().is_some_and(|list| list.iter().any(named))
    }

    /// Whether usernames are made here, because users sign in with an address.
    pub(crate) fn makes_usernames(&self) -> bool {
        self.settings.username_attributes.as_ref().is_some_and(|list| !list.is_empty())
    }

    /// Whether `email`, `phone_number` or `preferred_username` is a second name.
    pub(crate) fn has_alias(&self, attribute: &str) -> bool {
        let named = |it: &AliasAttributeType| it.as_str() == attribute;
        self.settings.alias_attributes.as_ref().is_some_and(|list| list.iter().any(named))
    }

    /// Whether codes are sent to `email` or `phone_number` of their own.
    pub(crate) fn auto_verifies(&self, attribute: &str) -> bool {
        let named = |it: &VerifiedAttributeType| it.as_str() == attribute;
        self.settings.auto_verified_attributes.as_ref().is_some_and(|list| list.iter().any(named))
    }

    /// Whether a new `email` or `phone_number` takes effect only when it is verified.
    pub(crate) fn verifies_before_update(&self, attribute: &str) -> bool {
        let settings = self.settings.user_attribute_update_settings.as_ref();
        let list =
            settings.and_then(|it| it.attributes_require_verification_before_update.as_ref());
        list.is_some_and(|list| list.iter().any(|it| it.as_str() == attribute))
    }

    pub(crate) fn password_policy(&self) -> PasswordPolicyType {
        let policies = self.settings.policies.as_ref();
        policies.and_then(|it| it.password_policy.clone()).unwrap_or_default()
    }

    /// Where codes for a forgotten password go, first choice first; none where only an
    /// administrator may reset it. Without a setting, phones come before e-mail
    /// ("AccountRecoverySettingType", API reference).
    pub(crate) fn recovery(&self) -> Vec<&'static str> {
        let setting = self.settings.account_recovery_setting.as_ref();
        let Some(options) = setting.and_then(|it| it.recovery_mechanisms.as_ref()) else {
            return vec!["phone_number", "email"];
        };
        let mut options = options.clone();
        options.sort_by_key(|option| option.priority);
        let named = options.iter().filter_map(|option| match option.name {
            RecoveryOptionNameType::VerifiedEmail => Some("email"),
            RecoveryOptionNameType::VerifiedPhoneNumber => Some("phone_number"),
            RecoveryOptionNameType::AdminOnly => None,
        });
        named.collect()
    }

    /// Whether only administrators make users.
    pub(crate) fn admin_only(&self) -> bool {
        let config = self.settings.admin_create_user_config.as_ref();
        config.and_then(|it| it.allow_admin_create_user_only).unwrap_or(false)
    }

    /// How long a temporary password holds.
    pub(crate) fn temporary_validity(&self) -> Duration {
        let config = self.settings.admin_create_user_config.as_ref();
        let days = self.password_policy().temporary_password_validity_days;
        let days = days.or_else(|| config.and_then(|it| it.unused_account_validity_days));
        Duration::from_secs(86_400 * u64::try_from(days.unwrap_or(7).max(1)).unwrap_or(7))
    }
}

/// An app client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) record: ClientRecord,
    pub(crate) settings: UserPoolClientType,
}

impl Client {
    /// Whether one of these flows is on. Without a list, SRP, custom authentication and refresh
    /// are; the names without `ALLOW_` come from a time when SRP and refresh always were.
    pub(crate) fn allows(&self, wanted: &[Flow]) -> bool {
        let list = self.settings.explicit_auth_flows.as_deref().unwrap_or_default();
        let modern = list.iter().any(|flow| flow.as_str().starts_with("ALLOW_"));
        let usual = [Flow::AllowUserSrpAuth, Flow::AllowRefreshTokenAuth, Flow::AllowCustomAuth];
        list.iter().any(|flow| wanted.contains(flow))
            || (!modern && wanted.iter().any(|flow| usual.contains(flow)))
    }

    /// Whether a caller may not learn which users there are.
    pub(crate) fn hides_users(&self) -> bool {
        self.settings.prevent_user_existence_errors == Some(PreventUserExistenceErrorTypes::Enabled)
    }

    /// Whether its tokens can be revoked.
    pub(crate) fn revokes(&self) -> bool {
        self.settings.enable_token_revocation.unwrap_or(true)
    }

    /// How long a replaced refresh token is still taken; `None` where tokens do not rotate.
    pub(crate) fn rotation(&self) -> Option<Duration> {
        let rotation = self.settings.refresh_token_rotation.as_ref()?;
        let grace = u64::try_from(rotation.retry_grace_period_seconds.unwrap_or(0)).unwrap_or(0);
        (rotation.feature == FeatureType::Enabled).then(|| Duration::from_secs(grace))
    }

    pub(crate) fn access_validity(&self) -> Duration {
        let units = self.settings.token_validity_units.as_ref();
        let unit = units.and_then(|it| it.access_token).unwrap_or(TimeUnitsType::Hours);
        validity(self.settings.access_token_validity, unit, 3600)
    }

    pub(crate) fn id_validity(&self) -> Duration {
        let units = self.settings.token_validity_units.as_ref();
        let unit = units.and_then(|it| it.id_token).unwrap_or(TimeUnitsType::Hours);
        validity(self.settings.id_token_validity, unit, 3600)
    }

    /// 30 days where it is 0 or not set.
    pub(crate) fn refresh_validity(&self) -> Duration {
        let units = self.settings.token_validity_units.as_ref();
        let unit = units.and_then(|it| it.refresh_token).unwrap_or(TimeUnitsType::Days);
        validity(self.settings.refresh_token_validity, unit, 30 * 86_400)
    }

    /// How long a step of a sign-in may take: 3 minutes where it is not set.
    pub(crate) fn step_validity(&self) -> Duration {
        let minutes = self.settings.auth_session_validity.unwrap_or(3).clamp(3, 15);
        Duration::from_secs(60 * u64::try_from(minutes).unwrap_or(3))
    }

    /// Whether the client may read this attribute. Without a list it may read all.
    pub(crate) fn reads(&self, attribute: &str) -> bool {
        let list = self.settings.read_attributes.as_ref();
        list.is_none_or(|list| list.iter().any(|name| name == attribute))
    }

    /// Whether the client may write this attribute. Without a list it may write all but the marks
    /// of what is verified.
    pub(crate) fn writes(&self, attribute: &str) -> bool {
        match &self.settings.write_attributes {
            Some(list) => list.iter().any(|name| name == attribute),
            None => !attribute.ends_with("_verified"),
        }
    }
}

/// A lifetime of a client's tokens.
fn validity(count: Option<i32>, unit: TimeUnitsType, default: u64) -> Duration {
    let each = match unit {
        TimeUnitsType::Seconds => 1,
        TimeUnitsType::Minutes => 60,
        TimeUnitsType::Hours => 3600,
        TimeUnitsType::Days => 86_400,
    };
    let count = count.and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
    Duration::from_secs(count.map_or(default, |count| count.saturating_mul(each)))
}
