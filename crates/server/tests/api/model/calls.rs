//! The steps of a run and the calls they become. A step names earlier things by a number, taken
//! modulo what is there, so that any part of a run is a run.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::bodies::{Asked, Named, Parts};
use super::ratio::Ratio;
use super::settlement::{Deed, Of};
use super::world::{CURRENCIES, Kind, World, money};

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

/// An amount of money as a step has it.
#[derive(Clone, Debug)]
pub struct Sum {
    /// So many eighths of what there is.
    eighths: u32,
    /// Days from today.
    days: i64,
    /// What is said instead of an amount.
    spoilt: Option<&'static str>,
}

impl Sum {
    fn any(dice: &mut Dice) -> Sum {
        const SPOILT: [&str; 6] = ["0", "-1", "0.0001", "0.0000001", "1000000000000000", "1000000000000000.1"];
        let eighths = match dice.below(12) {
            0..5 => 8,
            5 | 6 => 9 + dice.below(8) as u32,
            _ => 1 + dice.below(7) as u32,
        };
        let days = match dice.below(40) {
            0 => 360 + dice.below(10) as i64,
            1 => -205 + dice.below(10) as i64,
            _ => dice.below(30) as i64 - 22,
        };
        Sum { eighths, days, spoilt: dice.one_in(24).then(|| SPOILT[dice.below(6) as usize]) }
    }

    fn text(&self, whole: i128, currency: &str) -> String {
        let part = (whole * i128::from(self.eighths) / 8).max(1);
        self.spoilt.map_or_else(|| money(part, currency), str::to_owned)
    }

    fn date(&self, world: &World) -> String {
        (world.today + self.days.days()).to_string()
    }
}

/// One step of a run.
#[derive(Clone, Debug)]
pub enum Step {
    Draft(Asked),
    Rewrite(u32, Asked),
    Delete(u32),
    Cancel(u32),
    Send(u32),
    Read(u32),
    Credit(Named, Asked),
    CreditParts(u32, Parts),
    RewriteNote(u32, Asked),
    Void(u32),
    SendNote(u32),
    DeleteNote(u32),
    ReadNote(u32),
    Reverse(u32, Option<i64>),
    Pay(u32, Sum),
    Unpay(u32),
    /// A credit, an invoice, and how much; all there is without a sum.
    SetOff(u32, u32, Option<Sum>),
    Unallocate(u32),
    Refund(u32, Sum),
    Unrefund(u32),
    /// How much, if not all, and whether with relief of VAT.
    WriteOff(u32, Sum, bool, bool),
    Unwrite(u32),
    OpenItems(u32),
    Rate(usize, i64, String),
    Price(u32, bool),
    Customer(u32, bool),
    /// The same several times at once, under one idempotency key.
    AtOnce(Box<Step>),
}

/// A request.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

/// An id that nothing has.
const NOBODY: &str = "01930000-0000-7000-8000-000000000000";

impl Step {
    /// A step by chance.
    pub fn any(dice: &mut Dice) -> Step {
        let step = Step::any_alone(dice);
        let is_written = !matches!(step, Step::Read(_) | Step::ReadNote(_) | Step::OpenItems(_));
        if is_written && dice.one_in(25) { Step::AtOnce(Box::new(step)) } else { step }
    }

    fn any_alone(dice: &mut Dice) -> Step {
        let n = dice.roll() as u32;
        match dice.below(200) {
            0..22 => Step::Draft(Asked::any(dice, false)),
            22..25 => Step::Rewrite(n, Asked::any(dice, false)),
            25 => Step::Delete(n),
            26 => Step::Cancel(n),
            27..47 => Step::Send(n),
            47..50 => Step::Read(n),
            50..55 => Step::Credit(Named::Nothing, Asked::any(dice, false)),
            55..79 => Step::Credit(Named::ByNumber(n), Asked::any(dice, true)),
            79..91 => Step::Credit(Named::ByLines(n), Asked::any(dice, true)),
            91..105 => Step::CreditParts(n, Parts::any(dice)),
            105..113 => Step::RewriteNote(n, Asked::any(dice, true)),
            113..120 => Step::Void(n),
            120..142 => Step::SendNote(n),
            142 => Step::DeleteNote(n),
            143..145 => Step::ReadNote(n),
            145..148 => Step::Reverse(n, dice.one_in(4).then(|| dice.below(40) as i64 - 10)),
            148..160 => Step::Pay(n, Sum::any(dice)),
            160..165 => Step::Unpay(n),
            165..173 => Step::SetOff(n, dice.roll() as u32, (!dice.one_in(3)).then(|| Sum::any(dice))),
            173..178 => Step::Unallocate(n),
            178..182 => Step::Refund(n, Sum::any(dice)),
            182..184 => Step::Unrefund(n),
            184..190 => Step::WriteOff(n, Sum::any(dice), dice.one_in(2), dice.one_in(2)),
            190..192 => Step::Unwrite(n),
            192..194 => Step::OpenItems(n),
            194..197 => {
                let (at, base) = (dice.below(5) as usize, dice.below(4) as usize);
                Step::Rate(at, dice.below(8) as i64, dice.rate(CURRENCIES[at].0, CURRENCIES[base].0).text(0))
            }
            197 => Step::Price(n, !dice.one_in(4)),
            _ => Step::Customer(n, !dice.one_in(6)),
        }
    }

    /// The call it is in this world.
    pub fn call(&self, world: &World) -> Call {
        let call = |method, path, body| Call { method, path, body };
        let is_booked = |at: usize| world.documents[at].is_booked;
        let is_draft = |at: usize| world.documents[at].is_draft();
        let draft = |n: u32, kind| path(world, pick(world, n, kind, is_draft), kind);
        let booked = |n: u32, kind| path(world, pick(world, n, kind, is_booked), kind);
        let by_hand = || json!({ "deliveryType": "Manual" });
        match self {
            Step::AtOnce(step) => step.call(world),
            Step::Draft(asked) => call("POST", "/v1/invoices".to_owned(), asked.body(world, None)),
            Step::Rewrite(n, asked) => call("PATCH", draft(*n, Kind::Invoice), asked.body(world, None)),
            Step::Delete(n) => call("DELETE", draft(*n, Kind::Invoice), Value::Null),
            Step::Cancel(n) => call("POST", format!("{}/cancel", draft(*n, Kind::Invoice)), json!({})),
            Step::Send(n) => call("POST", format!("{}/send", draft(*n, Kind::Invoice)), by_hand()),
            Step::Read(n) => call("GET", booked(*n, Kind::Invoice), Value::Null),
            Step::Credit(named, asked) => call("POST", "/v1/credit-notes".to_owned(), asked.body(world, Some(*named))),
            Step::CreditParts(n, parts) => {
                // Mostly one of the last, so that one is credited many times.
                let all: Vec<usize> = all(world, Kind::Invoice, is_booked);
                let late = all.len().saturating_sub(5);
                let at = if n.is_multiple_of(4) { None } else { all.get(late + *n as usize / 16 % 5) };
                let at = at.copied().or_else(|| pick(world, *n, Kind::Invoice, is_booked));
                let body = parts.body(world, at.map(|at| &world.documents[at]));
                call("POST", format!("{}/credit", path(world, at, Kind::Invoice)), body)
            }
            Step::RewriteNote(n, asked) => {
                let at = pick(world, *n, Kind::Note, is_draft);
                let body = match at {
                    Some(at) => asked.body_again(world, &world.documents[at]),
                    None => asked.body(world, Some(Named::Nothing)),
                };
                call("PATCH", path(world, at, Kind::Note), body)
            }
            Step::Void(n) => {
                let body = if n.is_multiple_of(40) { json!({}) } else { json!({ "reason": "Made twice" }) };
                call("POST", format!("{}/void", draft(*n, Kind::Note)), body)
            }
            Step::SendNote(n) => call("POST", format!("{}/send", draft(*n, Kind::Note)), by_hand()),
            Step::DeleteNote(n) => call("DELETE", draft(*n, Kind::Note), Value::Null),
            Step::ReadNote(n) => call("GET", booked(*n, Kind::Note), Value::Null),
            Step::Reverse(n, days) => {
                let body = days.map_or(json!({}), |days| json!({ "date": (world.today + days.days()).to_string() }));
                call("POST", format!("{}/reverse", booked(*n, Kind::Note)), body)
            }
            Step::Pay(n, sum) => {
                let at = pick(world, *n, Kind::Invoice, |at| owed(world, at) > 0);
                let (whole, currency) = at.map_or((0, world.base), |at| {
                    (owed(world, at) + world.written_off(at), world.documents[at].currency)
                });
                let mut body = json!({ "amount": sum.text(whole, currency), "date": sum.date(world) });
                if n.is_multiple_of(3) {
                    body["reference"] = json!(format!("Transfer {n}"));
                }
                call("POST", format!("{}/payments", path(world, at, Kind::Invoice)), body)
            }
            Step::Unpay(n) => {
                let all: Vec<_> = world.payments.iter().map(|own| (&own.deed, own.invoice)).collect();
                let (invoice, id) = undone(*n, &all);
                call("DELETE", format!("{}/payments/{id}", path(world, invoice, Kind::Invoice)), Value::Null)
            }
            Step::SetOff(n, to, sum) => {
                let (credit, item) = credit(world, *n);
                let is_fit = |at: usize| {
                    let debit = world.documents[at].item.map(|at| &world.items[at]);
                    debit.is_some_and(|debit| {
                        let is_same = |at: usize| {
                            let from = &world.items[at];
                            (from.customer, from.currency) == (debit.customer, debit.currency)
                        };
                        debit.open.0 > 0 && item.is_none_or(is_same)
                    })
                };
                let at = pick(world, *to, Kind::Invoice, is_fit);
                let mut body = json!({ "invoiceId": at.map_or(NOBODY, |at| world.documents[at].id.as_str()) });
                if let Some(sum) = sum {
                    let open = item.map_or(0, |at| world.items[at].open.0.abs());
                    let debit = at.and_then(|at| world.documents[at].item).map_or(0, |at| world.items[at].open.0);
                    let currency = item.map_or(world.base, |at| world.items[at].currency);
                    body["amount"] = json!(sum.text(open.min(debit), currency));
                }
                call("POST", format!("{credit}/allocations"), body)
            }
            Step::Unallocate(n) => {
                let all: Vec<_> = world.allocations.iter().map(|own| (&own.deed, own.item)).collect();
                let (item, id) = undone(*n, &all);
                let credit = item.map_or_else(|| credit(world, *n).0, |item| credit_path(world, *n, item));
                call("DELETE", format!("{credit}/allocations/{id}"), Value::Null)
            }
            Step::Refund(n, sum) => {
                let (credit, item) = credit(world, *n);
                let (open, currency) = item.map_or((0, world.base), |at| {
                    let item = &world.items[at];
                    (item.open.0.abs(), item.currency)
                });
                let mut body = json!({ "amount": sum.text(open, currency), "date": sum.date(world) });
                if !n.is_multiple_of(50) {
                    body["reference"] = json!("4711");
                }
                call("POST", format!("{credit}/refunds"), body)
            }
            Step::Unrefund(n) => {
                let all: Vec<_> = world.refunds.iter().map(|own| (&own.deed, own.item)).collect();
                let (item, id) = undone(*n, &all);
                let credit = item.map_or_else(|| credit(world, *n).0, |item| credit_path(world, *n, item));
                call("DELETE", format!("{credit}/refunds/{id}"), Value::Null)
            }
            Step::WriteOff(n, sum, is_all, has_relief) => {
                // A note that is not booked is in the way.
                let is_free = |at| owed(world, at) > 0 && (n.is_multiple_of(5) || world.pending(at) == 0);
                let at = pick(world, *n, Kind::Invoice, is_free);
                let mut body = json!({ "date": sum.date(world), "reason": "Bankruptcy" });
                if !is_all {
                    let (open, currency) =
                        at.map_or((0, world.base), |at| (owed(world, at), world.documents[at].currency));
                    body["amount"] = json!(sum.text(open, currency));
                }
                if *has_relief {
                    body["vatRelief"] = json!(true);
                    if !n.is_multiple_of(30) {
                        body["evidence"] = json!("SKS 1-234/2026");
                    }
                }
                call("POST", format!("{}/write-off", path(world, at, Kind::Invoice)), body)
            }
            Step::Unwrite(n) => {
                let all: Vec<_> = world.write_offs.iter().map(|own| (&own.deed, own.invoice)).collect();
                let (invoice, id) = undone(*n, &all);
                call("DELETE", format!("{}/write-offs/{id}", path(world, invoice, Kind::Invoice)), Value::Null)
            }
            Step::OpenItems(n) => {
                let customer = &world.customers[*n as usize % world.customers.len()];
                call("GET", format!("/v1/customers/{}/open-items", customer.id), Value::Null)
            }
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

    /// How many lines its body has.
    pub fn lines(&self) -> usize {
        match self {
            Step::AtOnce(step) => step.lines(),
            Step::Draft(asked) | Step::Rewrite(_, asked) | Step::Credit(_, asked) | Step::RewriteNote(_, asked) => {
                asked.lines.len()
            }
            Step::CreditParts(_, Parts { lines: Some(lines), .. }) => lines.len(),
            _ => 0,
        }
    }

    /// Takes one of them away.
    pub fn drop_line(&mut self, at: usize) {
        match self {
            Step::AtOnce(step) => step.drop_line(at),
            Step::Draft(asked) | Step::Rewrite(_, asked) | Step::Credit(_, asked) | Step::RewriteNote(_, asked) => {
                _ = asked.lines.remove(at);
            }
            Step::CreditParts(_, Parts { lines: Some(lines), .. }) => _ = lines.remove(at),
            _ => {}
        }
    }
}

/// The documents of a kind that a deed is for.
fn all(world: &World, kind: Kind, is_usual: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..world.documents.len()).filter(|at| world.documents[*at].kind == kind && is_usual(*at)).collect()
}

/// Mostly one of those the deed is for, now and then any there ever was.
fn some(n: u32, usual: Vec<usize>, all: Vec<usize>) -> Option<usize> {
    let from = if n.is_multiple_of(16) || usual.is_empty() { all } else { usual };
    from.get(n as usize / 16 % from.len().max(1)).copied()
}

fn pick(world: &World, n: u32, kind: Kind, is_usual: impl Fn(usize) -> bool) -> Option<usize> {
    some(n, all(world, kind, is_usual), all(world, kind, |_| true))
}

/// The path of a document, or of none.
fn path(world: &World, at: Option<usize>, kind: Kind) -> String {
    format!("/v1/{}/{}", kind.path(), at.map_or(NOBODY, |at| world.documents[at].id.as_str()))
}

/// What is open of an invoice.
fn owed(world: &World, invoice: usize) -> i128 {
    world.documents[invoice].item.map_or(0, |item| world.items[item].open.0)
}

/// A credit: its path and, where it is one, its item.
fn credit(world: &World, n: u32) -> (String, Option<usize>) {
    if n.is_multiple_of(23) {
        // Mostly a note that is not booked, or the item of an invoice.
        return (path(world, pick(world, n, Kind::Note, |at| world.documents[at].is_draft()), Kind::Note), None);
    }
    let usual = (0..world.items.len()).filter(|at| world.items[*at].open.0 < 0).collect();
    match some(n, usual, (0..world.items.len()).collect()) {
        Some(item) => (credit_path(world, n, item), Some(item)),
        None => (format!("/v1/open-items/{NOBODY}"), None),
    }
}

/// A credit by its note, or by its item's own id where that is known.
fn credit_path(world: &World, n: u32, item: usize) -> String {
    let of = &world.items[item];
    match of.of {
        Of::Document(at) if world.documents[at].kind == Kind::Note && (of.id.is_empty() || n.is_multiple_of(2)) => {
            path(world, Some(at), Kind::Note)
        }
        _ if of.id.is_empty() => format!("/v1/open-items/{NOBODY}"),
        _ => format!("/v1/open-items/{}", of.id),
    }
}

/// A deed to be taken back: mostly one that stands. What it is of, and its id.
fn undone(n: u32, deeds: &[(&Deed, usize)]) -> (Option<usize>, String) {
    let usual = (0..deeds.len()).filter(|at| !deeds[*at].0.is_undone).collect();
    match some(n, usual, (0..deeds.len()).collect()) {
        Some(at) => (Some(deeds[at].1), deeds[at].0.id.clone()),
        None => (None, NOBODY.to_owned()),
    }
}
