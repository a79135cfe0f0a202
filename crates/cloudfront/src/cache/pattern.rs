//! Path patterns: `*` stands for any characters, `?` for one; case counts; the leading slash may be
//! left out ("Path pattern", CloudFront developer guide).

/// A path pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Box<[u8]>);

impl Pattern {
    /// The pattern that `text` spells.
    pub(crate) fn new(text: &str) -> Self {
        let slash = if text.starts_with(['/', '*']) { "" } else { "/" };
        Self(format!("{slash}{text}").into_bytes().into())
    }

    /// Whether `path`, which begins with a slash, is of this pattern.
    pub(crate) fn matches(&self, path: &str) -> bool {
        glob(&self.0, path.as_bytes())
    }
}

/// Matches without recursion: a mismatch goes back to the last `*` only, so the time is bounded by
/// the product of the lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        for (pattern, path, fits) in [
            ("*", "/", true),
            ("/api/*", "/api/pets", true),
            ("api/*", "/api/", true),
            ("/api/*", "/api", false),
            ("/API/*", "/api/x", false),
            ("*.jpg", "/a/b.jpg", true),
            ("/images/*.jpg", "/images/a/b.jpg", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("/a*b*c", "/axxbyyc", true),
            ("/a*b*c", "/axxbyy", false),
            ("/index.html", "/index.html", true),
            ("/index.html", "/index.html2", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn agrees_with_the_obvious_definition() {
        fn obvious(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) => (0..=text.len()).any(|n| obvious(rest, &text[n..])),
                (Some((b'?', rest)), Some((_, after))) => obvious(rest, after),
                (Some((p, rest)), Some((t, after))) => p == t && obvious(rest, after),
                _ => false,
            }
        }
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>)>().with_iterations(5_000).for_each(
            |(pattern, text)| {
                // Few letters, so that they meet.
                let few = |bytes: &[u8], letters: &[u8]| -> Vec<u8> {
                    bytes.iter().take(8).map(|b| letters[usize::from(*b) % letters.len()]).collect()
                };
                let (pattern, text) = (few(pattern, b"ab*?"), few(text, b"ab"));
                assert_eq!(glob(&pattern, &text), obvious(&pattern, &text));
            },
        );
    }

    #[test]
    fn stars_do_not_explode() {
        let pattern = Pattern::new(&"*a".repeat(2_000));
        assert!(!pattern.matches(&format!("/{}b", "a".repeat(8_000))));
    }
}
