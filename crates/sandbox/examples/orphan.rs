//! A platform with three busy functions, for the test that kills it outright: each writes its pid
//! as a file's name into `<folder>/pids` and then sleeps.
//!
//! `cargo run -p cumulet-sandbox --example orphan -- <empty folder>`
#![allow(clippy::unwrap_used, clippy::expect_used)] // an example: its user reads the message

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{RandomIds, SystemClock, Timestamp};
use cumulet_sandbox::{
    BoxFuture, CredentialSource, Credentials, Function, INIT_LIMIT, Invocation, LogFormat, LogLine,
    LogSink, PlainLauncher, Pool, RuntimeFolder, Setup, discover, select,
};

const CODE: &str = "import os, time\ndef handler(event, context):\n    \
    open('../pids/%d' % os.getpid(), 'w').close()\n    time.sleep(60)\n";

struct Nobody;

impl CredentialSource for Nobody {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>> {
        let none = Credentials {
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: String::new(),
            expires: Timestamp::from_millis(i64::MAX),
        };
        Box::pin(async { Ok(none) })
    }
}

struct Silent;

impl LogSink for Silent {
    fn line(&self, _: LogLine) {}
}

#[tokio::main]
async fn main() {
    let root: PathBuf = std::env::args_os().nth(1).expect("a folder to work in").into();
    let root = root.canonicalize().expect("the folder exists");
    for name in ["pids", "code"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::write(root.join("code/index.py"), CODE).unwrap();
    let runtime = "python3.9".parse().unwrap();
    let selected = select(runtime, &discover(None)).expect("Python is installed");
    let function = Function {
        name: "orphan".to_owned(),
        version: "$LATEST".to_owned(),
        region: "us-east-1".to_owned(),
        runtime,
        interpreter: selected.interpreter,
        handler: "index.handler".to_owned(),
        code: root.join("code"),
        layers: None,
        memory_mb: 128,
        storage_mb: 512,
        timeout: Duration::from_secs(60),
        environment: BTreeMap::new(),
        endpoint: None,
        log_group: "/aws/lambda/orphan".to_owned(),
        log_format: LogFormat::Text,
        log_level: None,
    };
    let pool = Arc::new(Pool::new(Setup {
        function,
        launcher: Arc::new(PlainLauncher::new(&root.join("tmp"), None).unwrap()),
        folder: RuntimeFolder::write(&root.join("runtime")).unwrap(),
        credentials: Arc::new(Nobody),
        sink: Arc::new(Silent),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        concurrency: 3,
        idle: Duration::from_secs(60),
        init_limit: INIT_LIMIT,
    }));
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                let invocation = Invocation {
                    request_id: format!("call-{number}"),
                    payload: "{}".into(),
                    ..Invocation::default()
                };
                let _ = pool.invoke(&invocation, None).await;
            })
        })
        .collect();
    for call in calls {
        let _ = call.await;
    }
}
