//! What may not stand in a file, and what has to.

use super::source::Source;
use super::{Config, Finding};
use crate::workspace::File;

/// Marks of unfinished work: it is finished, or an issue.
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];
const MACROS: [&str; 3] = ["dbg!", "todo!", "unimplemented!"];
/// Folders that exist on one machine only.
const MACHINE_FOLDERS: [&str; 4] = ["/home/", "/root/", "/Users/", "/work/"];
const COLUMNS: usize = 100;
/// Names of examples shorter than this occur in words by chance.
const SHORT_NAME: usize = 4;

/// The rules for one Rust file.
pub(super) fn check_source(source: &Source<'_>, config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: Option<usize>, message: &str| {
        let place = match line {
            Some(line) => format!("{}:{}", source.path, line + 1),
            None => source.path.to_owned(),
        };
        findings.push(Finding::new(place, message));
    };
    if needs_opening_comment(source.path) && !source.text.starts_with("//!") {
        let message = if is_operation(source.path) {
            "begins with a `//!` comment that is the operation's contract: what it promises, \
             what it refuses"
        } else {
            "begins with a `//!` comment that says what the crate is, and is not"
        };
        report(None, message);
    }
    let generated = source.is_generated();
    let may_be_unsafe = source.path.starts_with(&format!("{}/", config.unsafe_crate));
    for (number, text, code) in source.lines() {
        let line = Some(number);
        if text.ends_with(char::is_whitespace) {
            report(line, "white space at the end of the line");
        }
        if text.contains('\t') {
            report(line, "a tab: indent with spaces, write \\t in strings");
        }
        let aside = generated || source.is_test() || source.is_test_line(number);
        if !aside && text.chars().count() > COLUMNS && !text.contains("://") {
            report(line, "more than 100 columns (only a URL may be)");
        }
        if !may_be_unsafe && has_word(code, "unsafe") {
            report(line, "unsafe code lives in one crate, see ARCHITECTURE.md");
        }
        for name in MACROS.iter().filter(|name| has_word(code, name)) {
            report(line, &format!("{name} is for unfinished code"));
        }
    }
    findings
}

fn is_operation(path: &str) -> bool {
    path.starts_with("crates/") && path.contains("/src/ops/") && !path.ends_with("/mod.rs")
}

fn needs_opening_comment(path: &str) -> bool {
    is_operation(path) || path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs")
}

/// The rules for every text file.
pub(super) fn check_text(file: &File, exempt: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if exempt.iter().any(|prefix| file.path.starts_with(prefix.as_str())) {
        return findings;
    }
    for (number, line) in file.text.lines().enumerate() {
        let mut report = |message: String| {
            findings.push(Finding::new(format!("{}:{}", file.path, number + 1), message));
        };
        for mark in MARKS.iter().filter(|mark| has_word(line, mark)) {
            report(format!("{mark}: do it now, or open an issue and say nothing here"));
        }
        for folder in MACHINE_FOLDERS.iter().filter(|folder| begins_path(line, folder)) {
            report(format!("{folder}… is a folder of one machine"));
        }
    }
    findings
}

/// Nothing in `crates/` may know an example: they are there to show that the cloud works for
/// applications that it has never heard of. A name that is an ordinary word too is looked for as a
/// whole string literal only.
pub(super) fn check_examples(
    files: &[File],
    examples: &[String],
    ordinary: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("crates/")) {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.replace('-', "_");
            for example in examples.iter().filter(|name| name.len() >= SHORT_NAME) {
                let name = example.replace('-', "_");
                let named = if ordinary.contains(example) {
                    line.contains(&format!("\"{name}\""))
                } else {
                    has_word(&line, &name)
                };
                if named {
                    let message = format!("names the example `{example}`: crates know no example");
                    findings.push(Finding::new(format!("{}:{}", file.path, number + 1), message));
                }
            }
        }
    }
    findings
}

/// Whether the line has these letters with nothing of a word before and after them.
fn has_word(line: &str, word: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line.get(..at), line.get(at + word.len()..));
        !before.is_some_and(|before| before.ends_with(of_word))
            && !after.is_some_and(|after| after.starts_with(of_word))
    })
}

/// Whether a path of the line begins with this folder and goes on with a name: `a/home/b` does not
/// begin with it, and `/home/*` and `/home/x` are what policies are about.
fn begins_path(line: &str, folder: &str) -> bool {
    let of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | ')' | '~');
    line.match_indices(folder).any(|(at, _)| {
        let (before, after) = (line.get(..at), line.get(at + folder.len()..));
        let name = after.unwrap_or_default().chars().take_while(char::is_ascii_alphanumeric);
        !before.is_some_and(|before| before.ends_with(of_path)) && name.count() > 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config { unsafe_crate: "crates/sandbox".to_owned(), ..Config::default() }
    }

    fn source_findings(path: &str, text: &str) -> Vec<String> {
        let found = check_source(&Source::new(path, text), &config());
        found.iter().map(ToString::to_string).collect()
    }

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn each_planted_line_is_caught() {
        let long = format!("let a = \"{}\";", "x".repeat(100));
        for (planted, word) in [
            ("let a = 1; ", "white space"),
            ("\tlet a = 1;", "tab"),
            (long.as_str(), "columns"),
            ("dbg!(a);", "dbg!"),
            ("std::todo!()", "todo!"),
            ("unsafe { a() }", "unsafe"),
            ("fn a(f: unsafe fn()) {}", "unsafe"),
        ] {
            let found = source_findings("crates/x/src/y.rs", &format!("fn a() {{}}\n{planted}\n"));
            assert_eq!(found.len(), 1, "{planted}: {found:?}");
            assert!(found[0].starts_with("crates/x/src/y.rs:2: "), "{found:?}");
            assert!(found[0].contains(word), "{planted}: {found:?}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_let_through() {
        let url = format!("// https://example.com/{}", "x".repeat(100));
        for fine in ["// dbg! and unsafe", "let s = \"unsafe todo!\";", "my_dbg!(a)", &url] {
            assert_eq!(source_findings("crates/x/src/y.rs", fine).len(), 0, "{fine}");
        }
        assert_eq!(source_findings("crates/sandbox/src/y.rs", "unsafe { a() }").len(), 0);
        assert_eq!(source_findings("crates/sandbox2/src/y.rs", "unsafe { a() }").len(), 1);
    }

    #[test]
    fn a_missing_opening_comment_is_caught() {
        for path in ["crates/x/src/ops/put_item.rs", "crates/x/src/lib.rs", "xtask/src/main.rs"] {
            assert_eq!(source_findings(path, "use a::b;").len(), 1, "{path}");
            assert_eq!(source_findings(path, "//! Puts.\nuse a::b;").len(), 0, "{path}");
        }
        for path in ["crates/x/src/ops/mod.rs", "crates/x/src/other.rs"] {
            assert_eq!(source_findings(path, "use a::b;").len(), 0, "{path}");
        }
    }

    #[test]
    fn marks_and_machine_folders_are_caught() {
        for planted in
            ["# TODO: more", "a FIXME", "x = XXX", "cd /home/me", "\"/work/xy\"", "path=/root/ab"]
        {
            assert_eq!(check_text(&file("a.py", planted), &[]).len(), 1, "{planted}");
            assert_eq!(check_text(&file("a.py", planted), &["a.".to_owned()]).len(), 0);
        }
        for fine in [
            "todo",
            "AKIAXXX",
            "TODOS",
            "net/work/x",
            "./home/x",
            "{base}/home/me",
            "/home/*",
            "/home/a",
        ] {
            assert_eq!(check_text(&file("a.py", fine), &[]).len(), 0, "{fine}");
        }
    }

    #[test]
    fn an_example_s_name_is_caught() {
        let names = ["guest-book".to_owned(), "chat".to_owned(), "abc".to_owned()];
        let ordinary = ["chat".to_owned()];
        for (path, text, count) in [
            ("crates/x/src/y.rs", "if table == \"guest-book\"", 1),
            ("crates/x/src/y.rs", "fn guest_book()", 1),
            ("crates/x/src/y.rs", "guest_books, abc", 0),
            ("crates/x/src/y.rs", "// a chat", 0),
            ("crates/x/src/y.rs", "\"chat\"", 1),
            ("tests/y.rs", "guest-book", 0),
        ] {
            let found = check_examples(&[file(path, text)], &names, &ordinary);
            assert_eq!(found.len(), count, "{text}");
        }
    }
}
