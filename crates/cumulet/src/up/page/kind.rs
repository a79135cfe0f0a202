//! What a file of a page is, and how long a browser may keep it.

/// Media types by file name ending (IANA's registry; text is UTF-8).
const TYPES: [(&str, &str); 38] = [
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("cjs", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("xml", "application/xml"),
    ("xhtml", "application/xhtml+xml"),
    ("rss", "application/rss+xml"),
    ("atom", "application/atom+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("ics", "text/calendar; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/vnd.microsoft.icon"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// A name that changes with the content: kept for a year, and never asked for again.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Everything else is asked for each time, and answered "not modified".
const REVALIDATE: &str = "no-cache";
/// Characters of a hash in a file's name: what build tools write is 8 or more.
const HASH: usize = 8;

/// The media type of a file.
pub(super) fn media_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    let known = TYPES.iter().find(|(ending, _)| *ending == end);
    known.map_or("application/octet-stream", |(_, media)| media)
}

/// The `Cache-Control` of a file.
pub(super) fn cache_control(name: &str) -> &'static str {
    if is_hashed(name) { FOREVER } else { REVALIDATE }
}

/// Whether a file's name carries a hash of its content, as in `index-BdX3k9aQ.js` and
/// `main.3f2a9c1b.css`: a part of its own before the ending, with letters and digits.
fn is_hashed(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((stem, end)) = file.rsplit_once('.') else { return false };
    if matches!(end, "html" | "htm") {
        return false;
    }
    // `x.js.map` belongs to `x.js`.
    let stem =
        if end == "map" { stem.rsplit_once('.').map_or(stem, |(stem, _)| stem) } else { stem };
    let is_hash = |part: &str| {
        part.len() >= HASH
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    };
    // Some hashes have the separator in them: from each separator on.
    let mixed = |part: &str| is_hash(part) && !is_words(part);
    stem.char_indices()
        .filter(|(_, c)| matches!(c, '.' | '-'))
        .any(|(at, _)| stem.get(at + 1..).is_some_and(mixed))
}

/// `version-2024`, `release-notes-2`: words and numbers, each apart, are no hash.
fn is_words(part: &str) -> bool {
    part.split(['-', '_']).all(|word| {
        word.bytes().all(|b| b.is_ascii_lowercase()) || word.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_what_a_file_is() {
        assert_eq!(media_type("index.html"), "text/html; charset=utf-8");
        assert_eq!(media_type("a/b.C.SVG"), "image/svg+xml");
        assert_eq!(media_type("LICENSE"), "application/octet-stream");
    }

    #[test]
    fn only_what_has_a_hash_in_its_name_is_kept() {
        for name in [
            "assets/index-BdX3k9aQ.js",
            "assets/index-D_x-9aQz.css",
            "static/main.3f2a9c1b.css",
            "assets/index-BdX3k9aQ.js.map",
            "_next/static/chunks/app-0a1b2c3d4e5f6789.js",
        ] {
            assert_eq!(cache_control(name), FOREVER, "{name}");
        }
        for name in [
            "index.html",
            "a-3f2a9c1b.html",
            "favicon.ico",
            "robots.txt",
            "release-notes-2024.pdf",
            "jquery-3.7.1.min.js",
            "my-component.js",
            "photo-20240131.jpg",
        ] {
            assert_eq!(cache_control(name), REVALIDATE, "{name}");
        }
    }
}
