//! The model's books: what booking a document posts, and how a note is then set off.

use jiff::ToSpan;

use super::left::{Figures, Left};
use super::ratio::{Ratio, share_out};
use super::settlement::{Item, Of, RECEIVABLES};
use super::world::{Document, Kind, LARGEST, Refusal, Sold, World, decimals, in_currency, refuse};

impl World {
    /// Numbers an invoice, books it or a note, and sets the note off.
    pub fn book(&mut self, at: usize) -> Result<(), Refusal> {
        let document = &self.documents[at];
        if document.is_cancelled {
            return refuse(400, "DOCUMENT_CANCELLED");
        }
        if document.voided.is_some() {
            return refuse(400, "CREDIT_NOTE_VOIDED");
        }
        if document.is_booked {
            return Ok(());
        }
        if document.date <= self.locked_through {
            return refuse(400, "PERIOD_LOCKED");
        }
        let (is_note, is_foreign) = (document.kind == Kind::Note, document.currency != self.base);
        let has_own = document.sold().any(|line| !line.is_settled);
        let rate = if has_own { self.rate_on(document.currency, document.tax_point)? } else { Ratio::whole(1) };
        // An invoice that undoes a note keeps its rate.
        let mut exchange_rate = document.exchange_rate;
        if is_foreign && (is_note || has_own) {
            let of_invoices =
                document.links.iter().filter(|_| is_note).map(|(invoice, _)| self.documents[*invoice].exchange_rate);
            let mut rates: Vec<Option<Ratio>> = of_invoices.chain(has_own.then_some(Some(rate))).collect();
            rates.dedup();
            exchange_rate = if rates.len() == 1 { rates[0] } else { None };
        }
        let unpinned = self.documents[at].lines.clone();
        self.pin_base(at, rate)?;
        // No e-invoice holds three decimals, so nothing is asked there.
        let is_held = [self.documents[at].currency, self.base].iter().all(|currency| decimals(currency) < 3);
        if is_held
            && self.customers[self.documents[at].customer].is_unknown_abroad
            && self.documents[at].sold().any(|line| line.category == "AE")
        {
            self.documents[at].lines = unpinned;
            return refuse(400, "EINVOICE_NOT_VALID");
        }
        self.documents[at].exchange_rate = exchange_rate;
        if !is_note {
            self.numbers.0 += 1;
            self.documents[at].number = Some(self.numbers.0);
        }
        let item = self.items.len();
        let document = &mut self.documents[at];
        document.is_booked = true;
        document.item = Some(item);
        if !is_note {
            for line in &mut document.lines {
                line.left = line.sold.as_ref().map(|sold| Left::of(sold.figures, sold.quantity));
            }
        }
        let Figures { net, vat, base_net, base_vat } = document.figures();
        let Document { customer, currency, date, terms, .. } = *document;
        self.items.push(Item {
            id: String::new(),
            of: Of::Document(at),
            customer,
            currency,
            date,
            due: (!is_note).then(|| date + terms.days()),
            amount: net + vat,
            open: (net + vat, base_net + base_vat),
            rate: exchange_rate,
        });
        let revenue = |line: &Sold| (self.taxes[self.prices[line.price].tax].account, line.figures);
        let postings: Vec<(&str, Figures)> = self.documents[at].sold().map(revenue).collect();
        for (account, Figures { net, vat, base_net, base_vat }) in postings {
            self.post(RECEIVABLES, currency, net + vat, base_net + base_vat);
            self.post(account, currency, -net, -base_net);
            self.post("6902", currency, -vat, -base_vat);
        }
        if is_note {
            for (invoice, credited) in self.documents[at].links.clone() {
                let debit = self.documents[invoice].item.expect("a booked invoice");
                let amount = credited.min(self.items[debit].open.0).min(-self.items[item].open.0);
                // What it gave back of this invoice, which stands at the invoice's rate.
                let own = self.documents[at].taken.iter().filter(|taken| taken.invoice == invoice);
                let base = own.map(|taken| taken.figures.base_net + taken.figures.base_vat).sum();
                if amount > 0 {
                    self.allocate(item, invoice, amount, date, Some((credited, base)));
                }
            }
        }
        Ok(())
    }

    /// Gives lines that credit no invoice their base amounts, each VAT group's net and VAT converted once.
    /// No amount is too large in base either.
    fn pin_base(&mut self, at: usize, rate: Ratio) -> Result<(), Refusal> {
        let as_it_was = self.documents[at].lines.clone();
        let (currency, base) = (self.documents[at].currency, self.base);
        let in_base = |amount: &i128| in_currency(*amount, currency, base, rate);
        let document = &mut self.documents[at];
        let mut groups: Vec<(&str, Ratio, Vec<&mut Sold>)> = Vec::new();
        for sold in document.lines.iter_mut().filter_map(|line| line.sold.as_mut()).filter(|sold| !sold.is_settled) {
            match groups.iter_mut().find(|group| group.0 == sold.category && group.1 == sold.rate) {
                Some(group) => group.2.push(sold),
                None => groups.push((sold.category, sold.rate, vec![sold])),
            }
        }
        for (_, _, mut lines) in groups {
            let converted = |amounts: Vec<i128>| {
                if currency == base { amounts } else { share_out(&amounts.iter().map(in_base).collect::<Vec<Ratio>>()) }
            };
            let nets = converted(lines.iter().map(|line| line.figures.net).collect());
            let vats = converted(lines.iter().map(|line| line.figures.vat).collect());
            for (line, (net, vat)) in lines.iter_mut().zip(nets.into_iter().zip(vats)) {
                (line.figures.base_net, line.figures.base_vat) = (net, vat);
            }
        }
        let figures = self.documents[at].figures();
        if (figures.base_net + figures.base_vat).abs() > LARGEST || figures.base_net.abs() > LARGEST {
            self.documents[at].lines = as_it_was;
            return refuse(400, "AMOUNT_TOO_LARGE");
        }
        Ok(())
    }
}
