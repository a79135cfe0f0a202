//! `GET /_cumulet/mailbox`: the messages that no mail server was configured for, newest first.
//!
//! Asked for `application/json` it is the list `[{channel, to, subject, body, at}]`, else a page.
//! Whoever can write to a user pool can put a message here: all of it is shown as text.

use std::fmt::Write as _;

use cumulet_base::Body;
use cumulet_mail::{Channel, Kept, Mail};
use http::header::{ACCEPT, HeaderMap};
use http::{Response, StatusCode};

use super::answer;
use super::message::{Piece, escaped, pieces, plain};

/// Messages that the page shows; the list has all of them.
const SHOWN: usize = 200;

pub(super) async fn get(mail: &Mail, headers: &HeaderMap) -> Response<Body> {
    let kept = match mail.mailbox().await {
        Ok(kept) => kept,
        Err(why) => return answer::message(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
    };
    if wants_page(headers) {
        answer::with(StatusCode::OK, "text/html; charset=utf-8", page(&kept))
    } else {
        answer::json(StatusCode::OK, &kept)
    }
}

/// What the page looks like.
pub(super) fn style() -> Response<Body> {
    let text = include_str!("mailbox.css");
    answer::with(StatusCode::OK, "text/css; charset=utf-8", text)
}

/// How the page keeps itself up to date.
pub(super) fn script() -> Response<Body> {
    let text = include_str!("mailbox.js");
    answer::with(StatusCode::OK, "text/javascript; charset=utf-8", text)
}

/// Browsers name HTML first; a program that names nothing, or everything, gets the list.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(','));
    let first = types.find_map(|one| match one.split(';').next().unwrap_or_default().trim() {
        "text/html" | "application/xhtml+xml" => Some(true),
        "application/json" => Some(false),
        _ => None,
    });
    first.unwrap_or(false)
}

fn page(kept: &[Kept]) -> String {
    let mut list = String::new();
    if kept.is_empty() {
        list.push_str(
            "<div class=\"empty\"><p class=\"sign\" aria-hidden=\"true\">✉</p><h2>No messages \
             yet</h2><p>What this cloud would send by mail or text message appears here: sign-up \
             codes, invitations, new passwords.</p></div>",
        );
    } else {
        list.push_str("<ol>");
        for one in kept.iter().take(SHOWN) {
            entry(&mut list, one);
        }
        list.push_str("</ol>");
    }
    if kept.len() > SHOWN {
        let _ = write!(list, "<p class=\"more\">{} older messages</p>", kept.len() - SHOWN);
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Mailbox · Cumulet</title>\n\
         <link rel=\"stylesheet\" href=\"/_cumulet/mailbox.css\">\n\
         <script src=\"/_cumulet/mailbox.js\" defer></script>\n\
         <noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>\n</head>\n<body>\n\
         <header><h1>Mailbox</h1><p id=\"state\">{}</p></header>\n\
         <main id=\"messages\" aria-live=\"polite\">{list}</main>\n</body>\n</html>\n",
        match kept.len() {
            1 => "1 message".to_owned(),
            number => format!("{number} messages"),
        }
    )
}

/// One message of the list.
fn entry(list: &mut String, kept: &Kept) {
    let message = &kept.message;
    let (class, channel) = match message.channel {
        Channel::Email => ("email", "Email"),
        Channel::Sms => ("sms", "SMS"),
    };
    let subject = if message.subject.is_empty() { "Text message" } else { &message.subject };
    let _ = write!(
        list,
        "<li><article><header><span class=\"channel {class}\">{channel}</span>\
         <h2>{}</h2><time datetime=\"{at}\">{at}</time>\
         <p class=\"to\">to <b>{}</b></p></header><div class=\"body\">",
        escaped(subject),
        escaped(&message.to),
        at = escaped(&kept.at),
    );
    let text = plain(&message.body);
    for piece in pieces(&text) {
        let _ = match piece {
            Piece::Text(text) => list.write_str(&escaped(text)),
            Piece::Code(code) => {
                let code = escaped(code);
                write!(
                    list,
                    "<button type=\"button\" class=\"code\" data-copy=\"{code}\" \
                     title=\"Copy\">{code}</button>"
                )
            }
            Piece::Link(link) => {
                let link = escaped(link);
                write!(
                    list,
                    "<a href=\"{link}\" target=\"_blank\" rel=\"noopener noreferrer\">{link}</a>"
                )
            }
        };
    }
    list.push_str("</div></article></li>");
}

#[cfg(test)]
mod tests {
    use cumulet_mail::Message;

    use super::*;

    fn kept(subject: &str, body: &str) -> Kept {
        let message = Message {
            channel: Channel::Email,
            to: "ann+<b>@example.com".to_owned(),
            subject: subject.to_owned(),
            body: body.to_owned(),
        };
        Kept { message, at: "2026-11-21T01:02:03.000Z".to_owned() }
    }

    #[test]
    fn everything_is_shown_as_text() {
        let hostile = "\"><script>alert(1)</script>'& 123456 javascript:alert(1)";
        let page = page(&[kept(hostile, hostile)]);
        assert!(!page.contains("<script>alert") && !page.contains("<b>@"), "{page}");
        assert!(page.contains("ann+&lt;b&gt;@example.com"));
        assert!(page.contains("data-copy=\"123456\""));
        assert!(!page.contains("href=\"javascript"));
    }

    #[test]
    fn the_page_says_how_many_there_are() {
        assert!(page(&[]).contains("No messages yet"));
        let many: Vec<Kept> = (0..SHOWN + 3).map(|_| kept("s", "b")).collect();
        let page = page(&many);
        assert_eq!(page.matches("<li>").count(), SHOWN);
        assert!(page.contains("203 messages") && page.contains("3 older messages"));
    }

    #[test]
    fn browsers_get_the_page() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            wants_page(&headers)
        };
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(wants("text/html"));
        assert!(!wants("application/json"));
        assert!(!wants("application/json, text/html"));
        assert!(!wants("*/*"));
        assert!(!wants_page(&HeaderMap::new()));
    }
}
