//! E-mail with a document's PDF: over SMTP, or as `.eml` files into a folder where
//! no mail server is set up.

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use lettre::{SmtpTransport, Transport};

use crate::archive::File;
use crate::deliveries::Outcome;
use crate::{Mail, paper};

/// One mail to be sent.
pub(crate) struct Letter {
    /// Who sells: its name and address for mail.
    pub(crate) from_name: String,
    pub(crate) from_address: Option<String>,
    pub(crate) to: String,
    /// The kind of document in stored words: `invoice`, `creditNote`.
    pub(crate) kind: &'static str,
    pub(crate) number: String,
    pub(crate) amount: String,
    pub(crate) due_date: Option<String>,
    /// The caller's own text.
    pub(crate) message: Option<String>,
    pub(crate) language: String,
    /// Fixed per delivery, so that a repeat after a crash is recognised.
    pub(crate) message_id: String,
    pub(crate) paper: File,
}

/// Sends a letter the way the house sends mail.
pub(crate) fn send(mail: &Mail, letter: &Letter) -> Outcome {
    let message = match message(letter) {
        Ok(message) => message,
        Err(fault) => return Outcome::Permanent("MAIL_NOT_VALID", fault),
    };
    match mail {
        Mail::Folder(folder) => match file(folder, letter, &message) {
            Ok(()) => Outcome::Taken(letter.message_id.clone()),
            Err(fault) => Outcome::Passing("MAIL_FOLDER", format!("{}: {fault}", folder.display())),
        },
        Mail::Smtp { url, within } => smtp_within(url, *within, letter, message),
    }
}

/// Writes a letter under its own name; a repeat writes the same file again, whole or not at all.
fn file(folder: &Path, letter: &Letter, message: &Message) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = letter.message_id.split('@').next().unwrap_or_default();
    let partial = folder.join(format!("{name}.partial"));
    fs::write(&partial, message.formatted())?;
    fs::rename(&partial, folder.join(format!("{name}.eml")))
}

/// A mail server that keeps answering a little at a time must not hold a mail beyond its lease: it is
/// left alone then, on a thread that ends with the talk. Should it take the mail after all, the
/// repeat carries the same id.
fn smtp_within(url: &str, within: Duration, letter: &Letter, message: Message) -> Outcome {
    let (url, message_id, whole) = (url.to_owned(), letter.message_id.clone(), within * 2);
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(smtp(&url, within, message_id, &message));
    });
    receiver.recv_timeout(whole).unwrap_or_else(|_| {
        let message = format!("The mail server did not take the mail within {} s.", whole.as_secs());
        Outcome::Passing("SMTP_FAILED", message)
    })
}

fn smtp(url: &str, within: Duration, message_id: String, message: &Message) -> Outcome {
    // `smtp://` is STARTTLS where the server offers it; `smtps://` is TLS from the first byte.
    let with_tls = if url.starts_with("smtp://") && !url.contains("tls=") {
        format!("{url}{}tls=opportunistic", if url.contains('?') { '&' } else { '?' })
    } else {
        url.to_owned()
    };
    let transport = match SmtpTransport::from_url(&with_tls) {
        Ok(transport) => transport.timeout(Some(within)).build(),
        Err(fault) => return Outcome::Passing("SMTP_NOT_CONFIGURED", fault.to_string()),
    };
    match transport.send(message) {
        Ok(_) => Outcome::Taken(message_id),
        Err(fault) if fault.is_permanent() => Outcome::Permanent("SMTP_REFUSED", fault.to_string()),
        Err(fault) => Outcome::Passing("SMTP_FAILED", fault.to_string()),
    }
}

fn message(letter: &Letter) -> Result<Message, String> {
    let text = Words::of(letter);
    let address = letter.from_address.clone().unwrap_or_else(|| "no-reply@localhost".to_owned());
    let from = Mailbox::new(Some(letter.from_name.clone()), address.parse().map_err(|f| format!("{address}: {f}"))?);
    let to: Mailbox = letter.to.parse().map_err(|fault| format!("{}: {fault}", letter.to))?;
    let pdf = ContentType::parse("application/pdf").map_err(|fault| fault.to_string())?;
    let attachment = Attachment::new(letter.paper.name.clone()).body(letter.paper.bytes.clone(), pdf);
    let bodies =
        MultiPart::alternative().singlepart(SinglePart::plain(text.plain())).singlepart(SinglePart::html(text.html()));
    Message::builder()
        .from(from)
        .to(to)
        .subject(text.subject)
        .message_id(Some(format!("<{}>", letter.message_id)))
        .multipart(MultiPart::mixed().multipart(bodies).singlepart(attachment))
        .map_err(|fault| fault.to_string())
}

/// What the mail says, in the buyer's language.
struct Words {
    subject: String,
    paragraphs: Vec<String>,
}

impl Words {
    fn of(letter: &Letter) -> Words {
        let words = paper::words_in(&letter.language);
        let say = |name: &str| {
            let sentence = words["mail"][name].as_str().unwrap_or_default();
            let due = letter.due_date.as_deref().unwrap_or_default();
            // What a caller wrote comes last, so that no braces of it are filled in.
            let title = words["title"][letter.kind].as_str().unwrap_or_default();
            let filled = sentence.replace("{title}", title).replace("{amount}", &letter.amount).replace("{due}", due);
            filled.replace("{number}", &letter.number).replace("{name}", &letter.from_name)
        };
        let mut attached = say("attached");
        if letter.due_date.is_some() {
            attached = format!("{attached} {}", say("due"));
        }
        let mut paragraphs = vec![format!("{},", say("greeting"))];
        paragraphs.extend(letter.message.clone());
        paragraphs.push(attached);
        paragraphs.push(format!("{}\n{}", say("regards"), letter.from_name));
        Words { subject: say("subject"), paragraphs }
    }

    fn plain(&self) -> String {
        self.paragraphs.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let escaped =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
        let paragraphs: Vec<String> = self.paragraphs.iter().map(|text| format!("<p>{}</p>", escaped(text))).collect();
        format!("<!doctype html><html><body style=\"font-family:sans-serif\">{}</body></html>", paragraphs.concat())
    }
}
