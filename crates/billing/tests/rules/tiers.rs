//! Tiers: worked tables by hand and as published, at every boundary; and against an evaluator that
//! counts millionths one step at a time.

use billing::catalogue::PricingModel::{self, FlatRate, Graduated, Package, Volume};
use billing::money::{Currency, Money};
use billing::refusal::Faults;
use billing::tiers::{Tier, check, total};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// `up_to unit_amount flat_amount package_size`, a `-` for none.
fn tier(text: &str) -> Tier {
    let fields: Vec<Option<Decimal>> =
        text.split(' ').map(|field| (field != "-").then(|| number(field))).chain([None, None]).take(4).collect();
    Tier { up_to: fields[0], unit_amount: fields[1].unwrap(), flat_amount: fields[2], package_size: fields[3] }
}

fn tiers(texts: &[&str]) -> Vec<Tier> {
    texts.iter().map(|text| tier(text)).collect()
}

/// In minor units of the euro.
fn amount(model: PricingModel, tiers: &[Tier], quantity: &str) -> String {
    Money::round(total(model, tiers, number(quantity)).unwrap(), Currency::EUR).unwrap().to_string()
}

/// 1 to 5 at 7.00, 6 to 10 at 6.50, from 11 at 6.00: the tables of docs.stripe.com,
/// "Set up tiered pricing", for 1, 5, 6, 20 and 25; the rest by hand.
const FONTS: [&str; 3] = ["5 7", "10 6.5", "- 6"];

#[test]
fn a_volume_is_charged_at_the_one_tier_it_falls_into() {
    let tiers = tiers(&FONTS);
    for (quantity, expected) in [
        ("1", "7.00"),
        ("5", "35.00"),
        ("6", "39.00"),
        ("20", "120.00"),
        ("25", "150.00"),
        // The first tier ends at 5 itself: the least more is of the second, all of it.
        ("4.999999", "35.00"), // 34.999993
        ("5.000001", "32.50"), // 32.5000065
        ("10", "65.00"),
        ("10.000001", "60.00"), // 60.000006
        ("11", "66.00"),
        ("0.5", "3.50"),
        ("0.000001", "0.00"),
        ("0", "0.00"),
        ("9999999.999999", "60000000.00"), // 59999999.999994
    ] {
        assert_eq!(amount(Volume, &tiers, quantity), expected, "{quantity}");
    }
}

#[test]
fn a_graduated_quantity_is_charged_part_by_part() {
    let tiers = tiers(&FONTS);
    for (quantity, expected) in [
        ("1", "7.00"),
        ("5", "35.00"),
        ("6", "41.50"),         // 35 + 6.50
        ("10", "67.50"),        // 35 + 32.50
        ("11", "73.50"),        // 67.50 + 6
        ("20", "127.50"),       // 67.50 + 60
        ("25", "157.50"),       // 67.50 + 90
        ("5.5", "38.25"),       // 35 + 3.25
        ("10.000001", "67.50"), // 67.500006
        ("0", "0.00"),
    ] {
        assert_eq!(amount(Graduated, &tiers, quantity), expected, "{quantity}");
    }
}

/// With flat amounts: 1 to 5 at 5.00 and 10.00 once, 6 to 10 at 4.00 and 20.00 once, from 11 nothing each
/// and 30.00 once; by hand.
#[test]
fn flat_amounts_are_charged_once_for_each_tier_that_is_reached() {
    let tiers = tiers(&["5 5 10", "10 4 20", "- 0 30"]);
    for (quantity, volume, graduated) in [
        ("0", "10.00", "10.00"), // nothing is still of the first tier
        ("0.1", "10.50", "10.50"),
        ("1", "15.00", "15.00"),
        ("5", "35.00", "35.00"),
        ("5.01", "40.04", "55.04"),  // 20 + 20.04; 35 + 20 + 0.04
        ("6", "44.00", "59.00"),     // 20 + 24; 35 + 20 + 4
        ("10", "60.00", "75.00"),    // 20 + 40; 35 + 20 + 20
        ("10.5", "30.00", "105.00"), // 75 + 30
        ("1000", "30.00", "105.00"),
    ] {
        assert_eq!(amount(Volume, &tiers, quantity), volume, "volume of {quantity}");
        assert_eq!(amount(Graduated, &tiers, quantity), graduated, "graduated {quantity}");
    }
}

/// 25.00 for every 5, a begun package counts; by hand. Then packages of 0.7 with 0.50 once.
#[test]
fn packages_are_charged_whole() {
    let fives = tiers(&["- 25 - 5"]);
    for (quantity, expected) in [
        ("0", "0.00"),
        ("0.000001", "25.00"),
        ("1", "25.00"),
        ("5", "25.00"),
        ("5.000001", "50.00"),
        ("8", "50.00"),
        ("10", "50.00"),
        ("11", "75.00"),
        ("9999999.999999", "50000000.00"), // 2,000,000 packages: 10,000,000 less a millionth
    ] {
        assert_eq!(amount(Package, &fives, quantity), expected, "{quantity}");
    }
    let small = tiers(&["- 0.1 0.5 0.7"]);
    for (quantity, expected) in [("0.7", "0.60"), ("0.71", "0.70"), ("7", "1.50"), ("7.1", "1.60")] {
        assert_eq!(amount(Package, &small, quantity), expected, "{quantity}");
    }
}

#[test]
fn one_tier_is_a_flat_rate() {
    for quantity in ["1", "0.333333", "12345.6"] {
        let one = tiers(&["- 7.123456"]);
        assert_eq!(amount(Volume, &one, quantity), amount(Graduated, &one, quantity));
        let expected = Money::round(
            billing::money::Exact::from(number(quantity)).times(number("7.123456")).unwrap(),
            Currency::EUR,
        );
        assert_eq!(amount(Volume, &one, quantity), expected.unwrap().to_string());
    }
}

#[test]
fn tiers_fit_their_model_or_each_fault_is_told() {
    for (model, unit_amount, texts, expected) in [
        (FlatRate, Some("1"), &[][..], ""),
        (FlatRate, Some("0"), &[], ""),
        (FlatRate, None, &[], "unitAmount isNotEmpty"),
        (FlatRate, Some("1"), &["- 1"], "tiers isEmpty"),
        (Package, None, &["- 1 - 5"], ""),
        (Package, None, &["- 1 2 5"], ""),
        (Package, None, &[], "tiers arrayMinSize"),
        (Package, None, &["- 1"], "tiers.0.packageSize isNotEmpty"),
        (Package, None, &["5 1 - 5"], "tiers.0.upTo isEmpty"),
        (Package, None, &["- 1 - 5", "- 1 - 5"], "tiers arrayMaxSize"),
        (Volume, Some("1"), &["- 1"], "unitAmount isEmpty"),
        (Volume, None, &[], "tiers arrayMinSize"),
        (Volume, None, &["5 1", "- 0"], ""),
        (Volume, None, &["5 1"], "tiers.0.upTo isEmpty"),
        (Graduated, None, &["- 1", "- 2"], "tiers.0.upTo isNotEmpty"),
        (Graduated, None, &["5 1", "5 2", "- 3"], "tiers.1.upTo min"),
        (Graduated, None, &["5 1", "4 2", "- 3"], "tiers.1.upTo min"),
        (Graduated, None, &["5 1", "- 2", "4 2", "- 3"], "tiers.1.upTo isNotEmpty, tiers.2.upTo min"),
        (Graduated, None, &["5 1 - 2", "- 3"], "tiers.0.packageSize isEmpty"),
        (Graduated, None, &["5.000001 1", "5.000002 2", "- 3"], ""),
    ] {
        let mut faults = Faults::default();
        check(model, unit_amount.map(number), &tiers(texts), &mut faults);
        let found: Vec<String> = faults.0.iter().map(|fault| format!("{} {}", fault.property, fault.rule)).collect();
        assert_eq!(found.join(", "), expected, "{model} {unit_amount:?} {texts:?}");
    }
}

/// What a quantity comes to, slowly: in steps of a hundredth, each charged where it lies. All numbers are in
/// hundredths, the answer in hundredths of hundredths.
fn slowly(model: PricingModel, tiers: &[(Option<i64>, i64, i64)], package: i64, quantity: i64) -> i64 {
    let tier_of =
        |hundredth: i64| tiers.iter().position(|(up_to, ..)| up_to.is_none_or(|last| hundredth <= last)).unwrap();
    let mut sum = 0;
    match model {
        FlatRate => unreachable!("it has no tiers"),
        Package => {
            let mut opened = 0;
            for hundredth in 0..quantity {
                if hundredth % package == 0 {
                    opened += 1;
                }
            }
            sum += opened * tiers[0].1 * 100 + tiers[0].2 * 100;
        }
        Volume => {
            let (_, unit, flat) = tiers[tier_of(quantity)];
            for _ in 0..quantity {
                sum += unit;
            }
            sum += flat * 100;
        }
        Graduated => {
            let mut reached = usize::MAX;
            for hundredth in 1..=quantity.max(1) {
                let tier = tier_of(hundredth);
                // Each tier is wider than a hundredth, so none is stepped over.
                if tier != reached {
                    sum += tiers[tier].2 * 100;
                    reached = tier;
                }
                if quantity > 0 {
                    sum += tiers[tier].1;
                }
            }
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn tiers_come_to_what_counting_comes_to(
        steps in prop::collection::vec((1_i64..400, 0_i64..5_000, 0_i64..9_000), 1..6),
        package in 1_i64..300,
        quantity in 0_i64..2_500,
        at_edge in prop::option::of((any::<prop::sample::Index>(), -1_i64..2)),
    ) {
        let mut reach = 0;
        let mut plain: Vec<(Option<i64>, i64, i64)> = steps
            .iter()
            .map(|(width, unit, flat)| {
                reach += width;
                (Some(reach), *unit, *flat)
            })
            .collect();
        let last = plain.len() - 1;
        plain[last].0 = None;
        // As often as not right at an edge, or beside it.
        let quantity = match at_edge {
            Some((index, beside)) => (plain[index.index(plain.len())].0.unwrap_or(quantity) + beside).max(0),
            None => quantity,
        };
        for model in [Package, Volume, Graduated] {
            let of = if model == Package { &plain[last..] } else { &plain[..] };
            let hundredths = |n: i64| Decimal::new(n, 2);
            let tiers: Vec<Tier> = of
                .iter()
                .map(|(up_to, unit, flat)| Tier {
                    up_to: up_to.map(hundredths),
                    unit_amount: hundredths(*unit),
                    flat_amount: Some(hundredths(*flat)),
                    package_size: (model == Package).then(|| hundredths(package)),
                })
                .collect();
            let mut faults = Faults::default();
            check(model, None, &tiers, &mut faults);
            prop_assert!(faults.is_empty(), "{:?}", faults);
            let found = total(model, &tiers, hundredths(quantity)).unwrap().decimal(4).unwrap();
            prop_assert_eq!(found, Decimal::new(slowly(model, of, package, quantity), 4), "{} {}", model, quantity);
        }
    }
}
