//! How many invocations may run at once: for the account, and for functions with a share reserved.
//!
//! "Understanding Lambda function scaling" in the developer guide: reserved concurrency is both a
//! promise to its function and its bound; the others share what is not reserved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cumulet_api_lambda::types::ThrottleReason;

use crate::error::Error;
use crate::name::FunctionName;

/// Invocations under way.
#[derive(Debug, Default)]
pub(crate) struct Admission(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By account, region and name of a function with reserved concurrency; the others' by account
    /// and region alone.
    running: HashMap<String, usize>,
}

/// One invocation under way. It counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    counted: String,
}

impl Admission {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits an invocation of a function that may run `reserved` times at once, or of one that
    /// shares `shared` with all others.
    pub(crate) fn admit(
        self: &Arc<Self>,
        name: &FunctionName,
        reserved: Option<u32>,
        shared: usize,
    ) -> Result<Admitted, Error> {
        let account = format!("{}/{}", name.account, name.region);
        let (counted, limit, reason) = match reserved {
            Some(reserved) => (
                format!("{account}/{}", name.name),
                reserved as usize,
                ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded,
            ),
            None => (account, shared, ThrottleReason::ConcurrentInvocationLimitExceeded),
        };
        let mut counts = self.lock();
        let running = counts.running.get(&counted).copied().unwrap_or_default();
        if running >= limit {
            return Err(Error::Throttled(reason));
        }
        counts.running.insert(counted.clone(), running + 1);
        drop(counts);
        Ok(Admitted { admission: Arc::clone(self), counted })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.admission.lock();
        if let Some(running) = counts.running.get_mut(&self.counted) {
            *running -= 1;
            if *running == 0 {
                counts.running.remove(&self.counted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::AccountId;

    fn name(name: &str) -> FunctionName {
        let (account, region) = (AccountId::DEFAULT, "eu-west-1".parse().unwrap());
        FunctionName { account, region, name: name.into(), qualifier: None }
    }

    #[test]
    fn a_reserved_share_is_promise_and_bound() {
        let admission = Arc::new(Admission::default());
        let one = admission.admit(&name("r"), Some(1), 1).unwrap();
        assert_eq!(
            admission.admit(&name("r"), Some(1), 1).unwrap_err(),
            Error::Throttled(ThrottleReason::ReservedFunctionConcurrentInvocationLimitExceeded)
        );
        // The others share what is left, whatever they are called.
        let other = admission.admit(&name("a"), None, 1).unwrap();
        assert_eq!(
            admission.admit(&name("b"), None, 1).unwrap_err(),
            Error::Throttled(ThrottleReason::ConcurrentInvocationLimitExceeded)
        );
        drop((one, other));
        assert!(admission.admit(&name("r"), Some(1), 1).is_ok());
        assert!(admission.admit(&name("b"), None, 1).is_ok());
        assert!(admission.admit(&name("z"), Some(0), 1).is_err());
        assert!(admission.lock().running.is_empty());
    }
}
