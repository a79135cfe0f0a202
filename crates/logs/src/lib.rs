//! CloudWatch Logs: groups, streams and events on the durable store, and the sink of this cloud's
//! own log lines.
//!
//! `ops/` has one file an operation. [`pattern`] is pure; `store` knows where things lie; `append`
//! is the one way in for events.

mod append;
mod emit;
mod error;
mod group;
mod merge;
mod model;
mod ops;
pub mod pattern;
mod purge;
mod read;
mod resources;
mod retention;
mod store;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cumulet_api_logs::errors::InvalidParameterException;
use cumulet_api_logs::ops::{
    CreateLogGroup, CreateLogStream, DeleteLogGroup, DeleteLogStream, DeleteRetentionPolicy,
    DescribeLogGroups, DescribeLogStreams, FilterLogEvents, GetLogEvents, ListTagsForResource,
    ListTagsLogGroup, PutLogEvents, PutLogGroupDeletionProtection, PutRetentionPolicy, TagLogGroup,
    TagResource, UntagLogGroup, UntagResource,
};
use cumulet_base::{Clock, Ids};
use cumulet_service::{
    BoxFuture, Cloud, Error as ServiceError, LogLine, Resource, Service, Telemetry, operations,
};
use cumulet_shape::{Faults, OperationMeta, ServiceMeta};
use cumulet_store::Store;

/// The service.
pub struct Logs {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    queue: Arc<emit::Queue>,
}

impl Logs {
    /// The service over what `store` holds.
    pub fn new(store: &Store, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Arc<Self> {
        Arc::new(Self { store: store.clone(), clock, ids, queue: Arc::default() })
    }
}

impl Service for Logs {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_logs::SERVICE
    }

    operations![
        CreateLogGroup,
        CreateLogStream,
        DeleteLogGroup,
        DeleteLogStream,
        DeleteRetentionPolicy,
        DescribeLogGroups,
        DescribeLogStreams,
        FilterLogEvents,
        GetLogEvents,
        ListTagsForResource,
        ListTagsLogGroup,
        PutLogEvents,
        PutLogGroupDeletionProtection,
        PutRetentionPolicy,
        TagLogGroup,
        TagResource,
        UntagLogGroup,
        UntagResource,
    ];

    /// CloudWatch Logs has a name of its own for what others call `ValidationException`.
    fn invalid(&self, _operation: &'static OperationMeta, faults: &Faults) -> ServiceError {
        ServiceError::modeled::<InvalidParameterException>(faults.to_string())
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        vec![&resources::LogGroup]
    }

    fn telemetry(self: Arc<Self>) -> Option<Arc<dyn Telemetry>> {
        Some(self)
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        purge::register(cloud);
        retention::register(cloud);
        // Weak, so that the writer ends with the cloud.
        let (logs, queue) = (Arc::downgrade(&self), Arc::clone(&self.queue));
        tokio::spawn(async move {
            loop {
                queue.filled.notified().await;
                tokio::time::sleep(emit::DELAY).await;
                let Some(logs) = logs.upgrade() else { return };
                logs.flush().await;
            }
        });
    }
}

impl Telemetry for Logs {
    fn emit(&self, line: LogLine) {
        self.queue.push(line);
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.queue.flush(&self.store, self.clock.as_ref(), self.ids.as_ref()))
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}
