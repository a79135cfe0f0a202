//! REST APIs (`apigateway`): the control plane.

pub(crate) mod account;
mod api;
pub(crate) mod deployment;
mod gateway_response;
mod import;
pub(crate) mod integration;
pub(crate) mod keys;
mod method;
pub(crate) mod model;
pub(crate) mod openapi;
mod operation;
mod part;
mod patch;
mod resource;
mod resources;
mod stage;
mod tags;

use cumulet_api_apigateway::ops::{
    CreateAuthorizer, CreateDeployment, CreateModel, CreateRequestValidator, CreateResource,
    CreateRestApi, CreateStage, DeleteAuthorizer, DeleteDeployment, DeleteGatewayResponse,
    DeleteIntegration, DeleteIntegrationResponse, DeleteMethod, DeleteMethodResponse, DeleteModel,
    DeleteRequestValidator, DeleteResource, DeleteRestApi, DeleteStage, GetAccount, GetAuthorizer,
    GetAuthorizers, GetDeployment, GetDeployments, GetGatewayResponse, GetGatewayResponses,
    GetIntegration, GetIntegrationResponse, GetMethod, GetMethodResponse, GetModel, GetModels,
    GetRequestValidator, GetRequestValidators, GetResource, GetResources, GetRestApi, GetRestApis,
    GetStage, GetStages, GetTags, ImportRestApi, PutGatewayResponse, PutIntegration,
    PutIntegrationResponse, PutMethod, PutMethodResponse, PutRestApi, TagResource, UntagResource,
    UpdateAccount, UpdateAuthorizer, UpdateDeployment, UpdateGatewayResponse, UpdateIntegration,
    UpdateIntegrationResponse, UpdateMethod, UpdateMethodResponse, UpdateModel,
    UpdateRequestValidator, UpdateResource, UpdateRestApi, UpdateStage,
};
use cumulet_service::{Resource, Service, operations};
use cumulet_shape::ServiceMeta;

use crate::handles::handles;
use model::{AuthorizerRecord, ModelRecord, ValidatorRecord};

/// The service `apigateway`.
#[derive(Debug)]
pub struct RestApis;

handles! {
    RestApis:
    CreateRestApi => api::create,
    GetRestApi => api::get,
    GetRestApis => api::list,
    UpdateRestApi => api::update,
    DeleteRestApi => api::delete,
    ImportRestApi => import::import,
    PutRestApi => import::put,
    CreateResource => resource::create,
    GetResource => resource::get,
    GetResources => resource::list,
    UpdateResource => resource::update,
    DeleteResource => resource::delete,
    PutMethod => method::put,
    GetMethod => method::get,
    UpdateMethod => method::update,
    DeleteMethod => method::delete,
    PutMethodResponse => method::put_response,
    GetMethodResponse => method::get_response,
    UpdateMethodResponse => method::update_response,
    DeleteMethodResponse => method::delete_response,
    PutIntegration => integration::put,
    GetIntegration => integration::get,
    UpdateIntegration => integration::update,
    DeleteIntegration => integration::delete,
    PutIntegrationResponse => integration::put_response,
    GetIntegrationResponse => integration::get_response,
    UpdateIntegrationResponse => integration::update_response,
    DeleteIntegrationResponse => integration::delete_response,
    CreateAuthorizer => part::create::<CreateAuthorizer, AuthorizerRecord>,
    GetAuthorizer => part::get::<GetAuthorizer, AuthorizerRecord>,
    GetAuthorizers => part::list::<GetAuthorizers, AuthorizerRecord>,
    UpdateAuthorizer => part::update::<UpdateAuthorizer, AuthorizerRecord>,
    DeleteAuthorizer => part::delete::<DeleteAuthorizer, AuthorizerRecord>,
    CreateRequestValidator => part::create::<CreateRequestValidator, ValidatorRecord>,
    GetRequestValidator => part::get::<GetRequestValidator, ValidatorRecord>,
    GetRequestValidators => part::list::<GetRequestValidators, ValidatorRecord>,
    UpdateRequestValidator => part::update::<UpdateRequestValidator, ValidatorRecord>,
    DeleteRequestValidator => part::delete::<DeleteRequestValidator, ValidatorRecord>,
    CreateModel => part::create::<CreateModel, ModelRecord>,
    GetModel => part::get::<GetModel, ModelRecord>,
    GetModels => part::list::<GetModels, ModelRecord>,
    UpdateModel => part::update::<UpdateModel, ModelRecord>,
    DeleteModel => part::delete::<DeleteModel, ModelRecord>,
    PutGatewayResponse => gateway_response::put,
    GetGatewayResponse => gateway_response::get,
    GetGatewayResponses => gateway_response::list,
    UpdateGatewayResponse => gateway_response::update,
    DeleteGatewayResponse => gateway_response::delete,
    CreateDeployment => deployment::create,
    GetDeployment => deployment::get,
    GetDeployments => deployment::list,
    UpdateDeployment => deployment::update,
    DeleteDeployment => deployment::delete,
    CreateStage => stage::create,
    GetStage => stage::get,
    GetStages => stage::list,
    UpdateStage => stage::update,
    DeleteStage => stage::delete,
    GetAccount => account::get,
    UpdateAccount => account::update,
    GetTags => tags::get,
    TagResource => tags::tag,
    UntagResource => tags::untag,
}

impl Service for RestApis {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_apigateway::SERVICE
    }

    operations![
        CreateAuthorizer,
        CreateDeployment,
        CreateModel,
        CreateRequestValidator,
        CreateResource,
        CreateRestApi,
        CreateStage,
        DeleteAuthorizer,
        DeleteDeployment,
        DeleteGatewayResponse,
        DeleteIntegration,
        DeleteIntegrationResponse,
        DeleteMethod,
        DeleteMethodResponse,
        DeleteModel,
        DeleteRequestValidator,
        DeleteResource,
        DeleteRestApi,
        DeleteStage,
        GetAccount,
        GetAuthorizer,
        GetAuthorizers,
        GetDeployment,
        GetDeployments,
        GetGatewayResponse,
        GetGatewayResponses,
        GetIntegration,
        GetIntegrationResponse,
        GetMethod,
        GetMethodResponse,
        GetModel,
        GetModels,
        GetRequestValidator,
        GetRequestValidators,
        GetResource,
        GetResources,
        GetRestApi,
        GetRestApis,
        GetStage,
        GetStages,
        GetTags,
        ImportRestApi,
        PutGatewayResponse,
        PutIntegration,
        PutIntegrationResponse,
        PutMethod,
        PutMethodResponse,
        PutRestApi,
        TagResource,
        UntagResource,
        UpdateAccount,
        UpdateAuthorizer,
        UpdateDeployment,
        UpdateGatewayResponse,
        UpdateIntegration,
        UpdateIntegrationResponse,
        UpdateMethod,
        UpdateMethodResponse,
        UpdateModel,
        UpdateRequestValidator,
        UpdateResource,
        UpdateRestApi,
        UpdateStage,
    ];
    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::all()
    }
}
