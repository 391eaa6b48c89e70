//! Carrying amounts: what moves of an open item in the company's currency when a part of it
//! is settled. A part takes its proportion of what is left, the last takes the rest. Where what
//! settles stands at the item's own rate of exchange, both move by one base amount, so that no
//! exchange difference comes of rounding.

use rust_decimal::Decimal;

use crate::shares;

/// What is open of an item, both positive minor units.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Carried {
    /// In its own currency.
    pub open: i64,
    /// In the company's currency.
    pub base: i64,
    /// The rate it stands at; none in the company's currency, or where it is of several rates.
    pub rate: Option<Decimal>,
}

impl Carried {
    /// What a part of it carries: all of it with the last unit, else in proportion.
    pub fn part(self, amount: i64) -> i64 {
        if amount == self.open || self.open == 0 {
            return self.base;
        }
        shares::share(self.base, &[amount, self.open - amount])[0]
    }

    /// Whether it stands at a rate.
    pub fn stands_at(self, rate: Option<Decimal>) -> bool {
        self.rate.is_some() && self.rate == rate
    }

    fn is_closed_by(self, amount: i64) -> bool {
        amount == self.open
    }
}

/// What setting off moves of each item in the company's currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Of the credit.
    pub credit: i64,
    /// Of the debit.
    pub debit: i64,
    /// Whether both stand at one rate: what is then between them comes of rounding.
    pub is_at_one_rate: bool,
}

/// Sets `amount` of a credit off against a debit.
///
/// At one rate the item that is closed says what moves, so that the other moves by as much; only
/// where both are closed by different ways of rounding something is left between them.
pub fn set_off(amount: i64, credit: Carried, debit: Carried) -> Moved {
    let (of_credit, of_debit) = (credit.part(amount), debit.part(amount));
    let is_at_one_rate = credit.stands_at(debit.rate);
    if !is_at_one_rate {
        return Moved { credit: of_credit, debit: of_debit, is_at_one_rate };
    }
    let is_credit_used_up = credit.is_closed_by(amount) && !debit.is_closed_by(amount);
    let one = if is_credit_used_up { of_credit } else { of_debit };
    let moved = |item: Carried, part: i64| if item.is_closed_by(amount) { part } else { one.clamp(0, item.base) };
    Moved { credit: moved(credit, of_credit), debit: moved(debit, of_debit), is_at_one_rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rate: &str, open: i64, base: i64) -> Carried {
        Carried { open, base, rate: rate.parse().ok() }
    }

    #[test]
    fn a_part_takes_its_proportion_and_the_last_takes_the_rest() {
        let mut item = at("7.4567", 10_000, 74_567);
        let parts = [3_333, 3_333, 3_334].map(|amount| {
            let part = item.part(amount);
            (item.open, item.base) = (item.open - amount, item.base - part);
            part
        });
        // A third of 745.67 (248.5318…), about half of the 497.14 left (248.5327…), and what is left.
        assert_eq!(parts, [24_853, 24_853, 24_861]);
        assert_eq!((item.open, item.base), (0, 0));
    }

    #[test]
    fn what_is_closed_says_what_moves_at_one_rate() {
        let moved = |amount, credit, debit| {
            let Moved { credit, debit, is_at_one_rate } = set_off(amount, credit, debit);
            (credit, debit, is_at_one_rate)
        };
        let invoice = at("7.45", 10_000, 74_501);
        // The credit is used up: its 248.32 go of the invoice, of which so much carries 248.31.
        assert_eq!(moved(3_333, at("7.45", 3_333, 24_832), invoice), (24_832, 24_832, true));
        // The invoice is settled: its 745.01 go, though the credit's part carries 745.00.
        assert_eq!(moved(10_000, at("7.45", 20_000, 149_000), invoice), (74_501, 74_501, true));
        // Neither: the invoice's part.
        assert_eq!(moved(5_000, at("7.45", 20_000, 149_000), invoice), (37_250, 37_250, true));
        // Both: each what it has, and a unit of rounding is left.
        assert_eq!(moved(10_000, at("7.45", 10_000, 74_500), invoice), (74_500, 74_501, true));
        // Two rates: each what it carries.
        assert_eq!(moved(5_000, at("7.6", 20_000, 152_000), invoice), (38_000, 37_250, false));
        // Of several rates on both sides is not of one.
        assert_eq!(moved(5_000, at("", 20_000, 152_000), at("", 10_000, 74_501)), (38_000, 37_250, false));
    }

    #[test]
    fn nothing_moves_beyond_what_is_carried() {
        // A credit of 0.99 that carries 7.47, against 1.00 that carries 7.46.
        let moved = set_off(99, at("7.45", 99, 747), at("7.45", 100, 746));
        assert_eq!((moved.credit, moved.debit), (747, 746));
    }
}
