//! The model: what a company holds, in memory, and what it answers to a request. Slow and plain;
//! it shares no code with the program. It reads requests as they are sent, and learns from the
//! answers only the ids it can't know.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::left::{Figures, Left};
use super::ratio::{Ratio, share_out};
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
    Err(Refusal { status, code, faults: Vec::new(), details: Value::Null })
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
    /// Whether its base amounts are those of the invoice it credits.
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

/// An invoice or a credit note.
#[derive(Clone, Debug)]
pub struct Document {
    pub kind: Kind,
    pub id: String,
    pub number: Option<usize>,
    pub customer: usize,
    pub date: Date,
    pub tax_point: Date,
    pub terms: i64,
    pub currency: &'static str,
    pub lines: Vec<Line>,
    pub is_booked: bool,
    pub is_deleted: bool,
    pub exchange_rate: Option<Ratio>,
    /// Of a note: the invoices it credits by number, with how much. Of an invoice: the notes.
    pub links: Vec<(usize, i128)>,
    /// Of an invoice: of its links, what is not booked yet.
    pub pending: i128,
    pub allocated: i128,
    /// What is left of the open item, in base too; below zero on a note.
    pub open: (i128, i128),
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

    pub fn credited(&self) -> i128 {
        self.links.iter().map(|link| link.1).sum()
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
    /// Numbers given: invoices, credit notes.
    pub numbers: (usize, usize),
    /// What stands on each account in each currency, and in base.
    pub balances: BTreeMap<(String, String), (i128, i128)>,
}

/// What the model answers: a status with what the body holds at least.
pub struct Told {
    pub status: u16,
    pub body: Value,
    /// The document whose ids the answer tells.
    pub names: Option<usize>,
}

pub type Answered = Result<Told, Refusal>;

/// Stands for anything but null.
pub const SOME: &str = "(something)";

impl World {
    pub fn answer(&mut self, method: &str, path: &str, body: &Value) -> Answered {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["invoices"]) => {
                self.check_shape(Kind::Invoice, body)?;
                let document = self.draft_invoice(body)?;
                self.documents.push(document);
                Ok(self.told(201, self.documents.len() - 1))
            }
            ("PATCH", ["invoices", id]) => {
                self.check_shape(Kind::Invoice, body)?;
                let at = self.find(Kind::Invoice, id)?;
                if self.documents[at].is_booked {
                    return refuse(400, "DOCUMENT_NOT_DRAFT");
                }
                self.documents[at] = Document { id: (*id).to_owned(), ..self.draft_invoice(body)? };
                Ok(self.told(200, at))
            }
            ("DELETE", ["invoices", id]) => {
                let at = self.find(Kind::Invoice, id)?;
                if self.documents[at].is_booked {
                    return refuse(400, "DOCUMENT_NOT_DRAFT");
                }
                self.documents[at].is_deleted = true;
                Ok(Told { status: 204, body: Value::Null, names: None })
            }
            ("DELETE", ["credit-notes", id]) => {
                let at = self.find(Kind::Note, id)?;
                refuse(400, if self.documents[at].is_booked { "DOCUMENT_NOT_DRAFT" } else { "DOCUMENT_NUMBERED" })
            }
            ("POST", ["credit-notes"]) => {
                self.check_shape(Kind::Note, body)?;
                let at = self.credit(body)?;
                Ok(self.told(201, at))
            }
            ("POST", [kind @ ("invoices" | "credit-notes"), id, "send"]) => {
                let at = self.find(if *kind == "invoices" { Kind::Invoice } else { Kind::Note }, id)?;
                if !self.documents[at].is_booked {
                    self.book(at)?;
                }
                let document = self.published(at);
                let body = json!({ "success": true, "status": document["status"], "number": document["number"] });
                Ok(Told { status: 200, body, names: None })
            }
            ("GET", ["invoices", id]) => {
                let at = self.find(Kind::Invoice, id)?;
                Ok(self.told(200, at))
            }
            ("GET", ["credit-notes", id]) => {
                let at = self.find(Kind::Note, id)?;
                Ok(self.told(200, at))
            }
            ("PUT", ["exchange-rates"]) => {
                let (rate, date) = (Ratio::parse(text(&body["rate"])).unwrap(), text(&body["date"]).parse().unwrap());
                let currency = CURRENCIES.iter().find(|(code, _)| body["currency"] == *code).unwrap().0;
                if currency == self.base {
                    return refuse(400, "CURRENCY_IS_BASE");
                }
                self.rates.insert((currency, date), rate);
                Ok(Told { status: 200, body: json!({ "rate": rate.text(0), "currency": currency }), names: None })
            }
            ("POST", ["product-prices", id, turn]) => {
                let price = self.prices.iter_mut().find(|price| price.id == **id).expect("a price of the company");
                let is_to_be_active = *turn == "activate";
                if price.is_active == is_to_be_active {
                    return refuse(400, "PRICE_STATUS_INVALID");
                }
                price.is_active = is_to_be_active;
                let status = if is_to_be_active { "ACTIVE" } else { "DISABLED" };
                Ok(Told { status: 200, body: json!({ "status": status }), names: None })
            }
            ("PATCH", ["customers", id]) => {
                let customer = self.customers.iter_mut().find(|customer| customer.id == **id).expect("a customer");
                customer.is_active = body["isActive"] == true;
                Ok(Told { status: 200, body: json!({ "isActive": body["isActive"] }), names: None })
            }
            _ => unreachable!("the generator makes no {method} {path}"),
        }
    }

    fn told(&self, status: u16, at: usize) -> Told {
        Told { status, body: self.published(at), names: Some(at) }
    }

    /// Learns the ids of a document and its lines.
    pub fn learn(&mut self, at: usize, answer: &Value) {
        let document = &mut self.documents[at];
        document.id = text(&answer["id"]).to_owned();
        for (line, told) in document.lines.iter_mut().zip(answer["lines"].as_array().unwrap()) {
            line.id = text(&told["id"]).to_owned();
        }
    }

    fn find(&self, kind: Kind, id: &str) -> Result<usize, Refusal> {
        let found = self.documents.iter().position(|d| d.kind == kind && d.id == id && !d.is_deleted);
        let code = if kind == Kind::Invoice { "INVOICE_NOT_FOUND" } else { "CREDIT_NOTE_NOT_FOUND" };
        found.map_or_else(|| refuse(404, code), Ok)
    }

    pub fn customer(&self, body: &Value) -> Result<usize, Refusal> {
        let found = self.customers.iter().position(|customer| body["customerId"] == customer.id);
        found.map_or_else(|| refuse(404, "CUSTOMER_NOT_FOUND"), Ok)
    }

    /// At most a year ahead.
    pub fn check_date(&self, date: Date) -> Result<Date, Refusal> {
        if date > self.today + 1.year() { refuse(400, "DOCUMENT_DATE_TOO_FAR_AHEAD") } else { Ok(date) }
    }

    /// What a body says of its currency.
    pub fn currency(body: &Value) -> Option<&'static str> {
        CURRENCIES.iter().find(|(code, _)| body["currency"] == *code).map(|found| found.0)
    }

    fn draft_invoice(&self, body: &Value) -> Result<Document, Refusal> {
        let date = self.check_date(day(body, "date").unwrap_or(self.today))?;
        let customer = self.customer(body)?;
        let Customer { is_active, is_contradictory, terms, currency, .. } = self.customers[customer];
        if !is_active {
            return refuse(400, "CUSTOMER_INACTIVE");
        }
        if is_contradictory {
            return refuse(400, "VAT_ZONE_CONFLICT");
        }
        let currency = World::currency(body).unwrap_or(currency);
        let tax_point = day(body, "taxPointDate").unwrap_or(date);
        let lines = self.priced(body, customer, currency, date, tax_point, 1)?;
        let document = Document {
            kind: Kind::Invoice,
            id: String::new(),
            number: None,
            customer,
            date,
            tax_point,
            terms: body["paymentTerms"].as_i64().unwrap_or(terms),
            currency,
            lines,
            is_booked: false,
            is_deleted: false,
            exchange_rate: None,
            links: Vec::new(),
            pending: 0,
            allocated: 0,
            open: (0, 0),
        };
        check_size(&document)?;
        Ok(document)
    }

    /// The lines of a document that credits no invoice.
    pub fn priced(
        &self,
        body: &Value,
        customer: usize,
        currency: &'static str,
        date: Date,
        tax_point: Date,
        sign: i128,
    ) -> Result<Vec<Line>, Refusal> {
        check_has_product(body)?;
        let mut lines = Vec::new();
        for asked in body["lines"].as_array().unwrap() {
            lines.push(match plain(asked) {
                Some(line) => line,
                None => Line::new(self.price(asked, customer, currency, date, tax_point, sign)?),
            });
        }
        share_vat(&mut lines);
        Ok(lines)
    }

    /// A line at the catalogue's price.
    pub fn price(
        &self,
        asked: &Value,
        customer: usize,
        currency: &'static str,
        date: Date,
        tax_point: Date,
        sign: i128,
    ) -> Result<Sold, Refusal> {
        let Some(price) = self.prices.iter().position(|price| asked["priceId"] == price.id) else {
            return refuse(404, "PRICE_NOT_FOUND");
        };
        let Price { is_active, tax, .. } = self.prices[price];
        if !is_active {
            return refuse(400, "PRICE_NOT_ACTIVE");
        }
        let said = number(asked, "unitPrice");
        let unit_price = match said {
            Some(said) => said,
            None => self.unit_price(&self.prices[price], currency, date)?,
        };
        let usual = if said.is_some() { Ratio::ZERO } else { self.customers[customer].discount };
        let discount = number(asked, "discountPercent").unwrap_or(usual);
        let tax = &self.taxes[tax];
        let rate = tax.rates.iter().rfind(|(from, _)| *from <= tax_point).expect("rates from the beginning").1;
        if self.customers[customer].is_unnumbered {
            return refuse(400, "CUSTOMER_VAT_NUMBER_REQUIRED");
        }
        if tax.category == "AE" && self.customers[customer].is_private {
            return refuse(400, "VAT_ZONE_CONFLICT");
        }
        let quantity = number(asked, "quantity").unwrap();
        let net = line_total(quantity, unit_price, discount, currency)?;
        let name = asked["description"].as_str().unwrap_or(&self.prices[price].name).to_owned();
        Ok(Sold {
            price,
            name,
            quantity,
            unit_price,
            discount,
            category: tax.category,
            rate,
            figures: Figures { net: sign * net, ..Figures::default() },
            is_settled: false,
            credits: None,
        })
    }

    /// The price in a currency: by the rates of the day, rounded to the currency's decimals; to six
    /// where the price has more than its own, or would come to nothing.
    fn unit_price(&self, price: &Price, currency: &'static str, date: Date) -> Result<Ratio, Refusal> {
        if price.currency == currency {
            return Ok(price.amount);
        }
        let exact = price.amount * self.rate_on(price.currency, date)? / self.rate_on(currency, date)?;
        let is_plain = price.amount.decimals().unwrap() <= decimals(price.currency);
        let coarse = exact.round_to(decimals(currency));
        Ok(if is_plain && coarse != Ratio::ZERO { coarse } else { exact.round_to(6) })
    }

    /// Base units for one unit of a currency: the last rate on or before the day.
    pub fn rate_on(&self, currency: &'static str, date: Date) -> Result<Ratio, Refusal> {
        if currency == self.base {
            return Ok(Ratio::whole(1));
        }
        let mut found = self.rates.range((currency, Date::MIN)..=(currency, date)).map(|(_, rate)| *rate);
        found.next_back().map_or_else(|| refuse(400, "EXCHANGE_RATE_MISSING"), Ok)
    }
}

impl Line {
    pub fn new(sold: Sold) -> Line {
        Line { id: String::new(), kind: "product", sold: Some(sold), left: None }
    }
}

/// A line that is not sold.
pub fn plain(asked: &Value) -> Option<Line> {
    let kind = match asked["lineType"].as_str() {
        Some("text") => "text",
        Some("separator") => "separator",
        _ => return None,
    };
    Some(Line { id: String::new(), kind, sold: None, left: None })
}

pub fn check_has_product(body: &Value) -> Result<(), Refusal> {
    let has = body["lines"].as_array().unwrap().iter().any(|line| plain(line).is_none());
    if has { Ok(()) } else { refuse(400, "DOCUMENT_WITHOUT_PRODUCT_LINE") }
}

pub fn check_size(document: &Document) -> Result<(), Refusal> {
    let Figures { net, vat, .. } = document.figures();
    if [net, vat, net + vat].iter().any(|sum| sum.abs() > LARGEST) { refuse(400, "AMOUNT_TOO_LARGE") } else { Ok(()) }
}

/// Quantity × unit price × (1 − discount), rounded once to minor units.
pub fn line_total(quantity: Ratio, unit_price: Ratio, discount: Ratio, currency: &str) -> Result<i128, Refusal> {
    let kept = Ratio::whole(1) - discount / Ratio::whole(100);
    let total = (quantity * unit_price * kept * Ratio::whole(10_i128.pow(decimals(currency)))).round();
    if total > LARGEST { refuse(400, "AMOUNT_TOO_LARGE") } else { Ok(total) }
}

/// Lines by VAT category and rate, in the order these first appear: the places of each group's lines.
pub fn groups<'a>(lines: impl Iterator<Item = Option<&'a Sold>>) -> Vec<(&'static str, Ratio, Vec<usize>)> {
    let mut groups: Vec<(&'static str, Ratio, Vec<usize>)> = Vec::new();
    for (at, sold) in lines.enumerate() {
        let Some(sold) = sold else { continue };
        match groups.iter_mut().find(|group| group.0 == sold.category && group.1 == sold.rate) {
            Some(group) => group.2.push(at),
            None => groups.push((sold.category, sold.rate, vec![at])),
        }
    }
    groups
}

/// Shares each group's VAT out to its lines, but for those that credit an invoice.
pub fn share_vat(lines: &mut [Line]) {
    let own = |line: &'_ Line| line.sold.as_ref().is_some_and(|sold| !sold.is_settled);
    for (_, rate, places) in groups(lines.iter().map(|line| line.sold.as_ref().filter(|_| own(line)))) {
        let sold = |at: &usize| lines[*at].sold.as_ref().unwrap();
        let part = |at: &usize| rate / Ratio::whole(100) * Ratio::whole(sold(at).figures.net);
        let shares = share_out(&places.iter().map(part).collect::<Vec<Ratio>>());
        for (at, vat) in places.iter().zip(shares) {
            lines[*at].sold.as_mut().unwrap().figures.vat = vat;
        }
    }
}

pub fn day(body: &Value, name: &str) -> Option<Date> {
    body[name].as_str().map(|text| text.parse().expect("a date"))
}

pub fn number(body: &Value, name: &str) -> Option<Ratio> {
    body[name].as_str().map(|text| Ratio::parse(text).expect("a decimal"))
}
