//! `GET /_cumulet/mailbox`: the messages that no mail server was configured for, newest first.
//!
//! Asked for `application/json` it is the list `[{channel, to, subject, body, at}]`, else a page.

use cumulet_base::Body;
use cumulet_mail::Mail;
use http::header::{ACCEPT, HeaderMap};
use http::{Response, StatusCode};

use super::answer;

pub(super) async fn get(mail: &Mail, _headers: &HeaderMap) -> Response<Body> {
    match mail.mailbox().await {
        Ok(kept) => answer::json(StatusCode::OK, &kept),
        Err(why) => answer::message(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
    }
}
