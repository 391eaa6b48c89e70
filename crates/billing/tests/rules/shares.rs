//! Sharing out: parts add up to the rounded sum, each its own value rounded down or up.

use billing::money::Currency;
use billing::shares::{share, share_converted, share_vat};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_vat_of_a_group_is_shared_by_largest_remainder() {
    let cases: [(&str, &[i64], &[i64]); 9] = [
        // rate, totals, shares
        ("25", &[26_800], &[6_700]),
        // 25.25 + 24.50 + 0.25 = 50.00: one unit over 25 + 24 + 0, to the half.
        ("25", &[101, 98, 1], &[25, 25, 0]),
        // Two ties of 0.5 make 1 unit; spread evenly, the second gets it: ⌊2·1/2⌋ > ⌊1·1/2⌋.
        ("25", &[2, 2], &[0, 1]),
        // Four ties of 0.5 make 2: every second line.
        ("25", &[2, 2, 2, 2], &[0, 1, 0, 1]),
        // Three ties make 1.5 → 2 units: ⌊2j/3⌋ steps at the second and third.
        ("25", &[2, 2, 2], &[0, 1, 1]),
        // The mirror of the row above.
        ("25", &[-2, -2, -2], &[0, -1, -1]),
        // Mixed signs: 25.00 − 0.50 = 24.50 → 25 (half away), so −0.50 rounds up to 0.
        ("25", &[100, -2], &[25, 0]),
        ("0", &[100, 200], &[0, 0]),
        ("25", &[], &[]),
    ];
    for (rate, totals, shares) in cases {
        assert_eq!(share_vat(number(rate), totals), shares, "{rate} % of {totals:?}");
    }
}

#[test]
fn a_total_is_shared_in_proportion() {
    let cases: [(i64, &[i64], &[i64]); 8] = [
        (100, &[1, 1, 1], &[33, 33, 34]), // one unit over, three ties: the last
        (-100, &[1, 1, 1], &[-33, -33, -34]),
        (700, &[6_000, 0, 1_000], &[600, 0, 100]),
        (10, &[-3, -1], &[7, 3]), // 7.5 and 2.5 tie; of two the second gets the unit
        (5, &[0, 0], &[5, 0]),    // no proportion: the first
        (0, &[0, 0], &[0, 0]),
        (0, &[5, -5], &[0, 0]),
        (3, &[], &[]),
    ];
    for (total, weights, shares) in cases {
        assert_eq!(share(total, weights), shares, "{total} over {weights:?}");
    }
}

#[test]
fn a_group_is_converted_as_one_sum() {
    let in_kroner = |rate: &str, amounts: &[i64]| share_converted(number(rate), Currency::EUR, Currency::DKK, amounts);
    // 7.46 each is exact; at 7.465 the sum is 14.93 and the second line gets the half.
    assert_eq!(in_kroner("7.46", &[100, 100]), Ok(vec![746, 746]));
    assert_eq!(in_kroner("7.465", &[100, 100]), Ok(vec![746, 747]));
    // Mixed signs stay true to each line though the sum is small.
    assert_eq!(in_kroner("7.46", &[10_000, -9_900]), Ok(vec![74_600, -73_854]));
    assert!(in_kroner("7.46", &[billing::money::LARGEST]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_add_up_mirror_and_stay_within_one_unit(
        rate in 0_i64..=1_000_000,
        totals in prop::collection::vec(prop_oneof![-9_i64..=9, -100_000_i64..=100_000], 0..40),
    ) {
        let percent = Decimal::new(rate, 4);
        let shares = share_vat(percent, &totals);
        let mirror: Vec<i64> = totals.iter().map(|total| -total).collect();
        let negated: Vec<i64> = shares.iter().map(|share| -share).collect();
        prop_assert_eq!(share_vat(percent, &mirror), negated);
        for (share, total) in shares.iter().zip(&totals) {
            // |share − rate × total| < 1
            prop_assert!((share * 1_000_000 - rate * total).abs() < 1_000_000);
        }
        // Twice the rounding error of the sum is at most one unit.
        let error = shares.iter().sum::<i64>() * 1_000_000 - rate * totals.iter().sum::<i64>();
        prop_assert!(2 * error.abs() <= 1_000_000);
    }
}
