//! The exact complement over random invoices and random partitions of them into credit notes:
//! what is given back is what was billed, no step takes too much or touches another line, and
//! each note by itself bears the VAT of its rate. Plain seeded loops over all cores:
//! `LEDGERBEE_CREDIT_CASES` says how many (100,000), `LEDGERBEE_CREDIT_SEED` with which they
//! begin; a failure names the seed of its case. The worst deviation seen is printed.

use std::fmt;

use billing::credit::{Ask, Group, LineState, Mode, Share};
use billing::money::{Currency, line_total};
use billing::shares::{share_converted, share_vat};
use rust_decimal::Decimal;

use crate::cases::{Random, over_all, say, setting};

/// What kind of invoices and credits a case is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Population {
    /// Any lines, rates, discounts and currencies.
    Mixed,
    /// All lines alike.
    Equal,
    /// Lines are credited whole, in subsets.
    WholeLines,
    /// Lines below zero among those above.
    Negative,
    /// No decimals: the group wins.
    Yen,
    /// Three decimals.
    Dinar,
    /// A thousand lines of one rate: the group wins.
    Thousand,
}

impl Population {
    const ALL: [Population; 7] = [
        Population::Mixed,
        Population::Equal,
        Population::WholeLines,
        Population::Negative,
        Population::Yen,
        Population::Dinar,
        Population::Thousand,
    ];

    /// A thousand lines cost as much as a hundred other cases.
    fn of(seed: u64) -> Population {
        match seed % 500 {
            0 => Population::Thousand,
            n => Population::ALL[usize::try_from(n % 6).unwrap()],
        }
    }

    pub fn currency(self, random: &mut Random) -> Currency {
        let code = match self {
            Population::Yen => "JPY",
            Population::Dinar => "KWD",
            Population::Mixed => random.pick(&["DKK", "EUR", "JPY", "KWD", "BHD"]),
            _ => "DKK",
        };
        code.parse().unwrap()
    }
}

/// Which case it is, for messages.
#[derive(Clone, Copy)]
pub struct At {
    pub population: Population,
    pub seed: u64,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, LEDGERBEE_CREDIT_SEED={} LEDGERBEE_CREDIT_CASES=1", self.population, self.seed)
    }
}

/// One VAT group of an invoice, and its rate in hundredths of a percent of a percent.
pub struct Billed {
    pub group: Group,
    pub rate: i64,
    /// How many of its notes were voided.
    voids: i64,
}

/// An invoice of one to thirty lines at up to four rates, each line priced as an invoice prices it.
pub fn invoice(population: Population, random: &mut Random, currency: Currency) -> Vec<Billed> {
    let count = match population {
        Population::Thousand => 1_000,
        _ => random.within(1..31),
    };
    let rates: Vec<i64> = match population {
        Population::Thousand => vec![250_000],
        _ => (0..random.within(1..5))
            .map(|_| random.pick(&[250_000, 210_000, 190_000, 70_000, 55_000, 21_000, 0]))
            .collect(),
    };
    let like = (random.within(1..200), random.within(1..99_999));
    let mut lines: Vec<(usize, i64, Decimal)> = Vec::new();
    for _ in 0..count {
        let (quantity, price) = match population {
            Population::Equal => (Decimal::from(like.0 % 5 + 1), Decimal::new(like.1, 2)),
            _ => {
                let scale = random.pick(&[0, 0, 1, 3, 6]);
                let price_scale = random.pick(&[0, 2, 2, 4, 6]);
                (Decimal::new(random.within(1..20_000), scale), Decimal::new(random.within(0..9_999_999), price_scale))
            }
        };
        let discount = random.pick(&[Decimal::ZERO, Decimal::ZERO, Decimal::new(125, 1), Decimal::new(333_333, 4)]);
        let discount = if population == Population::Equal { Decimal::ZERO } else { discount };
        let net = line_total(quantity, price, discount, currency).unwrap().minor();
        let sign = if population == Population::Negative && random.chance(30) { -1 } else { 1 };
        lines.push((random.place(rates.len()), net * sign, quantity));
    }
    let base_rate = random.pick(&[Decimal::ONE, Decimal::new(74_567, 4), Decimal::new(481, 4)]);
    let groups = (0..rates.len()).filter_map(|at| {
        let of: Vec<(i64, Decimal)> = lines.iter().filter(|line| line.0 == at).map(|line| (line.1, line.2)).collect();
        (!of.is_empty()).then(|| billed(rates[at], &of, currency, base_rate))
    });
    groups.collect()
}

fn billed(rate: i64, lines: &[(i64, Decimal)], currency: Currency, base_rate: Decimal) -> Billed {
    let percent = Decimal::new(rate, 4);
    let nets: Vec<i64> = lines.iter().map(|line| line.0).collect();
    let vats = share_vat(percent, &nets);
    let in_base = |amounts: &[i64]| share_converted(base_rate, currency, Currency::DKK, amounts).unwrap();
    let (base_nets, base_vats) =
        if base_rate == Decimal::ONE { (nets.clone(), vats.clone()) } else { (in_base(&nets), in_base(&vats)) };
    let states = (0..lines.len())
        .map(|at| LineState::fresh(nets[at], vats[at], base_nets[at], base_vats[at], lines[at].1))
        .collect();
    Billed { group: Group { rate: percent, mode: Mode::of(currency, lines.len()), lines: states }, rate, voids: 0 }
}

/// The ask of a random way for a random part of a line; none where nothing is left.
pub fn ask(population: Population, random: &mut Random, line: &LineState) -> Option<Ask> {
    if line.is_used_up() {
        return None;
    }
    if population == Population::WholeLines {
        return Some(Ask::Rest);
    }
    let part = Decimal::new(random.within(1..1_000), 3);
    let quantity = (line.quantity_left * part).round_dp(6);
    let net = line.net_left() * random.within(1..1_000) / 1_000;
    match random.within(0..10) {
        0..4 if !quantity.is_zero() => Some(Ask::Quantity(quantity)),
        4..7 if net != 0 => Some(Ask::Amount(net)),
        7..9 if !quantity.is_zero() => Some(Ask::Price { quantity, net }),
        _ => Some(Ask::Rest),
    }
}

/// The note's net and VAT as the shares have them.
fn sums(shares: &[Share]) -> (i64, i64) {
    shares.iter().fold((0, 0), |(net, vat), share| (net + share.net, vat + share.vat))
}

/// By how much VAT is off the rate's exact VAT of the net, in millionths of a minor unit.
pub fn deviation(rate: i64, net: i64, vat: i64) -> i64 {
    let off = i128::from(vat) * 1_000_000 - i128::from(rate) * i128::from(net);
    i64::try_from(off.abs()).unwrap()
}

/// Holds one note against what each promises, and says how far its VAT is off.
fn check_note(at: At, exponent: u32, billed: &Billed, before: &Group, asks: &[(usize, Ask)], shares: &[Share]) -> i64 {
    let group = &billed.group;
    for (place, (now, then)) in group.lines.iter().zip(&before.lines).enumerate() {
        if asks.iter().all(|(asked, _)| *asked != place) {
            assert_eq!(now, then, "a line outside the note was touched: {at}");
        }
        let within = |part: i64, whole: i64| part * whole.signum() >= 0 && part.abs() <= whole.abs();
        assert!(within(now.credited_net, now.net), "a line is over-credited: {now:?}: {at}");
        assert!(group.mode == Mode::Group || within(now.credited_vat, now.vat), "VAT is over-credited: {now:?}: {at}");
        assert!(now.quantity_left >= Decimal::ZERO, "more pieces than there were: {now:?}: {at}");
    }
    let (net, vat) = sums(shares);
    let (was, is) = (before.credited(), group.credited());
    assert_eq!((is.net - was.net, is.vat - was.vat), (net, vat), "the shares are what is counted: {at}");
    let off = deviation(billed.rate, net, vat);
    // Without decimals a void leaves the rounding of its note to those that follow: a unit each.
    let unit = 1_000_000 * 10_i64.pow(exponent) * if exponent == 0 { 1 + billed.voids } else { 1 };
    assert!(off < unit, "the note's VAT {vat} of {net} is {off} millionths off: {at}");
    let is_small = group.mode == Mode::Line && group.lines.len() <= 30;
    assert!(!is_small || off < 4_000_000, "the note's VAT {vat} of {net} is {off} millionths off: {at}");
    off
}

/// Lives through one invoice: up to twelve notes, some voided again, and a last one for the rest.
/// Answers the worst deviation, in millionths of a minor unit.
fn live(at: At) -> i64 {
    let mut random = Random(at.seed);
    let currency = at.population.currency(&mut random);
    let exponent = currency.exponent();
    let mut groups = invoice(at.population, &mut random, currency);
    let mut worst = 0;
    let mut kept: Vec<(usize, Vec<Share>)> = Vec::new();
    for _ in 0..random.within(0..12) {
        if !kept.is_empty() && random.chance(12) {
            // A draft is voided: what it took is there again.
            let (of, shares) = kept.swap_remove(random.place(kept.len()));
            groups[of].group.release(&shares);
            groups[of].voids += 1;
            continue;
        }
        let share_of_lines = random.pick(&[5, 30, 60, 100]);
        for (of, billed) in groups.iter_mut().enumerate() {
            let mut asks: Vec<(usize, Ask)> = Vec::new();
            for (place, line) in billed.group.lines.iter().enumerate() {
                if random.chance(share_of_lines) {
                    asks.extend(ask(at.population, &mut random, line).map(|ask| (place, ask)));
                }
            }
            if asks.is_empty() && random.chance(20) {
                // An amount that means no line is spread over all that are open.
                let left = billed.group.billed().net - billed.group.credited().net;
                asks = billed.group.spread(left * random.within(1..1_000) / 1_000).unwrap_or_default();
            }
            if asks.is_empty() {
                continue;
            }
            let before = billed.group.clone();
            // In a group of both signs a spread may ask a line for more than it has.
            let Ok(shares) = billed.group.credit(&asks) else { continue };
            worst = worst.max(check_note(at, exponent, billed, &before, &asks, &shares));
            kept.push((of, shares));
        }
    }
    for billed in &mut groups {
        let rest: Vec<(usize, Ask)> = (0..billed.group.lines.len()).map(|place| (place, Ask::Rest)).collect();
        let before = billed.group.clone();
        let shares = billed.group.credit(&rest).unwrap_or_else(|exceeds| panic!("{exceeds}: {at}"));
        worst = worst.max(check_note(at, exponent, billed, &before, &rest, &shares));
        check_end(at, &billed.group);
    }
    worst
}

/// All is given back: of every line, and of the group.
fn check_end(at: At, group: &Group) {
    assert_eq!(group.credited(), group.billed(), "the group is not given back: {at}");
    for line in &group.lines {
        assert!(line.is_used_up() && line.quantity_left.is_zero(), "something is left: {line:?}: {at}");
        assert_eq!(line.credited_net, line.net, "{at}");
        assert_eq!(line.credited_base_net, line.base_net, "{at}");
        if group.mode == Mode::Line {
            assert_eq!((line.credited_vat, line.credited_base_vat), (line.vat, line.base_vat), "{at}");
        }
    }
}

#[test]
fn any_partition_gives_back_what_was_billed() {
    let cases = setting("LEDGERBEE_CREDIT_CASES", 100_000);
    let one = |seed: u64| {
        let population = Population::of(seed);
        let mut found = [(0_u64, 0_i64); 7];
        found[Population::ALL.iter().position(|other| *other == population).unwrap()] =
            (1, live(At { population, seed }));
        found
    };
    let worst = over_all(cases, one, |a, b| std::array::from_fn(|at| (a[at].0 + b[at].0, a[at].1.max(b[at].1))));
    for (population, (count, worst)) in Population::ALL.iter().zip(worst) {
        let (whole, part) = (worst / 1_000_000, worst % 1_000_000);
        say(&format!("{population:?}: {count} invoices, a note's VAT off by at most {whole}.{part:06} minor units"));
    }
}
