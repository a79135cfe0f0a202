//! Sending records of asynchronous invocations to their destinations.
//!
//! A record is a job of its own, put into the queue by the transaction that takes the event out of
//! it: once the function is through, it is not run again because a bucket is not there just now.

use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Cx, Error as ServiceError, Principal, Result};
use cumulet_store::Tx;
use cumulet_work::{Job, Lease, LeaseError, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::PRINCIPAL;
use crate::destination::{Destination, Purpose, object_key};
use crate::name::FunctionName;
use crate::role;

const KIND: &str = "lambda/deliver";
/// Deliveries under way at once.
const CONCURRENCY: usize = 32;
/// Times that a delivery is tried: for about six hours, as long as events are kept.
const ATTEMPTS: u32 = 80;
/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// A record on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The function's name.
    pub(crate) function: String,
    /// The ARN of the role as which it is sent.
    pub(crate) role: String,
    /// The ARN of where it goes.
    pub(crate) to: String,
    pub(crate) success: bool,
    pub(crate) record: Value,
    /// When the invocation ended; milliseconds since the epoch.
    pub(crate) at: i64,
}

impl Delivery {
    fn purpose(&self) -> Purpose {
        if self.success { Purpose::Success } else { Purpose::Failure }
    }
}

/// Ends the job of an event, and sends its record, in one transaction.
pub(crate) async fn instead(cx: &Cx, lease: &Lease, delivery: &Delivery) -> Result<()> {
    let payload = serde_json::to_value(delivery).map_err(ServiceError::internal)?;
    let job = Job { kind: KIND.to_owned(), key: cx.ids().uuid(), payload, run_at: cx.now() };
    let ended = cx.store().transact(|tx: Tx| {
        let job = job.clone();
        async move {
            lease.finish(&tx).await?;
            cumulet_work::enqueue(&tx, job).await?;
            Ok::<_, LeaseError>(())
        }
    });
    match ended.await {
        // Somebody else has the event, and ends it.
        Ok(()) | Err(LeaseError::Lost) => Ok(()),
        Err(LeaseError::Store(why)) => Err(why.into()),
    }
}

/// Begins to send what is in the queue.
pub(crate) fn register(cloud: &std::sync::Arc<Cloud>) {
    let weak = std::sync::Arc::downgrade(cloud);
    cloud.parts().work.register(KIND, CONCURRENCY, move |lease| {
        let cloud = weak.upgrade();
        async move {
            match cloud {
                Some(cloud) => handle(&cloud, &lease).await,
                None => Outcome::Retry { after: Duration::from_secs(1) },
            }
        }
    });
}

async fn handle(cloud: &std::sync::Arc<Cloud>, lease: &Lease) -> Outcome {
    let Ok(delivery) = serde_json::from_value::<Delivery>((*lease.payload).clone()) else {
        tracing::error!(job = %lease.key, "a record that cannot be read");
        return Outcome::Done;
    };
    match send(cloud, &delivery, &lease.key).await {
        Ok(()) => Outcome::Done,
        Err(error) if (error.status >= 500 || error.status == 429) && lease.attempt < ATTEMPTS => {
            let pause = Duration::from_secs(1 << lease.attempt.min(10));
            Outcome::Retry { after: pause.min(LONGEST_PAUSE) }
        }
        // AWS counts a `DestinationDeliveryFailures`.
        Err(error) => {
            let (function, to) = (&delivery.function, &delivery.to);
            tracing::warn!(function, to, %error, "a record of an invocation is lost");
            Outcome::Done
        }
    }
}

async fn send(cloud: &std::sync::Arc<Cloud>, delivery: &Delivery, id: &str) -> Result<()> {
    let invalid = |_| ServiceError::internal("a record without account and region");
    let name = FunctionName {
        account: delivery.account.parse().map_err(invalid)?,
        region: delivery.region.parse().map_err(|_| ServiceError::internal("no region"))?,
        name: delivery.function.clone(),
        qualifier: None,
    };
    let to = Destination::parse(&delivery.to, delivery.purpose())?;
    let cx = cloud.context(Principal::service(PRINCIPAL)).in_region(name.region.clone());
    let cx = cx.acting_as(role::principal(&cx, &name, &delivery.role).await?);
    let folder = format!("async/{}", name.name);
    let key = object_key(&folder, Timestamp::from_millis(delivery.at), id);
    to.deliver(&cx, delivery.record.to_string().into_bytes(), &key).await
}
