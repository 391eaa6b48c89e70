//! The bodies that ask for documents: invoices, credit notes, and credit of an invoice.

use jiff::ToSpan;
use serde_json::{Map, Value, json};

use super::calls::Dice;
use super::ratio::Ratio;
use super::world::{CURRENCIES, Document, Kind, World, money};

/// A line as a step has it.
#[derive(Clone, Debug)]
pub enum Line {
    Product {
        price: u32,
        quantity: String,
        unit_price: Option<String>,
        discount: Option<String>,
        description: bool,
    },
    /// So many eighths of what is left of a line of the invoice; by the line's id, else by its price.
    Part {
        line: u32,
        eighths: u32,
        by_id: bool,
        unit_price: Option<String>,
        discount: Option<String>,
    },
    /// The same of a line of some other invoice.
    Elsewhere {
        invoice: u32,
        line: u32,
        eighths: u32,
    },
    Text,
    Separator,
}

/// What a document is asked with.
#[derive(Clone, Debug)]
pub struct Asked {
    pub customer: u32,
    pub currency: Option<usize>,
    pub days: Option<i64>,
    pub tax_days: Option<i64>,
    pub lines: Vec<Line>,
    /// What is spoilt about the body, if anything.
    pub spoilt: Option<Spoilt>,
}

/// How a body tells the invoice its lines are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum How {
    ByNumber,
    ByLines,
    /// It is known.
    Unsaid,
}

/// One way to spoil a body.
#[derive(Clone, Copy, Debug)]
pub enum Spoilt {
    UnknownField,
    NoCustomer,
    ForeignCustomer,
    NoLines,
    Field(u32, &'static str, &'static str),
    OnTextLine,
    UnknownInvoice,
}

/// How a note names what it credits.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    /// The invoice by its number, lines by price or id.
    ByNumber(u32),
    /// Lines by id only.
    ByLines(u32),
    /// Nothing: a credit by itself.
    Nothing,
}

impl Asked {
    pub fn any(dice: &mut Dice, credits: bool) -> Asked {
        let few = 1 + dice.below(if credits { 3 } else { 4 });
        let many = if dice.one_in(if credits { 4 } else { 12 }) { few + dice.below(8) } else { few };
        let crowd = if dice.one_in(1500) { 101 + dice.below(20) } else { many };
        // Lines that are alike make ties; lines of one price and many quantities make one large group.
        // Notes that take equal parts of several lines make ties too.
        let alike = (!credits && dice.one_in(2)).then(|| Line::product(dice));
        let equal_part = (credits && dice.one_in(3)).then(|| 1 + dice.below(3) as u32);
        let are_equal = dice.one_in(2);
        let line = |dice: &mut Dice| match alike.clone() {
            Some(Line::Product { price, unit_price, discount, description, quantity }) => {
                let quantity = if are_equal { quantity } else { dice.decimal(1, 3) };
                Line::Product { price, unit_price, discount, description, quantity }
            }
            _ => match (equal_part, Line::any(dice, credits)) {
                (Some(eighths), Line::Part { line, .. }) => {
                    Line::Part { line, eighths, by_id: true, unit_price: None, discount: None }
                }
                (_, line) => line,
            },
        };
        let lines = (0..if alike.is_some() { crowd + 2 * few } else { crowd }).map(|_| line(dice)).collect();
        let some_days = |dice: &mut Dice| match dice.below(24) {
            0 => 360 + dice.below(10) as i64,
            1 => -250 + dice.below(100) as i64,
            _ => dice.below(20) as i64 - if credits { 1 } else { 12 },
        };
        Asked {
            customer: dice.roll() as u32,
            currency: dice.one_in(if credits { 40 } else { 3 }).then(|| dice.below(5) as usize),
            days: (!dice.one_in(if credits { 2 } else { 5 })).then(|| some_days(dice)),
            tax_days: dice.one_in(8).then(|| dice.below(20) as i64 - 10),
            lines,
            spoilt: dice.one_in(20).then(|| Spoilt::any(dice)),
        }
    }

    /// The body of a new document.
    pub fn body(&self, world: &World, named: Option<Named>) -> Value {
        let booked = self.invoices(world);
        let invoice = match named {
            Some(Named::ByNumber(n) | Named::ByLines(n)) if !booked.is_empty() => {
                // Mostly one of the last few, so that one is credited many times.
                let (n, last) = (n as usize / 8, booked.len().min(4));
                let is_late = !self.customer.is_multiple_of(4);
                Some(if is_late { booked[booked.len() - 1 - n % last] } else { booked[n % booked.len()] })
            }
            _ => None,
        };
        let customer = match invoice {
            // Now and then the wrong one.
            Some(invoice) if !self.customer.is_multiple_of(20) => invoice.customer,
            // The customers that are always refused come last and are rarely asked for.
            _ if !self.customer.is_multiple_of(9) => self.customer as usize % (world.customers.len() - 2),
            _ => self.customer as usize / 9 % world.customers.len(),
        };
        let how = if matches!(named, Some(Named::ByNumber(_))) { How::ByNumber } else { How::ByLines };
        self.body_of(world, customer, invoice, how, named.is_some())
    }

    /// The body that writes a note anew.
    pub fn body_again(&self, world: &World, note: &Document) -> Value {
        let n = self.customer as usize / 32;
        let invoice = (!note.links.is_empty()).then(|| &world.documents[note.links[n % note.links.len()].0]);
        let is_same = !self.customer.is_multiple_of(20);
        let customer = if is_same { note.customer } else { n % world.customers.len() };
        let how = match note.links.len() {
            0 | 1 if self.customer.is_multiple_of(2) => How::ByNumber,
            1 => How::Unsaid,
            _ => How::ByLines,
        };
        self.body_of(world, customer, invoice, how, true)
    }

    /// The invoices it may be about.
    fn invoices<'w>(&self, world: &'w World) -> Vec<&'w Document> {
        let invoices = world.documents.iter().filter(|d| d.kind == Kind::Invoice && !d.is_deleted);
        invoices.filter(|document| document.is_booked || self.customer.is_multiple_of(16)).collect()
    }

    fn body_of(&self, world: &World, customer: usize, invoice: Option<&Document>, how: How, is_note: bool) -> Value {
        let mut body = json!({ "customerId": world.customers[customer].id });
        if let (How::ByNumber, Some(invoice)) = (how, invoice) {
            body["invoiceNumber"] = json!(world.number_of(invoice).unwrap_or("INV-0".to_owned()));
        }
        if let Some(at) = self.currency {
            body["currency"] = json!(CURRENCIES[at].0);
        }
        // The days of a note are counted from its invoice's.
        let from = invoice.map_or(world.today, |invoice| invoice.date);
        if let Some(days) = self.days {
            body["date"] = json!((from + days.days()).to_string());
        }
        if let Some(days) = self.tax_days {
            body["taxPointDate"] = json!((from + days.days()).to_string());
        }
        let booked = self.invoices(world);
        body["lines"] = self.lines.iter().map(|line| line.body(world, invoice, &booked, how != How::ByLines)).collect();
        if let Some(spoilt) = self.spoilt {
            spoilt.spoil(&mut body, is_note);
        }
        body
    }
}

impl Line {
    fn any(dice: &mut Dice, credits: bool) -> Line {
        match dice.below(40) {
            0 => Line::Text,
            1 => Line::Separator,
            2 if credits => Line::Elsewhere {
                invoice: dice.roll() as u32,
                line: dice.roll() as u32,
                eighths: 1 + dice.below(8) as u32,
            },
            3..37 if credits => {
                // Small parts, so that a line is credited many times; now and then more than there is.
                let eighths = match dice.below(20) {
                    0 => 9,
                    1..6 => 1 + dice.below(8) as u32,
                    _ => 1 + dice.below(2) as u32,
                };
                let unit_price = dice.one_in(6).then(|| dice.decimal(3, 3));
                let discount = dice.one_in(10).then(|| dice.decimal(1, 2));
                Line::Part { line: dice.roll() as u32, eighths, by_id: dice.one_in(2), unit_price, discount }
            }
            _ if credits => match Line::product(dice) {
                // Small enough to be within what is left.
                Line::Product { price, quantity, discount, description, .. } => {
                    let unit_price = Some(dice.decimal(1, 3));
                    Line::Product { price, quantity, unit_price, discount, description }
                }
                other => other,
            },
            _ => Line::product(dice),
        }
    }

    fn product(dice: &mut Dice) -> Line {
        let is_huge = dice.one_in(150);
        Line::Product {
            price: dice.roll() as u32,
            quantity: if is_huge { "9999999.999999".to_owned() } else { dice.decimal(2, 6) },
            unit_price: match dice.below(8) {
                _ if is_huge => Some("999999999.999999".to_owned()),
                0 => Some("0".to_owned()),
                1 | 2 => Some(dice.decimal(4, 6)),
                _ => None,
            },
            discount: dice.one_in(5).then(|| dice.decimal(1, 4)),
            description: dice.one_in(6),
        }
    }

    fn body(&self, world: &World, invoice: Option<&Document>, booked: &[&Document], by_number: bool) -> Value {
        let mut line = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                line.insert(name.to_owned(), value);
            }
        };
        match self {
            Line::Text => {
                set("lineType", Some(json!("text")));
                set("description", Some(json!("As agreed by telephone")));
            }
            Line::Separator => set("lineType", Some(json!("separator"))),
            Line::Product { price, quantity, unit_price, discount, description } => {
                set("priceId", Some(json!(world.prices[*price as usize % world.prices.len()].id)));
                set("quantity", Some(json!(quantity)));
                set("unitPrice", unit_price.clone().map(Value::from));
                set("discountPercent", discount.clone().map(Value::from));
                set("description", description.then(|| json!("Heather honey")));
            }
            Line::Part { line: n, eighths, by_id, unit_price, discount } => {
                let Some(invoice) = invoice else { return Line::nothing(world, *n) };
                part(&mut set, world, invoice, *n, *eighths, *by_id || !by_number);
                set("unitPrice", unit_price.clone().map(Value::from));
                set("discountPercent", discount.clone().map(Value::from));
            }
            Line::Elsewhere { invoice: other, line: n, eighths } => {
                let same: Vec<&&Document> = booked
                    .iter()
                    .filter(|other| {
                        invoice.is_some_and(|own| own.customer == other.customer && own.currency == other.currency)
                    })
                    .collect();
                if same.is_empty() {
                    return Line::nothing(world, *n);
                }
                part(&mut set, world, same[*other as usize % same.len()], *n, *eighths, true);
            }
        }
        Value::Object(line)
    }

    /// A line for a world without an invoice.
    fn nothing(world: &World, n: u32) -> Value {
        json!({ "priceId": world.prices[n as usize % world.prices.len()].id, "quantity": "1" })
    }
}

/// So many eighths of what is left of an invoice's line, or of all lines of its price.
fn part(
    set: &mut impl FnMut(&str, Option<Value>),
    world: &World,
    invoice: &Document,
    n: u32,
    eighths: u32,
    by_id: bool,
) {
    // Mostly a line with something left.
    let is_open =
        |line: &&super::world::Line| line.left.is_none_or(|left| left.quantity > Ratio::ZERO) && line.sold.is_some();
    let open: Vec<&super::world::Line> = invoice.lines.iter().filter(is_open).collect();
    let is_any = n.is_multiple_of(16) || open.is_empty();
    let line = if is_any { &invoice.lines[n as usize % invoice.lines.len()] } else { open[n as usize % open.len()] };
    let Some(sold) = &line.sold else {
        set("invoiceLineId", Some(json!(line.id)));
        set("quantity", Some(json!("1")));
        return;
    };
    let left = if by_id {
        line.left.map_or(sold.quantity, |left| left.quantity)
    } else {
        let same =
            invoice.lines.iter().filter(|line| line.sold.as_ref().is_some_and(|other| other.price == sold.price));
        same.filter_map(|line| line.left).fold(Ratio::ZERO, |sum, left| sum + left.quantity)
    };
    let part = left * Ratio::new(i128::from(eighths), 8);
    let quantity = if n.is_multiple_of(3) { part.round_to(n % 7) } else { part.round_to(6) };
    let quantity = if quantity > Ratio::ZERO { quantity } else { Ratio::new(1, 1_000_000) };
    set("quantity", Some(json!(quantity.text(0))));
    if by_id {
        set("invoiceLineId", Some(json!(line.id)));
    }
    if !by_id || n.is_multiple_of(5) {
        // Now and then another price than the line's own.
        let price = if by_id && n.is_multiple_of(50) { (sold.price + 1) % world.prices.len() } else { sold.price };
        set("priceId", Some(json!(world.prices[price].id)));
    }
}

impl Spoilt {
    fn any(dice: &mut Dice) -> Spoilt {
        const FIELDS: [(&str, &str); 14] = [
            ("quantity", "0"),
            ("quantity", "-1"),
            ("quantity", "0.0000001"),
            ("quantity", "10000000"),
            ("quantity", ""),
            ("unitPrice", "0"),
            ("unitPrice", "-0.01"),
            ("unitPrice", "1.0000001"),
            ("unitPrice", "1000000000"),
            ("discountPercent", "100.0001"),
            ("discountPercent", "-1"),
            ("totalPrice", "1"),
            ("priceId", ""),
            ("description", "Words"),
        ];
        match dice.below(8) {
            0 => Spoilt::UnknownField,
            1 => Spoilt::NoCustomer,
            2 => Spoilt::ForeignCustomer,
            3 => Spoilt::NoLines,
            4 => Spoilt::OnTextLine,
            5 => Spoilt::UnknownInvoice,
            _ => {
                let (name, value) = FIELDS[dice.below(14) as usize];
                Spoilt::Field(dice.roll() as u32, name, value)
            }
        }
    }

    fn spoil(self, body: &mut Value, is_note: bool) {
        let object = body.as_object_mut().unwrap();
        match self {
            Spoilt::UnknownField => _ = object.insert("amount".to_owned(), json!("1")),
            Spoilt::NoCustomer => _ = object.remove("customerId"),
            Spoilt::ForeignCustomer => {
                _ = object.insert("customerId".to_owned(), json!("01930000-0000-7000-8000-000000000000"))
            }
            Spoilt::NoLines => object["lines"] = json!([]),
            Spoilt::OnTextLine => {
                let line = json!({ "lineType": "text", "quantity": "1" });
                object["lines"].as_array_mut().unwrap().push(line);
            }
            Spoilt::UnknownInvoice if is_note => _ = object.insert("invoiceNumber".to_owned(), json!("INV-99999999")),
            Spoilt::UnknownInvoice => _ = object.insert("invoiceNumber".to_owned(), json!("INV-00001")),
            Spoilt::Field(n, name, value) => {
                let lines = object["lines"].as_array_mut().unwrap();
                let count = lines.len().max(1);
                let Some(line) = lines.get_mut(n as usize % count) else { return };
                let line = line.as_object_mut().unwrap();
                if value.is_empty() {
                    line.remove(name)
                } else {
                    line.insert(name.to_owned(), json!(value))
                };
            }
        }
    }
}

/// What is asked of an invoice to be credited.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The lines; all that is left without any.
    pub lines: Option<Vec<Part>>,
    pub days: Option<i64>,
}

/// A line of an invoice, and how much of it.
#[derive(Clone, Debug)]
pub struct Part {
    line: u32,
    how: HowMuch,
}

#[derive(Clone, Debug)]
enum HowMuch {
    /// So many eighths of the quantity that is left.
    Quantity(u32),
    /// So many eighths of the net that is left.
    Amount(u32),
    Rest,
    /// As it stands, in this field; both with a quantity of one.
    Spoilt(&'static str, &'static str),
}

impl Parts {
    pub fn any(dice: &mut Dice) -> Parts {
        const SPOILT: [(&str, &str); 9] = [
            ("quantity", "0"),
            ("quantity", "0.0000001"),
            ("amount", "0"),
            ("amount", "-1"),
            ("amount", "0.0001"),
            ("amount", "0.0000001"),
            ("amount", "1000000000000000"),
            ("both", "1"),
            ("price", "1"),
        ];
        let some = |dice: &mut Dice| {
            let most = if dice.one_in(12) { 10 } else { 4 };
            1 + dice.below(most) as u32
        };
        let any_line = |dice: &mut Dice| {
            let how = match dice.below(20) {
                0..8 => HowMuch::Quantity(some(dice)),
                8..15 => HowMuch::Amount(some(dice)),
                15..19 => HowMuch::Rest,
                _ if dice.one_in(2) => {
                    let (name, value) = SPOILT[dice.below(9) as usize];
                    HowMuch::Spoilt(name, value)
                }
                _ => HowMuch::Rest,
            };
            Part { line: dice.roll() as u32, how }
        };
        let count = if dice.one_in(40) { 0 } else { 1 + dice.below(4) };
        Parts {
            lines: (!dice.one_in(5)).then(|| (0..count).map(|_| any_line(dice)).collect()),
            days: dice.one_in(3).then(|| dice.below(20) as i64 - 1),
        }
    }

    pub fn body(&self, world: &World, invoice: Option<&Document>) -> Value {
        let mut body = json!({});
        if let (Some(days), Some(invoice)) = (self.days, invoice) {
            body["date"] = json!((invoice.date + days.days()).to_string());
        }
        let Some(parts) = &self.lines else { return body };
        let mut taken: Vec<&str> = Vec::new();
        let mut lines = Vec::new();
        for part in parts {
            let Some((line, asked)) = invoice.and_then(|invoice| part.body(world, invoice)) else { continue };
            // Each line once; now and then twice.
            if !taken.contains(&line) || part.line.is_multiple_of(16) {
                taken.push(line);
                lines.push(asked);
            }
        }
        body["lines"] = json!(lines);
        body
    }
}

impl Part {
    /// The line it is of, and what it asks.
    fn body<'w>(&self, world: &'w World, invoice: &'w Document) -> Option<(&'w str, Value)> {
        // Mostly a line with something left.
        let is_open = |line: &&super::world::Line| line.left.is_some_and(|left| left.net() > 0);
        let open: Vec<&super::world::Line> = invoice.lines.iter().filter(is_open).collect();
        let n = self.line as usize / 16;
        let is_any = self.line.is_multiple_of(8) || open.is_empty();
        let line = if is_any { &invoice.lines[n % invoice.lines.len()] } else { open[n % open.len()] };
        let mut asked = json!({ "invoiceLineId": line.id });
        if self.line.is_multiple_of(61) {
            // Another invoice's, or none's.
            asked["invoiceLineId"] = json!(world.documents[n % world.documents.len()].lines[0].id);
        }
        let (net, quantity) = match (&line.left, &line.sold) {
            (Some(left), _) => (left.net(), left.quantity),
            (None, Some(sold)) => (sold.figures.net, sold.quantity),
            (None, None) => (1, Ratio::whole(1)),
        };
        match self.how {
            HowMuch::Rest => {}
            HowMuch::Quantity(eighths) => {
                let part = (quantity * Ratio::new(i128::from(eighths), 8)).round_to(6);
                let part = if part > Ratio::ZERO { part } else { Ratio::new(1, 1_000_000) };
                asked["quantity"] = json!(part.text(0));
            }
            HowMuch::Amount(eighths) => {
                let part = (net.abs() * i128::from(eighths) / 8).max(1);
                asked["amount"] = json!(money(part, invoice.currency));
            }
            HowMuch::Spoilt("both", value) => {
                (asked["quantity"], asked["amount"]) = (json!("1"), json!(value));
            }
            HowMuch::Spoilt(name, value) => asked[name] = json!(value),
        }
        Some((line.id.as_str(), asked))
    }
}
