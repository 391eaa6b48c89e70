//! The mail of a reminder: what it says, and what becomes of a reminder whose mail does not leave.

use serde_json::{Value, json};
use testkit::{MailServer, Manner, shared_postgres, wait_for};

use super::{LONG_AGO, check_all_but_the_clock, dunning, overdue, remind, reminded, reminders, schedule, with_mails};
use crate::days::{DAY, day_is_done, told};
use crate::faults::Place;
use crate::house::text;
use crate::settlement::{check, mirrored, pay, place, reversal};

/// A mail's text part, decoded.
fn plain(mail: &str) -> String {
    let (_, part) = mail.split_once("Content-Type: text/plain").unwrap();
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    let body = body.split("\r\n--").next().unwrap();
    let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: ")).unwrap_or("7bit");
    match encoding {
        "quoted-printable" => {
            let joined = body.replace("=\r\n", "");
            let mut bytes = Vec::new();
            let mut rest = joined.bytes();
            while let Some(byte) = rest.next() {
                if byte == b'=' {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                } else {
                    bytes.push(byte);
                }
            }
            String::from_utf8(bytes).unwrap()
        }
        "base64" => panic!("a text of letters is not written in base64"),
        _ => body.to_owned(),
    }
}

/// In the buyer's language, with what is open, the fee and where to pay; a text of the company's own where it has one.
#[test]
fn a_mail_says_what_is_to_be_paid_and_where() {
    let (house, mails) = with_mails(None);
    let company = house.house.company();
    let bank = json!({ "iban": "DK5000400440116243", "bic": "DABADKKK" });
    company.api.patch("/v1/company", &bank).is(200);
    let own = json!({ "sv": "Hej {customer}: {number} {openAmount} {dueDate} {fee} {fees} {total} {company} {x-y}" });
    let asked = json!({ "enabled": false, "steps": [{ "daysAfterDue": 8, "fee": "100", "text": own }, { "daysAfterDue": 18, "fee": "100" }] });
    company.api.send("PUT", "/v1/dunning-schedule", &asked).is(200);
    for (language, words) in [
        (
            "da",
            &[
                "Hej,",
                "faktura INV-0000",
                "31. maj 2026",
                "Faktura INV-0000",
                "Rykkergebyrer: 100,00",
                "At betale: 1.350,00",
                "Betalingsreference",
            ][..],
        ),
        ("en", &["Hello,", "31 May 2026", "1,250.00", "Reminder fees: 100.00", "To pay: 1,350.00"]),
        ("de", &["Guten Tag,", "31. Mai 2026", "Mahngebühren: 100,00", "Zu zahlen: 1.350,00"]),
        (
            "sv",
            &[
                "Hej {number}: INV-0000",
                "1\u{a0}250,00\u{a0}DKK 31 maj 2026 100,00\u{a0}DKK 100,00\u{a0}DKK 1\u{a0}350,00\u{a0}DKK Bikuben ApS {x-y}",
            ],
        ),
        ("nb", &["Hei,", "31. mai 2026", "Purregebyrer: 100,00", "Å betale: 1\u{a0}350,00"]),
    ] {
        let invoice = overdue(&company, json!({ "language": language, "name": "{number}" }));
        let made = remind(&company, &invoice).is(201);
        reminded(&company, &invoice, 1, "sent");
        let mail = std::fs::read_to_string(mails.path().join(format!("{}.eml", text(&made["id"])))).unwrap();
        let said = plain(&mail);
        for words in words.iter().chain(&["IBAN: DK5000400440116243", "BIC/SWIFT: DABADKKK"]) {
            assert!(said.contains(words), "{language}: {words} is not in {said}");
        }
        for words in [
            format!("Message-ID: <{}@ledgerbee>", text(&made["id"])),
            format!("filename=\"{}.pdf\"", text(&invoice["number"])),
            "text/html".to_owned(),
        ] {
            assert!(mail.contains(&words), "{words} is not in {mail}");
        }
    }
    check(&company);
}

/// Refused for good, a reminder takes its fee back; the same address is not written to again by itself, another is.
fn is_refused_for_good(database_url: Option<&str>) {
    let mail = MailServer::start(Manner::Refuses("550 5.1.1 No such user"));
    let house = Place::serve(database_url, &["--smtp-url", &mail.url()]);
    let company = house.house.company();
    let invoice = overdue(&company, json!({}));
    schedule(&company, true, &[(8, "100"), (18, "100")]).is(200);
    let failed = reminded(&company, &invoice, 1, "failed").remove(0);
    assert_eq!((&failed["lastError"]["code"], &failed["attemptCount"]), (&json!("SMTP_REFUSED"), &json!(1)));
    assert_eq!(reversal(&company, &failed["journalEntryId"]), mirrored(&["5600 10000 10000", "1090 -10000 -10000"]));
    assert_eq!(dunning(&company, &invoice)["openFeeAmount"], "0.00");
    mail.treat(Manner::Takes);
    house.faults.clock_ahead(30 * DAY);
    day_is_done(&company, 30 * DAY);
    assert_eq!(reminders(&company, &invoice).len(), 1);
    let customer = format!("/v1/customers/{}", text(&invoice["customerId"]));
    company.api.patch(&customer, &json!({ "email": "regnskab@lindeblomst.example" })).is(200);
    house.faults.clock_ahead(31 * DAY);
    let sent = wait_for("the first step once more", || {
        reminders(&company, &invoice).into_iter().find(|own| own["status"] == "sent")
    });
    assert_eq!((&sent["step"], &sent["recipient"]), (&json!(1), &json!("regnskab@lindeblomst.example")));
    assert_eq!(dunning(&company, &invoice)["openFeeAmount"], "100.00");
    for (kind, times) in [("reminder.created", 2), ("reminder.failed", 1), ("reminder.sent", 1)] {
        assert_eq!(told(&company, kind).len(), times, "{kind}");
    }
    check(&company);
    check_all_but_the_clock(&company);
}

#[test]
fn what_a_mail_server_refuses_costs_nothing_on_sqlite() {
    is_refused_for_good(None);
}

#[test]
fn what_a_mail_server_refuses_costs_nothing_on_postgres() {
    is_refused_for_good(Some(&shared_postgres().fresh_database()));
}

/// Paid, credited or held back while the mail still waits for its next try: it is not sent, and costs nothing.
#[test]
fn a_mail_that_waits_is_not_sent_once_nothing_is_owed() {
    let mail = MailServer::start(Manner::Refuses("451 4.3.2 Come again"));
    let house = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = house.house.company();
    schedule(&company, false, &[(8, "100")]).is(200);
    let [paid, credited, held, owed] = [0; 4].map(|_| {
        let invoice = overdue(&company, json!({}));
        remind(&company, &invoice).is(201);
        invoice
    });
    let tried = |invoice: &Value| {
        wait_for("a try", || {
            reminders(&company, invoice).pop().filter(|own| own["attemptCount"] == 1 && own["status"] == "pending")
        })
    };
    for invoice in [&paid, &credited, &held, &owed] {
        let waiting = tried(invoice);
        assert!(waiting["nextAttemptAt"].is_string() && waiting["lastError"]["code"] == "SMTP_FAILED", "{waiting}");
    }
    pay(&company, &paid, "1250", LONG_AGO).is(201);
    company.api.post(&place("invoices", &credited, "credit"), &json!({})).is(201);
    company.api.send("PUT", &place("invoices", &held, "dunning"), &json!({ "paused": true })).is(200);
    mail.treat(Manner::Takes);
    house.faults.clock_ahead(60);
    for invoice in [&paid, &credited, &held] {
        let own = reminded(&company, invoice, 1, "cancelled").remove(0);
        assert!(own["feeReversedAt"].is_string() && own["nextAttemptAt"].is_null(), "{own}");
        assert_eq!(dunning(&company, invoice)["openFeeAmount"], "0.00");
    }
    let sent = reminded(&company, &owed, 1, "sent").remove(0);
    assert_eq!(sent["attemptCount"], 2);
    assert_eq!(mail.message_ids(), [format!("<{}@ledgerbee>", text(&sent["id"]))]);
    assert_eq!(told(&company, "reminder.cancelled").len(), 3);
    company.settle();
    check(&company);
    check_all_but_the_clock(&company);
}

/// A reminder that no job sees to is found by the doctor, and so is a fee that is not what it says.
#[test]
fn the_doctor_misses_a_reminders_job_and_its_fee() {
    let mail = MailServer::start(Manner::Refuses("451 4.3.2 Come again"));
    let house = Place::serve(None, &["--smtp-url", &mail.url()]);
    let company = house.house.company();
    schedule(&company, false, &[(8, "100")]).is(200);
    let invoice = overdue(&company, json!({}));
    remind(&company, &invoice).is(201);
    wait_for("a try", || reminders(&company, &invoice).pop().filter(|own| own["attemptCount"] == 1));
    crate::doctor::check_sound(&company);
    let books = &house.house.books;
    let _ = books.rows("update reminders set fee_amount = 9900");
    let found = crate::doctor::wrong(&company, "settlement");
    assert_eq!(found, ["INV-00001: of its reminders' fees should be open 99.00 DKK, is open 100.00 DKK"]);
    let _ = books.rows("update reminders set fee_amount = 10000");
    let _ = books.rows("update open_items set reminder_count = 2 where document_id is not null");
    let found = crate::doctor::wrong(&company, "settlement");
    assert_eq!(found, ["INV-00001: reminders counted are 2, there are 1"]);
    let _ = books.rows("update open_items set reminder_count = 1 where document_id is not null");
    let _ = books.rows("delete from jobs where kind = 'remind'");
    let found = crate::doctor::wrong(&company, "deliveries");
    assert_eq!(found, ["INV-00001: a reminder is to be sent, and no job sees to it"]);
}
