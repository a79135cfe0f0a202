//! What commands print: for a person at a terminal in colour and columns, or plain.
//!
//! Text that came from an application (log lines, payloads) never goes to a terminal as it is: an
//! escape sequence in it could rewrite what the person sees.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
}

impl Style {
    /// Its number in ECMA-48's Select Graphic Rendition.
    fn code(self) -> u8 {
        match self {
            Self::Bold => 1,
            Self::Dim => 2,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Blue => 34,
            Self::Magenta => 35,
            Self::Cyan => 36,
        }
    }
}

/// Where a command prints to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    is_terminal: bool,
    colour: bool,
}

impl Terminal {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self::of(std::io::stdout().is_terminal())
    }

    /// Standard error.
    pub(crate) fn stderr() -> Self {
        Self::of(std::io::stderr().is_terminal())
    }

    /// Without colour, for tests.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { is_terminal: false, colour: false }
    }

    /// An application's text: as it is for a program or a file, [`printable`] for a person.
    pub(crate) fn text(self, text: &str) -> Cow<'_, str> {
        if self.is_terminal { printable(text).into() } else { text.into() }
    }

    /// Colour only for a terminal that wants it (https://no-color.org, and TERM=dumb).
    fn of(is_terminal: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { is_terminal, colour: is_terminal && !set("NO_COLOR") && !dumb }
    }

    /// `text` in a style, where there is colour.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
        } else {
            text.to_owned()
        }
    }

    /// The colour of everything called `name`: always the same one.
    pub(crate) fn colour_of(name: &str) -> Style {
        const COLOURS: [Style; 5] =
            [Style::Cyan, Style::Magenta, Style::Blue, Style::Green, Style::Yellow];
        let sum = name
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        COLOURS.get(sum % COLOURS.len()).copied().unwrap_or(Style::Cyan)
    }

    /// Rows in columns two blanks apart, a line each; the last column is as wide as it is.
    pub(crate) fn table(self, rows: &[Vec<Cell>]) -> String {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
            })
            .collect();
        let mut lines = String::new();
        for row in rows {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let painted = cell
                    .style
                    .map_or_else(|| cell.text.clone(), |style| self.paint(style, &cell.text));
                line.push_str(&painted);
                if at + 1 < row.len() {
                    let blanks = width - cell.text.chars().count() + 2;
                    line.extend(std::iter::repeat_n(' ', blanks));
                }
            }
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
        lines
    }
}

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    /// Plain text.
    pub(crate) fn plain(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()).replace('\n', " "), style: None }
    }

    /// Text in a style.
    pub(crate) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self { style: Some(style), ..Self::plain(text) }
    }
}

/// Prints to standard output. A reader that has seen enough (`| head`) ends the process quietly.
pub(crate) fn print(text: &str) {
    if std::io::stdout().lock().write_all(text.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// Prints JSON for scripts.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|why| why.to_string())?;
    print(&format!("{text}\n"));
    Ok(())
}

/// `text` without what could steer a terminal: control characters but for line ends and tabs become
/// visible signs (Unicode's control pictures), others a replacement sign.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '\n' | '\t' => sign,
            '\u{0}'..='\u{1f}' => {
                char::from_u32(0x2400 + u32::from(sign)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            '\u{7f}' => '\u{2421}',
            // C1 controls (some terminals obey them), and what turns the direction of writing.
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                char::REPLACEMENT_CHARACTER
            }
            sign => sign,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_their_colour() {
        let rows = vec![
            vec![Cell::plain("a"), Cell::styled(Style::Green, "ok"), Cell::plain("x y")],
            vec![Cell::plain("longer"), Cell::plain("failed"), Cell::plain("")],
        ];
        let plain = Terminal::plain();
        assert_eq!(plain.table(&rows), "a       ok      x y\nlonger  failed\n");
        let coloured = Terminal { is_terminal: true, colour: true };
        assert_eq!(
            coloured.table(&rows),
            "a       \u{1b}[32mok\u{1b}[0m      x y\nlonger  failed\n"
        );
        assert_eq!(plain.table(&[]), "");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\tb\nc"), "a\tb\nc");
        assert_eq!(printable("\u{1b}[2J\r\u{7f}"), "\u{241b}[2J\u{240d}\u{2421}");
        assert_eq!(printable("\u{9b}31m\u{202e}"), "\u{fffd}31m\u{fffd}");
        assert_eq!(Cell::plain("a\nb").text, "a b");
        assert_eq!(Terminal::plain().text("\u{1b}"), "\u{1b}");
        assert_eq!(Terminal { is_terminal: true, colour: false }.text("\u{1b}"), "\u{241b}");
        bolero::check!().with_type::<String>().for_each(|text| {
            let shown = printable(text);
            assert!(shown.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        });
    }

    #[test]
    fn a_name_keeps_its_colour() {
        assert_eq!(Terminal::colour_of("orders"), Terminal::colour_of("orders"));
    }
}
