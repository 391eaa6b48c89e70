//! Exact fractions, slow and plain: what the model reckons with instead of the program's own numbers.

use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A fraction in lowest terms; the lower part is above zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio {
    over: i128,
    under: i128,
}

fn common(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs().max(1) } else { common(b, a % b) }
}

fn times(a: i128, b: i128) -> i128 {
    a.checked_mul(b).expect("the generator keeps its numbers small enough")
}

impl Ratio {
    pub const ZERO: Ratio = Ratio { over: 0, under: 1 };

    pub fn new(over: i128, under: i128) -> Ratio {
        let common = common(over, under) * under.signum();
        Ratio { over: over / common, under: under / common }
    }

    pub fn whole(number: i128) -> Ratio {
        Ratio::new(number, 1)
    }

    /// A decimal text, as `-12.50`.
    pub fn parse(text: &str) -> Option<Ratio> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits: i128 = format!("{whole}{decimals}").parse().ok()?;
        Some(Ratio::new(digits, 10_i128.pow(decimals.len() as u32)))
    }

    pub fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    pub fn ceiling(self) -> i128 {
        -(-self).floor()
    }

    /// Half away from zero.
    pub fn round(self) -> i128 {
        let half = Ratio::new(1, 2);
        if self < Ratio::ZERO { -(half - self).floor() } else { (self + half).floor() }
    }

    /// Rounded half away from zero to so many decimals.
    pub fn round_to(self, decimals: u32) -> Ratio {
        let unit = 10_i128.pow(decimals);
        Ratio::new((self * Ratio::whole(unit)).round(), unit)
    }

    /// How many decimals it takes to write it; none when it has no end.
    pub fn decimals(self) -> Option<u32> {
        (0..=20).find(|decimals| 10_i128.pow(*decimals) % self.under == 0)
    }

    /// As decimal text with at least so many decimals.
    pub fn text(self, least: u32) -> String {
        let decimals = self.decimals().expect("a decimal has an end").max(least);
        let digits = (self.over * (10_i128.pow(decimals) / self.under)).abs();
        let sign = if self.over < 0 { "-" } else { "" };
        let (unit, width) = (10_i128.pow(decimals), decimals as usize);
        if width == 0 {
            format!("{sign}{digits}")
        } else {
            format!("{sign}{}.{:0width$}", digits / unit, digits % unit)
        }
    }
}

impl Add for Ratio {
    type Output = Ratio;
    fn add(self, other: Ratio) -> Ratio {
        let common = common(self.under, other.under);
        let over = times(self.over, other.under / common) + times(other.over, self.under / common);
        Ratio::new(over, times(self.under, other.under / common))
    }
}

impl Neg for Ratio {
    type Output = Ratio;
    fn neg(self) -> Ratio {
        Ratio { over: -self.over, ..self }
    }
}

impl Sub for Ratio {
    type Output = Ratio;
    fn sub(self, other: Ratio) -> Ratio {
        self + -other
    }
}

impl Mul for Ratio {
    type Output = Ratio;
    fn mul(self, other: Ratio) -> Ratio {
        let (a, b) = (Ratio::new(self.over, other.under), Ratio::new(other.over, self.under));
        Ratio::new(times(a.over, b.over), times(a.under, b.under))
    }
}

impl Div for Ratio {
    type Output = Ratio;
    fn div(self, other: Ratio) -> Ratio {
        self.mul(Ratio::new(other.under, other.over))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        (*self + -*other).over.cmp(&0)
    }
}

/// Exact parts, each rounded down or up so that together they make their rounded sum: a unit to
/// each of the largest remainders; of m equal ones sharing k units the j-th gets one when
/// ⌊j·k/m⌋ > ⌊(j−1)·k/m⌋. A sum below zero is shared out as its mirror.
pub fn share_out(parts: &[Ratio]) -> Vec<i128> {
    let sum = parts.iter().fold(Ratio::ZERO, |sum, part| sum + *part);
    if sum < Ratio::ZERO {
        let mirror: Vec<Ratio> = parts.iter().map(|part| -*part).collect();
        return share_out(&mirror).into_iter().map(|share| -share).collect();
    }
    let mut shares: Vec<i128> = parts.iter().map(|part| part.floor()).collect();
    let rest = |at: usize| parts[at] - Ratio::whole(parts[at].floor());
    let mut left = sum.round() - shares.iter().sum::<i128>();
    let mut rests: Vec<Ratio> = (0..parts.len()).map(rest).collect();
    rests.sort();
    rests.dedup();
    for tie in rests.into_iter().rev() {
        let tied: Vec<usize> = (0..parts.len()).filter(|at| rest(*at) == tie).collect();
        let (count, units) = (tied.len() as i128, left.min(tied.len() as i128));
        for (j, at) in (1..).zip(tied) {
            if (j * units).div_euclid(count) > ((j - 1) * units).div_euclid(count) {
                shares[at] += 1;
            }
        }
        left -= units;
    }
    shares
}

/// A sum shared in proportion to weights; weights of nothing give all to the first.
pub fn share_by(sum: i128, weights: &[i128]) -> Vec<i128> {
    let whole: i128 = weights.iter().sum();
    if whole == 0 {
        return (0..weights.len()).map(|at| if at == 0 { sum } else { 0 }).collect();
    }
    let parts: Vec<Ratio> = weights.iter().map(|weight| Ratio::new(times(sum, *weight), whole)).collect();
    share_out(&parts)
}
