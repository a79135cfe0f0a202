//! One life of a cloud: from when it is put together over its data until it ends. Listeners outlive
//! it where it may be reset.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cumulet_base::{AccountId, Region, Timestamp};
use cumulet_gateway::Gateway;
use cumulet_iam::RootKey;
use cumulet_lambda::Substitutes;
use cumulet_net::{Certificates, Handler};
use cumulet_service::Cloud;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{Admin, OnMainPort, Token};
use crate::cli::Place;
use crate::compose::{self, Base, Composed, NotStarted};
use crate::isolation::Isolation;
use crate::ports::{self, Ports};

/// What every life of a cloud has in common.
pub(crate) struct Setting {
    pub(crate) place: Place,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) substitutes: Substitutes,
    /// A folder of interpreters beside the machine's own.
    pub(crate) interpreters: Option<PathBuf>,
    /// Where the cloud listens.
    pub(crate) main: SocketAddr,
    /// Where the administration listens.
    pub(crate) admin: SocketAddr,
    /// Where programs on this machine reach the cloud: `http://127.0.0.1:4566`.
    pub(crate) endpoint: String,
    /// How functions are started, in every life the same way.
    pub(crate) isolation: Isolation,
    pub(crate) token: Token,
    pub(crate) certificates: Arc<dyn Certificates>,
    pub(crate) started: Timestamp,
}

/// A cloud whose work has begun.
pub(crate) struct Life {
    pub(crate) cloud: Arc<Cloud>,
    /// The key of its root.
    pub(crate) root: RootKey,
    pub(crate) admin: Arc<Admin>,
    gateway: Arc<Gateway>,
    /// The sites' own ports close when this turns true.
    stop: watch::Sender<bool>,
    ports: Mutex<Option<JoinHandle<()>>>,
}

/// One of the two ways in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The main port.
    Main,
    /// The administration's own listener.
    Admin,
}

impl Life {
    /// Begins over the data that are there, with the root key of the life before, if there was one.
    pub(crate) async fn begin(
        setting: &Setting,
        root: Option<RootKey>,
    ) -> Result<Self, NotStarted> {
        let base = Base {
            data: &setting.place.data,
            master_key: &setting.place.master_key(),
            account: setting.account.clone(),
            region: setting.region.clone(),
            endpoint: &setting.endpoint,
            launcher: Some(setting.isolation.launcher()),
            substitutes: setting.substitutes,
            interpreters: setting.interpreters.clone(),
            public: !setting.main.ip().is_loopback(),
            root,
        };
        let Composed { cloud, mut sites, root, mail } = compose::cloud(base).await?;
        let published = sites.clone();
        let ports = Ports::new(setting.main);
        let admin = Arc::new(Admin {
            cloud: Arc::clone(&cloud),
            mail,
            ports: Arc::clone(&ports),
            token: setting.token.clone(),
            address: setting.admin,
            endpoint: setting.endpoint.clone(),
            isolation: setting.isolation.clone(),
            started: setting.started,
        });
        sites.insert(0, Arc::new(OnMainPort(Arc::clone(&admin))));
        let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
        let ground = ports::Ground {
            store: cloud.parts().store.clone(),
            gateway: Arc::clone(&gateway),
            sites: published,
            certificates: Arc::clone(&setting.certificates),
            limits: cloud.parts().limits.clone(),
        };
        let (stop, stopped) = watch::channel(false);
        let ports = Mutex::new(Some(tokio::spawn(ports.run(ground, stopped))));
        Ok(Self { cloud, root, admin, gateway, stop, ports })
    }

    /// What answers at an entrance.
    pub(crate) fn handler(&self, entrance: Entrance) -> Arc<dyn Handler> {
        match entrance {
            Entrance::Main => Arc::clone(&self.gateway) as Arc<dyn Handler>,
            Entrance::Admin => Arc::clone(&self.admin) as Arc<dyn Handler>,
        }
    }

    /// Ends in order: the sites' own ports, the work, the store. No request may be under way at the
    /// entrances.
    pub(crate) async fn end(&self) {
        self.stop.send_replace(true);
        let ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ports) = ports {
            let _ = ports.await;
        }
        let parts = self.cloud.parts();
        parts.work.stop(parts.limits.drain).await;
        if let Some(telemetry) = self.cloud.telemetry() {
            telemetry.flush().await;
        }
        parts.store.clone().close().await;
    }
}
