//! `/_cumulet/sites`: the sites that have a port of their own, as `[{"host": …, "url": …}]`.

use cumulet_base::Body;
use http::{Response, StatusCode};
use serde_json::json;

use super::answer;
use crate::ports::Ports;

pub(super) fn get(ports: &Ports) -> Response<Body> {
    let sites: Vec<_> =
        ports.list().into_iter().map(|(host, url)| json!({ "host": host, "url": url })).collect();
    answer::json(StatusCode::OK, &sites)
}
