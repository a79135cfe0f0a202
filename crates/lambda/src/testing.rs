//! What the tests share.

use crate::model::{Logging, Settings};

/// Settings of a plain function.
pub(crate) fn settings() -> Settings {
    Settings {
        runtime: "python3.12".to_owned(),
        handler: "index.handler".to_owned(),
        role: "arn:aws:iam::000000000000:role/r".to_owned(),
        timeout: 3,
        memory: 128,
        storage: 512,
        environment: None,
        layers: Vec::new(),
        architecture: "x86_64".to_owned(),
        traced: false,
        logging: Logging::default(),
    }
}
