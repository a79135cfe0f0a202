//! A cloud that answers: started from its settings, stopped in order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cumulet_base::{Clock as _, Limits, RandomIds, Region, SystemClock};
use cumulet_iam::RootKey;
use cumulet_lambda::Substitutes;
use cumulet_net::{BindError, Certificates, Handler, Listener, LocalCa};
use cumulet_sandbox::Rung;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{self, Admin, Token};
use crate::cli::Place;
use crate::compose::NotStarted;
use crate::isolation;
use crate::life::{Entrance, Life, Setting};
use crate::lives::Lives;
use crate::settings::write_private;

/// The exit code of a program that SIGINT ended, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;
/// Names that the local CA may certify beside loopback and `localhost`.
const DOMAINS: [&str; 1] = ["localhost"];

/// What a cloud is started with.
pub(crate) struct Start {
    pub(crate) place: Place,
    pub(crate) listen: SocketAddr,
    /// Of requests that name none.
    pub(crate) region: String,
    /// Whom the root key belongs to: twelve digits.
    pub(crate) account: String,
    pub(crate) substitutes: Substitutes,
    /// A folder of interpreters beside the machine's own.
    pub(crate) interpreters: Option<PathBuf>,
    /// What functions reach beside the internet and this cloud: each `HOST:PORT`.
    pub(crate) egress_allow: Vec<String>,
    /// The weakest isolation on which functions are started.
    pub(crate) least: Rung,
    /// Whether `POST /_cumulet/reset` removes everything.
    pub(crate) allow_reset: bool,
}

/// A cloud that takes requests.
pub(crate) struct Running {
    /// The way to the cloud for commands of this process, as it is before any reset.
    pub(crate) admin: Arc<Admin>,
    /// Where it is reached: `http://127.0.0.1:4566`.
    pub(crate) url: String,
    /// The link that opens the mailbox in a browser, where there is a mailbox.
    pub(crate) mailbox: Option<String>,
    kind: Kind,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), String>>,
}

/// Whether it has one life.
enum Kind {
    One(Life),
    Many(Arc<Lives>),
}

impl Running {
    /// Starts a cloud. It answers when this returns.
    pub(crate) async fn start(start: Start) -> Result<Self, NotStarted> {
        let account = start.account.parse().map_err(said)?;
        let region: Region = start.region.parse().map_err(said)?;
        // First the port: a cloud that cannot be reached must not touch the data.
        let listener = Listener::bind(start.listen).map_err(|why| match why {
            BindError::InUse(_) => NotStarted::AddressInUse(why.to_string()),
            why => NotStarted::Otherwise(why.to_string()),
        })?;
        let main = listener.local_addr().ok_or_else(|| "the listener has no address".to_owned())?;
        if start.allow_reset && !main.ip().is_loopback() {
            let why = format!("a cloud on {main} cannot have --allow-reset: loopback only");
            return Err(why.into());
        }
        let place = start.place;
        std::fs::create_dir_all(&place.data)
            .map_err(|why| format!("{}: {why}", place.data.display()))?;
        let (admin_listener, admin) = admin_listener(&place)?;
        let token = Token::load_or_create(&place.admin_token(), &RandomIds)?;
        let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
        let certificates: Arc<dyn Certificates> = Arc::new(certificates.map_err(said)?);
        let mailbox = main
            .ip()
            .is_loopback()
            .then(|| admin::link(&format!("http://{admin}"), "mailbox", &token));
        let reached = for_functions(main);
        let isolation =
            isolation::find(&place.data, reached, &start.egress_allow, start.least).await?;
        let setting = Setting {
            place: place.clone(),
            account,
            region: region.clone(),
            substitutes: start.substitutes,
            interpreters: start.interpreters,
            main,
            admin,
            endpoint: format!("http://{reached}"),
            isolation,
            token,
            certificates: Arc::clone(&certificates),
            started: SystemClock.now(),
        };
        let kind = if start.allow_reset {
            Kind::Many(Lives::begin(setting).await?)
        } else {
            Kind::One(Life::begin(&setting, None).await?)
        };
        let (life, root) =
            kind.present().await.ok_or_else(|| "the cloud did not begin".to_owned())?;
        let url = format!("http://{main}");
        let key = format!("{}\n{}\n", root.access_key, root.secret.as_str());
        written(&place.root_key(), &key)?;
        written(&place.endpoint(), &format!("{url}\n{region}\n"))?;
        written(&place.admin(), &format!("http://{admin}\n"))?;
        let (stop, stopped) = watch::channel(false);
        let limits = life.cloud.parts().limits.clone();
        let serving = tokio::spawn(serve(
            [
                (listener, kind.handler(Entrance::Main)),
                (admin_listener, kind.handler(Entrance::Admin)),
            ],
            certificates,
            limits,
            stopped,
        ));
        tracing::info!(%url, data = %place.data.display(), "ready");
        Ok(Self { admin: life, url, mailbox, kind, stop, serving })
    }

    /// Stops: requests under way end, then the work, then the store.
    pub(crate) async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping");
        self.stop.send_replace(true);
        let served = self.serving.await.map_err(said)?;
        self.kind.end().await;
        served
    }

    /// Serves until `told` ends.
    pub(crate) async fn serve_until(
        mut self,
        told: impl Future<Output = ()>,
    ) -> Result<(), String> {
        tokio::select! {
            () = told => self.stop().await,
            // Only where TLS cannot be set up on this machine: nothing was served.
            ended = &mut self.serving => ended.map_err(said)?,
        }
    }
}

impl Kind {
    /// The administration of the present life, and its root's key.
    async fn present(&self) -> Option<(Arc<Admin>, RootKey)> {
        let look = |life: &Life| (Arc::clone(&life.admin), life.root.clone());
        match self {
            Self::One(life) => Some(look(life)),
            Self::Many(lives) => lives.with(look).await,
        }
    }

    fn handler(&self, entrance: Entrance) -> Arc<dyn Handler> {
        match self {
            Self::One(life) => life.handler(entrance),
            Self::Many(lives) => lives.handler(entrance),
        }
    }

    async fn end(&self) {
        match self {
            Self::One(life) => life.end().await,
            Self::Many(lives) => lives.end().await,
        }
    }
}

/// Serves at both entrances until `stopped` turns true.
async fn serve(
    entrances: [(Listener, Arc<dyn Handler>); 2],
    certificates: Arc<dyn Certificates>,
    limits: Limits,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let [one, other] = entrances.map(|(listener, handler)| {
        let mut stopped = stopped.clone();
        // A sender that is gone means the same as one that spoke.
        let stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        listener.serve(handler, Arc::clone(&certificates), limits.clone(), stopped)
    });
    tokio::try_join!(one, other).map(drop).map_err(said)
}

/// The administration's own listener: on the port that it had last time, or on a free one.
fn admin_listener(place: &Place) -> Result<(Listener, SocketAddr), String> {
    let last = std::fs::read_to_string(place.admin()).ok();
    let last = last.and_then(|url| url.trim().strip_prefix("http://")?.parse().ok());
    let last = last.filter(|address: &SocketAddr| address.ip() == Ipv4Addr::LOCALHOST);
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = match last.map(Listener::bind) {
        Some(Ok(listener)) => listener,
        Some(Err(_)) | None => Listener::bind(free).map_err(said)?,
    };
    let address = bound.local_addr().ok_or("the administration's listener has no address")?;
    Ok((bound, address))
}

/// Ends when the process is told to stop. Signals count from this call on, not from the first poll.
pub(crate) fn told_to_stop() -> Result<impl Future<Output = ()>, String> {
    let mut term = signal(SignalKind::terminate()).map_err(said)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(said)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Where functions reach the listener: one that listens everywhere does so on loopback.
fn for_functions(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn written(path: &Path, text: &str) -> Result<(), String> {
    write_private(path, text).map_err(|why| format!("{}: {why}", path.display()))
}

fn said(why: impl std::fmt::Display) -> String {
    why.to_string()
}
