//! Mail through someone else's mail server, `aiosmtpd`: TLS from the first byte, STARTTLS, a password; and what
//! is in the mail, as someone else's reader finds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::{Folder, Minded, wait_for};

use super::{comes_to, draft, tried};
use crate::faults::Place;
use crate::house::text;

/// The mail server: it takes the mails of who knows the password, each as one file of JSON.
const SERVER: &str = r#"
import asyncio, email, email.policy, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
certificate, key, mode, folder = sys.argv[1:]
sys.stderr = open(os.devnull, "w")
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
class Handler:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [{"type": p.get_content_type(), "name": p.get_filename(), "text": p.get_content() if p.get_content_maintype() == "text" else None,
                  "begin": p.get_payload(decode=True)[:60].decode("latin-1")} for p in mail.walk() if not p.is_multipart()]
        told = {"headers": {k.lower(): str(v) for k, v in mail.items()}, "parts": parts, "from": envelope.mail_from,
                "to": envelope.rcpt_tos, "tls": session.ssl is not None or mode == "implicit", "user": session.auth_data.login.decode()}
        Handler.count += 1
        path = os.path.join(folder, f"{Handler.count}.json")
        with open(path + ".partial", "w") as file:
            json.dump(told, file)
        os.rename(path + ".partial", path)
        return "250 taken"
def known(server, session, envelope, mechanism, data):
    good = data.login == b"ledger" and data.password == b"p@ss"
    return AuthResult(success=good, handled=good, auth_data=data)
async def main():
    handler, loop = Handler(), asyncio.get_running_loop()
    if mode == "implicit":
        make = lambda: SMTP(handler, authenticator=known, auth_required=True, auth_require_tls=False, hostname="mail.example")
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=context)
    elif mode == "stripped":
        make = lambda: SMTP(handler, authenticator=known, auth_required=True, auth_require_tls=False, hostname="mail.example")
        server = await loop.create_server(make, "127.0.0.1", 0)
    else:
        make = lambda: SMTP(handler, authenticator=known, auth_required=True, tls_context=context, require_starttls=True, hostname="mail.example")
        server = await loop.create_server(make, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

/// A running mail server of someone else's, with a certificate of its own.
struct Post {
    folder: Folder,
    port: u16,
    _process: Minded,
}

impl Post {
    /// None where `aiosmtpd` is not installed; ./test installs it, and says so where it can't.
    fn open(mode: &str) -> Option<Post> {
        Post::open_as(mode, "IP:127.0.0.1")
    }

    /// The same with a certificate for another name.
    fn open_as(mode: &str, name: &str) -> Option<Post> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/aiosmtpd/bin/python");
        if !python.exists() {
            println!("aiosmtpd is not installed: left out");
            return None;
        }
        let folder = Folder::new();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (path("certificate.pem"), path("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.example"])
            .args(["-addext", &format!("subjectAltName={name}"), "-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &key, "-out", &certificate])
            .output()
            .expect("openssl (apt-get install openssl)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut command = Command::new(python);
        command.args(["-W", "ignore", "-c", SERVER, &certificate, &key, mode, folder.path().to_str().unwrap()]);
        let mut process = Minded::start(&command, "KILL", None, None);
        let port = process.wait_for("it said its port", |line| line.strip_prefix("port ")?.parse().ok());
        Some(Post { folder, port, _process: process })
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The n-th mail.
    fn mail(&self, n: usize) -> Value {
        let path = self.folder.path().join(format!("{n}.json"));
        let mail = wait_for("the mail", || std::fs::read_to_string(&path).ok());
        serde_json::from_str(&mail).unwrap()
    }

    fn count(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|end| end == "json")).count()
    }

    /// Serves by it; with its certificate or without.
    fn place(&self, url: &str, more: &[&str]) -> Place {
        let url = url.replace("PORT", &self.port.to_string());
        Place::serve(None, &[&["--smtp-url", &url, "--smtp-timeout", "5"], more].concat())
    }
}

const EMAIL: &str = r#"{ "deliveryType": "Email" }"#;

/// A mail of a company that sends under an address of its own, in the customer's language, with PDF and XML.
fn is_whole(mode: &str, url: &str) {
    let Some(post) = Post::open(mode) else { return };
    let certificate = post.certificate();
    let place = post.place(url, &["--smtp-certificate", certificate.to_str().unwrap()]);
    let company = place.house.company();
    let sender = json!({ "senderEmail": "post@bikuben.example", "replyToEmail": "svar@bikuben.example" });
    company.api.patch("/v1/company", &sender).is(200);
    let (_, at) = draft(&company, json!({ "email": "kontor@lindeblomst.example", "language": "de" }));
    let asked = json!({ "deliveryType": "Email", "message": "Grüße <aus> Silkeborg", "attachXml": true });
    let sent = company.api.post(&format!("{at}/send"), &asked).is(200);
    comes_to(&company, &at, "delivered");
    let mail = post.mail(1);
    assert_eq!(
        (&mail["tls"], &mail["user"], &mail["from"]),
        (&json!(true), &json!("ledger"), &json!("post@bikuben.example"))
    );
    assert_eq!(mail["to"], json!(["kontor@lindeblomst.example"]));
    let headers = &mail["headers"];
    assert_eq!(headers["message-id"], format!("<{}@ledgerbee>", text(&sent["deliveryId"])));
    assert_eq!(headers["from"], "Bikuben ApS <post@bikuben.example>");
    assert_eq!(headers["reply-to"], "svar@bikuben.example");
    assert_eq!(headers["subject"], "Rechnung INV-00001 von Bikuben ApS");
    let parts = mail["parts"].as_array().unwrap();
    let kinds: Vec<&str> = parts.iter().map(|part| text(&part["type"])).collect();
    assert_eq!(kinds, ["text/plain", "text/html", "application/pdf", "application/xml"]);
    assert!(
        text(&parts[0]["text"]).contains("Grüße <aus> Silkeborg") && text(&parts[0]["text"]).starts_with("Guten Tag")
    );
    assert!(text(&parts[1]["text"]).contains("Grüße &lt;aus&gt; Silkeborg"));
    assert_eq!((&parts[2]["name"], &parts[3]["name"]), (&json!("INV-00001.pdf"), &json!("INV-00001-en16931-ubl.xml")));
    assert!(text(&parts[2]["begin"]).starts_with("%PDF-") && text(&parts[3]["begin"]).starts_with("<?xml"));
    company.settle();
    company.check_books();
}

#[test]
fn a_mail_is_whole_over_starttls_with_a_password() {
    is_whole("starttls", "smtp://ledger:p%40ss@127.0.0.1:PORT");
}

#[test]
fn a_mail_is_whole_over_tls_from_the_first_byte() {
    is_whole("implicit", "smtps://ledger:p%40ss@127.0.0.1:PORT");
}

/// A wrong password, a certificate nobody vouches for: we are refused and not the mail, so it waits; mended, it goes.
#[test]
fn a_mail_waits_while_it_is_we_who_are_refused() {
    let open = |mode, name| Post::open_as(mode, name);
    let Some(post) = open("starttls", "IP:127.0.0.1") else { return };
    let (Some(named), Some(stripped)) = (open("starttls", "DNS:mail.example"), open("stripped", "IP:127.0.0.1")) else {
        return;
    };
    let (good, wrong) = ("smtp://ledger:p%40ss@127.0.0.1:PORT", "smtp://ledger:wrong@127.0.0.1:PORT");
    for (post, url, is_trusted, code, says) in [
        (&post, wrong, true, "SMTP_NOT_CONFIGURED", "535"),
        (
            &post,
            good,
            false,
            "SMTP_FAILED",
            "no authority that is trusted here vouches for the mail server's certificate",
        ),
        (&named, good, true, "SMTP_FAILED", "the mail server's certificate is not for 127.0.0.1"),
        // Whoever takes STARTTLS out of the talk gets neither the password nor the mail.
        (&stripped, good, true, "SMTP_FAILED", "the mail server offers no STARTTLS"),
    ] {
        let certificate = post.certificate();
        let trusted = ["--smtp-certificate", certificate.to_str().unwrap()];
        let place = post.place(url, if is_trusted { &trusted } else { &[] });
        let company = place.house.company();
        let (_, at) = draft(&company, json!({ "email": "kontor@lindeblomst.example" }));
        company.api.post(&format!("{at}/send"), &serde_json::from_str(EMAIL).unwrap()).is(200);
        let summary = tried(&company, &at, 1)["summary"].clone();
        assert_eq!((&summary["status"], &summary["lastError"]["code"]), (&json!("pending"), &json!(code)), "{summary}");
        assert!(text(&summary["lastError"]["message"]).contains(says), "{summary}");
        assert!(place.faults.log().contains(says), "the log says why");
        assert_eq!(post.count(), 0);
        assert!(
            !place.faults.log().contains("wrong") && !place.faults.log().contains("p%40ss"),
            "no password is logged"
        );
    }
}

/// With a mail server, a company without any address can send nothing by mail: known before the booking.
#[test]
fn a_company_without_an_address_sends_no_mail() {
    let mail = testkit::MailServer::start(testkit::Manner::Takes);
    let place = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = place.house.company();
    company.api.patch("/v1/company", &json!({ "email": null })).is(200);
    let (invoice, at) = draft(&company, json!({ "email": "kontor@lindeblomst.example" }));
    let send = || company.api.post(&format!("{at}/send"), &serde_json::from_str(EMAIL).unwrap());
    assert_eq!(send().refused(400, "DELIVERY_SENDER_MISSING")["property"], "senderEmail");
    assert_eq!(company.now("invoices", &invoice), invoice);
    company.api.patch("/v1/company", &json!({ "senderEmail": "post@bikuben.example" })).is(200);
    send().is(200);
    comes_to(&company, &at, "delivered");
}

/// Mails to a domain whose server hangs, `LEDGERBEE_DEAD_MAILS` of them and 100 by default, are all still to be
/// sent when those to others have arrived. Says how long these took from the commit, without and with the dead.
#[test]
fn a_queue_to_the_dead_leaves_the_living_alone() {
    const LIVING: usize = 50;
    let dead = std::env::var("LEDGERBEE_DEAD_MAILS").ok().and_then(|count| count.parse().ok()).unwrap_or(100);
    let mail = testkit::MailServer::start(testkit::Manner::StallsFor("@dead.example"));
    let place = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = place.house.company();
    let (customer, price) = (company.customer(json!({})), company.price("300"));
    let send = |address: String| {
        let invoice = company.draft(&customer, json!([crate::house::line(&price, "1")]));
        let body = json!({ "deliveryType": "Email", "overrideEmail": address });
        company.api.post(&format!("/v1/invoices/{}/send", text(&invoice["id"])), &body).is(200);
    };
    let count = |sql: &str| company.house.books.value(&format!("select count(*) from {sql}"));
    let send_to_the_living = |round: &str| {
        (0..LIVING).for_each(|n| send(format!("kontor@{round}-{n}.example")));
        let arrived = format!("deliveries where status = 'delivered' and recipient like 'kontor@{round}-%'");
        wait_for("the living", || (count(&arrived) == LIVING.to_string()).then_some(()));
        let rows = company.house.books.rows(&format!("select created_at, delivered_at from {arrived}"));
        let at = |text: &String| text.parse::<Timestamp>().unwrap();
        let mut took: Vec<i128> = rows.iter().map(|row| at(&row[1]).duration_since(at(&row[0])).as_millis()).collect();
        took.sort_unstable();
        println!("| {round} | {} ms | {} ms |", took[LIVING / 2], took[LIVING - 1]);
    };
    println!("| {LIVING} mails to others | median | slowest |");
    send_to_the_living("alone");
    (0..dead).for_each(|n| send(format!("kontor{n}@dead.example")));
    wait_for("the papers", || (count("jobs where kind = 'archive'") == "0").then_some(()));
    send_to_the_living("beside");
    let waiting = count("deliveries where status = 'pending' and recipient like '%@dead.example'");
    assert_eq!(waiting, dead.to_string(), "the dead wait their turn");
}

/// Eight domains whose server hangs, with a hundred mails queued to them, take one place each: a mail to another
/// arrives while the first of theirs still hang.
#[test]
fn many_that_hang_leave_places_to_others() {
    let mail = testkit::MailServer::start(testkit::Manner::StallsFor("@dead"));
    let place = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = place.house.company();
    let (customer, price) = (company.customer(json!({})), company.price("300"));
    let send = |address: String| {
        let invoice = company.draft(&customer, json!([crate::house::line(&price, "1")]));
        let body = json!({ "deliveryType": "Email", "overrideEmail": address });
        company.api.post(&format!("/v1/invoices/{}/send", text(&invoice["id"])), &body).is(200);
    };
    (0..104).for_each(|n| send(format!("kontor@dead-{}.example", n % 8)));
    wait_for("the dead to take their places", || (mail.visits() == 8).then_some(()));
    send("kontor@living.example".to_owned());
    wait_for("the living", || (mail.message_ids().len() == 1).then_some(()));
    let untried = "select count(*) from deliveries where status = 'pending' and attempt_count = 0 \
                   and recipient like 'kontor@dead-%'";
    assert_eq!(company.house.books.value(untried), "104", "no place was given back meanwhile");
}
