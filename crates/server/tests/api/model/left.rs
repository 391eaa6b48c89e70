//! What is left of an invoice's lines, and what a note takes of them: the rule of exact complement,
//! written anew from the specification, for lines above zero (callers can make no others).

use super::ratio::{Ratio, share_by};

/// Net and VAT, in the document's currency and in the company's.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Figures {
    pub net: i128,
    pub vat: i128,
    pub base_net: i128,
    pub base_vat: i128,
}

impl Figures {
    pub fn add(&mut self, other: Figures) {
        self.net += other.net;
        self.vat += other.vat;
        self.base_net += other.base_net;
        self.base_vat += other.base_vat;
    }

    pub fn turned(self) -> Figures {
        Figures { net: -self.net, vat: -self.vat, base_net: -self.base_net, base_vat: -self.base_vat }
    }
}

/// One line of a booked invoice.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    pub billed: Figures,
    pub credited: Figures,
    pub sold: Ratio,
    pub epoch_net: i128,
    pub epoch_quantity: Ratio,
    pub quantity: Ratio,
}

/// Which ask of a note is for more than is left: of quantity or of amount, and the figures.
#[derive(Clone, Copy, Debug)]
pub struct Excess {
    /// Which of the asks.
    pub ask: usize,
    pub is_of_quantity: bool,
    pub billed: Ratio,
    pub credited: Ratio,
    pub asked: Ratio,
}

/// What a note asks of a line.
#[derive(Clone, Copy, Debug)]
pub enum Ask {
    /// So many at the invoice's price.
    Quantity(Ratio),
    /// So many at another price, which come to so much.
    Price(Ratio, i128),
    /// So much that takes no quantity off.
    Amount(i128),
}

impl Left {
    pub fn of(billed: Figures, quantity: Ratio) -> Left {
        let credited = Figures::default();
        Left { billed, credited, sold: quantity, epoch_net: billed.net, epoch_quantity: quantity, quantity }
    }

    pub fn net(&self) -> i128 {
        self.billed.net - self.credited.net
    }

    /// Takes back what a note took; a new epoch begins.
    pub fn give_back(&mut self, taken: Figures, quantity: Ratio) {
        self.credited.add(taken.turned());
        self.quantity = self.quantity + quantity;
        (self.epoch_net, self.epoch_quantity) = (self.net(), self.quantity);
    }

    /// Takes the net and the quantity of an ask, if so much is left.
    fn take(&mut self, at: usize, ask: Ask) -> Result<i128, Excess> {
        let quantity = match ask {
            Ask::Quantity(quantity) | Ask::Price(quantity, _) => quantity,
            Ask::Amount(_) => Ratio::ZERO,
        };
        if quantity > self.quantity {
            let credited = self.sold - self.quantity;
            return Err(Excess { ask: at, is_of_quantity: true, billed: self.sold, credited, asked: quantity });
        }
        let net = match ask {
            Ask::Quantity(quantity) => {
                let kept = Ratio::whole(self.epoch_net) * (self.quantity - quantity) / self.epoch_quantity;
                self.net() - kept.round()
            }
            Ask::Price(_, net) | Ask::Amount(net) => net,
        };
        if net > self.net() {
            let [billed, credited, asked] = [self.billed.net, self.credited.net, net].map(Ratio::whole);
            return Err(Excess { ask: at, is_of_quantity: false, billed, credited, asked });
        }
        self.quantity = self.quantity - quantity;
        self.credited.net += net;
        if !matches!(ask, Ask::Quantity(_)) {
            (self.epoch_net, self.epoch_quantity) = (self.net(), self.quantity);
        }
        Ok(net)
    }
}

/// All lines of one VAT category and rate of one invoice.
#[derive(Clone, Debug)]
pub struct Group {
    pub category: &'static str,
    pub rate: Ratio,
    /// Places of its lines on the invoice.
    pub places: Vec<usize>,
    pub lines: Vec<Left>,
    /// No decimals, or more than a hundred lines: the group's figure wins over the lines'.
    pub wins: bool,
    /// Billed in base at other figures. Where they are the document's own, by currency or by chance,
    /// what is given back in base is too.
    pub has_own_base: bool,
}

impl Group {
    /// Credits these asks (line in the group, what) as one note: what each takes, or
    /// which asks for more than is left.
    pub fn credit(&mut self, asks: &[(usize, Ask)]) -> Result<Vec<Figures>, Excess> {
        let before = self.lines.clone();
        let mut nets = Vec::new();
        for (at, (line, ask)) in asks.iter().enumerate() {
            nets.push(self.lines[*line].take(at, *ask)?);
        }
        // A quantity that comes to nothing bears no VAT.
        let is_something = |at: usize| nets[at] != 0;
        let touched: Vec<usize> = (0..self.lines.len())
            .filter(|line| (0..asks.len()).any(|at| asks[at].0 == *line && is_something(at)))
            .collect();
        let vats = self.vats(&before, &touched);
        let mut taken: Vec<Figures> = nets.iter().map(|net| Figures { net: *net, ..Figures::default() }).collect();
        for (line, vat) in touched.iter().zip(vats) {
            let left = &mut self.lines[*line];
            left.credited.vat += vat;
            let (base_net, base_vat) = if self.has_own_base {
                (
                    due(left, left.billed.base_net, left.credited.base_net),
                    due(left, left.billed.base_vat, left.credited.base_vat),
                )
            } else {
                (left.credited.net - before[*line].credited.net, vat)
            };
            left.credited.base_net += base_net;
            left.credited.base_vat += base_vat;
            // Several asks of one line share what it gives by their nets.
            let own: Vec<usize> = (0..asks.len()).filter(|at| asks[*at].0 == *line && is_something(*at)).collect();
            let weights: Vec<i128> = own.iter().map(|at| nets[*at]).collect();
            let shares = [share_by(vat, &weights), share_by(base_net, &weights), share_by(base_vat, &weights)];
            for (i, at) in own.iter().enumerate() {
                (taken[*at].vat, taken[*at].base_net, taken[*at].base_vat) = (shares[0][i], shares[1][i], shares[2][i]);
                if !self.has_own_base {
                    (taken[*at].base_net, taken[*at].base_vat) = (nets[*at], taken[*at].vat);
                }
            }
        }
        Ok(taken)
    }

    /// The note's VAT of each line it touches.
    fn vats(&self, before: &[Left], touched: &[usize]) -> Vec<i128> {
        let all_credited: i128 = self.lines.iter().map(|line| line.credited.net).sum();
        let all_vat: i128 = before.iter().map(|line| line.credited.vat).sum();
        // The last note gives back what was billed, also where that is not the rate's (an invoice that
        // undoes a note).
        let is_closed = self.lines.iter().all(|line| line.net() == 0);
        let billed: i128 = self.lines.iter().map(|line| line.billed.vat).sum();
        let owed = if is_closed { billed } else { (self.rate * Ratio::whole(all_credited)).round() };
        let so_far = owed - all_vat;
        // Else no further from the note's own than rounding goes, and no more than is left.
        let own = self.rate * Ratio::whole(all_credited - before.iter().map(|line| line.credited.net).sum::<i128>());
        let due = if is_closed { so_far } else { so_far.clamp(own.floor(), own.ceiling()).min(billed - all_vat) };

        // Each line's window, as VAT of this note: least, most, and how far its exact VAT is above the least.
        let window = |line: &usize| {
            let Left { billed, credited, .. } = self.lines[*line];
            if credited.net == billed.net {
                let all = billed.vat.max(credited.vat);
                return (all - credited.vat, all - credited.vat, Ratio::ZERO);
            }
            let exact = Ratio::new(billed.vat * credited.net, billed.net);
            let low = credited.vat.max(exact.floor());
            let high = low.max(exact.ceiling());
            (low - credited.vat, high - credited.vat, exact - Ratio::whole(low))
        };
        let windows: Vec<(i128, i128, Ratio)> = touched.iter().map(window).collect();
        let least: i128 = windows.iter().map(|window| window.0).sum();
        let most: i128 = windows.iter().map(|window| window.1).sum();
        let granted = due.clamp(least, most);

        let mut vats: Vec<i128> = windows.iter().map(|window| window.0).collect();
        let mut open: Vec<usize> = (0..windows.len()).filter(|at| windows[*at].1 > windows[*at].0).collect();
        open.sort_by(|a, b| windows[*b].2.cmp(&windows[*a].2).then(a.cmp(b)));
        for at in open.into_iter().take((granted - least) as usize) {
            vats[at] += 1;
        }
        if !self.wins {
            return vats;
        }
        // The group wins: a unit each in turn, largest net first, none below zero; but the last note
        // closes the group whatever a voided note has left of its rounding.
        let net = |at: usize| self.lines[touched[at]].credited.net - before[touched[at]].credited.net;
        let mut ranked: Vec<usize> = (0..touched.len()).filter(|at| self.lines[touched[*at]].billed.net != 0).collect();
        ranked.sort_by_key(|at| (-net(*at), *at));
        let mut rest = if is_closed { due } else { due.max(0) } - granted;
        while rest != 0 && !ranked.is_empty() {
            let at_start = rest;
            for at in &ranked {
                if rest > 0 || (rest < 0 && vats[*at] > 0) {
                    vats[*at] += rest.signum();
                    rest -= rest.signum();
                }
            }
            if rest == at_start {
                break;
            }
        }
        if let (true, Some(largest)) = (is_closed, ranked.first()) {
            vats[*largest] += rest;
        }
        vats
    }

    /// A net that names no line, spread over what is left; if so much is.
    pub fn spread(&self, net: i128) -> Result<Vec<(usize, Ask)>, Excess> {
        let left: Vec<i128> = self.lines.iter().map(Left::net).collect();
        if net > left.iter().sum() {
            let sum = |of: fn(&Left) -> i128| Ratio::whole(self.lines.iter().map(of).sum());
            let (billed, credited) = (sum(|line| line.billed.net), sum(|line| line.credited.net));
            return Err(Excess { ask: 0, is_of_quantity: false, billed, credited, asked: Ratio::whole(net) });
        }
        let shares = share_by(net, &left).into_iter().enumerate();
        Ok(shares.filter(|(_, net)| *net != 0).map(|(line, net)| (line, Ask::Amount(net))).collect())
    }
}

/// A base amount due now: what the credited part of the net makes of it, less what was given back.
fn due(left: &Left, base: i128, given: i128) -> i128 {
    if left.billed.net == 0 {
        return 0;
    }
    let so_far = Ratio::new(base * left.credited.net, left.billed.net).round();
    (so_far - given).max(0)
}
