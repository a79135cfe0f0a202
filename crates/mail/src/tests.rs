//! The mailbox and the outbox over a store of their own, and SMTP against a server that writes down
//! what it is told.

use std::time::Duration;

use cumulet_base::{ManualClock, SystemClock, Timestamp};
use cumulet_store::Options;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

async fn mail(unconfigured: Unconfigured) -> (Arc<Mail>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_222_923)));
    (Mail::new(store, Arc::new(Sealer::new(&[1; 32])), clock, unconfigured), folder)
}

fn message(body: &str) -> Message {
    let (to, subject) = ("ann@example.com".to_owned(), "Your code".to_owned());
    Message { channel: Channel::Email, to, subject, body: body.to_owned() }
}

async fn enqueue(mail: &Mail, message: &Message) -> Result<(), MailError> {
    mail.store.transact(|tx| async move { mail.enqueue(&tx, message).await }).await
}

#[tokio::test]
async fn the_mailbox_keeps_the_newest_messages_sealed() {
    let (mail, _folder) = mail(Unconfigured::Mailbox).await;
    mail.store
        .transact(|tx| {
            let mail = &mail;
            async move {
                for number in 0..KEPT + 5 {
                    mail.enqueue(&tx, &message(&format!("code {number}"))).await?;
                }
                Ok::<_, MailError>(())
            }
        })
        .await
        .unwrap();
    let kept = mail.mailbox().await.unwrap();
    assert_eq!(kept.len() as u64, KEPT);
    let newest = serde_json::to_value(&kept[0]).unwrap();
    assert_eq!(newest["body"], "code 1004");
    assert_eq!(newest["channel"], "EMAIL");
    assert_eq!(newest["to"], "ann@example.com");
    assert_eq!(newest["at"], "2026-11-21T01:02:03.000Z");
    let other = Mail {
        sealer: Arc::new(Sealer::new(&[2; 32])),
        store: mail.store.clone(),
        clock: Arc::new(SystemClock),
        unconfigured: Unconfigured::Mailbox,
    };
    assert_eq!(other.mailbox().await.unwrap_err(), MailError::Sealed);
    assert!(!format!("{:?}", kept[0]).contains("code"));
}

#[tokio::test]
async fn a_public_server_without_smtp_refuses() {
    let (mail, _folder) = mail(Unconfigured::Refuse).await;
    assert_eq!(enqueue(&mail, &message("x")).await, Err(MailError::NotConfigured));
    mail.configure(Some(&settings(25))).await.unwrap();
    assert_eq!(enqueue(&mail, &message("x")).await, Ok(()));
    let sms = Message { channel: Channel::Sms, ..message("x") };
    assert_eq!(enqueue(&mail, &sms).await, Err(MailError::NotConfigured));
    mail.configure(None).await.unwrap();
    assert_eq!(mail.settings().await.unwrap(), None);
    assert_eq!(enqueue(&mail, &message("x")).await, Err(MailError::NotConfigured));
}

fn settings(port: u16) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port,
        security: Security::Plain,
        credentials: Some(("user".to_owned(), "pass".to_owned())),
        from: "Notes <no-reply@example.com>".to_owned(),
    }
}

#[tokio::test]
async fn settings_are_checked_and_sealed() {
    let (mail, _folder) = mail(Unconfigured::Mailbox).await;
    let wrong = Settings { from: "nobody".to_owned(), ..settings(25) };
    assert!(matches!(mail.configure(Some(&wrong)).await, Err(MailError::Settings(_))));
    let wrong = Settings { host: "mail.example.com".to_owned(), ..settings(25) };
    assert!(matches!(mail.configure(Some(&wrong)).await, Err(MailError::Settings(_))));
    let right = Settings { security: Security::StartTls, ..wrong };
    mail.configure(Some(&right)).await.unwrap();
    assert_eq!(mail.settings().await.unwrap(), Some(right.clone()));
    let stored = mail.store.snapshot().get(&settings::key()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&stored).into_owned();
    assert!(!text.contains("pass") && !text.contains("example"));
    assert!(!format!("{right:?}").contains("pass"));
}

/// Speaks SMTP with one client after the other; each line that comes goes into the channel. Refuses
/// the first `refusals` mails.
async fn server(mut refusals: u32) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (lines, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (reader, mut writer) = stream.into_split();
            let mut reader = BufReader::new(reader).lines();
            writer.write_all(b"220 ready\r\n").await.unwrap();
            let mut data = false;
            while let Ok(Some(line)) = reader.next_line().await {
                let answer = match line.get(..4).unwrap_or_default() {
                    _ if data && line != "." => "",
                    "EHLO" => "250-here\r\n250 AUTH PLAIN\r\n",
                    "AUTH" => "235 welcome\r\n",
                    "MAIL" if refusals > 0 => {
                        refusals -= 1;
                        "451 later\r\n"
                    }
                    "DATA" => "354 go on\r\n",
                    _ => "250 fine\r\n",
                };
                data = (data || line == "DATA") && line != ".";
                let _ = lines.send(line);
                if writer.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, received)
}

async fn until(received: &mut mpsc::UnboundedReceiver<String>, wanted: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(Some(line)) = tokio::time::timeout(Duration::from_secs(10), received.recv()).await
    {
        let found = line == wanted;
        lines.push(line);
        if found {
            return lines;
        }
    }
    panic!("no {wanted:?} in {lines:#?}");
}

#[tokio::test]
async fn what_is_queued_reaches_the_mail_server_after_a_retry() {
    let (port, mut received) = server(1).await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_222_923)));
    let sealer = Arc::new(Sealer::new(&[1; 32]));
    let mail = Mail::new(store.clone(), sealer, clock.clone(), Unconfigured::Refuse);
    let work = Work::new(store, clock.clone());
    mail.configure(Some(&settings(port))).await.unwrap();
    mail.start(&work);
    let injected = Message {
        subject: "Code\r\nBcc: eve@example.com".to_owned(),
        ..message("Your code is 123456")
    };
    enqueue(&mail, &injected).await.unwrap();
    until(&mut received, "MAIL FROM:<no-reply@example.com>").await;
    // Refused: it comes again, but not before its time.
    tokio::time::sleep(Duration::from_millis(300)).await;
    clock.advance(FIRST_RETRY);
    let lines = until(&mut received, ".").await;
    assert!(lines.contains(&"AUTH PLAIN AHVzZXIAcGFzcw==".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"RCPT TO:<ann@example.com>".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"Your code is 123456".to_owned()), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.starts_with("Bcc")), "{lines:#?}");
    work.stop(Duration::from_secs(5)).await;
}

/// Past the pause after the first failure.
const FIRST_RETRY: Duration = Duration::from_secs(31);
