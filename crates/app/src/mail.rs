//! E-mail with a document's PDF and, where asked for, its e-invoice: over SMTP, or as `.eml` files into a folder where
//! no mail server is set up.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, SystemTime};

use billing::input::customers::Language;
use jiff::Timestamp;
use jiff::civil::Date;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error as SmtpError, SmtpTransportBuilder};
use lettre::{SmtpTransport, Transport};

use crate::archive::File;
use crate::deliveries::Outcome;
use crate::paper;
use crate::trust::{self, Greeted};
use crate::workers::LONGEST_SEND;

/// How mail leaves the house.
#[derive(Clone, Debug)]
pub enum Mail {
    /// Over SMTP.
    Smtp(Post),
    /// As `.eml` files into a folder, for a company that has not set up a mail server yet.
    Folder(PathBuf),
}

/// A mail server.
#[derive(Clone)]
pub struct Post {
    /// Where, and who we are there: `smtp://user:password@host:587` (STARTTLS) or `smtps://…` (TLS from the
    /// first byte).
    pub url: String,
    /// How long it may keep us waiting each time; for a whole mail, twice as long.
    pub within: Duration,
    /// A certificate (PEM) that is trusted beside those of the world, for a mail server of the house's own.
    pub certificate: Option<Vec<u8>>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address has a password.
        write!(f, "Post within {:?}", self.within)
    }
}

/// One mail to be sent.
pub(crate) struct Letter {
    /// Who sells: its name, its address for mail, and where answers go when that is another.
    pub(crate) from_name: String,
    pub(crate) from_address: Option<String>,
    pub(crate) reply_to: Option<String>,
    pub(crate) to: String,
    /// The kind of document in stored words: `invoice`, `creditNote`.
    pub(crate) kind: &'static str,
    pub(crate) number: String,
    /// In minor digits and all, as `-1234.50`; then the currency.
    pub(crate) amount: (String, &'static str),
    pub(crate) due_date: Option<Date>,
    /// The last day on which an offer holds.
    pub(crate) valid_until: Option<Date>,
    /// The caller's own text.
    pub(crate) message: Option<String>,
    pub(crate) language: String,
    /// Fixed per delivery, so that a repeat after a crash is recognised.
    pub(crate) message_id: String,
    pub(crate) at: Timestamp,
    /// The PDF first.
    pub(crate) attached: Vec<File>,
    /// What it says, where that is not what is said with a document.
    pub(crate) said: Option<Said>,
}

/// What a mail says in words of its own.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) subject: String,
    pub(crate) paragraphs: Vec<String>,
}

/// Sends a letter the way the house sends mail.
pub(crate) fn send(mail: &Mail, letter: &Letter) -> Outcome {
    let message = match message(letter) {
        Ok(message) => message,
        Err(fault) => return Outcome::Permanent("MAIL_NOT_VALID", fault),
    };
    match mail {
        Mail::Folder(folder) => match file(folder, letter, &message) {
            Ok(()) => Outcome::Delivered(letter.message_id.clone()),
            Err(fault) => Outcome::Passing("MAIL_FOLDER", format!("{}: {fault}", folder.display())),
        },
        Mail::Smtp(post) => smtp_within(post, letter, message),
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
fn smtp_within(post: &Post, letter: &Letter, message: Message) -> Outcome {
    let (own, message_id, whole) = (post.clone(), letter.message_id.clone(), (post.within * 2).min(LONGEST_SEND));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(smtp(&own, message_id, &message));
    });
    receiver.recv_timeout(whole).unwrap_or_else(|_| {
        let message = format!("The mail server did not take the mail within {} s.", whole.as_secs());
        Outcome::Passing("SMTP_FAILED", message)
    })
}

fn smtp(post: &Post, message_id: String, message: &Message) -> Outcome {
    let transport = match transport(post) {
        Ok(transport) => transport.timeout(Some(post.within)).build(),
        Err(fault) => return Outcome::Passing("SMTP_NOT_CONFIGURED", fault.to_string()),
    };
    match transport.send(message) {
        Ok(_) => Outcome::Delivered(message_id),
        Err(fault) if is_about_us(&fault) => Outcome::Passing("SMTP_NOT_CONFIGURED", fault.to_string()),
        Err(fault) if fault.is_permanent() => Outcome::Permanent("SMTP_REFUSED", fault.to_string()),
        Err(fault) => Outcome::Passing("SMTP_FAILED", told(post, &fault)),
    }
}

/// Why a mail server did not take a mail for now.
fn told(post: &Post, fault: &SmtpError) -> String {
    let greeted = Greeted { who: "mail server", name: host(&post.url), option: "--smtp-certificate" };
    let text = fault.to_string();
    if text.contains("STARTTLS is not supported") {
        return format!("the mail server offers no STARTTLS, and without it nothing is sent: {text}");
    }
    trust::told(fault, greeted).unwrap_or(text)
}

/// Whether it is we who are refused and not the mail (RFC 4954, 6): once the password is right, it goes.
fn is_about_us(fault: &SmtpError) -> bool {
    fault.status().is_some_and(|code| ["530", "534", "535", "538"].contains(&code.to_string().as_str()))
}

/// The way to a mail server, as its address says.
fn transport(post: &Post) -> Result<SmtpTransportBuilder, SmtpError> {
    let Post { url, certificate, .. } = post;
    // A password never travels in the clear; without one, TLS is taken where the server offers it.
    let tls = if has_password(url) { "required" } else { "opportunistic" };
    let url = if url.starts_with("smtp://") && !url.contains("tls=") {
        format!("{url}{}tls={tls}", if url.contains('?') { '&' } else { '?' })
    } else {
        url.clone()
    };
    let builder = SmtpTransport::from_url(&url)?;
    let Some(certificate) = certificate else { return Ok(builder) };
    let parameters = TlsParameters::builder(host(&url).to_owned());
    let parameters = parameters.add_root_certificate(Certificate::from_pem(certificate)?).build()?;
    Ok(builder.tls(if url.starts_with("smtps://") {
        Tls::Wrapper(parameters)
    } else if url.contains("tls=required") {
        Tls::Required(parameters)
    } else {
        Tls::Opportunistic(parameters)
    }))
}

/// Who one is at a server, and the server's name with its port, of an address.
fn authority(url: &str) -> (Option<&str>, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or((None, authority), |(who, place)| (Some(who), place))
}

fn has_password(url: &str) -> bool {
    authority(url).0.is_some_and(|who| who.contains(':'))
}

/// The name of a server, without its port: `[::1]` without its brackets.
fn host(url: &str) -> &str {
    let (_, place) = authority(url);
    match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        Some((address, _)) => address,
        None => place.split(':').next().unwrap_or_default(),
    }
}

fn message(letter: &Letter) -> Result<Message, String> {
    let text = Words::of(letter);
    let address = letter.from_address.clone().unwrap_or_else(|| "no-reply@localhost".to_owned());
    let from = Mailbox::new(Some(letter.from_name.clone()), address.parse().map_err(|f| format!("{address}: {f}"))?);
    let to: Mailbox = letter.to.parse().map_err(|fault| format!("{}: {fault}", letter.to))?;
    let bodies =
        MultiPart::alternative().singlepart(SinglePart::plain(text.plain())).singlepart(SinglePart::html(text.html()));
    let mut parts = MultiPart::mixed().multipart(bodies);
    for File { content_type, name, bytes, .. } in &letter.attached {
        let content_type = ContentType::parse(content_type).map_err(|fault| fault.to_string())?;
        parts = parts.singlepart(Attachment::new(name.clone()).body(bytes.clone(), content_type));
    }
    let since_1970 = Duration::from_millis(letter.at.as_millisecond().try_into().unwrap_or_default());
    let date = SystemTime::UNIX_EPOCH + since_1970;
    let mut builder = Message::builder().from(from).to(to).subject(text.subject).date(date);
    if let Some(address) = &letter.reply_to {
        builder = builder.reply_to(address.parse().map_err(|fault| format!("{address}: {fault}"))?);
    }
    let message = builder.message_id(Some(format!("<{}>", letter.message_id))).multipart(parts);
    message.map_err(|fault| fault.to_string())
}

/// What the mail says, in the buyer's language.
struct Words {
    language: &'static str,
    subject: String,
    paragraphs: Vec<String>,
}

impl Words {
    fn of(letter: &Letter) -> Words {
        let language = letter.language.parse().unwrap_or(Language::En).as_str();
        if let Some(Said { subject, paragraphs }) = letter.said.clone() {
            return Words { language, subject, paragraphs };
        }
        let words = paper::words_in(&letter.language);
        let say = |name: &str| {
            let sentence = words["mail"][name].as_str().unwrap_or_default();
            let day = |day: Option<Date>| day.map_or_else(String::new, |day| paper::day_in(words, day));
            let (due, valid) = (day(letter.due_date), day(letter.valid_until));
            let amount = format!("{}\u{a0}{}", paper::number_in(words, &letter.amount.0), letter.amount.1);
            // What a caller wrote comes last, so that no braces of it are filled in.
            let title = words["title"][letter.kind].as_str().unwrap_or_default();
            let filled = sentence.replace("{title}", title).replace("{amount}", &amount).replace("{due}", &due);
            let filled = filled.replace("{valid}", &valid);
            filled.replace("{number}", &letter.number).replace("{name}", &letter.from_name)
        };
        let mut attached = say("attached");
        for (day, sentence) in [(letter.due_date, "due"), (letter.valid_until, "valid")] {
            if day.is_some() {
                attached = format!("{attached} {}", say(sentence));
            }
        }
        let mut paragraphs = vec![format!("{},", say("greeting"))];
        paragraphs.extend(letter.message.clone());
        paragraphs.push(attached);
        paragraphs.push(format!("{}\n{}", say("regards"), letter.from_name));
        Words { language, subject: say("subject"), paragraphs }
    }

    fn plain(&self) -> String {
        self.paragraphs.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let escaped =
            |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
        let paragraphs: Vec<String> = self.paragraphs.iter().map(|text| format!("<p>{}</p>", escaped(text))).collect();
        let (language, body) = (self.language, paragraphs.concat());
        format!(
            "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"></head>\
             <body style=\"font-family:sans-serif\">{body}</body></html>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_and_where() {
        for (url, is_secret, place) in [
            ("smtp://mail.example", false, "mail.example"),
            ("smtp://mail.example:2525?tls=required", false, "mail.example"),
            ("smtp://user@mail.example:25/helo", false, "mail.example"),
            ("smtps://user:pass%40word@mail.example", true, "mail.example"),
            ("smtp://user:pass@[::1]:587", true, "::1"),
        ] {
            assert_eq!((has_password(url), host(url)), (is_secret, place), "{url}");
        }
    }

    fn letter(language: &str) -> Letter {
        let paper = File {
            content_type: "application/pdf",
            name: "CN-00001.pdf".to_owned(),
            sha256: None,
            bytes: b"%PDF".to_vec(),
        };
        let xml = File { content_type: "application/xml", name: "CN-00001.xml".to_owned(), ..paper.clone() };
        Letter {
            from_name: "Bi & Søn".to_owned(),
            from_address: Some("bi@bi.example".to_owned()),
            reply_to: Some("svar@bi.example".to_owned()),
            to: "humle@humle.example".to_owned(),
            kind: "creditNote",
            number: "CN-00001".to_owned(),
            amount: ("-12300.00".to_owned(), "DKK"),
            due_date: Some(Date::constant(2026, 6, 3)),
            valid_until: None,
            message: Some("<b>Hej</b>\n{number}".to_owned()),
            language: language.to_owned(),
            message_id: "1@ledgerbee".to_owned(),
            at: "2026-06-10T08:00:00Z".parse().unwrap(),
            attached: vec![paper, xml],
            said: None,
        }
    }

    #[test]
    fn a_mail_speaks_the_buyers_language_in_text_and_in_html() {
        for (language, spoken, greeting, amount, due) in [
            ("da", "da", "Hej,", "−12.300,00\u{a0}DKK", "3. juni 2026"),
            ("en", "en", "Hello,", "−12,300.00\u{a0}DKK", "3 June 2026"),
            ("de", "de", "Guten Tag,", "−12.300,00\u{a0}DKK", "3. Juni 2026"),
            ("sv", "sv", "Hej,", "−12\u{a0}300,00\u{a0}DKK", "3 juni 2026"),
            ("nb", "nb", "Hei,", "−12\u{a0}300,00\u{a0}DKK", "3. juni 2026"),
        ] {
            let words = Words::of(&letter(language));
            let (plain, html) = (words.plain(), words.html());
            assert!(plain.contains(greeting), "{language}: {plain}");
            assert!(plain.contains(amount) && plain.contains(due), "{language}: {plain}");
            assert!(html.contains(&format!("<html lang=\"{spoken}\">")) && html.contains(greeting), "{html}");
            // What a caller wrote is text, and no braces of it are filled in.
            assert!(html.contains("&lt;b&gt;Hej&lt;/b&gt;<br>{number}") && plain.contains("<b>Hej</b>\n{number}"));
            assert!(html.contains("Bi &amp; Søn"));
        }
        assert_eq!(Words::of(&letter("fr")).language, "en");
    }

    /// What a receiver reads, whole.
    #[test]
    fn a_mail_says_what_its_document_asks_for_and_nothing_else() {
        let plain = |kind: &'static str, language: &str, due: Option<Date>, valid: Option<Date>| {
            let (number, amount) = ("7".to_owned(), ("1250.00".to_owned(), "DKK"));
            let (due_date, valid_until) = (due, valid);
            let letter = Letter { kind, number, amount, due_date, valid_until, message: None, ..letter(language) };
            Words::of(&letter).plain()
        };
        let day = Some(Date::constant(2026, 6, 3));
        assert_eq!(
            plain("invoice", "en", day, None),
            "Hello,\n\nInvoice 7 of 1,250.00\u{a0}DKK is attached. It is due on 3 June 2026.\n\nKind regards\nBi & Søn\n"
        );
        assert_eq!(
            plain("orderConfirmation", "da", None, None),
            "Hej,\n\nOrdrebekræftelse 7 på 1.250,00\u{a0}DKK er vedhæftet.\n\nMed venlig hilsen\nBi & Søn\n"
        );
        for (language, sentence) in [
            ("da", "Tilbud 7 på 1.250,00\u{a0}DKK er vedhæftet. Tilbuddet gælder til og med 3. juni 2026."),
            ("en", "Quote 7 of 1,250.00\u{a0}DKK is attached. The quote is valid up to and including 3 June 2026."),
            ("de", "Angebot 7 über 1.250,00\u{a0}DKK ist beigefügt. Das Angebot gilt bis einschließlich 3. Juni 2026."),
            ("sv", "Offert 7 på 1\u{a0}250,00\u{a0}DKK är bifogad. Offerten gäller till och med 3 juni 2026."),
            ("nb", "Tilbud 7 på 1\u{a0}250,00\u{a0}DKK er vedlagt. Tilbudet gjelder til og med 3. juni 2026."),
        ] {
            let said = plain("quote", language, None, day);
            assert!(said.contains(&format!("\n\n{sentence}\n\n")), "{said}");
        }
    }

    #[test]
    fn a_mail_carries_its_files_and_says_when_it_is_from_and_where_answers_go() {
        let mail = String::from_utf8(message(&letter("da")).unwrap().formatted()).unwrap();
        for words in [
            "Reply-To: svar@bi.example",
            "Message-ID: <1@ledgerbee>",
            "Date: Wed, 10 Jun 2026 08:00:00 +0000",
            "To: humle@humle.example",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "filename=\"CN-00001.pdf\"",
            "filename=\"CN-00001.xml\"",
        ] {
            assert!(mail.contains(words), "{words} is not in {mail}");
        }
        assert!(message(&Letter { to: "nobody".to_owned(), ..letter("da") }).is_err());
    }
}
