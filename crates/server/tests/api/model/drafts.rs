//! The model's drafts: what a body asks for at the catalogue's prices, and the invoice that undoes a note.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::left::Figures;
use super::ratio::{Ratio, share_out};
use super::world::{
    CURRENCIES, Customer, Document, Kind, LARGEST, Line, Price, Refusal, Sold, World, day, decimals, number, refuse,
    refuse_with,
};

impl World {
    /// At most a year ahead.
    pub fn check_date(&self, date: Date) -> Result<Date, Refusal> {
        if date > self.today + 1.year() { refuse(400, "DOCUMENT_DATE_TOO_FAR_AHEAD") } else { Ok(date) }
    }

    /// What a body says of its currency.
    pub fn currency(body: &Value) -> Option<&'static str> {
        CURRENCIES.iter().find(|(code, _)| body["currency"] == *code).map(|found| found.0)
    }

    pub fn draft_invoice(&self, body: &Value) -> Result<Document, Refusal> {
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
        let terms = body["paymentTerms"].as_i64().unwrap_or(terms);
        let document = Document { tax_point, terms, ..Document::new(Kind::Invoice, customer, date, currency, lines) };
        check_size(&document)?;
        Ok(document)
    }

    /// The invoice that undoes a booked note: its lines turned round to the last unit, at its rate.
    pub fn reverse(&self, note: usize, body: &Value) -> Result<Document, Refusal> {
        let Document { customer, currency, exchange_rate, is_booked, .. } = self.documents[note];
        if !is_booked {
            return refuse(400, "DOCUMENT_NOT_BOOKED");
        }
        let undoes = |d: &Document| d.reverses == Some(note) && !d.is_deleted && !d.is_cancelled;
        if let Some(invoice) = self.documents.iter().find(|document| undoes(document)) {
            let details = json!({ "invoiceId": invoice.id, "invoiceNumber": self.number_of(invoice) });
            return refuse_with(400, "CREDIT_NOTE_ALREADY_REVERSED", details);
        }
        if !self.customers[customer].is_active {
            return refuse(400, "CUSTOMER_INACTIVE");
        }
        let date = self.check_date(day(body, "date").unwrap_or(self.today))?;
        let mut lines = self.documents[note].lines.clone();
        for line in &mut lines {
            line.id = String::new();
            if let Some(sold) = &mut line.sold {
                (sold.figures, sold.is_settled, sold.credits) = (sold.figures.turned(), true, None);
            }
        }
        let terms = self.customers[customer].terms;
        let draft = Document::new(Kind::Invoice, customer, date, currency, lines);
        Ok(Document { terms, exchange_rate, reverses: Some(note), ..draft })
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
}

impl Document {
    /// A draft without a number.
    pub fn new(kind: Kind, customer: usize, date: Date, currency: &'static str, lines: Vec<Line>) -> Document {
        Document {
            kind,
            id: String::new(),
            number: None,
            customer,
            date,
            tax_point: date,
            terms: 0,
            currency,
            lines,
            is_booked: false,
            is_deleted: false,
            is_cancelled: false,
            voided: None,
            reverses: None,
            exchange_rate: None,
            links: Vec::new(),
            taken: Vec::new(),
            item: None,
        }
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
