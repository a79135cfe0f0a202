//! Resource types of CloudFormation, made by operations only.

mod user_pool;
mod user_pool_client;

use cumulet_service::Resource;

pub(crate) static ALL: [&dyn Resource; 2] =
    [&user_pool::UserPool, &user_pool_client::UserPoolClient];
