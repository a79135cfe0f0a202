//! `GET /_cumulet/sites`: the sites that have a loopback port of their own,
//! `[{"host": …, "url": …}]`.

use cumulet_base::Body;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use crate::ports::Ports;

pub(super) fn get(ports: &Ports) -> Response<Body> {
    let list = ports.list().into_iter().map(|(host, url)| json!({ "host": host, "url": url }));
    answer::json(StatusCode::OK, &Value::from_iter(list))
}
