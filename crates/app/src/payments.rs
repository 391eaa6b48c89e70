//! Payments on invoices: what is open comes first, then what was written off, then the fees of reminders; the
//! rest stays as the customer's credit.

use billing::ids::{DocumentId, OpenItemId, PaymentId};
use billing::input::settlement::{PartQuery, PaymentInput};
use billing::json::instant_text;
use billing::kind::Kind;
use billing::money::Money;
use billing::page::Page;
use billing::payments::{self, ItemPart, Split};
use billing::refusal::Refusal;
use billing::settlement::{PublicPayment, part_of, reversed_text};
use billing::shares;
use rust_decimal::Decimal;
use store::open_items::{self, OpenItem, Origin};
use store::payments::{self as shelf, Payment};
use store::reminders::{self, FeePaid};

use crate::documents::find;
use crate::settling::{self, Named, number};
use crate::{Error, View, Work, write_offs};

/// Records a payment on an invoice.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`, `PERIOD_LOCKED`, `EXCHANGE_RATE_MISSING`.
pub fn record(work: &mut Work<'_>, invoice_id: DocumentId, input: PaymentInput) -> Result<PublicPayment, Error> {
    let company_id = work.company.id;
    let mut invoice = settling::booked(work, Kind::Invoice, invoice_id)?;
    let date = input.date.0;
    settling::check_day(work, date)?;
    let amount = settling::amount(input.amount.0, invoice.amount)?;
    let mut item = settling::item_of(work, &invoice)?;
    let mut fees = open_items::fees_of(work.tx, company_id, invoice_id)?;
    let of_fees = fees.iter().map(|fee| fee.open.minor()).sum();
    let split = payments::split(amount.minor(), item.open.minor().max(0), invoice.facts.written_off, of_fees);
    let rate = settling::rate_of_day(work, amount.currency(), date)?;
    let money = |minor| Money::new(minor, amount.currency());

    let id: PaymentId = work.new_id();
    let settled = (split.settled > 0).then(|| settling::part(work, &item, money(split.settled)));
    let recovered = write_offs::recoverable(work, invoice_id, split.recovered)?;
    let losses: Vec<_> = recovered.iter().map(|(_, loss)| loss.clone()).collect();
    let paid_fees = shared_out(work, split.fees, &fees);
    // The parts of what was received add up to it in the company's currency too.
    let mut parts = vec![split.settled + split.recovered, split.credit];
    parts.extend(paid_fees.iter().map(|part| part.amount.minor()));
    let base = work.company.currency;
    let day = rate.unwrap_or(Decimal::ONE);
    let bases = shares::share_converted(day, amount.currency(), base, &parts).map_err(Refusal::from)?;
    let credit = (split.credit > 0).then(|| OpenItem {
        id: work.new_id::<OpenItemId>(),
        customer_id: item.customer_id,
        account_id: item.account_id,
        origin: Origin::Payment(id),
        open: -money(split.credit),
        base_open: -bases[1],
        exchange_rate: rate,
    });
    let left = credit.as_ref().map(|item| settling::part_at(work, item, money(split.credit), bases[1]));
    // What stands at the day's rate moves as it is carried.
    let moved = settled.iter().map(|part| part.base).chain(losses.iter().map(|loss| loss.base));
    let mut money_in = vec![Money::new(bases[1], base)];
    match item.carried().stands_at(rate) {
        true => money_in.extend(moved),
        false => money_in.push(Money::new(bases[0], base)),
    }
    for ((fee, part), converted) in fees.iter().zip(&paid_fees).zip(&bases[2..]) {
        money_in.push(if fee.carried().stands_at(rate) { part.base } else { Money::new(*converted, base) });
    }
    let received = settling::cash(work, amount, rate, Some(Money::sum(base, money_in)))?;
    let exchange = settling::role(work, "ExchangeDifference")?;
    let postings = payments::of_payment(received, settled, &losses, &paid_fees, left, exchange);
    let reference = input.reference.map(|text| text.0);
    let named = Named {
        entry_type: "CUSTOMER_PAYMENT",
        date,
        description: format!("payment on invoice {}", number(&invoice).unwrap_or_default()),
        reference: reference.clone().or_else(|| number(&invoice)),
        document: Some(&invoice),
        customer_id: item.customer_id,
    };
    let entry_id = settling::post(work, named, postings)?;

    let payment = Payment {
        id,
        invoice_id,
        customer_id: item.customer_id,
        date,
        currency: amount.currency(),
        amount: amount.minor(),
        split,
        settled_base: settled.map_or(0, |part| part.base.minor()),
        credit_item: credit.as_ref().map(|item| item.id),
        reference,
        method: input.method.map(|text| text.0),
        entry_id,
        created_at: work.now,
        reversal: None,
    };
    if let Some(credit) = &credit {
        open_items::insert(work.tx, company_id, credit, entry_id, (date, None), work.now)?;
    }
    shelf::insert(work.tx, company_id, &payment)?;
    if let Some(part) = settled {
        settling::settle(work, &mut item, false, part.amount, part.base.minor())?;
    }
    for (recovery, _) in &recovered {
        store::write_offs::recover(work.tx, company_id, id, recovery)?;
    }
    for (fee, part) in fees.iter_mut().zip(&paid_fees) {
        let paid = FeePaid { item_id: fee.id, amount: part.amount.minor(), base: part.base.minor() };
        reminders::pay_fee(work.tx, company_id, id, &paid)?;
        settling::settle(work, fee, false, part.amount, part.base.minor())?;
    }
    let published = public(&payment);
    work.event("payment.recorded", "payment", id, &published, None);
    let event = |invoice: &billing::document::Document| {
        if invoice.facts.open_of(invoice.amount.minor()) == 0 { "invoice.paid" } else { "invoice.partially_paid" }
    };
    settling::change(work, &mut invoice, event, |facts| {
        facts.paid += split.settled + split.recovered;
        facts.written_off -= split.recovered;
    })?;
    Ok(published)
}

/// Takes a payment back by its mirror entry; the record of it stays.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`, `PAYMENT_REVERSED`, `PAYMENT_CREDIT_IN_USE` when its overpayment was set off
/// or paid out, `PERIOD_LOCKED` when today is locked too.
pub fn reverse(work: &mut Work<'_>, (invoice_id, id): (DocumentId, PaymentId)) -> Result<(), Error> {
    let company_id = work.company.id;
    let mut invoice = find(work.tx, company_id, Kind::Invoice, invoice_id)?;
    let payment = shelf::get(work.tx, company_id, invoice_id, id)?.ok_or_else(not_found)?;
    settling::check_standing(payment.reversal, "payment", "PAYMENT_REVERSED")?;
    let Split { settled, recovered, fees: _, credit } = payment.split;
    if let Some(item_id) = payment.credit_item {
        let mut item = settling::item(work.tx, company_id, item_id)?;
        if item.open.minor() != -credit {
            let message = "What was paid too much was set off or paid out; take that back first.";
            return Err(Refusal::new("PAYMENT_CREDIT_IN_USE", message)
                .with(serde_json::json!({ "openItemId": item_id }))
                .into());
        }
        let (all, base) = (-item.open, -item.base_open);
        settling::settle(work, &mut item, true, all, base)?;
    }
    let reversal = settling::reverse(work, payment.entry_id)?;
    let mut item = settling::item_of(work, &invoice)?;
    let again = Money::new(-settled, payment.currency);
    settling::settle(work, &mut item, false, again, -payment.settled_base)?;
    store::write_offs::lose_again(work.tx, company_id, id)?;
    for FeePaid { item_id, amount, base } in reminders::fees_paid(work.tx, company_id, id)? {
        let mut fee = settling::item(work.tx, company_id, item_id)?;
        settling::settle(work, &mut fee, false, Money::new(-amount, payment.currency), -base)?;
    }
    shelf::reverse(work.tx, company_id, id, reversal)?;
    let before = crate::work::json(&public(&payment));
    let published = public(&Payment { reversal: Some(reversal), ..payment });
    work.event("payment.reversed", "payment", id, &published, Some(before));
    settling::change(
        work,
        &mut invoice,
        |_| "invoice.updated",
        |facts| {
            facts.paid -= settled + recovered;
            facts.written_off += recovered;
        },
    )
}

/// The payments of an invoice, oldest first, those taken back too.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn list(view: &mut View<'_>, invoice_id: DocumentId, query: PartQuery) -> Result<Page<PublicPayment>, Error> {
    find(view.tx, view.company.id, Kind::Invoice, invoice_id)?;
    let all = shelf::of_invoice(view.tx, view.company.id, invoice_id)?;
    let page = part_of(all, query.page, query.limit, query.cursor.as_deref(), |payment| payment.id.to_string())?;
    Ok(page.map(|payment| public(&payment)))
}

/// One payment of an invoice.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, (invoice_id, id): (DocumentId, PaymentId)) -> Result<PublicPayment, Error> {
    let payment = shelf::get(view.tx, view.company.id, invoice_id, id)?.ok_or_else(not_found)?;
    Ok(public(&payment))
}

/// What an amount settles of fees, the oldest first: as many parts as it reaches.
fn shared_out(work: &Work<'_>, amount: i64, fees: &[OpenItem]) -> Vec<ItemPart> {
    let mut rest = amount;
    let mut parts = Vec::new();
    for fee in fees {
        let here = rest.min(fee.open.minor());
        if here == 0 {
            break;
        }
        rest -= here;
        parts.push(settling::part(work, fee, Money::new(here, fee.open.currency())));
    }
    parts
}

fn not_found() -> Refusal {
    Refusal::missing("PAYMENT_NOT_FOUND", "There is no such payment on this invoice.")
}

fn public(p: &Payment) -> PublicPayment {
    let money = |minor| Money::new(minor, p.currency).to_string();
    PublicPayment {
        id: p.id,
        invoice_id: p.invoice_id,
        customer_id: p.customer_id,
        date: p.date.to_string(),
        currency: p.currency.code().to_owned(),
        amount: money(p.amount),
        settled_amount: money(p.split.settled),
        recovered_amount: money(p.split.recovered),
        fee_amount: money(p.split.fees),
        overpaid_amount: money(p.split.credit),
        open_item_id: p.credit_item,
        reference: p.reference.clone(),
        method: p.method.clone(),
        journal_entry_id: p.entry_id,
        created_at: instant_text(p.created_at),
        reversed_at: reversed_text(p.reversal),
    }
}
