//! The text of a message, for a page: HTML reduced to what it says, codes and links found in it.

/// Digits that a code has.
const CODE: std::ops::RangeInclusive<usize> = 4..=10;

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// What a person has to copy: a number that stands alone, as sign-in codes do, or a password.
    Code(&'a str),
    /// An http or https address.
    Link(&'a str),
}

/// Text as HTML, in an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            sign => out.push(sign),
        }
    }
    out
}

/// What a body says. One that begins with `<` is HTML: its tags become line ends, its links their
/// address. This is for reading, not for safety: the result is text, and escaped as all text is.
pub(super) fn plain(body: &str) -> String {
    if !body.trim_start().starts_with('<') {
        return body.trim().to_owned();
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((text, after)) = rest.split_once('<') {
        out.push_str(&unescaped(text));
        let Some((tag, after)) = after.split_once('>') else {
            rest = "";
            break;
        };
        let name: String = tag.chars().take_while(|c| *c != ' ' && *c != '\n').collect();
        rest = after;
        match name.to_ascii_lowercase().as_str() {
            "a" => {
                if let Some(link) = href(tag) {
                    out.push_str(&unescaped(link));
                    out.push(' ');
                }
            }
            hidden @ ("style" | "script" | "title") => {
                let end = format!("</{hidden}");
                // ASCII case alone changes: positions are the same.
                let at = rest.to_ascii_lowercase().find(&end).unwrap_or(rest.len());
                rest = rest.get(at..).unwrap_or_default();
            }
            "br" | "br/" | "/p" | "/div" | "/tr" | "/li" | "/h1" | "/h2" | "/h3" => out.push('\n'),
            _ => {}
        }
    }
    out.push_str(&unescaped(rest));
    let lines = out.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut text = lines.trim().to_owned();
    while text.contains("\n\n\n") {
        text = text.replace("\n\n\n", "\n\n");
    }
    text
}

/// The address in an `<a>` tag.
fn href(tag: &str) -> Option<&str> {
    let (_, after) = tag.split_once("href=")?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    after.get(1..)?.split(quote).next()
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&#39;", "'").replace("&nbsp;", " ").replace("&amp;", "&")
}

/// The parts of a text; put together again they are the text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let alone = !before.is_some_and(|sign| sign.is_alphanumeric() || "+-_./:#".contains(sign));
        let found = if alone {
            let after = text.get(..at).unwrap_or_default();
            link(rest).or_else(|| password(after, rest)).or_else(|| code(rest))
        } else {
            None
        };
        if let Some(piece @ (Piece::Link(part) | Piece::Code(part) | Piece::Text(part))) = found {
            if let Some(text) = text.get(done..at).filter(|text| !text.is_empty()) {
                pieces.push(Piece::Text(text));
            }
            pieces.push(piece);
            at += part.len();
            done = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if let Some(text) = text.get(done..).filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(text));
    }
    pieces
}

/// The link that a text begins with.
fn link(text: &str) -> Option<Piece<'_>> {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return None;
    }
    let end = text.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"'`".contains(c));
    let link = text.get(..end.unwrap_or(text.len()))?;
    // What ends the sentence does not belong to it.
    Some(Piece::Link(link.trim_end_matches(['.', ',', ')', ']', ';', '!', '?'])))
}

/// The password that follows the words before it, as in Cognito's own invitation: "Your username is
/// {username} and temporary password is {####}."
fn password<'a>(before: &str, text: &'a str) -> Option<Piece<'a>> {
    if !before.ends_with("temporary password is ") {
        return None;
    }
    let word = text.split_whitespace().next().filter(|word| text.starts_with(word))?;
    // The sentence's end, once: a password may have a full stop of its own.
    let password = word.strip_suffix('.').unwrap_or(word);
    (!password.is_empty()).then_some(Piece::Code(password))
}

/// The code that a text begins with.
fn code(text: &str) -> Option<Piece<'_>> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (code, after) = text.split_at_checked(end)?;
    let mut after = after.chars();
    let follows = match (after.next(), after.next()) {
        (Some(sign), _) if sign.is_alphanumeric() => true,
        // A time, a date, a price, a number of a phone.
        (Some('.' | ',' | ':' | '-' | '/' | '_' | '@' | '%'), Some(sign)) => sign.is_alphanumeric(),
        _ => false,
    };
    (CODE.contains(&code.len()) && !follows).then_some(Piece::Code(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_links_are_found() {
        use Piece::{Code, Link, Text};
        for (text, expected) in [
            ("Your code is 123456.", vec![Text("Your code is "), Code("123456"), Text(".")]),
            ("123456", vec![Code("123456")]),
            ("(1234)", vec![Text("("), Code("1234"), Text(")")]),
            (
                "call +4912345678, a1234, 1234b, 123",
                vec![Text("call +4912345678, a1234, 1234b, 123")],
            ),
            ("at 2026-11-21, 12345.67", vec![Text("at 2026-11-21, 12345.67")]),
            (
                "See https://x.example/a?code=1234&b. Or ä123456ö",
                vec![Text("See "), Link("https://x.example/a?code=1234&b"), Text(". Or ä123456ö")],
            ),
            (
                "Your username is ann and temporary password is R3#.x.",
                vec![
                    Text("Your username is ann and temporary password is "),
                    Code("R3#.x"),
                    Text("."),
                ],
            ),
            ("temporary password is .", vec![Text("temporary password is .")]),
            ("javascript:alert(1) ftp://x", vec![Text("javascript:alert(1) ftp://x")]),
            ("", vec![]),
        ] {
            assert_eq!(pieces(text), expected);
        }
    }

    #[test]
    fn html_is_reduced_to_what_it_says() {
        for (body, expected) in [
            (" Your code is 1234 ", "Your code is 1234"),
            (
                "<p>Hello <b>Ann</b>,</p>code&nbsp;<i>1234</i> &amp; more",
                "Hello Ann,\ncode 1234 & more",
            ),
            (
                "<style>p { top: 1 }</style><a href='https://x.example/?a=1&amp;b'>Go</a>",
                "https://x.example/?a=1&b Go",
            ),
            ("<br>a<br/>b<unclosed", "a\nb"),
            ("<scRIPT>alert(1)", ""),
        ] {
            assert_eq!(plain(body), expected);
        }
    }

    #[test]
    fn whatever_it_is_nothing_is_lost_and_nothing_is_markup() {
        bolero::check!().with_type::<String>().for_each(|text| {
            let part = |piece: Piece<'_>| match piece {
                Piece::Text(part) | Piece::Code(part) | Piece::Link(part) => part.to_owned(),
            };
            let whole: String = pieces(text).into_iter().map(part).collect();
            assert_eq!(&whole, text);
            assert!(!escaped(text).contains(['<', '>', '"', '\'']));
            plain(text);
            plain(&format!("<{text}"));
        });
    }
}
