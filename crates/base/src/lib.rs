//! What every crate may lean on: names (ARN, account, region), time, ids, limits and the body of
//! a request or response.
//!
//! Pure values only: no I/O, no formats, no engine.

mod arn;
mod body;
mod clock;
mod ids;
mod limits;
mod names;

pub use arn::{Arn, ArnError};
pub use body::{Body, BodyError};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use ids::{Ids, RandomIds, SeededIds};
pub use limits::Limits;
pub use names::{AccountId, NameError, Region};
