//! What a person wants to know when the app is up: where it is, and how to get at it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cumulet_service::Cx;

use super::app::App;
use super::{links, progress, stack};
use crate::cli::Place;
use crate::running::Running;
use crate::terminal::{Cell, Style, Terminal, printable};

/// How long a site's port is waited for: it opens a moment after the site is made.
const PORTS: Duration = Duration::from_secs(3);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(50);

/// Prints the stack's outputs with the URLs that lead here, and the credentials' command.
pub(super) async fn links(
    running: &Running,
    cx: &Cx,
    app: &App,
    place: &Place,
    took: Duration,
) -> Result<(), String> {
    let terminal = Terminal::stdout();
    let rows = rows(running, cx, app).await?;
    let mut text = format!("\n{} is up", terminal.paint(Style::Bold, &app.stack));
    let _ = writeln!(text, " ({})\n", progress::elapsed(took));
    if !rows.is_empty() {
        text.push_str(&terminal.table(&rows));
        text.push('\n');
    }
    let mailbox = running.mailbox.iter().map(|link| ("mailbox", link.clone()));
    let more = mailbox.chain([("credentials", credentials(place))]);
    let more: Vec<_> = more
        .map(|(name, value)| vec![Cell::plain(format!("  {name}")), Cell::plain(value)])
        .collect();
    text.push_str(&terminal.table(&more));
    text.push_str("\nCtrl-C stops it.\n");
    println!("{text}");
    Ok(())
}

/// Prints the stack's outputs, which are others now.
pub(super) async fn outputs(running: &Running, cx: &Cx, app: &App) -> Result<(), String> {
    println!("\n{}", Terminal::stdout().table(&rows(running, cx, app).await?));
    Ok(())
}

/// A row for each output of the stack.
async fn rows(running: &Running, cx: &Cx, app: &App) -> Result<Vec<Vec<Cell>>, String> {
    let stack = stack::find(cx, &app.stack).await?.ok_or("the stack is gone")?;
    let mut rows = Vec::new();
    for output in stack.outputs.iter().flatten() {
        let key = output.output_key.as_deref().unwrap_or_default();
        let value = output.output_value.as_deref().unwrap_or_default();
        let shown = match reached(running, value).await {
            Some(url) => Cell::styled(Style::Cyan, url),
            None => Cell::styled(Style::Dim, value),
        };
        rows.push(vec![Cell::plain(format!("  {key}")), shown]);
    }
    Ok(rows)
}

/// The URL by which a browser on this machine reaches what an output names.
pub(super) async fn reached(running: &Running, value: &str) -> Option<String> {
    let port_of = |host: &str| running.admin.ports.url_of(host);
    // What is no URL of a site waits for no port.
    let mut found = links::local(value, &running.url, &port_of)?;
    let mut waited = Duration::ZERO;
    while found.contains(".localhost:") && waited < PORTS {
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
        found = links::local(value, &running.url, &port_of)?;
    }
    Some(found)
}

/// The command that gives a shell this cloud's credentials.
fn credentials(place: &Place) -> String {
    let program = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let mut command = format!("eval \"$({} env", quoted(&program));
    let _ = write!(command, " --data {}", quoted(&from_here(&place.data)));
    if let Some(key) = &place.key_file {
        let _ = write!(command, " --key-file {}", quoted(&from_here(key)));
    }
    command.push_str(")\"");
    command
}

/// The path from the working folder, where it lies below it.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
    let inside = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    inside.unwrap_or_else(|| path.to_owned())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = printable(&path.to_string_lossy());
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@~".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted(Path::new("a/b-c.d")), "a/b-c.d");
        assert_eq!(quoted(Path::new("a b")), "'a b'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }
}
