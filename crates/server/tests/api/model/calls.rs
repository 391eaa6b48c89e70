//! The steps of a run and the calls they become. A step names earlier things by a number, taken
//! modulo what is there, so that any part of a run is a run.

use jiff::ToSpan;
use serde_json::{Map, Value, json};

use super::ratio::Ratio;
use super::world::{CURRENCIES, Document, Kind, World};

/// A seeded source of chance.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn roll(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Whether one of so many.
    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// A decimal above zero with up to so many digits before the point and decimals after it; small
    /// ones are as likely as large ones.
    pub fn decimal(&mut self, digits: u32, decimals: u32) -> String {
        let decimals = self.below(u64::from(decimals) + 1) as u32;
        let size = 1 + self.below(u64::from(digits + decimals)) as u32;
        let number = 1 + self.below(10_u64.pow(size)) as i128;
        Ratio::new(number, 10_i128.pow(decimals)).text(0)
    }

    /// A rate of about the world's own.
    pub fn rate(&mut self, of: &str, base: &str) -> Ratio {
        let in_kroner = |code: &str| match code {
            "EUR" => 746,
            "JPY" => 5,
            "KWD" => 2261,
            "USD" => 690,
            _ => 100,
        };
        let about = Ratio::new(in_kroner(of), in_kroner(base));
        (about * Ratio::new(900_000 + self.below(200_000) as i128, 1_000_000)).round_to(4 + self.below(7) as u32)
    }
}

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

/// One step of a run.
#[derive(Clone, Debug)]
pub enum Step {
    Draft(Asked),
    Rewrite(u32, Asked),
    Delete(u32),
    Send(u32),
    Read(u32),
    Credit(Named, Asked),
    SendNote(u32),
    DeleteNote(u32),
    ReadNote(u32),
    Rate(usize, i64, String),
    Price(u32, bool),
    Customer(u32, bool),
}

/// A request.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

impl Step {
    /// A step by chance.
    pub fn any(dice: &mut Dice) -> Step {
        let n = dice.roll() as u32;
        match dice.below(100) {
            0..16 => Step::Draft(Asked::any(dice, false)),
            16..19 => Step::Rewrite(n, Asked::any(dice, false)),
            19 => Step::Delete(n),
            20..33 => Step::Send(n),
            33..36 => Step::Read(n),
            36..40 => Step::Credit(Named::Nothing, Asked::any(dice, false)),
            40..63 => Step::Credit(Named::ByNumber(n), Asked::any(dice, true)),
            63..74 => Step::Credit(Named::ByLines(n), Asked::any(dice, true)),
            74..92 => Step::SendNote(n),
            92 => Step::DeleteNote(n),
            93..96 => Step::ReadNote(n),
            96 | 97 => {
                let (at, base) = (dice.below(5) as usize, dice.below(4) as usize);
                Step::Rate(at, dice.below(8) as i64, dice.rate(CURRENCIES[at].0, CURRENCIES[base].0).text(0))
            }
            98 => Step::Price(n, !dice.one_in(4)),
            _ => Step::Customer(n, !dice.one_in(6)),
        }
    }

    /// The call it is in this world.
    pub fn call(&self, world: &World) -> Call {
        let of = |kind: Kind, is_booked: bool| {
            let all = (0..world.documents.len()).filter(move |at| world.documents[*at].kind == kind);
            let usual = all
                .clone()
                .filter(|at| world.documents[*at].is_booked == is_booked && !world.documents[*at].is_deleted);
            (usual.collect::<Vec<usize>>(), all.collect::<Vec<usize>>())
        };
        // Mostly one the deed is for, now and then any that ever was.
        let pick = |n: u32, kind: Kind, is_booked: bool| {
            let (usual, all) = of(kind, is_booked);
            let from = if n.is_multiple_of(16) || usual.is_empty() { all } else { usual };
            let nobody = "01930000-0000-7000-8000-000000000000".to_owned();
            let id = from.get(n as usize / 16 % from.len().max(1)).map_or(nobody, |at| world.documents[*at].id.clone());
            format!("/v1/{}/{id}", if kind == Kind::Invoice { "invoices" } else { "credit-notes" })
        };
        let call = |method, path, body| Call { method, path, body };
        let by_hand = || json!({ "deliveryType": "Manual" });
        match self {
            Step::Draft(asked) => call("POST", "/v1/invoices".to_owned(), asked.body(world, None)),
            Step::Rewrite(n, asked) => call("PATCH", pick(*n, Kind::Invoice, false), asked.body(world, None)),
            Step::Delete(n) => call("DELETE", pick(*n, Kind::Invoice, false), Value::Null),
            Step::Send(n) => call("POST", format!("{}/send", pick(*n, Kind::Invoice, false)), by_hand()),
            Step::Read(n) => call("GET", pick(*n, Kind::Invoice, true), Value::Null),
            Step::Credit(named, asked) => call("POST", "/v1/credit-notes".to_owned(), asked.body(world, Some(*named))),
            Step::SendNote(n) => call("POST", format!("{}/send", pick(*n, Kind::Note, false)), by_hand()),
            Step::DeleteNote(n) => call("DELETE", pick(*n, Kind::Note, false), Value::Null),
            Step::ReadNote(n) => call("GET", pick(*n, Kind::Note, true), Value::Null),
            Step::Rate(at, ago, rate) => {
                let date = (world.today - ago.days()).to_string();
                let body = json!({ "currency": CURRENCIES[*at].0, "date": date, "rate": rate });
                call("PUT", "/v1/exchange-rates".to_owned(), body)
            }
            Step::Price(n, is_active) => {
                let price = &world.prices[*n as usize % world.prices.len()];
                let turn = if *is_active { "activate" } else { "disable" };
                call("POST", format!("/v1/product-prices/{}/{turn}", price.id), json!({}))
            }
            Step::Customer(n, is_active) => {
                let customer = &world.customers[*n as usize % world.customers.len()];
                call("PATCH", format!("/v1/customers/{}", customer.id), json!({ "isActive": is_active }))
            }
        }
    }

    /// The lines of its body.
    pub fn lines(&mut self) -> Option<&mut Vec<Line>> {
        match self {
            Step::Draft(asked) | Step::Rewrite(_, asked) | Step::Credit(_, asked) => Some(&mut asked.lines),
            _ => None,
        }
    }
}

impl Asked {
    fn any(dice: &mut Dice, credits: bool) -> Asked {
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

    fn body(&self, world: &World, named: Option<Named>) -> Value {
        let booked: Vec<&Document> = world
            .documents
            .iter()
            .filter(|document| document.kind == Kind::Invoice && !document.is_deleted)
            .filter(|document| document.is_booked || self.customer.is_multiple_of(16))
            .collect();
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
        let mut body = json!({ "customerId": world.customers[customer].id });
        if let (Some(Named::ByNumber(_)), Some(invoice)) = (named, invoice) {
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
        let by_number = matches!(named, Some(Named::ByNumber(_)));
        body["lines"] = self.lines.iter().map(|line| line.body(world, invoice, &booked, by_number)).collect();
        if let Some(spoilt) = self.spoilt {
            spoilt.spoil(&mut body, named.is_some());
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
