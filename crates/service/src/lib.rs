//! What a service is made of, and the one door between services.
//!
//! A service implements [`Handle`] once per operation and lists them with [`operations!`]. From
//! outside, the gateway decodes a request and runs it through the [`Registry`]; from inside, a
//! service calls another with [`Cx::call`]. Both ways lead through the same validation, the same
//! [`Access`] and the same authorization.

mod access;
mod attempt;
mod call;
mod cloud;
mod cors;
mod cx;
mod endpoint;
mod error;
mod fetch;
mod handle;
mod pass_role;
mod principal;
mod resource;
mod site;
mod telemetry;
pub mod temporary;

pub use access::{Access, Action, Authorizer, Credentials, Found, Identity, ResourceName};
pub use attempt::{Made, StackPart};
pub use call::Registry;
pub use cloud::{Cloud, Parts};
pub use cors::CrossOrigin;
pub use cx::{Cx, RequestInfo, Signed};
pub use endpoint::{Call, Endpoint, Slot};
pub use error::{Error, Origin};
pub use fetch::{Fetch, FetchError};
pub use handle::{Handle, Service};
pub use pass_role::pass_role;
pub use principal::{Principal, Session};
pub use resource::{Actual, Changed, Desired, Resource};
pub use site::{Distrust, LOCAL_DOMAIN, Site, Sites};
pub use telemetry::{LogLine, Telemetry};

/// A future that may move between threads, as trait objects return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The result of everything that a service does.
pub type Result<T, E = Error> = std::result::Result<T, E>;
