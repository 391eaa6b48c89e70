//! Status as a function of facts: every combination against the table of the specification.

use billing::ids::DocumentId;
use billing::kind::Kind;
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

/// A draft, or booked and taken by its channel or not; credited not at all, in part, in whole, by a
/// draft note or a booked one; paid, allocated and written off nothing, in part or in whole.
#[test]
fn an_invoice_by_what_has_happened_to_it() {
    let at = Some(Timestamp::UNIX_EPOCH);
    let parts = [0, 300, 1_000];
    let mut count = 0;
    for is_booked in [false, true] {
        for is_sent in [false, true] {
            for credited in parts {
                for pending_credit in [0, credited] {
                    for [paid, allocated, written_off] in triples(parts) {
                        if paid + allocated + written_off > 1_000 {
                            continue;
                        }
                        let credit_notes = i64::from(credited > 0);
                        let facts = Facts {
                            sent_at: at.filter(|_| is_sent),
                            credited,
                            pending_credit,
                            credit_notes,
                            paid,
                            allocated,
                            written_off,
                            ..Facts::default()
                        };
                        let expected = match (is_booked, written_off, credited, paid + allocated, is_sent) {
                            (false, ..) => InvoiceStatus::Draft,
                            (true, 1.., ..) => InvoiceStatus::Uncollectible,
                            (true, 0, 1.., ..) => InvoiceStatus::Credited,
                            (true, 0, 0, 1_000, _) => InvoiceStatus::Paid,
                            (true, 0, 0, 1.., _) => InvoiceStatus::PartiallyPaid,
                            (true, _, _, _, false) => InvoiceStatus::Sending,
                            (true, _, _, _, true) => InvoiceStatus::Sent,
                        };
                        assert_eq!(facts.invoice_status(is_booked, 1_000), expected, "booked: {is_booked}, {facts:?}");
                        // A voided note is counted no more: the invoice is as it was before.
                        let voided = Facts { credited: 0, pending_credit: 0, credit_notes: 0, ..facts };
                        assert_ne!(voided.invoice_status(is_booked, 1_000), InvoiceStatus::Credited);
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 2 * 2 * 3 * 2 * settled_ways());
}

fn triples(parts: [i64; 3]) -> impl Iterator<Item = [i64; 3]> {
    (0..27).map(move |at| [parts[at % 3], parts[at / 3 % 3], parts[at / 9]])
}

fn settled_ways() -> usize {
    triples([0, 300, 1_000]).filter(|way| way.iter().sum::<i64>() <= 1_000).count()
}

#[test]
fn a_credit_note_in_every_combination_of_facts() {
    let at = Some(Timestamp::UNIX_EPOCH);
    for bits in 0_u32..16 {
        let is = |bit: u32| bits & (1 << bit) != 0;
        for [paid, allocated, _] in triples([0, 300, 1_000]) {
            let facts = Facts {
                scheduled_at: at.filter(|_| is(0)),
                sent_at: at.filter(|_| is(1)),
                voided_at: at.filter(|_| is(2)),
                paid,
                allocated,
                ..Facts::default()
            };
            let expected = match (is(3), is(0), is(1)) {
                (false, false, _) => CreditNoteStatus::Draft,
                (false, true, _) => CreditNoteStatus::Scheduled,
                (true, _, false) => CreditNoteStatus::Sending,
                (true, _, true) => CreditNoteStatus::Sent,
            };
            assert_eq!(facts.credit_note_status(is(3)), expected, "booked: {}, {facts:?}", is(3));
        }
    }
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

/// A quote is shown as converted, else as what was done, else as expired once its last day is over.
#[test]
fn a_quote_in_every_combination_of_facts() {
    let at = Some(Timestamp::UNIX_EPOCH);
    let [yesterday, today, tomorrow] = [9, 10, 11].map(|day| jiff::civil::Date::constant(2026, 6, day));
    let invoice = (Kind::Invoice, DocumentId(uuid::Uuid::nil()));
    for (is_sent, accepted, rejected, last, converted, stored, shown) in [
        (false, false, false, None, false, "draft", "draft"),
        (false, false, false, Some(yesterday), false, "draft", "draft"),
        (true, false, false, None, false, "sent", "sent"),
        (true, false, false, Some(tomorrow), false, "sent", "sent"),
        (true, false, false, Some(today), false, "sent", "sent"),
        (true, false, false, Some(yesterday), false, "sent", "expired"),
        (true, true, false, Some(yesterday), false, "accepted", "accepted"),
        (true, false, true, Some(yesterday), false, "rejected", "rejected"),
        (true, false, false, Some(yesterday), true, "sent", "converted"),
        (true, true, false, None, true, "accepted", "converted"),
    ] {
        let facts = Facts {
            accepted_at: at.filter(|_| accepted),
            rejected_at: at.filter(|_| rejected),
            converted_to: converted.then_some(invoice),
            ..Facts::default()
        };
        assert_eq!(facts.sales_status(is_sent).as_str(), stored, "{facts:?}");
        assert_eq!(facts.display_status(is_sent, last, today).as_str(), shown, "{facts:?} until {last:?}");
    }
}
