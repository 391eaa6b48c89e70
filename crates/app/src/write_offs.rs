//! Write-offs: what is open of an invoice given up, with or without relief of its VAT;
//! a later payment takes both back in proportion.

use billing::document::Document;
use billing::ids::{CompanyId, DocumentId, WriteOffId};
use billing::input::settlement::{PartQuery, WriteOffInput};
use billing::json::{decimal_text, instant_text};
use billing::kind::Kind;
use billing::money::{self, Money};
use billing::page::Page;
use billing::refusal::Refusal;
use billing::settlement::{PublicRelief, PublicWriteOff, part_of, reversed_text};
use billing::write_offs::{self, Loss, Taxed};
use serde_json::json;
use store::db::Tx;
use store::write_offs::{self as shelf, Part, Recovery, WriteOff};
use store::{credits, ledger};

use crate::documents::find;
use crate::settling::{self, Named, number};
use crate::{Error, View, Work};

/// Gives up what is open of an invoice, or a part of it.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`, `INVOICE_HAS_UNBOOKED_CREDIT`, `AMOUNT_EXCEEDS_OPEN`,
/// `PERIOD_LOCKED`, `VAT_ACCOUNT_MISSING`.
pub fn write_off(work: &mut Work<'_>, id: DocumentId, input: WriteOffInput) -> Result<PublicWriteOff, Error> {
    let company_id = work.company.id;
    let mut invoice = settling::booked(work, Kind::Invoice, id)?;
    check_credit(work.tx, company_id, &invoice)?;
    let date = input.date.0;
    settling::check_day(work, date)?;
    let mut item = settling::item_of(work, &invoice)?;
    let amount = match input.amount {
        Some(asked) => settling::amount(asked.0, invoice.amount)?,
        None => item.open,
    };
    settling::check_open(amount, item.open, "invoice")?;
    let given_up = settling::part(work, &item, amount);
    let vat_relief = input.vat_relief == Some(true);
    let losses = losses(work, &invoice, amount, given_up.base, vat_relief)?;
    let named = Named {
        entry_type: "JOURNAL_ENTRY",
        date,
        description: format!("invoice {} written off", number(&invoice).unwrap_or_default()),
        reference: number(&invoice),
        document: Some(&invoice),
        customer_id: item.customer_id,
    };
    let entry_id = settling::post(work, named, write_offs::of_write_off(given_up, &losses))?;
    let write_off = WriteOff {
        id: work.new_id(),
        invoice_id: id,
        customer_id: item.customer_id,
        date,
        amount,
        item_base: given_up.base.minor(),
        reason: input.reason.0,
        vat_relief,
        evidence: input.evidence.map(|text| text.0),
        entry_id,
        created_at: work.now,
        reversal: None,
        parts: losses.into_iter().map(|loss| Part { loss, recovered: (0, 0) }).collect(),
    };
    shelf::insert(work.tx, company_id, &write_off)?;
    settling::settle(work, &mut item, false, amount, given_up.base.minor())?;
    let published = public(&write_off);
    work.event("write_off.created", "write_off", write_off.id, &published, None);
    settling::change(work, &mut invoice, |_| "invoice.written_off", |facts| facts.written_off += amount.minor())?;
    Ok(published)
}

/// Takes a write-off back by its mirror entry.
///
/// # Errors
/// `WRITE_OFF_NOT_FOUND`, `WRITE_OFF_REVERSED`, `WRITE_OFF_RECOVERED` when something of it was paid,
/// `PERIOD_LOCKED` when today is locked too.
pub fn reverse(work: &mut Work<'_>, (invoice_id, id): (DocumentId, WriteOffId)) -> Result<(), Error> {
    let company_id = work.company.id;
    let mut invoice = find(work.tx, company_id, Kind::Invoice, invoice_id)?;
    let base = work.company.currency;
    let found = shelf::of_invoice(work.tx, company_id, invoice_id, base)?.into_iter().find(|own| own.id == id);
    let write_off = found.ok_or_else(not_found)?;
    settling::check_standing(write_off.reversal, "write-off", "WRITE_OFF_REVERSED")?;
    if write_off.parts.iter().any(|part| part.recovered != (0, 0)) {
        let message = "Something of the write-off was paid after all; take the payment back first.";
        return Err(Refusal::new("WRITE_OFF_RECOVERED", message).into());
    }
    let reversal = settling::reverse(work, write_off.entry_id)?;
    let mut item = settling::item_of(work, &invoice)?;
    let amount = write_off.amount;
    settling::settle(work, &mut item, false, -amount, -write_off.item_base)?;
    shelf::reverse(work.tx, company_id, id, reversal)?;
    let before = crate::work::json(&public(&write_off));
    let published = public(&WriteOff { reversal: Some(reversal), ..write_off });
    work.event("write_off.deleted", "write_off", id, &published, Some(before));
    settling::change(work, &mut invoice, |_| "invoice.updated", |facts| facts.written_off -= amount.minor())
}

/// The write-offs of an invoice, oldest first, those taken back too.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn list(view: &mut View<'_>, invoice_id: DocumentId, query: PartQuery) -> Result<Page<PublicWriteOff>, Error> {
    find(view.tx, view.company.id, Kind::Invoice, invoice_id)?;
    let all = shelf::of_invoice(view.tx, view.company.id, invoice_id, view.company.currency)?;
    let page = part_of(all, query.page, query.limit, query.cursor.as_deref(), |own| own.id.to_string())?;
    Ok(page.map(|write_off| public(&write_off)))
}

/// One write-off of an invoice.
///
/// # Errors
/// `WRITE_OFF_NOT_FOUND`.
pub fn get(view: &mut View<'_>, (invoice_id, id): (DocumentId, WriteOffId)) -> Result<PublicWriteOff, Error> {
    let all = shelf::of_invoice(view.tx, view.company.id, invoice_id, view.company.currency)?;
    Ok(public(&all.into_iter().find(|own| own.id == id).ok_or_else(not_found)?))
}

/// What `amount` paid after all takes back of an invoice's losses, the oldest first, each line in proportion.
pub(crate) fn recoverable(
    work: &mut Work<'_>,
    invoice_id: DocumentId,
    amount: i64,
) -> Result<Vec<(Recovery, Loss)>, Error> {
    let mut taken = Vec::new();
    if amount == 0 {
        return Ok(taken);
    }
    let base = work.company.currency;
    let mut rest = amount;
    for write_off in shelf::of_invoice(work.tx, work.company.id, invoice_id, base)? {
        let left: Vec<(i64, i64)> = write_off.parts.iter().map(Part::left).collect();
        let here = rest.min(left.iter().map(|(amount, _)| amount).sum());
        if write_off.reversal.is_some() || here == 0 {
            continue;
        }
        rest -= here;
        let recovered = (0_i64..).zip(&write_off.parts).zip(write_offs::recover(here, &left));
        for ((position, part), (amount, of_base)) in recovered.filter(|(_, moved)| *moved != (0, 0)) {
            let recovery = Recovery { write_off_id: write_off.id, position, amount, base: of_base };
            let loss = Loss {
                amount: Money::new(amount, write_off.amount.currency()),
                base: Money::new(of_base, base),
                ..part.loss.clone()
            };
            taken.push((recovery, loss));
        }
    }
    Ok(taken)
}

/// No credit note that is not booked names the invoice.
pub(crate) fn check_credit(tx: &mut dyn Tx, company_id: CompanyId, invoice: &Document) -> Result<(), Error> {
    let mut is_pending = invoice.facts.pending_credit != 0;
    // A note that comes to nothing is told by its state only.
    for (note_id, ..) in credits::linked(tx, company_id, invoice)?.iter().filter(|own| own.3.is_zero()) {
        is_pending |= !find(tx, company_id, Kind::CreditNote, *note_id)?.is_booked();
    }
    if !is_pending {
        return Ok(());
    }
    let message = "A credit note that is not booked names the invoice; send or void it first.";
    let pending = Money::new(invoice.facts.pending_credit, invoice.currency);
    Err(Refusal::new("INVOICE_HAS_UNBOOKED_CREDIT", message)
        .with(json!({ "pendingCreditAmount": pending.to_string() }))
        .into())
}

/// The lines of a loss: bad debt, and with relief what each VAT code's share of it is.
fn losses(
    work: &mut Work<'_>,
    invoice: &Document,
    amount: Money,
    base: Money,
    vat_relief: bool,
) -> Result<Vec<Loss>, Error> {
    let customer_id = invoice.head.customer_id;
    let loss =
        |account_id, amount, base, vat| Loss { account_id, amount, base, vat, customer_id, document_id: invoice.id };
    let bad_debt = settling::role(work, "BadDebt")?;
    if !vat_relief {
        return Ok(vec![loss(bad_debt, amount, base, None)]);
    }
    let (net, vats) = left_of(work, invoice)?;
    let lefts: Vec<i64> = vats.iter().map(|own| own.left).collect();
    let mut relieved = Vec::new();
    for (Charged { vat, billed, .. }, minor) in vats.iter().zip(write_offs::relief(amount.minor(), net, &lefts)) {
        if minor == 0 {
            continue;
        }
        let account = ledger::vat_account(work.tx, work.company.id, vat.code_id)?.ok_or_else(|| {
            Refusal::new("VAT_ACCOUNT_MISSING", "A VAT code with VAT on it books to no account.")
                .with(json!({ "vatCodeId": vat.code_id }))
        })?;
        let vat_amount = Money::new(minor, amount.currency());
        let vat_base = match invoice.exchange_rate {
            Some(rate) => money::convert(vat_amount, rate, work.company.currency).map_err(Refusal::from)?,
            None if invoice.currency == work.company.currency => vat_amount,
            // An invoice that undoes a note over several invoices has a rate for each of its lines.
            None => Money::new(write_offs::recover(minor, &[*billed])[0].1, work.company.currency),
        };
        relieved.push(loss(account, vat_amount, vat_base, Some(*vat)));
    }
    let of_vat = Money::sum(amount.currency(), relieved.iter().map(|loss| loss.amount));
    let of_base = Money::sum(base.currency(), relieved.iter().map(|loss| loss.base));
    let mut losses = vec![loss(bad_debt, amount - of_vat, base - of_base, None)];
    losses.append(&mut relieved);
    Ok(losses)
}

/// VAT of one code and rate on an invoice, minor units.
struct Charged {
    vat: Taxed,
    left: i64,
    /// In the invoice's currency and in the company's.
    billed: (i64, i64),
}

/// What is left of an invoice without VAT, and of its VAT under each code: less what is credited
/// and what earlier write-offs with relief still hold.
fn left_of(work: &mut Work<'_>, invoice: &Document) -> Result<(i64, Vec<Charged>), Error> {
    let mut net = 0;
    let mut vats: Vec<Charged> = Vec::new();
    let mut add = |vat: Taxed, minor: i64, billed: (i64, i64)| match vats.iter_mut().find(|own| own.vat == vat) {
        Some(own) => {
            own.left += minor;
            own.billed = (own.billed.0 + billed.0, own.billed.1 + billed.1);
        }
        None => vats.push(Charged { vat, left: minor, billed }),
    };
    for line in credits::invoice_lines(work.tx, work.company.id, invoice)? {
        net += line.line.total.minor() - line.state.credited_net;
        let left = line.line.vat.minor() - line.state.credited_vat;
        match line.line.vat_code_id {
            Some(code_id) => {
                let vat = Taxed { code_id, category: line.line.vat_category, rate: line.line.vat_rate };
                add(vat, left, (line.state.vat, line.state.base_vat));
            }
            None => net += left,
        }
    }
    for write_off in shelf::of_invoice(work.tx, work.company.id, invoice.id, work.company.currency)? {
        for part in write_off.parts.iter().filter(|_| write_off.vat_relief && write_off.reversal.is_none()) {
            match part.loss.vat {
                Some(vat) => add(vat, -part.left().0, (0, 0)),
                None => net -= part.left().0,
            }
        }
    }
    Ok((net, vats))
}

fn not_found() -> Refusal {
    Refusal::missing("WRITE_OFF_NOT_FOUND", "There is no such write-off of this invoice.")
}

fn public(w: &WriteOff) -> PublicWriteOff {
    let currency = w.amount.currency();
    let taxed = |part: &Part| part.loss.vat.map(|vat| (vat, part.loss.amount));
    let vat = Money::sum(currency, w.parts.iter().filter_map(taxed).map(|(_, amount)| amount));
    let recovered: i64 = w.parts.iter().map(|part| part.recovered.0).sum();
    let relief = |(vat, amount): (Taxed, Money)| PublicRelief {
        vat_category: vat.category.to_string(),
        vat_rate: decimal_text(vat.rate),
        vat_amount: amount.to_string(),
    };
    PublicWriteOff {
        id: w.id,
        invoice_id: w.invoice_id,
        customer_id: w.customer_id,
        date: w.date.to_string(),
        currency: currency.code().to_owned(),
        amount: w.amount.to_string(),
        bad_debt_amount: (w.amount - vat).to_string(),
        vat_amount: vat.to_string(),
        vat_breakdown: w.parts.iter().filter_map(taxed).map(relief).collect(),
        recovered_amount: Money::new(recovered, currency).to_string(),
        reason: w.reason.clone(),
        vat_relief: w.vat_relief,
        evidence: w.evidence.clone(),
        journal_entry_id: w.entry_id,
        created_at: instant_text(w.created_at),
        reversed_at: reversed_text(w.reversal),
    }
}
