//! The model's write-offs: what is given up of an invoice, what of that is VAT, and what comes back.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::ratio::{Ratio, share_by};
use super::settlement::{Deed, EXCHANGE_DIFFERENCE, RECEIVABLES, amount, check_open, in_proportion};
use super::world::{Document, Refusal, World, money, refuse, refuse_with};

const BAD_DEBT: &str = "3010";
const OUTPUT_VAT: &str = "6902";

/// Under what VAT is charged: how the product is taxed, and at which rate.
type Taxed = (usize, Ratio);

/// A part of a loss: bad debt, or the VAT of one code and rate.
#[derive(Clone, Debug)]
pub struct Part {
    pub taxed: Option<Taxed>,
    pub amount: i128,
    pub base: i128,
    /// What of it was paid after all, in both currencies.
    pub recovered: (i128, i128),
}

impl Part {
    pub fn account(&self) -> &'static str {
        if self.taxed.is_some() { OUTPUT_VAT } else { BAD_DEBT }
    }

    pub fn recover(&mut self, amount: i128, base: i128) {
        self.recovered = (self.recovered.0 + amount, self.recovered.1 + base);
    }

    fn left(&self) -> (i128, i128) {
        (self.amount - self.recovered.0, self.base - self.recovered.1)
    }
}

/// A write-off of an invoice.
#[derive(Clone, Debug)]
pub struct WriteOff {
    pub deed: Deed,
    pub invoice: usize,
    pub date: Date,
    pub amount: i128,
    /// The bad debt first.
    pub parts: Vec<Part>,
    /// What was said: reason, relief, evidence.
    pub said: Value,
}

impl WriteOff {
    fn has_relief(&self) -> bool {
        self.said["vatRelief"] == true
    }

    pub fn recovered(&self) -> i128 {
        self.parts.iter().map(|part| part.recovered.0).sum()
    }
}

impl World {
    /// Gives up what is open of an invoice, or a part of it; the write-off's place.
    pub fn write_off(&mut self, invoice: usize, body: &Value) -> Result<usize, Refusal> {
        let Document { currency, .. } = self.documents[invoice];
        let item = self.item_of(invoice)?;
        if self.notes_of(invoice).iter().any(|(note, _)| !self.documents[*note].is_booked) {
            let details = json!({ "pendingCreditAmount": money(self.pending(invoice), currency) });
            return refuse_with(400, "INVOICE_HAS_UNBOOKED_CREDIT", details);
        }
        let date = self.check_day(body)?;
        let open = self.items[item].open;
        let amount = amount(body, currency)?.unwrap_or(open.0);
        check_open(amount, open.0, "invoice", currency)?;
        let base = in_proportion(open, amount);
        let mut parts = if body["vatRelief"] == true { self.relief(invoice, amount) } else { Vec::new() };
        // Bad debt is what is not VAT.
        let (vat, vat_base) = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.amount, sum.1 + part.base));
        parts.insert(0, Part { taxed: None, amount: amount - vat, base: base - vat_base, recovered: (0, 0) });
        let losses = parts.iter().map(|part| (part.account(), part.amount, part.base));
        let postings = losses.chain([(RECEIVABLES, -amount, -base)]).collect();
        let deed = self.do_deed(currency, postings, vec![(item, -amount, -base)], EXCHANGE_DIFFERENCE);
        let said = body.clone();
        self.write_offs.push(WriteOff { deed, invoice, date, amount, parts, said });
        Ok(self.write_offs.len() - 1)
    }

    /// What of an amount is VAT: each code's share of what is left of the invoice after credit and
    /// earlier relief, in base at the invoice's rate. What is beyond all that is left is no VAT.
    fn relief(&self, invoice: usize, amount: i128) -> Vec<Part> {
        let mut net = 0;
        let mut vats: Vec<(Taxed, i128)> = Vec::new();
        let add =
            |vats: &mut Vec<(Taxed, i128)>, taxed: Taxed, vat: i128| match vats.iter_mut().find(|own| own.0 == taxed) {
                Some(own) => own.1 += vat,
                None => vats.push((taxed, vat)),
            };
        for line in &self.documents[invoice].lines {
            let (Some(sold), Some(left)) = (&line.sold, &line.left) else { continue };
            net += left.billed.net - left.credited.net;
            add(&mut vats, (self.prices[sold.price].tax, sold.rate), left.billed.vat - left.credited.vat);
        }
        let earlier = self.write_offs.iter().filter(|own| own.invoice == invoice && !own.deed.is_undone);
        for part in earlier.filter(|own| own.has_relief()).flat_map(|own| &own.parts) {
            match part.taxed {
                None => net -= part.left().0,
                Some(taxed) => add(&mut vats, taxed, -part.left().0),
            }
        }
        let weights: Vec<i128> =
            [net].into_iter().chain(vats.iter().map(|own| own.1)).map(|left| left.max(0)).collect();
        let shares = share_by(amount.min(weights.iter().sum()), &weights);
        let Document { currency, exchange_rate, .. } = self.documents[invoice];
        let of_vat = vats.into_iter().zip(&shares[1..]).filter(|(_, amount)| **amount != 0);
        let part = |((taxed, _), amount): ((Taxed, i128), &i128)| {
            let base = match exchange_rate {
                Some(rate) => self.in_base(*amount, currency, rate).round(),
                None if currency == self.base => *amount,
                // Lines at several rates: as much as the code's VAT is in base.
                None => in_proportion(self.billed_vat(invoice, taxed), *amount),
            };
            Part { taxed: Some(taxed), amount: *amount, base, recovered: (0, 0) }
        };
        of_vat.map(part).collect()
    }

    /// The VAT of one code and rate on an invoice, in both currencies.
    fn billed_vat(&self, invoice: usize, taxed: Taxed) -> (i128, i128) {
        let sold = self.documents[invoice].sold();
        let own = sold.filter(|sold| (self.prices[sold.price].tax, sold.rate) == taxed);
        own.fold((0, 0), |sum, sold| (sum.0 + sold.figures.vat, sum.1 + sold.figures.base_vat))
    }

    /// Takes a write-off back.
    pub fn unwrite_off(&mut self, invoice: usize, id: &str) -> Result<(), Refusal> {
        let found = self.write_offs.iter().position(|own| own.invoice == invoice && own.deed.id == id);
        let Some(at) = found else { return refuse(404, "WRITE_OFF_NOT_FOUND") };
        let WriteOff { deed, parts, .. } = self.write_offs[at].clone();
        if deed.is_undone {
            return refuse(400, "WRITE_OFF_REVERSED");
        }
        if parts.iter().any(|part| part.recovered != (0, 0)) {
            return refuse(400, "WRITE_OFF_RECOVERED");
        }
        self.undo(&deed);
        self.write_offs[at].deed.is_undone = true;
        Ok(())
    }

    /// What is written off of an invoice and was not paid after all.
    pub fn written_off(&self, invoice: usize) -> i128 {
        let own = self.write_offs.iter().filter(|own| own.invoice == invoice && !own.deed.is_undone);
        own.map(|own| own.amount - own.recovered()).sum()
    }

    /// What an amount paid after all takes back: of the oldest write-off first, of each part in proportion,
    /// in both currencies. Answers write-off, part, amount and amount in base.
    pub fn recoveries(&self, invoice: usize, amount: i128) -> Vec<(usize, usize, i128, i128)> {
        let (mut rest, mut taken) = (amount, Vec::new());
        for (at, write_off) in self.write_offs.iter().enumerate() {
            if write_off.invoice != invoice || write_off.deed.is_undone {
                continue;
            }
            let here = rest.min(write_off.amount - write_off.recovered());
            rest -= here;
            let lefts: Vec<i128> = write_off.parts.iter().map(|part| part.left().0).collect();
            for (part, amount) in share_by(here, &lefts).into_iter().enumerate().filter(|(_, amount)| *amount != 0) {
                taken.push((at, part, amount, in_proportion(write_off.parts[part].left(), amount)));
            }
        }
        taken
    }
}
