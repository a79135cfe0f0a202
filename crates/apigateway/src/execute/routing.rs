//! Which route a request takes.
//!
//! Segment by segment a literal wins over `{variable}` and that over `{greedy+}`; on the same path
//! a method wins over `ANY`; `$default` takes what is left ("Working with routes for HTTP APIs").

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// Segments of a path that are looked at: AWS's limit of a request line leaves room for few more.
const MOST_SEGMENTS: usize = 1024;

/// A route's key, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RouteKey {
    /// `$default`
    Default,
    /// `GET /pets/{id}`
    Path(Option<String>, Pattern),
}

/// A path with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

/// The values of a path's variables.
pub(crate) type Parameters = BTreeMap<String, String>;

/// How they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// As HTTP APIs give them.
    Decoded,
    /// As REST APIs give them: percent signs and all.
    AsSent,
}

impl RouteKey {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "$default" {
            return Some(Self::Default);
        }
        let (method, path) = text.split_once(' ')?;
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let method = match method {
            "ANY" => None,
            method => known.contains(&method).then(|| Some(method.to_owned()))?,
        };
        Some(Self::Path(method, Pattern::parse(path)?))
    }
}

impl Pattern {
    /// A path such as `/pets/{id}/{rest+}`: a greedy variable stands at its end or nowhere.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let segments = path.split('/').map(Segment::parse).collect::<Option<Vec<_>>>()?;
        let inner = segments.get(..segments.len().saturating_sub(1)).unwrap_or_default();
        let greedy = |segment: &Segment| matches!(segment, Segment::Greedy(_));
        (!inner.iter().any(greedy) && segments.len() <= MOST_SEGMENTS).then_some(Self(segments))
    }

    /// How well this fits `path` (still encoded, with its slash); the smaller the better.
    fn fit(&self, path: &[&str]) -> Option<Vec<u8>> {
        let mut rank = Vec::with_capacity(self.0.len());
        for (index, segment) in self.0.iter().enumerate() {
            match (segment, path.get(index)) {
                (Segment::Literal(text), Some(given)) if same(text, given) => rank.push(0),
                (Segment::Variable(_), Some(given)) if !given.is_empty() => rank.push(1),
                // A greedy variable takes one segment at least.
                (Segment::Greedy(_), Some(given))
                    if !given.is_empty() || path.len() > index + 1 =>
                {
                    rank.push(2);
                    return Some(rank);
                }
                _ => return None,
            }
        }
        (self.0.len() == path.len()).then_some(rank)
    }

    fn parameters(&self, path: &[&str], values: Values) -> Parameters {
        let decode = |text: &str| match values {
            Values::Decoded => decode(text),
            Values::AsSent => text.to_owned(),
        };
        let mut parameters = Parameters::new();
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Literal(_) => {}
                Segment::Variable(name) => {
                    let value = path.get(index).copied().unwrap_or_default();
                    parameters.insert(name.clone(), decode(value));
                }
                Segment::Greedy(name) => {
                    let rest = path.get(index..).unwrap_or_default().join("/");
                    parameters.insert(name.clone(), decode(&rest));
                }
            }
        }
        parameters
    }
}

impl Segment {
    fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{') else {
            return (!text.contains(['{', '}'])).then(|| Self::Literal(text.to_owned()));
        };
        let name = inner.strip_suffix('}')?;
        let (name, greedy) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-:$".contains(c);
        let named = !name.is_empty() && name.chars().all(plain);
        let name = name.to_owned();
        named.then_some(if greedy { Self::Greedy(name) } else { Self::Variable(name) })
    }
}

fn same(literal: &str, given: &str) -> bool {
    literal == given || decode(given) == *literal
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The segments of a request's path.
fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').take(MOST_SEGMENTS + 1).collect()
}

/// The index of the route that fits best, and the values of its variables.
pub(crate) fn select(
    keys: &[RouteKey],
    method: &str,
    path: &str,
    values: Values,
) -> Option<(usize, Parameters)> {
    let path = segments(path);
    let mut best: Option<((Vec<u8>, bool), usize)> = None;
    let mut default = None;
    for (index, key) in keys.iter().enumerate() {
        match key {
            RouteKey::Default => default = Some((index, Parameters::new())),
            RouteKey::Path(wanted, pattern) => {
                if wanted.as_deref().is_some_and(|wanted| wanted != method) {
                    continue;
                }
                let Some(rank) = pattern.fit(&path) else { continue };
                let rank = (rank, wanted.is_none());
                if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                    best = Some((rank, index));
                }
            }
        }
    }
    let Some((_, index)) = best else { return default };
    let parameters = match keys.get(index) {
        Some(RouteKey::Path(_, pattern)) => pattern.parameters(&path, values),
        _ => Parameters::new(),
    };
    Some((index, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [&str; 9] = [
        "GET /",
        "GET /pets",
        "ANY /pets/{id}",
        "GET /pets/{id}",
        "GET /pets/cats",
        "POST /pets/{proxy+}",
        "ANY /files/{path+}",
        "GET /a b",
        "$default",
    ];

    #[test]
    fn the_most_specific_route_wins() {
        let keys: Vec<_> = ROUTES.iter().map(|key| RouteKey::parse(key).unwrap()).collect();
        let cases = [
            ("GET", "/", "GET /", ""),
            ("GET", "", "GET /", ""),
            ("GET", "/pets", "GET /pets", ""),
            ("GET", "/pets/", "$default", ""),
            ("GET", "/pets/cats", "GET /pets/cats", ""),
            ("GET", "/pets/a%20b", "GET /pets/{id}", "id=a b"),
            ("DELETE", "/pets/cats", "ANY /pets/{id}", "id=cats"),
            ("POST", "/pets/cats", "ANY /pets/{id}", "id=cats"),
            ("POST", "/pets/cats/1", "POST /pets/{proxy+}", "proxy=cats/1"),
            ("PUT", "/files/a/b%2Fc", "ANY /files/{path+}", "path=a/b/c"),
            ("GET", "/files", "$default", ""),
            ("GET", "/a%20b", "GET /a b", ""),
            ("GET", "/none/x", "$default", ""),
        ];
        for (method, path, route, parameters) in cases {
            let (index, found) = select(&keys, method, path, Values::Decoded).unwrap();
            let found: Vec<_> = found.iter().map(|(k, v)| format!("{k}={v}")).collect();
            assert_eq!((ROUTES[index], found.join(",").as_str()), (route, parameters), "{path}");
        }
        assert_eq!(select(&keys[..1], "GET", "/x", Values::Decoded), None);
    }

    #[test]
    fn keys_that_are_no_routes_are_refused() {
        for key in ["", "GET", "FETCH /x", "GET x", "GET /{a+}/b", "GET /{}", "GET /x{a}", "get /"]
        {
            assert_eq!(RouteKey::parse(key), None, "{key}");
        }
    }

    #[test]
    fn any_key_and_path_can_be_matched() {
        bolero::check!().with_type::<(String, String)>().with_iterations(3_000).for_each(
            |(key, path)| {
                let keys = RouteKey::parse(&format!("ANY /{key}")).into_iter().collect::<Vec<_>>();
                select(&keys, "GET", path, Values::AsSent);
            },
        );
    }
}
