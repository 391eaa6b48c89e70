//! Crediting one invoice in parts: which lines of a credit note are meant by "the rest"
//! and by so many or so much of a line. What they then take is reckoned in [`crediting`](crate::crediting).

use rust_decimal::Decimal;
use serde_json::json;

use crate::crediting::{CreditedInvoice, InvoiceLine};
use crate::input::documents::CreditPartInput;
use crate::lines::{AskedLine, LineType, Particulars};
use crate::money::{Currency, Money};
use crate::refusal::{Faults, Refusal};

/// What is wrong with the parts named: a line twice, or an amount with more decimals than the currency.
pub fn faults(parts: &[CreditPartInput], currency: Currency) -> Faults {
    let mut faults = Faults::default();
    for (at, part) in parts.iter().enumerate() {
        if parts[..at].iter().any(|earlier| earlier.invoice_line_id == part.invoice_line_id) {
            let message = "All lines's elements must name another invoice line";
            faults.add(format!("lines.{at}.invoiceLineId"), "arrayUnique", message);
        }
        if part.amount.is_some_and(|amount| amount.0.normalize().scale() > currency.exponent()) {
            let message = format!("amount must have no more than {} decimals in {currency}", currency.exponent());
            faults.add(format!("lines.{at}.amount"), "isDecimal", message);
        }
    }
    faults
}

/// The lines of a note that credits the parts named, or all that is left of an invoice.
/// The rest of a line is its quantity, or an amount where that is used up; a line of which
/// nothing is left is skipped.
///
/// # Errors
/// `INVOICE_LINE_NOT_FOUND`; `INVOICE_FULLY_CREDITED` when nothing is left of anything.
pub fn lines(invoice: &CreditedInvoice, parts: Option<&[CreditPartInput]>) -> Result<Vec<AskedLine>, Refusal> {
    let mut lines: Vec<AskedLine> = Vec::new();
    let Some(parts) = parts else {
        lines.extend(invoice.lines.iter().filter_map(|line| rest(line, invoice.currency)));
        return some(lines, invoice);
    };
    for (at, part) in parts.iter().enumerate() {
        let line = invoice.lines.iter().find(|line| line.id == part.invoice_line_id).ok_or_else(|| {
            let message = format!("There is no such product line on invoice {}.", invoice.number);
            Refusal::missing_at("INVOICE_LINE_NOT_FOUND", message, format!("lines.{at}.invoiceLineId"))
        })?;
        let meant = match (part.quantity, part.amount) {
            (Some(quantity), _) => Some(asked(line, quantity.0, None)),
            (None, Some(amount)) => Some(asked(line, Decimal::ONE, Some(amount.0))),
            (None, None) => rest(line, invoice.currency),
        };
        lines.extend(meant.map(|meant| AskedLine { place: Some(at), ..meant }));
    }
    some(lines, invoice)
}

fn some(lines: Vec<AskedLine>, invoice: &CreditedInvoice) -> Result<Vec<AskedLine>, Refusal> {
    if !lines.is_empty() {
        return Ok(lines);
    }
    let money = |minor| Money::new(minor, invoice.currency).to_string();
    let message = format!("Nothing of what is asked is left to credit of invoice {}.", invoice.number);
    Err(Refusal::new("INVOICE_FULLY_CREDITED", message).with(json!({
        "invoiceNumber": invoice.number, "billed": money(invoice.amount), "credited": money(invoice.credited),
    })))
}

fn rest(line: &InvoiceLine, currency: Currency) -> Option<AskedLine> {
    if line.state.is_used_up() {
        return None;
    }
    if line.state.quantity_left.is_zero() {
        let left = Money::new(line.state.net_left().abs(), currency);
        return Some(asked(line, Decimal::ONE, Some(left.decimal())));
    }
    Some(asked(line, line.state.quantity_left, None))
}

fn asked(line: &InvoiceLine, quantity: Decimal, amount: Option<Decimal>) -> AskedLine {
    AskedLine {
        place: None,
        line_type: LineType::Product,
        price_id: None,
        quantity,
        amount,
        unit_price: None,
        description: None,
        discount_percent: None,
        particulars: Particulars::default(),
        invoice_line_id: Some(line.id),
    }
}
