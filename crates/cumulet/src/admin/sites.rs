//! `GET /_cumulet/sites`: the sites that have a loopback port of their own: `[{host, url}]`.

use serde::{Deserialize, Serialize};

use crate::ports::Ports;

/// A site, by its name and by its own port.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Site {
    pub(crate) host: String,
    pub(crate) url: String,
}

pub(super) fn get(ports: &Ports) -> Vec<Site> {
    ports.list().into_iter().map(|(host, url)| Site { host, url }).collect()
}
