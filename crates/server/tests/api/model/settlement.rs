//! The model's money after the booking: open items, and the payments, allocations and refunds that move
//! them. Each deed remembers what it posted and moved; taking it back posts and moves the mirror of that.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::ratio::{Ratio, share_by, share_out};
use super::world::{
    Document, Kind, LARGEST, Refusal, World, day, decimals, money, number, refuse, refuse_faults, refuse_with,
};

/// The accounts that settling posts on.
pub const RECEIVABLES: &str = "5600";
const BANK: &str = "5820";
pub const EXCHANGE_DIFFERENCE: &str = "4010";
const ROUNDING: &str = "4020";

/// What an open item comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    Document(usize),
    /// What a payment was too much.
    Payment(usize),
}

/// What a customer owes (above zero) or has to its credit (below zero).
#[derive(Clone, Debug)]
pub struct Item {
    pub id: String,
    pub of: Of,
    pub customer: usize,
    pub currency: &'static str,
    pub date: Date,
    pub due: Option<Date>,
    /// What it was.
    pub amount: i128,
    /// What is open of it, in its currency and in base.
    pub open: (i128, i128),
    /// The rate it stands at; none in base currency, or of several rates.
    pub rate: Option<Ratio>,
}

/// A line of an entry: account, amount, amount in base; debit is above zero.
type Posting = (&'static str, i128, i128);

/// What a deed did, to be taken back.
#[derive(Clone, Debug)]
pub struct Deed {
    pub id: String,
    currency: &'static str,
    postings: Vec<Posting>,
    /// Items moved by how much, in both currencies.
    moves: Vec<(usize, i128, i128)>,
    pub is_undone: bool,
}

/// A payment on an invoice.
#[derive(Clone, Debug)]
pub struct Payment {
    pub deed: Deed,
    pub invoice: usize,
    pub date: Date,
    pub settled: i128,
    pub recovered: i128,
    pub over: i128,
    /// The item of what was too much.
    pub item: Option<usize>,
    /// What it recovers: write-off, part of it, amount, amount in base.
    pub recoveries: Vec<(usize, usize, i128, i128)>,
    pub reference: Option<String>,
}

/// A credit item set off against an invoice.
#[derive(Clone, Debug)]
pub struct Allocation {
    pub deed: Deed,
    pub item: usize,
    pub invoice: usize,
    pub date: Date,
    pub amount: i128,
}

/// A credit item paid out.
#[derive(Clone, Debug)]
pub struct Refund {
    pub deed: Deed,
    pub item: usize,
    pub date: Date,
    pub amount: i128,
    pub reference: String,
}

/// What a part of an amount is in base: in proportion, and all that is left with the last unit.
pub fn in_proportion((amount, base): (i128, i128), part: i128) -> i128 {
    if part == amount { base } else { share_by(base, &[part, amount - part])[0] }
}

/// What a part of an item is carried at, positive.
fn carry((open, base): (i128, i128), part: i128) -> i128 {
    in_proportion((open.abs(), base.abs()), part)
}

impl World {
    /// Pays on an invoice; the payment's place.
    pub fn pay(&mut self, invoice: usize, body: &Value) -> Result<usize, Refusal> {
        let Document { currency, customer, .. } = self.documents[invoice];
        let item = self.item_of(invoice)?;
        let date = self.check_day(body)?;
        let amount = amount(body, currency)?.expect("a payment has an amount");
        let rate = self.rate_on(currency, date)?;
        let received = self.in_base(amount, currency, rate).round();
        if received > LARGEST {
            return refuse(400, "AMOUNT_TOO_LARGE");
        }
        // What is open comes first, then what was written off; the rest is too much.
        let settled = amount.min(self.items[item].open.0);
        let recovered = (amount - settled).min(self.written_off(invoice));
        let over = amount - settled - recovered;
        let mut postings = vec![(BANK, amount, received)];
        let mut moves = Vec::new();
        let day_rate = (currency != self.base).then_some(rate);
        let is_at_one_rate = day_rate.is_some() && self.items[item].rate == day_rate;
        if settled > 0 {
            let base = carry(self.items[item].open, settled);
            postings.push((RECEIVABLES, -settled, -base));
            moves.push((item, -settled, -base));
        }
        let recoveries = self.recoveries(invoice, recovered);
        for (write_off, part, amount, base) in &recoveries {
            postings.push((self.write_offs[*write_off].parts[*part].account(), -amount, -base));
        }
        let place = self.payments.len();
        let mut over_item = None;
        if over > 0 {
            // Its part of what was received, which all parts add up to in base too.
            let exact = [settled + recovered, over].map(|part| self.in_base(part, currency, rate));
            let base = share_out(&exact)[1];
            postings.push((RECEIVABLES, -over, -base));
            over_item = Some(self.items.len());
            moves.push((self.items.len(), -over, -base));
            let of = Of::Payment(place);
            self.items.push(Item {
                id: String::new(),
                of,
                customer,
                currency,
                date,
                due: None,
                amount: -over,
                open: (0, 0),
                rate: day_rate,
            });
        }
        if is_at_one_rate {
            // The money moves as what it settles is carried.
            postings[0].2 = -postings[1..].iter().map(|posting| posting.2).sum::<i128>();
        }
        let deed = self.do_deed(currency, postings, moves, EXCHANGE_DIFFERENCE);
        for (write_off, part, amount, base) in &recoveries {
            self.write_offs[*write_off].parts[*part].recover(*amount, *base);
        }
        let reference = body["reference"].as_str().map(str::to_owned);
        let item = over_item;
        self.payments.push(Payment { deed, invoice, date, settled, recovered, over, item, recoveries, reference });
        Ok(place)
    }

    /// Takes a payment back.
    pub fn unpay(&mut self, invoice: usize, id: &str) -> Result<(), Refusal> {
        let found = self.payments.iter().position(|payment| payment.invoice == invoice && payment.deed.id == id);
        let Some(at) = found else { return refuse(404, "PAYMENT_NOT_FOUND") };
        let Payment { deed, over, item, recoveries, .. } = self.payments[at].clone();
        if deed.is_undone {
            return refuse(400, "PAYMENT_REVERSED");
        }
        if item.is_some_and(|item| self.items[item].open.0 != -over) {
            return refuse(400, "PAYMENT_CREDIT_IN_USE");
        }
        self.undo(&deed);
        for (write_off, part, amount, base) in recoveries {
            self.write_offs[write_off].parts[part].recover(-amount, -base);
        }
        self.payments[at].deed.is_undone = true;
        Ok(())
    }

    /// The item of a credit that a path names.
    pub fn credit_item(&self, kind: &str, id: &str) -> Result<usize, Refusal> {
        if kind == "credit-notes" {
            let note = self.find(Kind::Note, id)?;
            return self.item_of(note);
        }
        let Some(item) = self.items.iter().position(|item| item.id == id) else {
            return refuse(404, "OPEN_ITEM_NOT_FOUND");
        };
        match self.items[item].of {
            Of::Document(at) if self.documents[at].kind == Kind::Invoice => refuse(400, "OPEN_ITEM_NOT_A_CREDIT"),
            _ => Ok(item),
        }
    }

    /// Sets a credit off against an invoice as asked; the allocation's place.
    pub fn set_off(&mut self, kind: &str, id: &str, body: &Value) -> Result<usize, Refusal> {
        // A note that is not booked is told after the invoice that is not there.
        let item = match self.credit_item(kind, id) {
            Err(refusal) if refusal.code == "DOCUMENT_NOT_BOOKED" => {
                self.find(Kind::Invoice, body["invoiceId"].as_str().unwrap())?;
                return Err(refusal);
            }
            other => other?,
        };
        let invoice = self.find(Kind::Invoice, body["invoiceId"].as_str().unwrap())?;
        let debit = self.item_of(invoice)?;
        let (from, to) = (&self.items[item], &self.items[debit]);
        if from.customer != to.customer {
            return refuse(400, "ALLOCATION_CUSTOMER_MISMATCH");
        }
        if from.currency != to.currency {
            return refuse(400, "ALLOCATION_CURRENCY_MISMATCH");
        }
        let (of_credit, of_invoice) = (-from.open.0, to.open.0);
        let amount = amount(body, from.currency)?.unwrap_or(of_credit.min(of_invoice));
        check_open(amount, of_credit, "credit", from.currency)?;
        check_open(amount, of_invoice, "invoice", from.currency)?;
        Ok(self.allocate(item, invoice, amount, self.today, None))
    }

    /// Sets a credit off against an invoice, each at its own carrying amount; at one rate both move by
    /// one base amount, that of the one that is used up. `own` is what a note gave back of this invoice.
    pub fn allocate(
        &mut self,
        item: usize,
        invoice: usize,
        amount: i128,
        date: Date,
        own: Option<(i128, i128)>,
    ) -> usize {
        let debit = self.documents[invoice].item.expect("a booked invoice");
        let Item { currency, open: credit, rate, .. } = self.items[item];
        let (credit, rate) =
            (own.unwrap_or((-credit.0, -credit.1)), if own.is_some() { self.items[debit].rate } else { rate });
        let owed = self.items[debit].open;
        let (mut given, mut settled) = (carry(credit, amount), carry(owed, amount));
        let is_at_one_rate = rate.is_some() && rate == self.items[debit].rate;
        if is_at_one_rate {
            let one = if amount == credit.0 && amount != owed.0 { given } else { settled };
            given = if amount == credit.0 { given } else { one.clamp(0, credit.1) };
            settled = if amount == owed.0 { settled } else { one.clamp(0, owed.1) };
        }
        let postings = vec![(RECEIVABLES, amount, given), (RECEIVABLES, -amount, -settled)];
        let moves = vec![(item, amount, given), (debit, -amount, -settled)];
        let deed = self.do_deed(currency, postings, moves, if is_at_one_rate { ROUNDING } else { EXCHANGE_DIFFERENCE });
        self.allocations.push(Allocation { deed, item, invoice, date, amount });
        self.allocations.len() - 1
    }

    /// Takes an allocation back.
    pub fn unallocate(&mut self, kind: &str, credit: &str, id: &str) -> Result<(), Refusal> {
        let item = self.credit_item(kind, credit)?;
        let found = self.allocations.iter().position(|own| own.item == item && own.deed.id == id);
        let Some(at) = found else { return refuse(404, "ALLOCATION_NOT_FOUND") };
        let deed = self.allocations[at].deed.clone();
        if deed.is_undone {
            return refuse(400, "ALLOCATION_REVERSED");
        }
        self.undo(&deed);
        self.allocations[at].deed.is_undone = true;
        Ok(())
    }

    /// Pays a credit out; the refund's place.
    pub fn refund(&mut self, kind: &str, id: &str, body: &Value) -> Result<usize, Refusal> {
        let item = self.credit_item(kind, id)?;
        let Item { currency, open, rate: own_rate, .. } = self.items[item];
        let date = self.check_day(body)?;
        let amount = amount(body, currency)?.expect("a refund has an amount");
        check_open(amount, -open.0, "credit", currency)?;
        let rate = self.rate_on(currency, date)?;
        let paid = self.in_base(amount, currency, rate).round();
        if paid > LARGEST {
            return refuse(400, "AMOUNT_TOO_LARGE");
        }
        let given = carry(open, amount);
        let paid = if own_rate == Some(rate) { given } else { paid };
        let postings = vec![(RECEIVABLES, amount, given), (BANK, -amount, -paid)];
        let deed = self.do_deed(currency, postings, vec![(item, amount, given)], EXCHANGE_DIFFERENCE);
        let reference = body["reference"].as_str().unwrap().to_owned();
        self.refunds.push(Refund { deed, item, date, amount, reference });
        Ok(self.refunds.len() - 1)
    }

    /// Takes a refund back.
    pub fn unrefund(&mut self, kind: &str, credit: &str, id: &str) -> Result<(), Refusal> {
        let item = self.credit_item(kind, credit)?;
        let found = self.refunds.iter().position(|own| own.item == item && own.deed.id == id);
        let Some(at) = found else { return refuse(404, "REFUND_NOT_FOUND") };
        let deed = self.refunds[at].deed.clone();
        if deed.is_undone {
            return refuse(400, "REFUND_REVERSED");
        }
        self.undo(&deed);
        self.refunds[at].deed.is_undone = true;
        Ok(())
    }

    /// Posts an entry and moves items. What its lines lack in base goes to an account of differences.
    pub fn do_deed(
        &mut self,
        currency: &'static str,
        mut postings: Vec<Posting>,
        moves: Vec<(usize, i128, i128)>,
        account: &'static str,
    ) -> Deed {
        let difference: i128 = postings.iter().map(|posting| posting.2).sum();
        postings.push((account, 0, -difference));
        let deed = Deed { id: String::new(), currency, postings, moves, is_undone: false };
        self.turn(&deed, 1);
        deed
    }

    /// The mirror of a deed.
    pub fn undo(&mut self, deed: &Deed) {
        self.turn(deed, -1);
    }

    fn turn(&mut self, deed: &Deed, sign: i128) {
        for (account, amount, base) in &deed.postings {
            self.post(account, deed.currency, sign * amount, sign * base);
        }
        for (item, amount, base) in &deed.moves {
            let open = &mut self.items[*item].open;
            (open.0, open.1) = (open.0 + sign * amount, open.1 + sign * base);
        }
    }

    pub fn post(&mut self, account: &str, currency: &str, amount: i128, base: i128) {
        let balance = self.balances.entry((account.to_owned(), currency.to_owned())).or_default();
        balance.0 += amount;
        balance.1 += base;
    }

    /// The open item of a document in the books.
    pub fn item_of(&self, document: usize) -> Result<usize, Refusal> {
        self.documents[document].item.map_or_else(|| refuse(400, "DOCUMENT_NOT_BOOKED"), Ok)
    }

    /// A day that may be posted on.
    pub fn check_day(&self, body: &Value) -> Result<Date, Refusal> {
        let date = self.check_date(day(body, "date").expect("a date"))?;
        if date <= self.locked_through { refuse(400, "PERIOD_LOCKED") } else { Ok(date) }
    }

    /// What was paid on an invoice and not taken back, with what that recovers.
    pub fn paid(&self, invoice: usize) -> i128 {
        let own = self.payments.iter().filter(|payment| payment.invoice == invoice && !payment.deed.is_undone);
        own.map(|payment| payment.settled + payment.recovered).sum()
    }

    /// What was paid out of an item and not taken back.
    pub fn refunded(&self, item: usize) -> i128 {
        let own = self.refunds.iter().filter(|refund| refund.item == item && !refund.deed.is_undone);
        own.map(|refund| refund.amount).sum()
    }

    /// What is set off against a document or of it, by what is so.
    pub fn allocated(&self, is_its: impl Fn(&Allocation) -> bool) -> i128 {
        let own = self.allocations.iter().filter(|own| !own.deed.is_undone && is_its(own));
        own.map(|allocation| allocation.amount).sum()
    }
}

/// An amount asked for: with at most the currency's decimals, and not too large.
pub fn amount(body: &Value, currency: &str) -> Result<Option<i128>, Refusal> {
    let Some(amount) = number(body, "amount") else { return Ok(None) };
    refuse_faults((amount.decimals().unwrap() > decimals(currency)).then(|| "amount".to_owned()))?;
    let minor = (amount * Ratio::whole(10_i128.pow(decimals(currency)))).round();
    if minor > LARGEST { refuse(400, "AMOUNT_TOO_LARGE") } else { Ok(Some(minor)) }
}

/// Nobody settles more than is open, or nothing.
pub fn check_open(asked: i128, open: i128, of: &str, currency: &str) -> Result<(), Refusal> {
    if asked <= open && asked != 0 {
        return Ok(());
    }
    let details = json!({ "asked": money(asked, currency), "open": money(open, currency), "of": of });
    refuse_with(400, "AMOUNT_EXCEEDS_OPEN", details)
}
