//! What the owner of a pool or a client asks for, completed with AWS's defaults, and refused where it
//! breaks AWS's rules or where this cloud could not keep it.

use cumulet_api_cognito_idp::ops::{
    CreateUserPoolClientRequest, CreateUserPoolRequest, UpdateUserPoolClientRequest,
    UpdateUserPoolRequest,
};
use cumulet_api_cognito_idp::types::{
    AdminCreateUserConfigType, AdvancedSecurityModeType, DefaultEmailOptionType,
    DeletionProtectionType, EmailConfigurationType, EmailSendingAccountType,
    ExplicitAuthFlowsType as Flow, FeatureType, LambdaConfigType, PasswordPolicyType,
    UserPoolClientType, UserPoolMfaType, UserPoolPolicyType, UserPoolTierType, UserPoolType,
    VerificationMessageTemplateType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Error as ServiceError, Result};
use cumulet_store::Read;

use crate::document;
use crate::error::Error;
use crate::pool::{Client, Pool};
use crate::schema;
use crate::store;

/// The settings of a new pool.
pub(crate) fn new_pool(input: CreateUserPoolRequest) -> Result<UserPoolType> {
    if input.alias_attributes.is_some() && input.username_attributes.is_some() {
        let text =
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.";
        return Err(Error::invalid(text).into());
    }
    let schema = schema::complete(input.schema.as_deref().unwrap_or_default())?;
    completed(UserPoolType {
        name: Some(input.pool_name),
        policies: input.policies,
        deletion_protection: input.deletion_protection,
        lambda_config: input.lambda_config,
        auto_verified_attributes: input.auto_verified_attributes,
        alias_attributes: input.alias_attributes,
        username_attributes: input.username_attributes,
        sms_verification_message: input.sms_verification_message,
        email_verification_message: input.email_verification_message,
        email_verification_subject: input.email_verification_subject,
        verification_message_template: input.verification_message_template,
        sms_authentication_message: input.sms_authentication_message,
        mfa_configuration: input.mfa_configuration,
        user_attribute_update_settings: input.user_attribute_update_settings,
        device_configuration: input.device_configuration,
        email_configuration: input.email_configuration,
        sms_configuration: input.sms_configuration,
        user_pool_tags: input.user_pool_tags,
        admin_create_user_config: input.admin_create_user_config,
        schema_attributes: Some(schema),
        user_pool_add_ons: input.user_pool_add_ons,
        dcr_configuration: input.dcr_configuration,
        username_configuration: input.username_configuration,
        account_recovery_setting: input.account_recovery_setting,
        user_pool_tier: input.user_pool_tier,
        key_configuration: input.key_configuration,
        issuer_configuration: input.issuer_configuration,
        acr_configuration: input.acr_configuration,
        ..UserPoolType::default()
    })
}

/// The settings of a pool after UpdateUserPool, which replaces: what is omitted goes back to its
/// default. Schema, aliases and the way of comparing names are a pool's for good.
pub(crate) fn updated_pool(pool: &Pool, input: UpdateUserPoolRequest) -> Result<UserPoolType> {
    let before = pool.settings.clone();
    completed(UserPoolType {
        name: input.pool_name.or(before.name),
        policies: input.policies,
        deletion_protection: input.deletion_protection,
        lambda_config: input.lambda_config,
        auto_verified_attributes: input.auto_verified_attributes,
        alias_attributes: before.alias_attributes,
        username_attributes: before.username_attributes,
        sms_verification_message: input.sms_verification_message,
        email_verification_message: input.email_verification_message,
        email_verification_subject: input.email_verification_subject,
        verification_message_template: input.verification_message_template,
        sms_authentication_message: input.sms_authentication_message,
        mfa_configuration: input.mfa_configuration,
        user_attribute_update_settings: input.user_attribute_update_settings,
        device_configuration: input.device_configuration,
        email_configuration: input.email_configuration,
        sms_configuration: input.sms_configuration,
        user_pool_tags: input.user_pool_tags.or(before.user_pool_tags),
        admin_create_user_config: input.admin_create_user_config,
        schema_attributes: before.schema_attributes,
        user_pool_add_ons: input.user_pool_add_ons,
        dcr_configuration: input.dcr_configuration,
        username_configuration: before.username_configuration,
        account_recovery_setting: input.account_recovery_setting,
        user_pool_tier: input.user_pool_tier,
        key_configuration: input.key_configuration,
        issuer_configuration: input.issuer_configuration,
        acr_configuration: input.acr_configuration,
        ..UserPoolType::default()
    })
}

fn completed(mut settings: UserPoolType) -> Result<UserPoolType> {
    let policies = settings.policies.take().unwrap_or_default();
    let given = policies.password_policy.unwrap_or_default();
    let password = PasswordPolicyType {
        minimum_length: given.minimum_length.or(Some(8)),
        require_uppercase: given.require_uppercase.or(Some(true)),
        require_lowercase: given.require_lowercase.or(Some(true)),
        require_numbers: given.require_numbers.or(Some(true)),
        require_symbols: given.require_symbols.or(Some(true)),
        password_history_size: given.password_history_size,
        temporary_password_validity_days: given.temporary_password_validity_days.or(Some(7)),
    };
    settings.policies = Some(UserPoolPolicyType { password_policy: Some(password), ..policies });
    settings.deletion_protection.get_or_insert(DeletionProtectionType::Inactive);
    settings.mfa_configuration.get_or_insert(UserPoolMfaType::Off);
    settings.user_pool_tier.get_or_insert(UserPoolTierType::Essentials);
    settings.lambda_config.get_or_insert_default();
    settings.email_configuration.get_or_insert_with(|| EmailConfigurationType {
        email_sending_account: Some(EmailSendingAccountType::CognitoDefault),
        ..EmailConfigurationType::default()
    });
    let admin = settings.admin_create_user_config.get_or_insert_default();
    admin.allow_admin_create_user_only.get_or_insert(false);
    complete_admin(admin);
    let template = settings.verification_message_template.get_or_insert_default();
    template.default_email_option.get_or_insert(DefaultEmailOptionType::ConfirmWithCode);
    check_templates(template, admin)?;
    check_kept(&settings)?;
    Ok(settings)
}

fn complete_admin(config: &mut AdminCreateUserConfigType) {
    config.unused_account_validity_days.get_or_insert(7);
}

/// A message without its code would be of no use.
fn check_templates(
    verify: &VerificationMessageTemplateType,
    admin: &AdminCreateUserConfigType,
) -> Result<()> {
    let invite = admin.invite_message_template.as_ref();
    let needs: [(Option<&String>, &[&str]); 4] = [
        (verify.email_message.as_ref(), &["{####}"]),
        (verify.sms_message.as_ref(), &["{####}"]),
        (invite.and_then(|it| it.email_message.as_ref()), &["{####}", "{username}"]),
        (invite.and_then(|it| it.sms_message.as_ref()), &["{####}", "{username}"]),
    ];
    for (text, parts) in needs {
        if let Some(part) = text.and_then(|text| parts.iter().find(|part| !text.contains(**part))) {
            return Err(Error::invalid(format!("The message must contain {part}.")).into());
        }
    }
    Ok(())
}

/// Refuses by name what would have to be ignored: a pool that should ask for a second factor or a
/// function's word, and does not, is not the pool that its owner asked for.
fn check_kept(settings: &UserPoolType) -> Result<()> {
    let triggers = settings.lambda_config.as_ref().is_some_and(has_triggers);
    let link =
        settings.verification_message_template.as_ref().and_then(|it| it.default_email_option);
    let threat = settings.user_pool_add_ons.as_ref().map(|it| it.advanced_security_mode);
    let lacking = if triggers {
        "user pools with Lambda triggers"
    } else if settings.mfa_configuration == Some(UserPoolMfaType::On) {
        "user pools that require MFA"
    } else if link == Some(DefaultEmailOptionType::ConfirmWithLink) {
        "confirmation by link"
    } else if threat == Some(AdvancedSecurityModeType::Enforced) {
        "enforced threat protection"
    } else {
        return Ok(());
    };
    Err(ServiceError::not_implemented("cognito-idp", lacking))
}

fn has_triggers(config: &LambdaConfigType) -> bool {
    let plain = [
        &config.pre_sign_up,
        &config.custom_message,
        &config.post_confirmation,
        &config.pre_authentication,
        &config.post_authentication,
        &config.define_auth_challenge,
        &config.create_auth_challenge,
        &config.verify_auth_challenge_response,
        &config.pre_token_generation,
        &config.user_migration,
    ];
    plain.into_iter().any(Option::is_some)
        || config.pre_token_generation_config.is_some()
        || config.custom_sms_sender.is_some()
        || config.custom_email_sender.is_some()
        || config.inbound_federation.is_some()
}

/// A pool as DescribeUserPool shows it.
pub(crate) async fn shown(read: &impl Read, pool: &Pool) -> Result<UserPoolType> {
    Ok(UserPoolType {
        id: Some(pool.place.id.clone()),
        arn: Some(pool.place.arn().as_str().to_owned()),
        creation_date: Some(Timestamp::from_millis(pool.record.created)),
        last_modified_date: Some(Timestamp::from_millis(pool.record.modified)),
        estimated_number_of_users: Some(store::users(read, &pool.place).await?),
        user_pool_tags: Some(pool.settings.user_pool_tags.clone().unwrap_or_default()),
        ..pool.settings.clone()
    })
}

/// The settings of a new client.
pub(crate) fn new_client(input: CreateUserPoolClientRequest) -> Result<UserPoolClientType> {
    completed_client(UserPoolClientType {
        user_pool_id: Some(input.user_pool_id),
        client_name: Some(input.client_name),
        refresh_token_validity: input.refresh_token_validity,
        access_token_validity: input.access_token_validity,
        id_token_validity: input.id_token_validity,
        token_validity_units: input.token_validity_units,
        read_attributes: input.read_attributes,
        write_attributes: input.write_attributes,
        explicit_auth_flows: input.explicit_auth_flows,
        supported_identity_providers: input.supported_identity_providers,
        callback_ur_ls: input.callback_ur_ls,
        logout_ur_ls: input.logout_ur_ls,
        default_redirect_uri: input.default_redirect_uri,
        allowed_o_auth_flows: input.allowed_o_auth_flows,
        allowed_o_auth_scopes: input.allowed_o_auth_scopes,
        allowed_o_auth_flows_user_pool_client: input.allowed_o_auth_flows_user_pool_client,
        analytics_configuration: input.analytics_configuration,
        prevent_user_existence_errors: input.prevent_user_existence_errors,
        enable_token_revocation: input.enable_token_revocation,
        enable_propagate_additional_user_context_data: input
            .enable_propagate_additional_user_context_data,
        auth_session_validity: input.auth_session_validity,
        refresh_token_rotation: input.refresh_token_rotation,
        ..UserPoolClientType::default()
    })
}

/// The settings of a client after UpdateUserPoolClient, which replaces like UpdateUserPool.
pub(crate) fn updated_client(
    client: &Client,
    input: UpdateUserPoolClientRequest,
) -> Result<UserPoolClientType> {
    completed_client(UserPoolClientType {
        user_pool_id: Some(input.user_pool_id),
        client_name: input.client_name.or_else(|| client.settings.client_name.clone()),
        refresh_token_validity: input.refresh_token_validity,
        access_token_validity: input.access_token_validity,
        id_token_validity: input.id_token_validity,
        token_validity_units: input.token_validity_units,
        read_attributes: input.read_attributes,
        write_attributes: input.write_attributes,
        explicit_auth_flows: input.explicit_auth_flows,
        supported_identity_providers: input.supported_identity_providers,
        callback_ur_ls: input.callback_ur_ls,
        logout_ur_ls: input.logout_ur_ls,
        default_redirect_uri: input.default_redirect_uri,
        allowed_o_auth_flows: input.allowed_o_auth_flows,
        allowed_o_auth_scopes: input.allowed_o_auth_scopes,
        allowed_o_auth_flows_user_pool_client: input.allowed_o_auth_flows_user_pool_client,
        analytics_configuration: input.analytics_configuration,
        prevent_user_existence_errors: input.prevent_user_existence_errors,
        enable_token_revocation: input.enable_token_revocation,
        enable_propagate_additional_user_context_data: input
            .enable_propagate_additional_user_context_data,
        auth_session_validity: input.auth_session_validity,
        refresh_token_rotation: input.refresh_token_rotation,
        ..UserPoolClientType::default()
    })
}

fn completed_client(mut settings: UserPoolClientType) -> Result<UserPoolClientType> {
    settings.refresh_token_validity =
        settings.refresh_token_validity.filter(|validity| *validity != 0).or(Some(30));
    settings.enable_token_revocation.get_or_insert(true);
    settings.enable_propagate_additional_user_context_data.get_or_insert(false);
    settings.auth_session_validity.get_or_insert(3);
    settings.allowed_o_auth_flows_user_pool_client.get_or_insert(false);
    settings.token_validity_units.get_or_insert_default();
    let flows = settings.explicit_auth_flows.as_deref().unwrap_or_default();
    let modern = flows.iter().filter(|flow| flow.as_str().starts_with("ALLOW_")).count();
    if modern > 0 && modern < flows.len() {
        let text = "ExplicitAuthFlows cannot mix values with and without the prefix ALLOW_.";
        return Err(Error::invalid(text).into());
    }
    let rotation = settings.refresh_token_rotation.as_ref().map(|it| it.feature);
    if rotation == Some(FeatureType::Enabled) && flows.contains(&Flow::AllowRefreshTokenAuth) {
        let text = "ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation.";
        return Err(Error::invalid(text).into());
    }
    check_validity(&settings)?;
    Ok(settings)
}

/// Access and ID tokens live 5 minutes to a day, refresh tokens an hour to ten years.
fn check_validity(settings: &UserPoolClientType) -> Result<()> {
    let record = crate::model::ClientRecord {
        settings: serde_json::Value::Null,
        created: 0,
        modified: 0,
        secret: None,
    };
    let client = Client { id: String::new(), record, settings: settings.clone() };
    let short = 300..=86_400;
    let long = 3_600..=315_360_000;
    let fits = short.contains(&client.access_validity().as_secs())
        && short.contains(&client.id_validity().as_secs())
        && long.contains(&client.refresh_validity().as_secs());
    if fits { Ok(()) } else { Err(Error::invalid("Invalid range for token validity.").into()) }
}

/// A client as DescribeUserPoolClient shows it, with its secret.
pub(crate) fn shown_client(client: &Client, secret: Option<String>) -> UserPoolClientType {
    UserPoolClientType {
        client_id: Some(client.id.clone()),
        client_secret: secret,
        creation_date: Some(Timestamp::from_millis(client.record.created)),
        last_modified_date: Some(Timestamp::from_millis(client.record.modified)),
        ..client.settings.clone()
    }
}

/// Settings as they are stored.
pub(crate) fn stored<T: cumulet_shape::Shape>(settings: &T) -> Result<serde_json::Value> {
    document::write(settings)
}
