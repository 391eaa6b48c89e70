//! Write-offs: what an invoice given up costs, and what its VAT gives back. With relief
//! each VAT group's share comes off output VAT under its own code; what is paid later
//! takes both back in proportion.

use rust_decimal::Decimal;

use crate::ids::{AccountId, CustomerId, DocumentId, VatCodeId};
use crate::money::Money;
use crate::payments::ItemPart;
use crate::postings::Posting;
use crate::shares;
use crate::vat::VatCategory;

/// One line of a loss, positive: bad debt, or output VAT that comes back.
#[derive(Clone, PartialEq, Debug)]
pub struct Loss {
    /// Where it is posted.
    pub account_id: AccountId,
    /// In the invoice's currency.
    pub amount: Money,
    /// In the company's currency.
    pub base: Money,
    /// The VAT it is of; none for bad debt.
    pub vat: Option<Taxed>,
    /// Whose.
    pub customer_id: CustomerId,
    /// The invoice.
    pub document_id: DocumentId,
}

/// Under what VAT is charged: the key of what is relieved.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Taxed {
    /// The VAT code.
    pub code_id: VatCodeId,
    /// Its category.
    pub category: VatCategory,
    /// Its rate in percent.
    pub rate: Decimal,
}

impl Loss {
    /// The loss is borne.
    pub fn debit(&self) -> Posting {
        Posting {
            vat_code_id: self.vat.map(|vat| vat.code_id),
            vat_category: self.vat.map(|vat| vat.category),
            vat_rate: self.vat.map(|vat| vat.rate),
            customer_id: Some(self.customer_id),
            document_id: Some(self.document_id),
            ..Posting::plain(self.account_id, self.amount, self.base)
        }
    }

    /// It is made good.
    pub fn credit(&self) -> Posting {
        let posting = self.debit();
        Posting { amount: -self.amount, base_amount: -self.base, ..posting }
    }
}

/// What a write-off posts: its losses against the receivable at its carrying amount.
pub fn of_write_off(given_up: ItemPart, losses: &[Loss]) -> Vec<Posting> {
    losses.iter().map(Loss::debit).chain([given_up.credit()]).collect()
}

/// How much of an amount given up is VAT of each group, in proportion to what is left of
/// the invoice without VAT and of each group's VAT. What is beyond all that is left is no VAT.
pub fn relief(amount: i64, net_left: i64, vat_left: &[i64]) -> Vec<i64> {
    let weights: Vec<i64> = std::iter::once(&net_left).chain(vat_left).map(|left| (*left).max(0)).collect();
    let covered = amount.min(weights.iter().sum());
    shares::share(covered, &weights).split_off(1)
}

/// What a recovery takes back of the lines of a loss, in proportion: of each what is left of it
/// in both currencies is given, answered is what goes. The last unit takes all of the base, also that of a
/// line that comes to nothing in the invoice's currency.
pub fn recover(amount: i64, left: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let weights: Vec<i64> = left.iter().map(|(amount, _)| *amount).collect();
    let is_last = amount == weights.iter().sum::<i64>();
    let base = |(taken, (amount, base)): (i64, &(i64, i64))| {
        let share = match *amount {
            0 if !is_last => 0,
            amount if taken == amount => *base,
            amount => shares::share(*base, &[taken, amount - taken])[0],
        };
        (taken, share)
    };
    shares::share(amount, &weights).into_iter().zip(left).map(base).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relief_is_each_groups_share_and_never_more_than_is_left() {
        // 800.00 at 25 % and 200.00 free of VAT: 1,200.00 in all.
        assert_eq!(relief(120_000, 100_000, &[20_000]), [20_000]);
        assert_eq!(relief(60_000, 100_000, &[20_000]), [10_000]);
        // Two groups, 100.00 at 25 % and 100.00 at 12 %: 237.00, a third of it.
        assert_eq!(relief(7_900, 20_000, &[2_500, 1_200]), [833, 400]);
        // A credit note that was not set off: 500.00 open, and nothing of VAT left.
        assert_eq!(relief(50_000, 0, &[0]), [0]);
        assert_eq!(relief(50_000, 10_000, &[2_500]), [2_500]);
    }

    #[test]
    fn a_line_of_nothing_gives_its_base_back_with_the_last_unit() {
        // Bad debt of 0.00 that carries a unit of the company's currency, beside VAT of 0.05.
        assert_eq!(recover(2, &[(0, 1), (5, 37)]), [(0, 0), (2, 15)]);
        assert_eq!(recover(3, &[(0, 1), (3, 22)]), [(0, 1), (3, 22)]);
        assert_eq!(recover(5, &[(0, -1), (5, 37)]), [(0, -1), (5, 37)]);
    }

    #[test]
    fn parts_of_a_loss_add_up_to_the_whole() {
        for steps in [[1, 1, 998], [333, 333, 334], [999, 0, 1]] {
            let (mut net, mut vat, mut base_net, mut base_vat) = (800, 200, 5_968, 1_492);
            for step in steps {
                let parts = recover(step, &[(net, base_net), (vat, base_vat)]);
                assert_eq!(parts[0].0 + parts[1].0, step);
                (net, base_net) = (net - parts[0].0, base_net - parts[0].1);
                (vat, base_vat) = (vat - parts[1].0, base_vat - parts[1].1);
            }
            assert_eq!([net, vat, base_net, base_vat], [0, 0, 0, 0], "{steps:?}");
        }
    }
}
