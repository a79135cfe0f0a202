//! HTTP APIs (`apigatewayv2`): the control plane.

mod api;
mod deployment;
mod import;
pub(crate) mod model;
pub(crate) mod part;
mod resources;
mod stage;
pub(crate) mod tags;

use cumulet_api_apigatewayv2::ops::{
    CreateApi, CreateAuthorizer, CreateDeployment, CreateIntegration, CreateRoute, CreateStage,
    DeleteApi, DeleteAuthorizer, DeleteCorsConfiguration, DeleteDeployment, DeleteIntegration,
    DeleteRoute, DeleteStage, GetApi, GetApis, GetAuthorizer, GetAuthorizers, GetDeployment,
    GetDeployments, GetIntegration, GetIntegrations, GetRoute, GetRoutes, GetStage, GetStages,
    GetTags, ImportApi, ReimportApi, TagResource, UntagResource, UpdateApi, UpdateAuthorizer,
    UpdateIntegration, UpdateRoute, UpdateStage,
};
use cumulet_service::{Resource, Service, operations};
use cumulet_shape::ServiceMeta;

use crate::handles::handles;
use model::{AuthorizerRecord, DeploymentRecord, IntegrationRecord, RouteRecord};

/// The service `apigatewayv2`.
#[derive(Debug)]
pub struct HttpApis;

handles! {
    HttpApis:
    CreateApi => api::create,
    GetApi => api::get,
    GetApis => api::list,
    UpdateApi => api::update,
    DeleteApi => api::delete,
    DeleteCorsConfiguration => api::delete_cors,
    ImportApi => import::import,
    ReimportApi => import::reimport,
    CreateRoute => part::create::<CreateRoute, RouteRecord>,
    GetRoute => part::get::<GetRoute, RouteRecord>,
    GetRoutes => part::list::<GetRoutes, RouteRecord>,
    UpdateRoute => part::update::<UpdateRoute, RouteRecord>,
    DeleteRoute => part::delete::<DeleteRoute, RouteRecord>,
    CreateIntegration => part::create::<CreateIntegration, IntegrationRecord>,
    GetIntegration => part::get::<GetIntegration, IntegrationRecord>,
    GetIntegrations => part::list::<GetIntegrations, IntegrationRecord>,
    UpdateIntegration => part::update::<UpdateIntegration, IntegrationRecord>,
    DeleteIntegration => part::delete::<DeleteIntegration, IntegrationRecord>,
    CreateAuthorizer => part::create::<CreateAuthorizer, AuthorizerRecord>,
    GetAuthorizer => part::get::<GetAuthorizer, AuthorizerRecord>,
    GetAuthorizers => part::list::<GetAuthorizers, AuthorizerRecord>,
    UpdateAuthorizer => part::update::<UpdateAuthorizer, AuthorizerRecord>,
    DeleteAuthorizer => part::delete::<DeleteAuthorizer, AuthorizerRecord>,
    CreateDeployment => deployment::create,
    GetDeployment => part::get::<GetDeployment, DeploymentRecord>,
    GetDeployments => part::list::<GetDeployments, DeploymentRecord>,
    DeleteDeployment => deployment::delete,
    CreateStage => stage::create,
    GetStage => stage::get,
    GetStages => stage::list,
    UpdateStage => stage::update,
    DeleteStage => stage::delete,
    GetTags => tags::get,
    TagResource => tags::tag,
    UntagResource => tags::untag,
}

impl Service for HttpApis {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_apigatewayv2::SERVICE
    }

    operations![
        CreateApi,
        CreateAuthorizer,
        CreateDeployment,
        CreateIntegration,
        CreateRoute,
        CreateStage,
        DeleteApi,
        DeleteAuthorizer,
        DeleteCorsConfiguration,
        DeleteDeployment,
        DeleteIntegration,
        DeleteRoute,
        DeleteStage,
        GetApi,
        GetApis,
        GetAuthorizer,
        GetAuthorizers,
        GetDeployment,
        GetDeployments,
        GetIntegration,
        GetIntegrations,
        GetRoute,
        GetRoutes,
        GetStage,
        GetStages,
        GetTags,
        ImportApi,
        ReimportApi,
        TagResource,
        UntagResource,
        UpdateApi,
        UpdateAuthorizer,
        UpdateIntegration,
        UpdateRoute,
        UpdateStage,
    ];

    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::all()
    }
}
