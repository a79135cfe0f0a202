//! `cumulet config mail`: the mail server that the cloud sends its mail by.
//!
//! The password is never an argument, which every user of the machine could read: it comes from the
//! environment or from standard input.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use cumulet_mail::{Security, Settings};

use super::Place;
use crate::Outcome;
use crate::admin::mail::{Server, Wish};
use crate::client::{self, Client};
use crate::running::{INTERRUPTED, told_to_stop};
use crate::terminal::{print, print_json, printable};

/// The environment variable that gives the password.
const PASSWORD: &str = "CUMULET_SMTP_PASSWORD";
/// Characters of a password.
const LONGEST: u64 = 1024;

#[derive(Debug, Clone, Args)]
pub(super) struct MailServer {
    /// The mail server's name. Without it, the present settings are shown.
    #[arg(long, requires = "from")]
    host: Option<String>,

    /// Its port [default: 587 with STARTTLS, 465 with TLS, 25 without]
    #[arg(long, requires = "host")]
    port: Option<u16>,

    /// How the connection is kept private.
    #[arg(long, value_enum, default_value = "starttls")]
    security: Kept,

    /// The user to log in as. The password is read from CUMULET_SMTP_PASSWORD or standard input.
    #[arg(long, requires = "host")]
    user: Option<String>,

    /// The sender: Notes <no-reply@example.com>
    #[arg(long, requires = "host")]
    from: Option<String>,

    /// Remove the settings: mail goes to the mailbox again.
    #[arg(long, conflicts_with_all = ["host", "test"])]
    remove: bool,

    /// Send a mail to this address and say what the server answers.
    #[arg(long, value_name = "ADDRESS")]
    test: Option<String>,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

/// How a connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kept {
    /// STARTTLS, without which nothing is sent.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: only for a server on this machine.
    None,
}

impl Kept {
    fn security(self) -> Security {
        match self {
            Self::Starttls => Security::StartTls,
            Self::Tls => Security::Tls,
            Self::None => Security::Plain,
        }
    }

    /// RFC 6409, RFC 8314, RFC 5321.
    fn usual_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

pub(super) fn run(options: MailServer) -> Outcome {
    let client = Client::of(&options.place)?;
    let (json, test) = (options.json, options.test.clone());
    let mut server: Option<Server> = if options.remove {
        client::wait(client.post("mail", &Wish::Remove))?
    } else if let Some(settings) = settings(options)? {
        client::wait(client.post("mail", &Wish::Set(settings)))?
    } else {
        client::wait(client.get("mail"))?
    };
    if let Some(address) = test {
        server = client::wait(client.post("mail", &Wish::Test(address.clone())))?;
        eprintln!("The mail server took a mail to {}.", printable(&address));
    }
    if json {
        print_json(&server)?;
    } else {
        print(&shown(server.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(server: Option<&Server>) -> String {
    let Some(server) = server else {
        return "No mail server is set. A cloud on loopback keeps its mail in the mailbox; a public \
                one refuses what needs mail.\n"
            .to_owned();
    };
    let security = match server.security {
        Security::StartTls => "STARTTLS",
        Security::Tls => "TLS",
        Security::Plain => "unencrypted",
    };
    let user = server.user.as_deref().map_or(String::new(), |user| format!(" as {user}"));
    let text = format!(
        "Mail from {} goes to {}:{} ({security}){user}.\n",
        server.from, server.host, server.port
    );
    printable(&text)
}

/// What the options set; `None` where they set nothing.
fn settings(options: MailServer) -> Result<Option<Settings>, String> {
    let (Some(host), Some(from)) = (options.host, options.from) else { return Ok(None) };
    let credentials = match options.user {
        Some(user) => {
            let password = password(&user)?;
            Some((user, password))
        }
        None => None,
    };
    Ok(Some(Settings {
        host,
        port: options.port.unwrap_or_else(|| options.security.usual_port()),
        security: options.security.security(),
        credentials,
        from,
    }))
}

/// The password of the mail server: from the environment, else the first line of standard input.
fn password(user: &str) -> Result<String, String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    let input = std::io::stdin();
    if input.is_terminal() {
        eprint!("Password of {}: ", printable(user));
        let _ = std::io::stderr().flush();
    }
    let line = client::wait(hidden_line())?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(format!("no password: type it, or set {PASSWORD}"));
    }
    Ok(password.to_owned())
}

/// A line of standard input, which the terminal does not show. Whoever thinks better of it gets his
/// terminal back as it was.
async fn hidden_line() -> Result<String, String> {
    let told = told_to_stop()?;
    let hidden = Hidden::begin();
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().take(LONGEST).read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        read = reading => {
            let read = read.map_err(|why| why.to_string())?;
            read.map_err(|why| format!("the password cannot be read: {why}"))
        }
        () = told => {
            drop(hidden);
            // The task still reads: it ends with the process only.
            std::process::exit(INTERRUPTED.into())
        }
    }
}

/// While it lives, the terminal does not show what is typed.
struct Hidden(Option<rustix::termios::Termios>);

impl Hidden {
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let input = std::io::stdin();
        // Standard input that is no terminal shows nothing anyway.
        let Ok(before) = tcgetattr(&input) else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        let set = tcsetattr(&input, OptionalActions::Flush, &quiet);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(std::io::stdin(), now, before);
            eprintln!();
        }
    }
}
