//! The model's books: what booking a document posts, and what setting a note off moves.

use super::left::{Figures, Left};
use super::ratio::{Ratio, share_by, share_out};
use super::world::{Kind, Refusal, Sold, World, decimals, refuse};

impl World {
    /// Numbers an invoice, books it or a note, and sets the note off.
    pub fn book(&mut self, at: usize) -> Result<(), Refusal> {
        let document = &self.documents[at];
        if document.date <= self.locked_through {
            return refuse(400, "PERIOD_LOCKED");
        }
        let (is_note, is_foreign) = (document.kind == Kind::Note, document.currency != self.base);
        let has_own = document.sold().any(|line| !line.is_settled);
        let rate = if has_own { self.rate_on(document.currency, document.tax_point)? } else { Ratio::whole(1) };
        if is_foreign {
            let of_invoices =
                document.links.iter().filter(|_| is_note).map(|(invoice, _)| self.documents[*invoice].exchange_rate);
            let mut rates: Vec<Option<Ratio>> = of_invoices.chain(has_own.then_some(Some(rate))).collect();
            rates.dedup();
            self.documents[at].exchange_rate = if rates.len() == 1 { rates[0] } else { None };
        }
        self.pin_base(at, rate);
        if !is_note {
            self.numbers.0 += 1;
            self.documents[at].number = Some(self.numbers.0);
        }
        let document = &mut self.documents[at];
        document.is_booked = true;
        let Figures { net, vat, base_net, base_vat } = document.figures();
        document.open = (net + vat, base_net + base_vat);
        if !is_note {
            for line in &mut document.lines {
                line.left = line.sold.as_ref().map(|sold| Left::of(sold.figures, sold.quantity));
            }
        }
        let currency = document.currency;
        let postings: Vec<(&str, Figures)> =
            document.sold().map(|line| (self.taxes[self.prices[line.price].tax].account, line.figures)).collect();
        for (account, Figures { net, vat, base_net, base_vat }) in postings {
            self.post("5600", currency, net + vat, base_net + base_vat);
            self.post(account, currency, -net, -base_net);
            self.post("6902", currency, -vat, -base_vat);
        }
        if is_note {
            for (invoice, credited) in self.documents[at].links.clone() {
                self.documents[invoice].pending -= credited;
                self.allocate(at, invoice, credited);
            }
        }
        Ok(())
    }

    /// Gives lines that credit no invoice their base amounts, each VAT group's net and VAT converted once.
    fn pin_base(&mut self, at: usize, rate: Ratio) {
        let document = &mut self.documents[at];
        let (from, to) = (10_i128.pow(decimals(document.currency)), 10_i128.pow(decimals(self.base)));
        let is_foreign = document.currency != self.base;
        let mut groups: Vec<(&str, Ratio, Vec<&mut Sold>)> = Vec::new();
        for sold in document.lines.iter_mut().filter_map(|line| line.sold.as_mut()).filter(|sold| !sold.is_settled) {
            match groups.iter_mut().find(|group| group.0 == sold.category && group.1 == sold.rate) {
                Some(group) => group.2.push(sold),
                None => groups.push((sold.category, sold.rate, vec![sold])),
            }
        }
        for (_, _, mut lines) in groups {
            let converted = |amounts: Vec<i128>| {
                let exact: Vec<Ratio> = amounts.iter().map(|amount| Ratio::new(*amount * to, from) * rate).collect();
                if is_foreign { share_out(&exact) } else { amounts }
            };
            let nets = converted(lines.iter().map(|line| line.figures.net).collect());
            let vats = converted(lines.iter().map(|line| line.figures.vat).collect());
            for (line, (net, vat)) in lines.iter_mut().zip(nets.into_iter().zip(vats)) {
                (line.figures.base_net, line.figures.base_vat) = (net, vat);
            }
        }
    }

    fn post(&mut self, account: &str, currency: &str, amount: i128, base: i128) {
        let balance = self.balances.entry((account.to_owned(), currency.to_owned())).or_default();
        balance.0 += amount;
        balance.1 += base;
    }

    /// Sets a note off against an invoice, each at its own carrying amount.
    fn allocate(&mut self, note: usize, invoice: usize, most: i128) {
        let (credit, debit) = (self.documents[note].open, self.documents[invoice].open);
        let amount = most.min(debit.0).min(-credit.0);
        if amount <= 0 {
            return;
        }
        let carry = |(open, base): (i128, i128)| {
            let open = open.abs();
            if amount == open { base.abs() } else { share_by(base.abs(), &[amount, open - amount])[0] }
        };
        let (credit_base, debit_base) = (carry(credit), carry(debit));
        let currency = self.documents[note].currency;
        self.post("5600", currency, 0, credit_base - debit_base);
        self.post("4010", currency, 0, debit_base - credit_base);
        self.documents[note].allocated += amount;
        self.documents[invoice].allocated += amount;
        self.documents[note].open = (credit.0 + amount, credit.1 + credit_base);
        self.documents[invoice].open = (debit.0 - amount, debit.1 - debit_base);
    }
}
