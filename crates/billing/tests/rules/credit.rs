//! Crediting: what is given back is what was billed, in every order and to the last
//! unit; never more; and nothing else is touched.

use billing::credit::{Ask, Exceeds, Group, LineState, Mode, Share};
use billing::money::Currency;
use billing::shares::share_vat;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A group as an invoice books it: its VAT shared over the lines, the books in its own currency.
fn group(rate: &str, mode: Mode, lines: &[(i64, &str)]) -> Group {
    let nets: Vec<i64> = lines.iter().map(|(net, _)| *net).collect();
    let vats = share_vat(number(rate), &nets);
    let line = |((net, quantity), vat): (&(i64, &str), i64)| LineState::fresh(*net, vat, *net, vat, number(quantity));
    Group { rate: number(rate), mode, lines: lines.iter().zip(vats).map(line).collect() }
}

/// Net and VAT of each share.
fn figures(shares: &[Share]) -> Vec<(i64, i64)> {
    shares.iter().map(|share| (share.net, share.vat)).collect()
}

/// One note with one ask.
fn one(group: &mut Group, line: usize, ask: Ask) -> (i64, i64) {
    let shares = group.credit(&[(line, ask)]).unwrap();
    (shares[0].net, shares[0].vat)
}

#[test]
fn three_thirds_of_a_hundred_are_a_hundred() {
    let mut group = group("25", Mode::Line, &[(10_000, "3")]);
    let third = Ask::Quantity(Decimal::ONE);
    // Two thirds of 100.00 are 66.67 left, so 33.33 goes first; 25 % of it is 8.3325.
    assert_eq!(one(&mut group, 0, third), (3_333, 833));
    // 33.33 left; 66.67 × 25 % = 16.6675 → 16.67, of which 8.33 is gone.
    assert_eq!(one(&mut group, 0, third), (3_334, 834));
    assert_eq!(one(&mut group, 0, third), (3_333, 833));
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn one_and_its_vat_credited_in_halves() {
    let mut group = group("21", Mode::Line, &[(100, "1")]);
    // 21 % of 0.50 is 0.105: away from zero, 0.11; what is left is 0.10.
    assert_eq!(one(&mut group, 0, Ask::Amount(50)), (50, 11));
    assert_eq!(one(&mut group, 0, Ask::Amount(50)), (50, 10));
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn partial_credits_of_334_99_do_not_add_up_to_335_00() {
    // 3 × 89.33 = 267.99 and 67.00 (66.9975) VAT. Line by line at 22.3325 each the
    // VAT would round to 3 × 22.33 = 66.99; and at 112.00 a line the whole to 335.00 + 0.99.
    let mut group = group("25", Mode::Line, &[(8_933, "1"), (8_933, "1"), (8_933, "1")]);
    assert_eq!((group.billed().net, group.billed().vat), (26_799, 6_700));
    let mut given = 0;
    for line in [2, 0, 1] {
        let (net, vat) = one(&mut group, line, Ask::Rest);
        assert_eq!((net, vat), (8_933, group.lines[line].vat), "a line credited whole gives back its own VAT");
        given += net + vat;
    }
    assert_eq!(given, 33_499);
}

#[test]
fn a_line_is_credited_by_quantity_after_it_was_by_amount() {
    let mut group = group("25", Mode::Line, &[(10_000, "4")]);
    assert_eq!(one(&mut group, 0, Ask::Amount(1_000)), (1_000, 250));
    // 90.00 are left for 4: each is now 22.50.
    assert_eq!(one(&mut group, 0, Ask::Quantity(Decimal::ONE)), (2_250, 563)); // 32.50 × 25 % = 8.125 → 8.13
    assert_eq!(one(&mut group, 0, Ask::Price { quantity: Decimal::ONE, net: 500 }), (500, 125)); // 9.375 → 9.38
    // 62.50 are left for 2.
    assert_eq!(one(&mut group, 0, Ask::Quantity(Decimal::ONE)).0, 3_125);
    assert_eq!(one(&mut group, 0, Ask::Rest).0, 3_125);
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn more_than_is_left_is_refused_and_changes_nothing() {
    let mut group = group("25", Mode::Line, &[(10_000, "4"), (-500, "1"), (0, "2")]);
    one(&mut group, 0, Ask::Quantity(number("2.5")));
    let before = group.clone();
    let left = number("1.5");
    let net = |line, billed, credited, asked| Exceeds::Net { line, billed, credited, asked };
    let quantity = |line, left, asked| Exceeds::Quantity { line, left, asked };
    let cases = [
        (0, Ask::Quantity(number("1.500001")), quantity(0, left, number("1.500001"))),
        (0, Ask::Quantity(Decimal::ZERO), quantity(0, left, Decimal::ZERO)),
        (0, Ask::Quantity(number("-1")), quantity(0, left, number("-1"))),
        (0, Ask::Amount(3_751), net(0, 10_000, 6_250, 3_751)),
        (0, Ask::Amount(0), net(0, 10_000, 6_250, 0)),
        (0, Ask::Amount(-1), net(0, 10_000, 6_250, -1)), // of the other sign
        (0, Ask::Price { quantity: left, net: 3_751 }, net(0, 10_000, 6_250, 3_751)),
        (0, Ask::Price { quantity: number("2"), net: 1 }, quantity(0, left, number("2"))),
        (1, Ask::Amount(1), net(1, -500, 0, 1)),
        (1, Ask::Amount(-501), net(1, -500, 0, -501)),
        (2, Ask::Amount(1), net(2, 0, 0, 1)),
        (2, Ask::Quantity(number("3")), quantity(2, number("2"), number("3"))),
    ];
    for (line, ask, refusal) in cases {
        // Beside an ask that would have done: the note is refused as a whole.
        assert_eq!(group.credit(&[(1, Ask::Amount(-100)), (line, ask)]), Err(refusal_after(refusal)), "{ask:?}");
        assert_eq!(group, before, "{ask:?}");
    }
}

/// What is refused after 1.00 of the line of −5.00 is asked for in the same note.
fn refusal_after(refusal: Exceeds) -> Exceeds {
    match refusal {
        Exceeds::Net { line: 1, billed, credited, asked } => {
            Exceeds::Net { line: 1, billed, credited: credited - 100, asked }
        }
        other => other,
    }
}

#[test]
fn two_asks_of_one_line_count_one_after_the_other() {
    let mut group = group("25", Mode::Line, &[(10_000, "4")]);
    let three = Ask::Quantity(number("3"));
    let left = Decimal::ONE;
    assert_eq!(group.credit(&[(0, three), (0, three)]), Err(Exceeds::Quantity { line: 0, left, asked: number("3") }));
    // The line's 25.00 of VAT are shared over the two pieces of the note.
    let shares = group.credit(&[(0, three), (0, Ask::Rest)]).unwrap();
    assert_eq!(figures(&shares), [(7_500, 1_875), (2_500, 625)]);
}

#[test]
fn an_amount_of_no_line_is_spread_over_what_is_left() {
    let mut group = group("25", Mode::Line, &[(6_000, "1"), (0, "1"), (2_000, "1")]);
    assert_eq!(group.spread(800), Ok(vec![(0, Ask::Amount(600)), (2, Ask::Amount(200))]));
    one(&mut group, 0, Ask::Rest);
    assert_eq!(group.spread(800), Ok(vec![(2, Ask::Amount(800))]));
    assert_eq!(group.spread(2_001), Err(Exceeds::Group { billed: 8_000, credited: 6_000, asked: 2_001 }));
    assert_eq!(group.spread(-1), Err(Exceeds::Group { billed: 8_000, credited: 6_000, asked: -1 }));
}

#[test]
fn a_free_line_is_credited_by_its_quantity() {
    let mut group = group("25", Mode::Line, &[(0, "2"), (1_000, "1")]);
    assert!(!group.lines[0].is_used_up());
    assert_eq!(one(&mut group, 0, Ask::Quantity(number("2"))), (0, 0));
    assert!(group.lines[0].is_used_up());
    assert_eq!(one(&mut group, 0, Ask::Rest), (0, 0), "nothing is a share of nothing");
}

#[test]
fn what_a_note_took_is_given_back() {
    let mut group = group("25", Mode::Line, &[(10_000, "3"), (333, "7")]);
    one(&mut group, 0, Ask::Quantity(Decimal::ONE));
    let credited = group.credited();
    let shares = group.credit(&[(0, Ask::Quantity(Decimal::ONE)), (1, Ask::Amount(111))]).unwrap();
    group.release(&shares);
    assert_eq!(group.credited(), credited);
    group.credit(&[(0, Ask::Rest), (1, Ask::Rest)]).unwrap();
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn in_yen_the_group_is_exact_in_every_note() {
    let yen: Currency = "JPY".parse().unwrap();
    assert_eq!(Mode::of(yen, 1), Mode::Group);
    assert_eq!((Mode::of(Currency::DKK, 100), Mode::of(Currency::DKK, 101)), (Mode::Line, Mode::Group));
    // Ten lines of ¥4 at 10 %: ¥4 of VAT in all, ¥0.4 a line.
    let mut group = group("10", Mode::Group, &[(4, "1"); 10]);
    let vats: Vec<i64> = (0..10).map(|line| one(&mut group, line, Ask::Rest).1).collect();
    // 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6 and 4.0 so far, each rounded.
    assert_eq!(vats, [0, 1, 0, 1, 0, 0, 1, 0, 1, 0]);
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn a_quantity_that_comes_to_nothing_bears_no_vat() {
    let mut group = group("25", Mode::Line, &[(4, "1"), (100, "1")]);
    one(&mut group, 0, Ask::Amount(1));
    // A tenth of the 0.03 left is nothing; the 0.01 of VAT that is due by now (0.02 × 25 %) is the other line's.
    let note = group.credit(&[(0, Ask::Quantity(number("0.1"))), (1, Ask::Amount(1))]).unwrap();
    assert_eq!(figures(&note), [(0, 0), (1, 1)]);
    // Were it the first line's, the void would take VAT from a line of which nothing is left to credit.
    assert_eq!(one(&mut group, 0, Ask::Amount(3)), (3, 1));
    group.release(&note);
    assert!(group.lines[0].is_used_up());
    assert_eq!(one(&mut group, 1, Ask::Rest), (100, 25));
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn in_yen_what_is_voided_leaves_its_vat_to_the_rest_bit_by_bit() {
    // Ten lines of ¥4 at 10 % as above. The four notes that bore ¥1 are voided: what stands, ¥24, bears no VAT.
    let mut group = group("10", Mode::Group, &[(4, "1"); 10]);
    let notes: Vec<Vec<Share>> = (0..10).map(|line| group.credit(&[(line, Ask::Rest)]).unwrap()).collect();
    let bears = |note: &&Vec<Share>| note[0].vat == 1;
    notes.iter().filter(bears).for_each(|note| group.release(note));
    assert_eq!((group.credited().net, group.credited().vat), (24, 0));
    // ¥28 would bear ¥3 (2.8); a note of ¥4 takes no more of it than ¥1, its own ¥0.4 rounded up.
    assert_eq!(one(&mut group, 1, Ask::Rest), (4, 1));
    // The three lines left bear the ¥3 left, 1.8 more than their own: by no rule can it be otherwise,
    // because what stands is kept and all ¥4 are given back.
    let last = group.credit(&[(3, Ask::Rest), (6, Ask::Rest), (8, Ask::Rest)]).unwrap();
    assert_eq!(figures(&last), [(4, 1), (4, 1), (4, 1)]);
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn lines_credited_whole_bear_what_each_was_billed_however_they_are_chosen() {
    // Thirty lines of 0.02 at 25 %: 0.15 of VAT, every second line 0.01. Chosen with intent, those fifteen are
    // off by 7.5 minor units together, far from the 4 that chance comes to, and still less than 1.00.
    let mut group = group("25", Mode::Line, &[(2, "1"); 30]);
    let taxed: Vec<(usize, Ask)> =
        (0..30).filter(|line| group.lines[*line].vat == 1).map(|line| (line, Ask::Rest)).collect();
    let shares = group.credit(&taxed).unwrap();
    let vat: i64 = shares.iter().map(|share| share.vat).sum();
    assert_eq!((taxed.len(), vat), (15, 15));
    let rest: Vec<(usize, Ask)> = (0..30).map(|line| (line, Ask::Rest)).collect();
    assert_eq!(group.credit(&rest).unwrap().iter().map(|share| share.vat).sum::<i64>(), 0);
    assert_eq!(group.credited(), group.billed());
}

#[test]
fn the_base_amounts_end_exact_too() {
    // 100.00 + 25.00 EUR at 7.4567: 745.67 and 186.42 (186.4175) DKK.
    let mut group = group("25", Mode::Line, &[(10_000, "3")]);
    group.lines[0] = LineState::fresh(10_000, 2_500, 74_567, 18_642, number("3"));
    let bases: Vec<(i64, i64)> = (0..3)
        .map(|_| {
            let share = group.credit(&[(0, Ask::Quantity(Decimal::ONE))]).unwrap()[0];
            (share.base_net, share.base_vat)
        })
        .collect();
    // So far: 33.33, 66.67 and 100.00 of 100.00, in kroner 248.53, 497.14 and 745.67; of
    // the VAT 62.13 (62.1337…), 124.29 (124.2863…) and 186.42.
    assert_eq!(bases, [(24_853, 6_213), (24_861, 6_216), (24_853, 6_213)]);
}

/// One ask before it is known what is left: a line, a way and a part of it in thousandths.
type Wish = (usize, u8, u32);

fn lines(sign: impl Strategy<Value = i64> + Clone) -> impl Strategy<Value = Vec<(i64, Decimal)>> {
    let line = (0_i64..5_000_000, sign, 1_i64..20_000_000, 0_u32..=6)
        .prop_map(|(net, sign, quantity, scale)| (net * sign, Decimal::new(quantity, scale)));
    prop::collection::vec(line, 1..30)
}

fn rates() -> impl Strategy<Value = Decimal> {
    prop::sample::select(vec!["25", "21", "19", "7", "5.5", "2.1", "0", "8.1", "27"]).prop_map(number)
}

fn notes() -> impl Strategy<Value = Vec<Vec<Wish>>> {
    prop::collection::vec(prop::collection::vec((0_usize..30, 0_u8..3, 1_u32..1_000), 1..6), 1..12)
}

fn invoice(rate: Decimal, mode: Mode, lines: &[(i64, Decimal)], base: i64) -> Group {
    let nets: Vec<i64> = lines.iter().map(|(net, _)| *net).collect();
    let vats = share_vat(rate, &nets);
    let line = |((net, quantity), vat): (&(i64, Decimal), i64)| {
        LineState::fresh(*net, vat, net * base / 100, vat * base / 100, *quantity)
    };
    Group { rate, mode, lines: lines.iter().zip(vats).map(line).collect() }
}

/// The ask a wish comes to on a line as it is now; none where nothing is left of it.
fn ask(state: &LineState, (_, way, part): Wish) -> Option<Ask> {
    let part_of = |amount: i64| amount * i64::from(part) / 1_000;
    let quantity = (state.quantity_left * Decimal::new(part.into(), 3)).round_dp(6);
    let net = part_of(state.net_left());
    match way {
        0 if !quantity.is_zero() => Some(Ask::Quantity(quantity)),
        1 if net != 0 => Some(Ask::Amount(net)),
        2 if !quantity.is_zero() => Some(Ask::Price { quantity, net }),
        _ => None,
    }
}

/// Credits in notes as wished, then the rest; checks each step and hands every note to `note`.
fn credit_all(group: &mut Group, notes: &[Vec<Wish>], mut note: impl FnMut(&Group, &[Share])) {
    let last: Vec<(usize, Ask)> = (0..group.lines.len()).map(|line| (line, Ask::Rest)).collect();
    let mut given = vec![(0, 0, 0, 0); group.lines.len()];
    for wishes in notes.iter().map(Some).chain([None]) {
        let mut asks: Vec<(usize, Ask)> = Vec::new();
        for wish in wishes.into_iter().flatten() {
            let line = wish.0 % group.lines.len();
            if asks.iter().all(|(asked, _)| *asked != line) {
                asks.extend(ask(&group.lines[line], *wish).map(|ask| (line, ask)));
            }
        }
        let asks = if wishes.is_some() { asks } else { last.clone() };
        let before = group.clone();
        let shares = group.credit(&asks).expect("no more is asked than is left");
        for (line, (now, then)) in group.lines.iter().zip(&before.lines).enumerate() {
            if asks.iter().all(|(asked, _)| *asked != line) {
                assert_eq!(now, then, "lines outside the note are untouched");
            }
            let is_within = |part: i64, whole: i64| part * whole.signum() >= 0 && part.abs() <= whole.abs();
            assert!(is_within(now.credited_net, now.net), "no line is over-credited: {now:?}");
            assert!(now.quantity_left >= Decimal::ZERO, "{now:?}");
        }
        for share in &shares {
            let given = &mut given[share.line];
            given.0 += share.net;
            given.1 += share.vat;
            given.2 += share.base_net;
            given.3 += share.base_vat;
        }
        note(group, &shares);
    }
    for (line, (net, vat, base_net, base_vat)) in group.lines.iter().zip(given) {
        assert_eq!((net, vat), (line.credited_net, line.credited_vat), "the shares are what was counted");
        assert_eq!((base_net, base_vat), (line.credited_base_net, line.credited_base_vat));
        assert!(line.is_used_up() && line.quantity_left.is_zero(), "{line:?}");
    }
}

/// Half away from zero, in its own words.
fn vat_of(rate: Decimal, net: i64) -> i64 {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let exact = Decimal::from(net) * rate / Decimal::ONE_HUNDRED;
    exact.round_dp_with_strategy(0, MidpointAwayFromZero).try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Any sequence of partial credits gives back every line and the group to the last
    /// unit, in the note's currency and in the books'; in between the VAT of a note is
    /// within 4 minor units of its rate (up to 30 lines).
    #[test]
    fn what_is_given_back_is_what_was_billed(
        rate in rates(), lines in lines(Just(1)), notes in notes(), base in prop::sample::select(vec![100, 746, 12])
    ) {
        let mut group = invoice(rate, Mode::Line, &lines, base);
        let billed = group.billed();
        credit_all(&mut group, &notes, |_, shares| {
            let (net, vat) = shares.iter().fold((0, 0), |(net, vat), share| (net + share.net, vat + share.vat));
            let off = (vat - vat_of(rate, net)).abs();
            assert!(off <= 4, "VAT {vat} of {net} at {rate} % is {off} off");
        });
        prop_assert_eq!(group.credited(), billed);
        for line in &group.lines {
            prop_assert_eq!((line.credited_net, line.credited_vat), (line.net, line.vat));
            prop_assert_eq!((line.credited_base_net, line.credited_base_vat), (line.base_net, line.base_vat));
        }
    }

    /// Where the group wins, all that is credited bears exactly the rate's VAT after each note.
    #[test]
    fn where_the_group_wins_every_note_is_exact(rate in rates(), lines in lines(Just(1)), notes in notes()) {
        let mut group = invoice(rate, Mode::Group, &lines, 100);
        let billed = group.billed();
        credit_all(&mut group, &notes, |group, _| {
            let credited = group.credited();
            assert_eq!(credited.vat, vat_of(rate, credited.net));
        });
        prop_assert_eq!(group.credited(), billed);
    }

    /// Lines below zero among those above: still exact at the end.
    #[test]
    fn lines_of_both_signs_end_exact(
        rate in rates(), lines in lines(prop::sample::select(vec![1, 1, -1])), notes in notes()
    ) {
        for mode in [Mode::Line, Mode::Group] {
            let mut group = invoice(rate, mode, &lines, 746);
            let billed = group.billed();
            credit_all(&mut group, &notes, |_, _| ());
            prop_assert_eq!(group.credited(), billed);
        }
    }

    /// A group of lines below zero is the mirror of one above.
    #[test]
    fn the_sign_only_turns_the_amounts(rate in rates(), lines in lines(Just(1)), notes in notes()) {
        let turned: Vec<(i64, Decimal)> = lines.iter().map(|(net, quantity)| (-net, *quantity)).collect();
        let mut above = Vec::new();
        credit_all(&mut invoice(rate, Mode::Line, &lines, 100), &notes, |_, shares| above.push(figures(shares)));
        let mut below = Vec::new();
        credit_all(&mut invoice(rate, Mode::Line, &turned, 100), &notes, |_, shares| {
            below.push(shares.iter().map(|share| (-share.net, -share.vat)).collect::<Vec<_>>());
        });
        prop_assert_eq!(above, below);
    }
}
