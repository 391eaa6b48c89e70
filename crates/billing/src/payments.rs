//! Payments and refunds: what a payment settles, recovers and leaves as credit, and
//! what both post; fees of reminders are paid after the invoice they are of. The rate of the day of the money meets the carrying amount of the
//! open item; the difference is a line of 0.00 with a base amount.

use crate::ids::{AccountId, CustomerId, OpenItemId};
use crate::money::Money;
use crate::postings::Posting;
use crate::write_offs::Loss;

/// What a payment does, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Split {
    /// Settles so much of what is open.
    pub settled: i64,
    /// Recovers so much of what was written off.
    pub recovered: i64,
    /// Settles so much of the fees of its reminders.
    pub fees: i64,
    /// Is so much too much, and stays as the customer's credit.
    pub credit: i64,
}

/// What a payment does to an invoice: what is open comes first, then what was given up, then the fees of
/// its reminders.
pub fn split(paid: i64, open: i64, written_off: i64, fees: i64) -> Split {
    let settled = paid.min(open);
    let recovered = (paid - settled).min(written_off);
    let of_fees = (paid - settled - recovered).min(fees);
    Split { settled, recovered, fees: of_fees, credit: paid - settled - recovered - of_fees }
}

/// A part of an open item: what is moved of it in both currencies, positive.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ItemPart {
    /// The receivables account it stands on.
    pub account_id: AccountId,
    /// The item.
    pub item_id: OpenItemId,
    /// Whose.
    pub customer_id: CustomerId,
    /// In its own currency.
    pub amount: Money,
    /// In the company's currency, as it is carried.
    pub base: Money,
}

impl ItemPart {
    /// The customer owes so much more, or has so much less to its credit.
    pub fn debit(self) -> Posting {
        Posting {
            open_item_id: Some(self.item_id),
            customer_id: Some(self.customer_id),
            ..Posting::plain(self.account_id, self.amount, self.base)
        }
    }

    /// The customer owes so much less, or has so much more to its credit.
    pub fn credit(self) -> Posting {
        let posting = self.debit();
        Posting { amount: -self.amount, base_amount: -self.base, ..posting }
    }
}

/// Money on the bank account, in both currencies, positive.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cash {
    /// The bank's account.
    pub account_id: AccountId,
    /// In the item's currency.
    pub amount: Money,
    /// At the rate of its day.
    pub base: Money,
}

/// What a payment posts: bank against the invoice's item at its carrying amount, what is
/// recovered of losses, the fees it settles, and what is too much as a new credit item at the day's rate.
pub fn of_payment(
    received: Cash,
    settled: Option<ItemPart>,
    recovered: &[Loss],
    fees: &[ItemPart],
    credit: Option<ItemPart>,
    exchange_difference: AccountId,
) -> Vec<Posting> {
    let mut postings = vec![Posting::plain(received.account_id, received.amount, received.base)];
    postings.extend(settled.map(ItemPart::credit));
    postings.extend(recovered.iter().map(Loss::credit));
    postings.extend(fees.iter().map(|part| part.credit()));
    postings.extend(credit.map(ItemPart::credit));
    with_difference(postings, exchange_difference)
}

/// What a refund posts: the credit item at its carrying amount against the bank at the day's rate.
pub fn of_refund(credit: ItemPart, paid: Cash, exchange_difference: AccountId) -> Vec<Posting> {
    let postings = vec![credit.debit(), Posting::plain(paid.account_id, -paid.amount, -paid.base)];
    with_difference(postings, exchange_difference)
}

/// Adds what is left between the rates: nothing in the document's currency, a gain or loss in the company's.
fn with_difference(mut postings: Vec<Posting>, account: AccountId) -> Vec<Posting> {
    let Some(first) = postings.first() else { return postings };
    let none = Money::zero(first.amount.currency());
    let sum = Money::sum(first.base_amount.currency(), postings.iter().map(|posting| posting.base_amount));
    if !sum.is_zero() {
        postings.push(Posting::plain(account, none, -sum));
    }
    postings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_settles_then_recovers_then_pays_fees_then_is_credit() {
        let of = |paid, open, written_off, fees| {
            let Split { settled, recovered, fees, credit } = split(paid, open, written_off, fees);
            (settled, recovered, fees, credit)
        };
        assert_eq!(of(400, 1_000, 0, 0), (400, 0, 0, 0));
        assert_eq!(of(1_000, 1_000, 0, 100), (1_000, 0, 0, 0));
        assert_eq!(of(1_250, 1_000, 0, 0), (1_000, 0, 0, 250));
        assert_eq!(of(1_250, 1_000, 0, 200), (1_000, 0, 200, 50));
        assert_eq!(of(300, 0, 1_000, 100), (0, 300, 0, 0));
        assert_eq!(of(1_000, 200, 500, 0), (200, 500, 0, 300));
        assert_eq!(of(1_000, 200, 500, 400), (200, 500, 300, 0));
    }
}
