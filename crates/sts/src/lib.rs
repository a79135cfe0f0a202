//! STS: who a caller is, and temporary credentials.
//!
//! What temporary credentials are made of stands in [`cumulet_service::temporary`]: this crate
//! decides who gets them and what they carry, and keeps nothing.

mod error;
mod ops;
mod role;
mod session;

use cumulet_api_sts::ops::{AssumeRole, GetCallerIdentity, GetSessionToken};
use cumulet_service::{Service, operations};
use cumulet_shape::ServiceMeta;

/// The service. It has no state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sts;

impl Service for Sts {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_sts::SERVICE
    }

    operations![AssumeRole, GetCallerIdentity, GetSessionToken];
}
