//! Long lists in pages: a page's token is the key of its last item.

/// Items of a page.
const PAGE: usize = 100;

/// The items after `token`, and the token of the next page. `items` are ordered by `key`.
pub(crate) fn page<T>(
    items: impl IntoIterator<Item = T>,
    token: Option<&str>,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let after = |item: &T| token.is_none_or(|token| key(item).as_str() > token);
    let mut rest = items.into_iter().filter(after);
    let page: Vec<T> = rest.by_ref().take(PAGE).collect();
    let next = rest.next().and(page.last()).map(key);
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another() {
        let items: Vec<String> = (0..250).map(|n| format!("{n:03}")).collect();
        for count in [0, 1, 99, 100, 101, 200, 250] {
            let (mut seen, mut token) = (Vec::new(), None);
            loop {
                let here = items[..count].iter().cloned();
                let (page, next) = page(here, token.as_deref(), String::clone);
                assert!(page.len() <= PAGE);
                seen.extend(page);
                token = next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, items[..count]);
        }
    }
}
