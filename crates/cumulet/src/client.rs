//! What commands ask of a running cloud: JSON over the administration's own listener, with the
//! token from the data folder.

use std::io::ErrorKind;
use std::time::Duration;

use cumulet_base::Body;
use cumulet_net::{AllowAll, ClientLimits, FetchError};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admin::{self, Token};
use crate::cli::Place;

/// Bytes of an answer: a function's payload has 6 MB at most, in base64.
const ANSWER: usize = 16 << 20;
/// A function may run for 15 minutes before it answers.
const PATIENCE: Duration = Duration::from_secs(16 * 60);

/// A running cloud, as its owner's commands see it.
pub(crate) struct Client {
    url: String,
    token: Token,
    http: cumulet_net::Client,
}

#[derive(serde::Deserialize)]
struct Refused {
    message: String,
}

impl Client {
    /// The cloud whose data lie in this place.
    pub(crate) fn of(place: &Place) -> Result<Self, String> {
        let url = read(place, &place.admin(), |path| std::fs::read_to_string(path))?;
        let token = read(place, &place.admin_token(), Token::load)?;
        let limits = ClientLimits { head: PATIENCE, total: PATIENCE, ..ClientLimits::default() };
        let http = cumulet_net::Client::new(limits, &[]).map_err(|why| why.to_string())?;
        Ok(Self { url: url.trim().to_owned(), token, http })
    }

    /// The link that opens a page of the administration in a browser.
    pub(crate) fn link(&self, page: &str) -> String {
        admin::link(&self.url, page, &self.token)
    }

    /// Asks for a page.
    pub(crate) async fn get<T: DeserializeOwned>(&self, page: &str) -> Result<T, String> {
        self.ask(Method::GET, page, Body::empty()).await
    }

    /// Sends a question or a wish to a page.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        page: &str,
        input: &impl Serialize,
    ) -> Result<T, String> {
        let body = serde_json::to_vec(input).map_err(|why| why.to_string())?;
        self.ask(Method::POST, page, body.into()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        page: &str,
        body: Body,
    ) -> Result<T, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/_cumulet/{page}", self.url))
            .header(AUTHORIZATION, format!("Bearer {}", self.token.as_str()))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(body)
            .map_err(|why| why.to_string())?;
        let response = self.http.fetch(request, &AllowAll).await.map_err(|why| match why {
            FetchError::Connect(address, _) => {
                format!("no cloud answers at {address}: start it with `cumulet serve`")
            }
            why => why.to_string(),
        })?;
        let status = response.status();
        let text = response.into_body().collect(ANSWER).await.map_err(|why| why.to_string())?;
        if status != StatusCode::OK {
            let refused = serde_json::from_slice::<Refused>(&text);
            return Err(refused.map_or_else(|_| status.to_string(), |refused| refused.message));
        }
        serde_json::from_slice(&text).map_err(|why| format!("{page}: {why}"))
    }
}

/// Reads a file that a running cloud keeps in its data folder.
fn read<T>(
    place: &Place,
    path: &std::path::Path,
    load: impl Fn(&std::path::Path) -> std::io::Result<T>,
) -> Result<T, String> {
    load(path).map_err(|why| match why.kind() {
        ErrorKind::NotFound => format!(
            "no cloud has run with the data folder {}: name its folder with --data, or start it \
             with `cumulet serve`",
            place.data.display()
        ),
        _ => format!("{}: {why}", path.display()),
    })
}

/// Waits for an answer, for a command that has nothing else to do.
pub(crate) fn wait<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(answer)
}
