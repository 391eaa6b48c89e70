//! Crediting one VAT group of one booked invoice: never more than was billed, and
//! any sequence of partial credits that adds up to the whole gives back every line
//! and the group's VAT to the last minor unit.
//!
//! Pure arithmetic on minor units, signed as on the invoice (so above zero for a
//! common line); the caller turns the sign for the note. It never prices, and never
//! asks which document a line belongs to. Amounts are at most `money::LARGEST` and
//! quantities at most 7 digits and 6 decimals, so that every product fits `i128`.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

use crate::money::{Currency, percent_of_minor, round_ratio};
use crate::shares::share;

/// All lines of one VAT category and rate of one invoice, in line order, with what has
/// been credited of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// VAT rate in percent.
    pub rate: Decimal,
    /// Which figure wins where both cannot.
    pub mode: Mode,
    /// Every line of the group, also those no note has touched.
    pub lines: Vec<LineState>,
}

impl Group {
    /// Credits the asks as one note and returns one share per ask, in the asks' order.
    /// Asks of one line count one after the other; the line's VAT in the note is then
    /// shared over them. Lines that are not asked for stay untouched.
    ///
    /// # Errors
    /// `Exceeds` if an ask is more than is left; nothing is then changed.
    pub fn credit(&mut self, asks: &[(usize, Ask)]) -> Result<Vec<Share>, Exceeds> {
        let mut lines = self.lines.clone();
        let mut shares = Vec::with_capacity(asks.len());
        for (line, ask) in asks {
            let Taken { net, quantity } = lines[*line].take(*line, *ask)?;
            shares.push(Share { line: *line, net, vat: 0, base_net: 0, base_vat: 0, quantity });
        }

        // The note: the lines it takes net of, in line order, each with its shares. A quantity that comes to
        // nothing bears no VAT: given back later, it would leave VAT behind that no net is left to carry.
        let mut order: Vec<usize> = (0..asks.len()).filter(|at| shares[*at].net != 0).collect();
        order.sort_by_key(|at| shares[*at].line);
        let note: Vec<&[usize]> = order.chunk_by(|a, b| shares[*a].line == shares[*b].line).collect();
        let touched: Vec<usize> = note.iter().map(|own| shares[own[0]].line).collect();

        let vats = self.note_vat(&lines, &touched);
        let is_in_base = self.lines.iter().all(LineState::is_in_base);
        for (own, vat) in note.into_iter().zip(vats) {
            let state = &mut lines[shares[own[0]].line];
            let nets: Vec<i64> = own.iter().map(|at| shares[*at].net).collect();
            let net: i64 = nets.iter().sum();
            state.credited_vat += vat;
            let (base_net, base_vat) = if is_in_base { (net, vat) } else { state.base_due() };
            state.credited_base_net += base_net;
            state.credited_base_vat += base_vat;

            let vats = share(vat, &nets);
            let base_nets = if is_in_base { nets.clone() } else { share(base_net, &nets) };
            let base_vats = if is_in_base { vats.clone() } else { share(base_vat, &nets) };
            for (i, at) in own.iter().enumerate() {
                let (vat, base_net, base_vat) = (vats[i], base_nets[i], base_vats[i]);
                shares[*at] = Share { vat, base_net, base_vat, ..shares[*at] };
            }
        }
        self.lines = lines;
        Ok(shares)
    }

    /// Spreads a net that names no line over the group's open lines by what is left of
    /// them, as asks by amount. In a note that also names lines, credit those on a copy
    /// of the group first, spread on the copy, and then credit all asks as one note.
    ///
    /// # Errors
    /// `Exceeds::Group` if it is more than is left, or of the other sign.
    pub fn spread(&self, net: i64) -> Result<Vec<(usize, Ask)>, Exceeds> {
        let (billed, credited) = (self.billed().net, self.credited().net);
        if !is_within(net, billed - credited) {
            return Err(Exceeds::Group { billed, credited, asked: net });
        }
        let open: Vec<i64> = self.lines.iter().map(LineState::net_left).collect();
        let shares = share(net, &open).into_iter().enumerate();
        Ok(shares.filter(|(_, net)| *net != 0).map(|(line, net)| (line, Ask::Amount(net))).collect())
    }

    /// Gives back what a note took, when it is voided or written anew.
    pub fn release(&mut self, shares: &[Share]) {
        for share in shares {
            self.lines[share.line].release(share);
        }
    }

    /// What was billed.
    pub fn billed(&self) -> Sums {
        let sum = |of: fn(&LineState) -> i64| self.lines.iter().map(of).sum();
        Sums {
            net: sum(|line| line.net),
            vat: sum(|line| line.vat),
            base_net: sum(|line| line.base_net),
            base_vat: sum(|line| line.base_vat),
        }
    }

    /// What has been credited of it.
    pub fn credited(&self) -> Sums {
        let sum = |of: fn(&LineState) -> i64| self.lines.iter().map(of).sum();
        Sums {
            net: sum(|line| line.credited_net),
            vat: sum(|line| line.credited_vat),
            base_net: sum(|line| line.credited_base_net),
            base_vat: sum(|line| line.credited_base_vat),
        }
    }

    /// The VAT of each touched line in the note. `after` knows the note's nets, but the
    /// VAT of the notes before only.
    ///
    /// The group's VAT is due cumulatively: what the rate makes of all that is credited,
    /// less what was credited before; but no further from the note's own VAT than rounding
    /// goes, so that what earlier notes (or voids) left over is made up for bit by bit, and no
    /// more than is left. The lines' windows bound it, unless the group wins.
    fn note_vat(&self, after: &[LineState], touched: &[usize]) -> Vec<i64> {
        let sign = self.sign();
        let credited: i64 = after.iter().map(|line| line.credited_net).sum();
        // The last note gives back what was billed, also where that is not the rate's (a reversing invoice).
        let is_closed = after.iter().all(|line| line.net_left() == 0);
        let owed = if is_closed { self.billed().vat } else { percent_of_minor(self.rate, credited) };
        let before = self.credited();
        let so_far = sign * (owed - before.vat);
        let (least_own, most_own) = rounded_both_ways(self.rate, sign * (credited - before.net));
        // Of lines of both signs any VAT may be left; of one sign no more than was billed.
        let is_of_one_sign = self.lines.iter().all(|line| line.net * sign >= 0);
        let left = if is_of_one_sign { sign * (self.billed().vat - before.vat) } else { i64::MAX };
        let due = if is_closed { so_far } else { so_far.clamp(least_own, most_own).min(left) };
        let windows: Vec<Window> = touched.iter().map(|line| after[*line].window(sign)).collect();
        let least: i64 = windows.iter().map(|window| window.low).sum();
        let most: i64 = windows.iter().map(|window| window.high).sum();
        let granted = due.clamp(least, most);

        let mut vats: Vec<i64> = windows.iter().map(|window| window.low).collect();
        let mut open: Vec<usize> = (0..windows.len()).filter(|at| windows[*at].is_open()).collect();
        // A stable sort: equal remainders stay in line order.
        open.sort_by(|a, b| windows[*b].compare_remainder(&windows[*a]));
        let units = usize::try_from(granted - least).expect("clamped to no less than the least");
        for at in open.into_iter().take(units) {
            vats[at] += 1;
        }
        if self.mode == Mode::Group {
            self.let_group_win(after, touched, sign, due - granted, &mut vats);
        }
        vats.into_iter().map(|vat| sign * vat).collect()
    }

    /// What the windows could not take falls on the note's lines, a unit each in turn,
    /// largest net first; no line's VAT in the note gets the sign its net has not.
    fn let_group_win(&self, after: &[LineState], touched: &[usize], sign: i64, mut units: i64, vats: &mut [i64]) {
        let net = |at: &usize| after[touched[*at]].credited_net - self.lines[touched[*at]].credited_net;
        let own_sign = |at: &usize| sign * after[touched[*at]].net.signum();
        let mut ranked: Vec<usize> = (0..touched.len()).filter(|at| own_sign(at) != 0).collect();
        ranked.sort_by_key(|at| std::cmp::Reverse(net(at).abs()));
        while units != 0 {
            let before = units;
            for at in &ranked {
                let vat = vats[*at] + units.signum();
                if units != 0 && vat * own_sign(at) >= 0 {
                    vats[*at] = vat;
                    units -= before.signum();
                }
            }
            if units == before {
                break;
            }
        }
        // Only a group of mixed signs can get here with units left, when its last line
        // is credited: the group then closes, whatever the sign.
        let is_closed = after.iter().all(|line| line.net_left() == 0);
        if let (true, Some(largest)) = (is_closed, ranked.first()) {
            vats[*largest] += units;
        }
    }

    /// The direction the group is read in, so that one of negative lines is the mirror
    /// of one of positive lines.
    fn sign(&self) -> i64 {
        let first = || self.lines.iter().map(|line| line.net).find(|net| *net != 0);
        match self.billed().net.signum() {
            0 => first().map_or(1, i64::signum),
            sign => sign,
        }
    }
}

/// Which figure wins where line shares and group cannot both be exact. Fixed for each
/// group when the invoice is booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Every line ends exact, and the group with them; in between the group may be off
    /// by a few minor units.
    Line,
    /// The group is exact in every note; the lines' VAT may end off, by a unit or more.
    Group,
}

impl Mode {
    /// Group where the units are coarse (no decimals) or the lines many.
    pub fn of(currency: Currency, lines: usize) -> Mode {
        if currency.exponent() == 0 || lines > 100 { Mode::Group } else { Mode::Line }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Line => "line",
            Mode::Group => "group",
        })
    }
}

/// A text that is no mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("neither line nor group")]
pub struct NoMode;

impl FromStr for Mode {
    type Err = NoMode;
    fn from_str(text: &str) -> Result<Mode, NoMode> {
        match text {
            "line" => Ok(Mode::Line),
            "group" => Ok(Mode::Group),
            _ => Err(NoMode),
        }
    }
}

/// What an invoice line was billed and what is left of it.
#[derive(Clone, PartialEq, Debug)]
pub struct LineState {
    /// Billed net.
    pub net: i64,
    /// Its share of the group's VAT.
    pub vat: i64,
    /// The net in the company's currency.
    pub base_net: i64,
    /// The VAT in the company's currency.
    pub base_vat: i64,
    /// Of the net, credited.
    pub credited_net: i64,
    /// Of the VAT, credited.
    pub credited_vat: i64,
    /// Of the net in the company's currency, credited.
    pub credited_base_net: i64,
    /// Of the VAT in the company's currency, credited.
    pub credited_base_vat: i64,
    /// The net left when the epoch began. Within an epoch every credit is by quantity, and
    /// what is left follows the quantity; anything else begins a new one.
    pub epoch_net: i64,
    /// The quantity left when the epoch began.
    pub epoch_quantity: Decimal,
    /// The quantity left now.
    pub quantity_left: Decimal,
}

impl LineState {
    /// A line as booked, nothing credited.
    pub fn fresh(net: i64, vat: i64, base_net: i64, base_vat: i64, quantity: Decimal) -> LineState {
        LineState {
            net,
            vat,
            base_net,
            base_vat,
            credited_net: 0,
            credited_vat: 0,
            credited_base_net: 0,
            credited_base_vat: 0,
            epoch_net: net,
            epoch_quantity: quantity,
            quantity_left: quantity,
        }
    }

    /// The net not yet credited.
    pub fn net_left(&self) -> i64 {
        self.net - self.credited_net
    }

    /// The VAT not yet credited.
    pub fn vat_left(&self) -> i64 {
        self.vat - self.credited_vat
    }

    /// Whether nothing is left to credit: no net, or of a line that was free no quantity.
    pub fn is_used_up(&self) -> bool {
        self.net_left() == 0 && (self.net != 0 || self.quantity_left.is_zero())
    }

    /// Gives back what a note took of the line; a new epoch begins.
    pub fn release(&mut self, share: &Share) {
        let Share { line: _, net, vat, base_net, base_vat, quantity } = share;
        self.credited_net -= net;
        self.credited_vat -= vat;
        self.credited_base_net -= base_net;
        self.credited_base_vat -= base_vat;
        self.quantity_left += quantity;
        self.begin_epoch();
    }

    /// Takes an ask's net and quantity off the line.
    fn take(&mut self, line: usize, ask: Ask) -> Result<Taken, Exceeds> {
        match ask {
            Ask::Quantity(quantity) => self.take_quantity(line, quantity),
            Ask::Price { quantity, net } => self.take_at_price(line, quantity, net),
            Ask::Amount(net) => self.take_amount(line, net),
            Ask::Rest if !self.quantity_left.is_zero() => self.take_quantity(line, self.quantity_left),
            Ask::Rest if self.net_left() == 0 => Ok(Taken { net: 0, quantity: Decimal::ZERO }),
            Ask::Rest => self.take_amount(line, self.net_left()),
        }
    }

    fn take_quantity(&mut self, line: usize, quantity: Decimal) -> Result<Taken, Exceeds> {
        self.check_quantity(line, quantity)?;
        let quantity_left = self.quantity_left - quantity;
        let net = self.net_left() - proportion(self.epoch_net, quantity_left, self.epoch_quantity);
        self.quantity_left = quantity_left;
        self.credited_net += net;
        Ok(Taken { net, quantity })
    }

    fn take_at_price(&mut self, line: usize, quantity: Decimal, net: i64) -> Result<Taken, Exceeds> {
        self.check_quantity(line, quantity)?;
        self.check_net(line, net)?;
        self.quantity_left -= quantity;
        self.credited_net += net;
        self.begin_epoch();
        Ok(Taken { net, quantity })
    }

    fn take_amount(&mut self, line: usize, net: i64) -> Result<Taken, Exceeds> {
        self.check_net(line, net)?;
        if net == 0 {
            return Err(self.net_exceeded(line, net));
        }
        self.credited_net += net;
        self.begin_epoch();
        Ok(Taken { net, quantity: Decimal::ZERO })
    }

    fn check_quantity(&self, line: usize, quantity: Decimal) -> Result<(), Exceeds> {
        if quantity > Decimal::ZERO && quantity <= self.quantity_left {
            return Ok(());
        }
        Err(Exceeds::Quantity { line, left: self.quantity_left, asked: quantity })
    }

    fn check_net(&self, line: usize, net: i64) -> Result<(), Exceeds> {
        if is_within(net, self.net_left()) { Ok(()) } else { Err(self.net_exceeded(line, net)) }
    }

    fn net_exceeded(&self, line: usize, asked: i64) -> Exceeds {
        Exceeds::Net { line, billed: self.net, credited: self.credited_net, asked }
    }

    fn begin_epoch(&mut self) {
        self.epoch_net = self.net_left();
        self.epoch_quantity = self.quantity_left;
    }

    /// How far the line's VAT may move, read in the group's direction: its exact VAT so
    /// far rounded down or up, but never back.
    fn window(&self, sign: i64) -> Window {
        let own = self.net.signum();
        let (net, vat) = (self.net * own, self.vat * own);
        let (credited_net, credited_vat) = (self.credited_net * own, self.credited_vat * own);
        if credited_net == net {
            let low = vat.max(credited_vat) - credited_vat;
            return Window { low: low * own * sign, high: low * own * sign, remainder: 0, of: 1 };
        }
        let (exact, of) = (i128::from(vat) * i128::from(credited_net), i128::from(net));
        let remainder = exact.rem_euclid(of);
        let floor = i64::try_from(exact.div_euclid(of)).expect("a part is no larger than the whole");
        let ceiling = floor + i64::from(remainder != 0);
        let low = floor.max(credited_vat) - credited_vat;
        let high = ceiling.max(credited_vat) - credited_vat;
        if own == sign {
            Window { low, high, remainder, of }
        } else {
            Window { low: -high, high: -low, remainder: of - remainder, of }
        }
    }

    fn is_in_base(&self) -> bool {
        self.base_net == self.net && self.base_vat == self.vat
    }

    /// The base amounts due now that this much is credited, less what was credited.
    fn base_due(&self) -> (i64, i64) {
        let due = |base: i64, credited: i64| {
            let so_far = ratio_of(base, self.credited_net, self.net);
            // After a release rounding could ask a unit back; it waits for the next note.
            if (so_far - credited).signum() == -base.signum() { 0 } else { so_far - credited }
        };
        (due(self.base_net, self.credited_base_net), due(self.base_vat, self.credited_base_vat))
    }
}

/// How much of a line to credit. Amounts are signed as on the invoice.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ask {
    /// So many, at the invoice's price.
    Quantity(Decimal),
    /// So many at a price of the caller's; `net` is what they come to, and may be 0.
    Price {
        /// How many.
        quantity: Decimal,
        /// What they come to.
        net: i64,
    },
    /// An amount excl. VAT, not 0, that takes no quantity off.
    Amount(i64),
    /// The rest: by quantity, or by amount where no quantity is left. Of a line with
    /// neither net nor quantity left it is a share of nothing.
    Rest,
}

/// What a note takes from a line for one ask, signed as on the invoice.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Share {
    /// Which line of the group.
    pub line: usize,
    /// Net.
    pub net: i64,
    /// VAT.
    pub vat: i64,
    /// Net in the company's currency.
    pub base_net: i64,
    /// VAT in the company's currency.
    pub base_vat: i64,
    /// Taken off the line's quantity; 0 by amount.
    pub quantity: Decimal,
}

/// The sums of a group, signed as on the invoice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sums {
    /// Net.
    pub net: i64,
    /// VAT.
    pub vat: i64,
    /// Net in the company's currency.
    pub base_net: i64,
    /// VAT in the company's currency.
    pub base_vat: i64,
}

/// An ask for more than is left (or for nothing, or of the other sign).
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum Exceeds {
    /// More than the line's net.
    #[error("line {line}: {asked} asked, {credited} of {billed} already credited")]
    Net {
        /// Which line of the group.
        line: usize,
        /// Its net.
        billed: i64,
        /// Of it already credited, by this note's earlier asks too.
        credited: i64,
        /// The net asked for.
        asked: i64,
    },
    /// More than the line's quantity.
    #[error("line {line}: quantity {asked} asked, {left} left")]
    Quantity {
        /// Which line of the group.
        line: usize,
        /// The quantity left, after this note's earlier asks.
        left: Decimal,
        /// The quantity asked for.
        asked: Decimal,
    },
    /// More than the group's net.
    #[error("the group: {asked} asked, {credited} of {billed} already credited")]
    Group {
        /// The group's net.
        billed: i64,
        /// Of it already credited.
        credited: i64,
        /// The net asked for.
        asked: i64,
    },
}

/// What one ask takes off a line.
struct Taken {
    net: i64,
    quantity: Decimal,
}

/// The least and most a line's VAT in the note may be, and how far its exact VAT is
/// above the least (`remainder / of`), all read in the group's direction.
struct Window {
    low: i64,
    high: i64,
    remainder: i128,
    of: i128,
}

impl Window {
    fn is_open(&self) -> bool {
        self.low < self.high
    }

    fn compare_remainder(&self, other: &Window) -> std::cmp::Ordering {
        (self.remainder * other.of).cmp(&(other.remainder * self.of))
    }
}

/// Whether a number is of the sign of the bound, or 0, and no larger.
fn is_within(number: i64, bound: i64) -> bool {
    number == 0 || (number.signum() == bound.signum() && number.abs() <= bound.abs())
}

/// So many percent of an amount, rounded down and rounded up.
fn rounded_both_ways(rate: Decimal, amount: i64) -> (i64, i64) {
    let product = rate.mantissa().checked_mul(i128::from(amount));
    let (exact, of) = (product.expect("a rate is at most 100 with 4 decimals"), 100 * 10_i128.pow(rate.scale()));
    let floor = i64::try_from(exact.div_euclid(of)).expect("a rate is at most 100");
    (floor, floor + i64::from(exact.rem_euclid(of) != 0))
}

/// `amount × part / whole`, rounded half away from zero.
fn ratio_of(amount: i64, part: i64, whole: i64) -> i64 {
    if whole == 0 {
        return 0;
    }
    let numerator = i128::from(amount) * i128::from(part) * i128::from(whole.signum());
    let rounded = round_ratio(numerator, i128::from(whole.abs()));
    i64::try_from(rounded).expect("a part is no larger than the whole")
}

/// `amount × part / whole` for quantities, rounded half away from zero.
fn proportion(amount: i64, part: Decimal, whole: Decimal) -> i64 {
    let scale = part.scale().max(whole.scale());
    let scaled = |quantity: Decimal| quantity.mantissa() * 10_i128.pow(scale - quantity.scale());
    let product = scaled(part).checked_mul(i128::from(amount)).expect("a quantity has at most 13 digits");
    i64::try_from(round_ratio(product, scaled(whole))).expect("a part is no larger than the whole")
}
