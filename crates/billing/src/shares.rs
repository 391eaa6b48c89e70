//! Sharing out a rounded sum so that the parts add up to it: largest remainder,
//! equal remainders spread evenly down the lines. Plain minor units, no money,
//! because every part is of the sum's currency.
//!
//! Amounts are at most `money::LARGEST`, so that every product fits `i128`.

use rust_decimal::Decimal;

use crate::money::{Currency, LARGEST, TooLarge};

/// A group's VAT shared out over its lines: every share is the line's own VAT rounded
/// down or up, and they add up to the VAT of the sum. A group may mix signs; the
/// shares of the negated totals are the negated shares.
pub fn share_vat(rate: Decimal, totals: &[i64]) -> Vec<i64> {
    let rate = rate.normalize();
    let vat = |total: &i64| i128::from(*total).checked_mul(rate.mantissa());
    let parts: Option<Vec<i128>> = totals.iter().map(vat).collect();
    let parts = parts.expect("a rate is at most 100 with 4 decimals");
    // The scale is at most 28, so that the denominator fits.
    in_minor_units(&round_together(&parts, 100 * 10_i128.pow(rate.scale())))
        .expect("a rate is at most 100, so no share is larger than its total")
}

/// Amounts of one currency in another at one rate (units of `to` for 1 unit of `from`):
/// every share is its own conversion rounded down or up, and they add up to the
/// conversion of the sum. It holds for mixed signs too, where the sum may be far
/// smaller than its parts.
///
/// # Errors
/// `TooLarge` if a share is beyond `LARGEST` minor units.
pub fn share_converted(rate: Decimal, from: Currency, to: Currency, amounts: &[i64]) -> Result<Vec<i64>, TooLarge> {
    let rate = rate.normalize();
    let factor = rate.mantissa().checked_mul(10_i128.pow(to.exponent())).ok_or(TooLarge)?;
    let part = |amount: &i64| i128::from(*amount).checked_mul(factor).ok_or(TooLarge);
    let parts = amounts.iter().map(part).collect::<Result<Vec<i128>, TooLarge>>()?;
    let shares = round_together(&parts, 10_i128.pow(rate.scale() + from.exponent()));
    let shares = in_minor_units(&shares).ok_or(TooLarge)?;
    if shares.iter().all(|share| share.abs() <= LARGEST) { Ok(shares) } else { Err(TooLarge) }
}

/// Shares `total` in proportion to `weights`. No share is larger than its weight unless
/// the total is larger than the sum of the weights. Weights that add up to nothing have
/// no proportion: the first takes all.
pub fn share(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if sum == 0 {
        let mut shares = vec![0; weights.len()];
        if let Some(first) = shares.first_mut() {
            *first = total;
        }
        return shares;
    }
    let part = |weight: &i64| i128::from(total) * i128::from(*weight) * sum.signum();
    let parts: Vec<i128> = weights.iter().map(part).collect();
    in_minor_units(&round_together(&parts, sum.abs())).expect("amounts are bounded far below i64")
}

/// Ratios of one denominator, each rounded down or up so that together they make their
/// rounded sum. The units go to the largest remainders; of m equal ones sharing k units
/// the j-th gets one when ⌊j·k/m⌋ > ⌊(j−1)·k/m⌋.
fn round_together(parts: &[i128], denominator: i128) -> Vec<i128> {
    let sum: i128 = parts.iter().sum();
    // Half away from zero is symmetric, so the shares are too: a sum below zero (or
    // one of nothing that begins below zero) is shared out as its mirror.
    let leading = if sum == 0 { parts.iter().copied().find(|part| *part != 0) } else { Some(sum) };
    if leading.is_some_and(|leading| leading < 0) {
        let mirror: Vec<i128> = parts.iter().map(|part| -part).collect();
        return round_together(&mirror, denominator).into_iter().map(|share| -share).collect();
    }
    let mut shares: Vec<i128> = parts.iter().map(|part| part.div_euclid(denominator)).collect();
    let rounded = crate::money::round_ratio(sum, denominator);
    let mut left = rounded - shares.iter().sum::<i128>();

    let remainder = |line: usize| parts[line].rem_euclid(denominator);
    let mut lines: Vec<usize> = (0..parts.len()).collect();
    // A stable sort: lines of equal remainder stay in line order.
    lines.sort_by_key(|line| std::cmp::Reverse(remainder(*line)));
    for tied in lines.chunk_by(|a, b| remainder(*a) == remainder(*b)) {
        let count = i128::try_from(tied.len()).expect("a number of lines fits");
        let units = left.min(count);
        for (j, line) in (1..).zip(tied) {
            shares[*line] += j * units / count - (j - 1) * units / count;
        }
        left -= units;
    }
    assert_eq!(left, 0, "the remainders add up to the units left");
    shares
}

fn in_minor_units(shares: &[i128]) -> Option<Vec<i64>> {
    shares.iter().map(|share| i64::try_from(*share).ok()).collect()
}
