//! `/_cumulet/`: how this cloud is looked after.
//!
//! The administration's pages have a listener of their own, on loopback, whose address stands in
//! the file `admin` of the data folder: no user's content is served from that origin. The main
//! port serves users' content by path, so there it takes no cookie, only the token as a script
//! sends it, which no page can make a browser add. Health alone is for everybody.
//!
//! A page is a module with a function per method; [`Admin::page`] lists them.

mod answer;
mod door;
mod health;
pub(crate) mod invoke;
pub(crate) mod logs;
pub(crate) mod mail;
mod mailbox;
mod message;
pub(crate) mod outputs;
pub(crate) mod sites;
mod stacks;
pub(crate) mod status;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use cumulet_base::{Body, Timestamp};
use cumulet_mail::Mail;
use cumulet_net::{Address, Handler, Peer};
use cumulet_service::{BoxFuture, Cloud, Cx, Principal, RequestInfo, Site, Sites};
use http::header::{HOST, HeaderValue, LOCATION, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};

use answer::Problem;
use door::{Caller, Refusal};
pub(crate) use token::Token;

use crate::isolation::Isolation;
use crate::ports::Ports;

/// The path that leads here, on every host.
const ROOT: &str = "/_cumulet/";
const NO_PAGE: &str = "There is no such page.";

/// What the administration knows.
pub(crate) struct Admin {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) mail: Arc<Mail>,
    pub(crate) ports: Arc<Ports>,
    pub(crate) token: Token,
    /// Where its own listener is.
    pub(crate) address: SocketAddr,
    /// Where programs on this machine reach the cloud.
    pub(crate) endpoint: String,
    /// How functions are walled in, for a person.
    pub(crate) isolation: Isolation,
    /// When the process started.
    pub(crate) started: Timestamp,
}

impl Admin {
    /// A context as the account's root.
    pub(crate) fn root(&self) -> Cx {
        let parts = self.cloud.parts();
        let info = RequestInfo {
            endpoint: self.endpoint.clone(),
            secure: false,
            ..RequestInfo::internal(parts.ids.uuid(), parts.clock.now())
        };
        let principal = Principal::Root { account: parts.account.as_str().to_owned() };
        let (account, region) = (parts.account.clone(), parts.region.clone());
        Cx::new(Arc::clone(&self.cloud), Arc::new(principal), account, region, Arc::new(info))
    }

    /// The answer to a request that was let in; its path is without [`ROOT`].
    async fn page(&self, path: &str, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let cx = self.root();
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        match path {
            "mailbox" if reads => mailbox::get(&self.mail, &parts.headers).await,
            "mailbox.css" if reads => mailbox::style(),
            "mailbox.js" if reads => mailbox::script(),
            "status" if reads => {
                let glance = status::Glance {
                    url: &self.endpoint,
                    isolation: self.isolation.words().await,
                    uptime: cx.now().since(self.started).as_secs(),
                };
                let status = status::get(&cx, glance, &self.ports).await;
                answer::of(status.map_err(Problem::from))
            }
            "sites" if reads => answer::json(StatusCode::OK, &sites::get(&self.ports)),
            "mail" if reads => answer::of(mail::get(&self.mail).await),
            "reset" => {
                let words = "This cloud was started without --allow-reset.";
                answer::message(StatusCode::FORBIDDEN, words)
            }
            _ if parts.method == Method::POST => match self.post(&cx, path, body).await {
                Some(answer) => answer,
                None => answer::message(StatusCode::NOT_FOUND, NO_PAGE),
            },
            _ => answer::message(StatusCode::NOT_FOUND, NO_PAGE),
        }
    }

    /// Pages that take something; `None` where there is none of that name.
    async fn post(&self, cx: &Cx, path: &str, body: Body) -> Option<Response<Body>> {
        Some(match path {
            "invoke" => answer::of(match answer::input(body).await {
                Ok(input) => invoke::post(cx, input).await,
                Err(why) => Err(why),
            }),
            "logs" => answer::of(match answer::input(body).await {
                Ok(input) => logs::post(cx, input).await,
                Err(why) => Err(why),
            }),
            "outputs" => answer::of(match answer::input(body).await {
                Ok(input) => outputs::post(cx, &self.ports, input).await,
                Err(why) => Err(why),
            }),
            "mail" => answer::of(match answer::input(body).await {
                Ok(input) => mail::post(&self.mail, input).await,
                Err(why) => Err(why),
            }),
            _ => return None,
        })
    }

    /// The name of the session's cookie. Clouds on one machine share their cookies, as a cookie
    /// knows no port: each has a name of its own.
    fn cookie(&self) -> String {
        format!("cumulet-admin-{}", self.address.port())
    }

    /// Answers on the administration's own listener.
    async fn own(&self, peer: &Peer, request: Request<Body>) -> Response<Body> {
        let Some(path) = request.uri().path().strip_prefix(ROOT).map(str::to_owned) else {
            return answer::message(StatusCode::NOT_FOUND, NO_PAGE);
        };
        if path == "health" {
            return health::get(&self.root()).await;
        }
        let authority = authority(&request).unwrap_or_default();
        let headers = request.headers();
        let caller = Caller { loopback: is_loopback(peer), authority: &authority, headers };
        if let Err(refusal) = door::local(caller) {
            return refused(refusal);
        }
        let now = self.cloud.parts().clock.now();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads && let Some(token) = token_in(request.uri().query()) {
            return if self.token.is(token) {
                self.begin_session(request.uri().path())
            } else {
                refused(Refusal::Token)
            };
        }
        let by_token = door::bearer(headers).is_some_and(|token| self.token.is(token));
        let cookie = door::cookie(headers, &self.cookie());
        let by_session = || reads && cookie.is_some_and(|session| self.token.gave(session, now));
        if by_token || by_session() {
            self.page(&path, request).await
        } else {
            refused(Refusal::Token)
        }
    }

    /// Takes the token out of the browser's address bar and its history.
    fn begin_session(&self, path: &str) -> Response<Body> {
        let session = self.token.session(self.cloud.parts().clock.now());
        let cookie = format!(
            "{}={session}; Path=/_cumulet; Max-Age={}; HttpOnly; SameSite=Strict",
            self.cookie(),
            token::SESSION.as_secs()
        );
        let mut response = answer::with(StatusCode::SEE_OTHER, "text/plain", "");
        for (name, value) in [(LOCATION, path), (SET_COOKIE, cookie.as_str())] {
            match HeaderValue::from_str(value) {
                Ok(value) => drop(response.headers_mut().insert(name, value)),
                Err(_) => return answer::message(StatusCode::BAD_REQUEST, "That is no path."),
            }
        }
        response
    }
}

impl Handler for Admin {
    fn handle(&self, peer: Peer, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { self.own(&peer, request).await })
    }
}

/// The administration on the main port, beside users' content.
pub(crate) struct OnMainPort(pub(crate) Arc<Admin>);

impl Sites for OnMainPort {
    fn find(&self, _: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        let site = || Arc::new(Self(Arc::clone(&self.0))) as Arc<dyn Site>;
        // The cut leaves the slash at its end.
        path.starts_with(ROOT).then(|| (site(), ROOT.len() - 1))
    }
}

impl Site for OnMainPort {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            if path == "health" {
                return health::get(&cx).await;
            }
            let info = cx.request();
            let headers = request.headers();
            let caller = Caller {
                loopback: info.source_ip.is_some_and(|ip| ip.is_loopback()),
                authority: info.endpoint.split_once("://").map_or("", |(_, authority)| authority),
                headers,
            };
            if let Err(refusal) = door::local(caller) {
                return refused(refusal);
            }
            if !door::bearer(headers).is_some_and(|token| self.0.token.is(token)) {
                return refused(Refusal::Token);
            }
            self.0.page(&path, request).await
        })
    }
}

/// Lets in who is local and sends the token; else the answer is the refusal.
pub(crate) fn admit(
    peer: &Peer,
    request: &Request<Body>,
    token: &Token,
) -> Result<(), Response<Body>> {
    let authority = authority(request).unwrap_or_default();
    let headers = request.headers();
    let caller = Caller { loopback: is_loopback(peer), authority: &authority, headers };
    door::local(caller).map_err(refused)?;
    if door::bearer(headers).is_some_and(|sent| token.is(sent)) {
        Ok(())
    } else {
        Err(refused(Refusal::Token))
    }
}

/// A few words as an answer of the administration.
pub(crate) fn said(status: StatusCode, words: &str) -> Response<Body> {
    answer::message(status, words)
}

/// The link that opens `page` of the administration at `url` in a browser.
pub(crate) fn link(url: &str, page: &str, token: &Token) -> String {
    format!("{url}{ROOT}{page}?token={}", token.as_str())
}

fn refused(refusal: Refusal) -> Response<Body> {
    let status = match refusal {
        Refusal::Token => StatusCode::UNAUTHORIZED,
        Refusal::Peer | Refusal::Host | Refusal::CrossSite => StatusCode::FORBIDDEN,
    };
    answer::message(status, &refusal.to_string())
}

/// A Unix socket's peer may be a sandboxed function: it is not taken for the owner.
fn is_loopback(peer: &Peer) -> bool {
    matches!(peer.addr, Address::Tcp(_)) && peer.is_loopback()
}

/// The host that the client asked for, with its port: HTTP/2's `:authority` or the Host header.
fn authority(request: &Request<Body>) -> Option<String> {
    let h2 = request.uri().authority().map(http::uri::Authority::as_str);
    let host = || request.headers().get(HOST).and_then(|host| host.to_str().ok());
    h2.or_else(host).map(str::to_owned)
}

/// The token that a link carries.
fn token_in(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("token="))
}
