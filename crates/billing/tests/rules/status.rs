//! Status as a function of facts: every combination against the table of the specification.

use billing::status::{CreditNoteStatus, Facts, InvoiceStatus};
use jiff::Timestamp;

/// The table, read from the top: the first row that holds. Written as the specification
/// words it, not as the program does.
fn invoice_by_the_table(facts: &Facts, is_booked: bool, open: i64) -> InvoiceStatus {
    let table = [
        (facts.cancelled_at.is_some(), InvoiceStatus::Cancelled),
        (!is_booked && facts.scheduled_at.is_none(), InvoiceStatus::Draft),
        (!is_booked && facts.scheduled_at.is_some(), InvoiceStatus::Scheduled),
        (facts.written_off != 0, InvoiceStatus::Uncollectible),
        (facts.credit_notes != 0, InvoiceStatus::Credited),
        (open == 0, InvoiceStatus::Paid),
        (facts.paid != 0 || facts.allocated != 0, InvoiceStatus::PartiallyPaid),
        (facts.sent_at.is_none(), InvoiceStatus::Sending),
        (true, InvoiceStatus::Sent),
    ];
    table.iter().find(|(holds, _)| *holds).unwrap().1
}

#[test]
fn an_invoice_in_every_combination_of_facts() {
    let at = Some(Timestamp::UNIX_EPOCH);
    let amounts = [0, 400, 1_000];
    let triples: Vec<[i64; 3]> = (0..27).map(|at| [amounts[at % 3], amounts[at / 3 % 3], amounts[at / 9]]).collect();
    let mut seen = std::collections::BTreeSet::new();
    for bits in 0_u32..32 {
        let is = |bit: u32| bits & (1 << bit) != 0;
        for &[paid, allocated, written_off] in &triples {
            let open = 1_000 - paid - allocated - written_off;
            if open < 0 {
                continue;
            }
            let facts = Facts {
                cancelled_at: at.filter(|_| is(0)),
                scheduled_at: at.filter(|_| is(1)),
                sent_at: at.filter(|_| is(2)),
                credit_notes: i64::from(is(3)),
                paid,
                allocated,
                written_off,
                ..Facts::default()
            };
            let found = facts.invoice_status(is(4), 1_000);
            assert_eq!(found, invoice_by_the_table(&facts, is(4), open), "booked: {}, {facts:?}", is(4));
            assert_eq!(facts.open_of(1_000), open);
            seen.insert(found.as_str());
        }
    }
    assert_eq!(seen.len(), 9, "every status is reached: {seen:?}");
}

#[test]
fn a_few_invoices_by_hand() {
    let at = Some(Timestamp::UNIX_EPOCH);
    let status = |facts: Facts| facts.invoice_status(true, 1_000).as_str();
    let none = Facts::default;
    assert_eq!(status(none()), "sending");
    assert_eq!(status(Facts { sent_at: at, ..none() }), "sent");
    assert_eq!(status(Facts { paid: 400, ..none() }), "partially_paid");
    assert_eq!(status(Facts { paid: 400, allocated: 600, ..none() }), "paid");
    // Paid or not, booked or not: a credit note that names it decides (the seed's rule).
    assert_eq!(status(Facts { sent_at: at, paid: 1_000, credit_notes: 1, credited: 1, ..none() }), "credited");
    assert_eq!(status(Facts { credit_notes: 1, written_off: 10, ..none() }), "uncollectible");
    // An invoice over nothing is paid as soon as it is booked.
    assert_eq!(none().invoice_status(true, 0), InvoiceStatus::Paid);
    assert_eq!(none().invoice_status(false, 0), InvoiceStatus::Draft);
}

#[test]
fn a_credit_note_is_draft_scheduled_sending_or_sent() {
    let at = Some(Timestamp::UNIX_EPOCH);
    let facts = |scheduled: bool, sent: bool| Facts {
        scheduled_at: at.filter(|_| scheduled),
        sent_at: at.filter(|_| sent),
        ..Facts::default()
    };
    assert_eq!(facts(false, false).credit_note_status(false), CreditNoteStatus::Draft);
    assert_eq!(facts(true, false).credit_note_status(false), CreditNoteStatus::Scheduled);
    assert_eq!(facts(false, false).credit_note_status(true), CreditNoteStatus::Sending);
    assert_eq!(facts(true, true).credit_note_status(true), CreditNoteStatus::Sent);
    // A voided note stays a draft.
    let voided = Facts { voided_at: at, ..facts(false, false) };
    assert_eq!(voided.credit_note_status(false), CreditNoteStatus::Draft);
}
