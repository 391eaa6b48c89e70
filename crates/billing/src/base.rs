//! Amounts in the company's currency, pinned when a document is booked.

use rust_decimal::Decimal;

use crate::document::Document;
use crate::lines::{Line, ProductLine, group_lines};
use crate::money::{LARGEST, Money};
use crate::refusal::Refusal;
use crate::shares;

/// Gives every line that has none its base amounts at `rate` (base units per 1 unit;
/// 1 in the company's own currency), and the document their sums. Each VAT group's
/// base and VAT is converted once and shared out down its lines (EN 16931 BT-111).
/// Lines that credit an invoice have theirs already, at the invoice's rate.
///
/// # Errors
/// `AMOUNT_TOO_LARGE`.
pub fn pin(document: &mut Document, rate: Decimal) -> Result<(), Refusal> {
    let to = document.base_currency;
    let is_own = document.currency == to;
    let open: Vec<usize> = (0..document.lines.len())
        .filter(|at| document.lines[*at].product().is_some_and(|line| line.base_total.is_none()))
        .collect();
    if is_own {
        for at in open {
            if let Some(line) = document.lines[at].product_mut() {
                (line.base_total, line.base_vat) = (Some(line.total), Some(line.vat));
            }
        }
    } else {
        let groups = group_lines(open.iter().filter_map(|at| document.lines[*at].product()));
        for (_, members) in groups {
            let of = |amount: fn(&ProductLine) -> Money| -> Result<Vec<i64>, Refusal> {
                let lines = members.iter().filter_map(|m| document.lines[open[*m]].product());
                let amounts: Vec<i64> = lines.map(|line| amount(line).minor()).collect();
                Ok(shares::share_converted(rate, document.currency, to, &amounts)?)
            };
            let (totals, vats) = (of(|line| line.total)?, of(|line| line.vat)?);
            for (member, (total, vat)) in members.iter().zip(totals.into_iter().zip(vats)) {
                if let Some(line) = document.lines[open[*member]].product_mut() {
                    line.base_total = Some(Money::new(total, to));
                    line.base_vat = Some(Money::new(vat, to));
                }
            }
        }
    }
    let sum = |of: fn(&ProductLine) -> Option<Money>| {
        Money::sum(to, document.lines.iter().filter_map(Line::product).filter_map(of))
    };
    let (total, vat) = (sum(|line| line.base_total), sum(|line| line.base_vat));
    if [total, vat, total + vat].iter().any(|sum| sum.minor().abs() > LARGEST) {
        return Err(Refusal::amount_too_large());
    }
    document.base_amount = Some(total + vat);
    document.base_vat = Some(vat);
    Ok(())
}
