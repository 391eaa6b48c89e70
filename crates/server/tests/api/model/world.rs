//! The model: what a company holds, in memory. Slow and plain; it shares no code with the program.
//! What it answers to a request stands in `answer.rs`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use super::left::{Figures, Left};
use super::ratio::Ratio;
use super::settlement::{Allocation, Item, Payment, Refund};
use super::write_offs::WriteOff;
use crate::house::text;

/// Amounts beyond so many minor units are refused.
pub const LARGEST: i128 = 1_000_000_000_000_000;

/// The currencies in play, with their decimals.
pub const CURRENCIES: [(&str, u32); 5] = [("DKK", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("USD", 2)];

pub fn decimals(currency: &str) -> u32 {
    CURRENCIES.iter().find(|(code, _)| *code == currency).expect("a currency in play").1
}

/// An amount as the API writes it.
pub fn money(minor: i128, currency: &str) -> String {
    let decimals = decimals(currency);
    Ratio::new(minor, 10_i128.pow(decimals)).text(decimals)
}

/// What is answered to a request that is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    /// The properties that fail validation.
    pub faults: Vec<String>,
    /// What the details hold at least.
    pub details: Value,
}

pub fn refuse<T>(status: u16, code: &'static str) -> Result<T, Refusal> {
    refuse_with(status, code, Value::Null)
}

/// The same with what the details hold at least.
pub fn refuse_with<T>(status: u16, code: &'static str, details: Value) -> Result<T, Refusal> {
    Err(Refusal { status, code, faults: Vec::new(), details })
}

/// Refused for the shape of the body, where there is any fault in it.
pub fn refuse_faults(faults: impl IntoIterator<Item = String>) -> Result<(), Refusal> {
    let mut faults: Vec<String> = faults.into_iter().collect();
    faults.sort();
    faults.dedup();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Refusal { status: 400, code: "SHARED_VALIDATION_FAILED", faults, details: Value::Null })
}

/// Who is invoiced.
pub struct Customer {
    pub id: String,
    pub currency: &'static str,
    pub terms: i64,
    pub discount: Ratio,
    pub is_active: bool,
    pub is_private: bool,
    /// Zone, country and VAT number contradict each other.
    pub is_contradictory: bool,
    /// In zone `eu` without a VAT number.
    pub is_unnumbered: bool,
    /// Abroad without a VAT number: no e-invoice can shift the VAT to it (EN 16931 BR-AE-02).
    pub is_unknown_abroad: bool,
}

/// How products of a group are taxed, in every zone.
pub struct Tax {
    pub category: &'static str,
    /// Rates by the first day they hold, in that order.
    pub rates: Vec<(Date, Ratio)>,
    /// The number of the revenue account.
    pub account: &'static str,
}

/// What a line may be charged at.
pub struct Price {
    pub id: String,
    pub name: String,
    pub currency: &'static str,
    pub amount: Ratio,
    pub tax: usize,
    pub is_active: bool,
}

/// A product line of a document.
#[derive(Clone, Debug)]
pub struct Sold {
    pub price: usize,
    pub name: String,
    pub quantity: Ratio,
    pub unit_price: Ratio,
    pub discount: Ratio,
    pub category: &'static str,
    pub rate: Ratio,
    /// Signed: below zero on a credit note.
    pub figures: Figures,
    /// Whether its base amounts are those of the document it credits or undoes.
    pub is_settled: bool,
    /// The invoice and line it credits.
    pub credits: Option<(usize, usize)>,
}

/// A line of a document; text and separators have nothing to reckon.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: String,
    pub kind: &'static str,
    pub sold: Option<Sold>,
    /// On a booked invoice: what is left of it.
    pub left: Option<Left>,
}

/// Which of the two a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Invoice,
    Note,
}

impl Kind {
    /// As its paths begin.
    pub fn path(self) -> &'static str {
        match self {
            Kind::Invoice => "invoices",
            Kind::Note => "credit-notes",
        }
    }
}

/// What a note takes of one line of an invoice.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub invoice: usize,
    pub line: usize,
    pub figures: Figures,
    pub quantity: Ratio,
}

/// An invoice or a credit note.
#[derive(Clone, Debug)]
pub struct Document {
    pub kind: Kind,
    pub id: String,
    /// Counted from 1 in each kind.
    pub number: Option<usize>,
    pub customer: usize,
    pub date: Date,
    pub tax_point: Date,
    pub terms: i64,
    pub currency: &'static str,
    pub lines: Vec<Line>,
    pub is_booked: bool,
    pub is_deleted: bool,
    pub is_cancelled: bool,
    /// Why a note was voided.
    pub voided: Option<String>,
    /// The note an invoice undoes.
    pub reverses: Option<usize>,
    pub exchange_rate: Option<Ratio>,
    /// The invoices a note credits, in the order of their numbers, and what each gets, positive.
    pub links: Vec<(usize, i128)>,
    /// What a note takes of them.
    pub taken: Vec<Taken>,
    /// Once it is booked.
    pub item: Option<usize>,
}

impl Document {
    pub fn sold(&self) -> impl Iterator<Item = &Sold> {
        self.lines.iter().filter_map(|line| line.sold.as_ref())
    }

    pub fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        self.sold().for_each(|line| sum.add(line.figures));
        sum
    }

    pub fn amount(&self) -> i128 {
        self.figures().net + self.figures().vat
    }

    /// Whether it may still be written anew.
    pub fn is_draft(&self) -> bool {
        !self.is_booked && !self.is_deleted && !self.is_cancelled && self.voided.is_none()
    }
}

/// One company.
pub struct World {
    pub base: &'static str,
    pub today: Date,
    pub locked_through: Date,
    pub customers: Vec<Customer>,
    pub taxes: Vec<Tax>,
    pub prices: Vec<Price>,
    pub rates: BTreeMap<(&'static str, Date), Ratio>,
    pub documents: Vec<Document>,
    /// Open items, settled ones too, and what moved them; all in the order they were made.
    pub items: Vec<Item>,
    pub payments: Vec<Payment>,
    pub allocations: Vec<Allocation>,
    pub refunds: Vec<Refund>,
    pub write_offs: Vec<WriteOff>,
    /// Numbers given: invoices, credit notes.
    pub numbers: (usize, usize),
    /// Idempotency keys used.
    pub keys: usize,
    /// What stands on each account in each currency, and in base.
    pub balances: BTreeMap<(String, String), (i128, i128)>,
}

/// Where an id is kept that only the program's answer tells.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    Document(usize),
    Line(usize, usize),
    Item(usize),
    Payment(usize),
    Allocation(usize),
    Refund(usize),
    WriteOff(usize),
}

/// Stands for anything but null.
pub const SOME: &str = "(something)";

impl World {
    fn slot(&mut self, slot: Slot) -> &mut String {
        match slot {
            Slot::Document(at) => &mut self.documents[at].id,
            Slot::Line(at, line) => &mut self.documents[at].lines[line].id,
            Slot::Item(at) => &mut self.items[at].id,
            Slot::Payment(at) => &mut self.payments[at].deed.id,
            Slot::Allocation(at) => &mut self.allocations[at].deed.id,
            Slot::Refund(at) => &mut self.refunds[at].deed.id,
            Slot::WriteOff(at) => &mut self.write_offs[at].deed.id,
        }
    }

    /// Learns the ids an answer tells, each from its place in it.
    pub fn learn(&mut self, names: &[(String, Slot)], answer: &Value) {
        for (place, slot) in names {
            *self.slot(*slot) = text(answer.pointer(place).unwrap_or(&Value::Null)).to_owned();
        }
    }

    pub fn find(&self, kind: Kind, id: &str) -> Result<usize, Refusal> {
        let found = self.documents.iter().position(|d| d.kind == kind && d.id == id && !d.is_deleted);
        let code = if kind == Kind::Invoice { "INVOICE_NOT_FOUND" } else { "CREDIT_NOTE_NOT_FOUND" };
        found.map_or_else(|| refuse(404, code), Ok)
    }

    pub fn customer(&self, body: &Value) -> Result<usize, Refusal> {
        let found = self.customers.iter().position(|customer| body["customerId"] == customer.id);
        found.map_or_else(|| refuse(404, "CUSTOMER_NOT_FOUND"), Ok)
    }

    /// The notes that credit an invoice and are not voided, with what each gives it.
    pub fn notes_of(&self, invoice: usize) -> Vec<(usize, i128)> {
        let standing = self.documents.iter().enumerate().filter(|(_, document)| document.voided.is_none());
        standing
            .flat_map(|(at, note)| note.links.iter().filter(|link| link.0 == invoice).map(move |link| (at, link.1)))
            .collect()
    }

    /// What all credit notes that are not voided give an invoice.
    pub fn credited(&self, invoice: usize) -> i128 {
        self.notes_of(invoice).iter().map(|note| note.1).sum()
    }

    /// What of that is not booked.
    pub fn pending(&self, invoice: usize) -> i128 {
        let open = self.notes_of(invoice).into_iter().filter(|(note, _)| !self.documents[*note].is_booked);
        open.map(|note| note.1).sum()
    }

    /// Base units for one unit of a currency: the last rate on or before the day.
    pub fn rate_on(&self, currency: &'static str, date: Date) -> Result<Ratio, Refusal> {
        if currency == self.base {
            return Ok(Ratio::whole(1));
        }
        let mut found = self.rates.range((currency, Date::MIN)..=(currency, date)).map(|(_, rate)| *rate);
        found.next_back().map_or_else(|| refuse(400, "EXCHANGE_RATE_MISSING"), Ok)
    }

    /// Minor units of a currency in those of the company's, exactly.
    pub fn in_base(&self, minor: i128, currency: &str, rate: Ratio) -> Ratio {
        in_currency(minor, currency, self.base, rate)
    }
}

/// Minor units of a currency in those of another, exactly.
pub fn in_currency(minor: i128, from: &str, to: &str, rate: Ratio) -> Ratio {
    Ratio::new(minor * 10_i128.pow(decimals(to)), 10_i128.pow(decimals(from))) * rate
}

pub fn day(body: &Value, name: &str) -> Option<Date> {
    body[name].as_str().map(|text| text.parse().expect("a date"))
}

pub fn number(body: &Value, name: &str) -> Option<Ratio> {
    body[name].as_str().map(|text| Ratio::parse(text).expect("a decimal"))
}
