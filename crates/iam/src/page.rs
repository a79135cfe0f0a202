//! Lists that come in pages: `Marker`, `MaxItems`, `IsTruncated`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// Items a page where the caller does not say ("MaxItems", IAM API reference).
const USUAL: usize = 100;

/// Which part of a list is wanted.
#[derive(Debug)]
pub(crate) struct Paging {
    /// The name of the last item of the page before.
    pub after: Option<String>,
    pub limit: usize,
}

/// A part of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// The name of the last item here, where there are more.
    pub next: Option<String>,
}

impl Paging {
    /// From a request's parameters; `max` is 1 to 1,000 by the model.
    pub(crate) fn new(marker: Option<&str>, max: Option<i32>) -> Result<Self> {
        let read = |marker: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
            let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            name.ok_or_else(|| Error::Validation("Invalid Marker.".to_owned()))
        };
        let limit = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(USUAL);
        Ok(Self { after: marker.map(read).transpose()?, limit: limit.clamp(1, 1000) })
    }

    /// The part of `items`, which are sorted by name, that is wanted.
    pub(crate) fn cut<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> Page<T> {
        let mut rest = items.into_iter().skip_while(|item| {
            self.after.as_ref().is_some_and(|after| name(item).as_str() <= after.as_str())
        });
        let items: Vec<T> = rest.by_ref().take(self.limit).collect();
        let more = rest.next().is_some();
        let next = items.last().filter(|_| more).map(&name);
        Page { items, next }
    }
}

impl<T> Page<T> {
    /// What a response says: the items as `wire` makes them, `IsTruncated` and `Marker`.
    pub(crate) fn answer<U>(
        self,
        wire: impl FnMut(T) -> U,
    ) -> (Vec<U>, Option<bool>, Option<String>) {
        let marker = self.next.map(|name| URL_SAFE_NO_PAD.encode(name));
        (self.items.into_iter().map(wire).collect(), Some(marker.is_some()), marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_cover_all() {
        let all: Vec<String> = (10..17).map(|n| n.to_string()).collect();
        let (mut marker, mut seen) = (None, Vec::new());
        for _ in 0..3 {
            let page = Paging::new(marker.as_deref(), Some(3)).unwrap().cut(&all, |s| (*s).clone());
            let (items, truncated, next) = page.answer(Clone::clone);
            assert_eq!(truncated, Some(next.is_some()));
            seen.extend(items);
            marker = next;
        }
        assert_eq!((seen, marker), (all, None));
        assert!(matches!(Paging::new(Some("%"), None), Err(Error::Validation(_))));
    }
}
