//! Deployments that are kept compiled: what one serves never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

const MOST: usize = 1024;

/// Compiled deployments by API and id.
#[derive(Debug)]
pub(crate) struct Deployed<T>(Mutex<HashMap<(String, String), Arc<T>>>);

impl<T> Default for Deployed<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Deployed<T> {
    /// The deployment `id` of `api`; read by `load` where it is not there yet.
    pub(crate) async fn get(
        &self,
        api: &str,
        id: &str,
        load: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        let name = (api.to_owned(), id.to_owned());
        let there = {
            let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(&name).cloned()
        };
        if let Some(there) = there {
            return Ok(there);
        }
        let new = Arc::new(load().await?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(name, Arc::clone(&new));
        Ok(new)
    }
}
