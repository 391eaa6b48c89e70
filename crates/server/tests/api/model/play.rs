//! Playing steps against the program and the model side by side, and thinning out those that end
//! in a disagreement.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use serde_json::Value;
use testkit::house::Company;

use super::answer::Told;
use super::calls::{Call, Dice, Step};
use super::ground::{lay, today};
use super::settlement::{Item, Of};
use super::world::{SOME, World};
use crate::house::{Answer, House, faults};

/// How often each deed was answered how.
#[derive(Default)]
pub struct Tally(Mutex<BTreeMap<(&'static str, String), usize>>);

impl Tally {
    fn count(&self, step: &Step, outcome: &str) {
        *self.0.lock().unwrap().entry((name(step), outcome.to_owned())).or_default() += 1;
    }

    /// A generator whose calls are mostly refused would prove little.
    pub fn check_spread(&self) {
        const OFTEN: [&str; 12] = [
            "draft",
            "rewrite",
            "send",
            "credit by number",
            "credit by lines",
            "credit by itself",
            "credit in parts",
            "send note",
            "rewrite note",
            "void",
            "pay",
            "at once",
        ];
        // These need what others make first.
        const SELDOM: [&str; 8] = [
            "take back payment",
            "set off",
            "take back allocation",
            "pay out",
            "take back refund",
            "write off",
            "take back write-off",
            "reverse",
        ];
        let tally = self.0.lock().unwrap();
        let all: usize = tally.values().sum();
        if all >= 1000 {
            for (deed, least) in OFTEN.map(|deed| (deed, all / 500)).into_iter().chain(SELDOM.map(|deed| (deed, 0))) {
                let of =
                    |is_done: bool| tally.iter().filter(move |(key, _)| key.0 == deed && (key.1 == "done") == is_done);
                let (done, refused) = (of(true).map(|c| c.1).sum::<usize>(), of(false).map(|c| c.1).sum::<usize>());
                assert!(done > least, "{deed}: {done} done, {refused} refused of {all} steps");
                assert!(refused > 0 || least == 0, "{deed}: {done} done, none refused of {all} steps");
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = self.0.lock().unwrap();
        for ((deed, outcome), count) in tally.iter() {
            writeln!(f, "{count:>9}  {deed}: {outcome}")?;
        }
        writeln!(f, "{:>9}  steps in all", tally.values().sum::<usize>())
    }
}

fn name(step: &Step) -> &'static str {
    use super::bodies::Named;
    match step {
        Step::Draft(_) => "draft",
        Step::Rewrite(..) => "rewrite",
        Step::Delete(_) => "delete",
        Step::Cancel(_) => "cancel",
        Step::Send(_) => "send",
        Step::Read(_) => "read",
        Step::Credit(Named::ByNumber(_), _) => "credit by number",
        Step::Credit(Named::ByLines(_), _) => "credit by lines",
        Step::Credit(Named::Nothing, _) => "credit by itself",
        Step::CreditParts(..) => "credit in parts",
        Step::RewriteNote(..) => "rewrite note",
        Step::Void(_) => "void",
        Step::SendNote(_) => "send note",
        Step::DeleteNote(_) => "delete note",
        Step::ReadNote(_) => "read note",
        Step::Reverse(..) => "reverse",
        Step::Pay(..) => "pay",
        Step::Unpay(_) => "take back payment",
        Step::SetOff(..) => "set off",
        Step::Unallocate(_) => "take back allocation",
        Step::Refund(..) => "pay out",
        Step::Unrefund(_) => "take back refund",
        Step::WriteOff(..) => "write off",
        Step::Unwrite(_) => "take back write-off",
        Step::OpenItems(_) => "open items",
        Step::Rate(..) => "exchange rate",
        Step::Price(..) => "price on or off",
        Step::Customer(..) => "customer on or off",
        Step::AtOnce(_) => "at once",
    }
}

/// Where the program and the model part.
pub struct Disagreement {
    /// After how many steps.
    pub step: usize,
    pub what: String,
    /// The calls up to there, with their answers' status.
    pub script: String,
}

/// The steps of a seed.
pub fn steps(seed: u64, count: usize) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    (0..count).map(|_| Step::any(&mut dice)).collect()
}

/// Plays steps in a fresh company.
pub fn play(house: &House, seed: u64, steps: &[Step], tally: Option<&Tally>) -> Result<(), Disagreement> {
    let (company, mut world) = lay(house, seed);
    let mut script = String::new();
    for (at, step) in steps.iter().enumerate() {
        let failed = |what: String, script: &str| Disagreement { step: at + 1, what, script: script.to_owned() };
        match play_one(&company, &mut world, step, &mut script) {
            Ok(outcome) => _ = tally.map(|tally| tally.count(step, &outcome)),
            Err(what) => return Err(failed(what, &script)),
        }
        let is_last = at + 1 == steps.len();
        // While thinning out, at every step: what comes after the fault need not stay.
        if is_last || (at + 1) % 100 == 0 || tally.is_none() {
            check_books(&company, &world).map_err(|what| failed(what, &script))?;
        }
        if is_last {
            check_documents(&company, &mut world, &mut script).map_err(|what| failed(what, &script))?;
            company.check_books();
        }
    }
    Ok(())
}

fn play_one(company: &Company<'_>, world: &mut World, step: &Step, script: &mut String) -> Result<String, String> {
    world.today = today();
    let call = step.call(world);
    let answer = match step {
        Step::AtOnce(_) => {
            world.keys += 1;
            *script += "several times at once: ";
            at_once(company, &call, &format!("model {}", world.keys))?
        }
        _ => ask(company, &call, &[]),
    };
    compare(company, world, &call, &answer, script)
}

fn ask(company: &Company<'_>, call: &Call, headers: &[(&str, &str)]) -> Answer {
    company.api.send_with(call.method, &call.path, headers, &call.body)
}

/// Asks the same several times at once under one key: one is done and the others are told of it, or
/// all are refused. Then the key is for no other request.
fn at_once(company: &Company<'_>, call: &Call, key: &str) -> Result<Answer, String> {
    let headers = [("idempotency-key", key)];
    let mut answers: Vec<Answer> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(company, call, &headers))).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let is_done = |answer: &Answer| answer.status < 300;
    let is_replayed = |answer: &Answer| answer.header("idempotent-replayed") == Some("true");
    let first = answers.swap_remove(0);
    let all = || answers.iter().chain([&first]);
    let are_equal = match is_done(&first) {
        true => all().all(|answer| (answer.status, &answer.bytes) == (first.status, &first.bytes)),
        false => all().all(|answer| (answer.status, code(answer)) == (first.status, code(&first))),
    };
    let replayed = all().filter(|answer| is_replayed(answer)).count();
    if !are_equal || replayed != if is_done(&first) { 3 } else { 0 } {
        let told: Vec<String> = all().map(|answer| format!("{} {}", answer.status, answer.text())).collect();
        return Err(format!("of four at once {replayed} were replayed:\n{}", told.join("\n")));
    }
    if is_done(&first) && !call.body.is_null() {
        // Not the same bytes, though the same JSON.
        let body = format!("{} ", call.body);
        let all = [headers[0], ("content-type", "application/json")];
        let other = company.api.raw(call.method, &call.path, &all, body.as_bytes());
        if (other.status, code(&other).as_str()) != (400, "IDEMPOTENCY_KEY_REUSED") {
            return Err(format!("another body under the same key is answered {} {}", other.status, other.text()));
        }
    }
    Ok(first)
}

/// Holds an answer against the model's, and learns the ids in it.
fn compare(
    company: &Company<'_>,
    world: &mut World,
    call: &Call,
    answer: &Answer,
    script: &mut String,
) -> Result<String, String> {
    let Call { method, path, body } = call;
    let sent = if body.is_null() { String::new() } else { format!(" {body}") };
    *script += &format!("{method} {path}{sent} -> {}\n", answer.status);
    let told = world.answer(method, path, body);
    let says = |what: String| format!("{what}\nthe program answered {}: {}", answer.status, answer.text());
    match told {
        Err(refusal) => {
            let found = (answer.status, code(answer));
            if found != (refusal.status, refusal.code.to_owned()) {
                return Err(says(format!("the model refuses with {refusal:?}")));
            }
            differ(&refusal.details, &answer.json()["details"], "details").map_err(&says)?;
            let mut properties: Vec<String> =
                faults(&answer.json()["details"]).into_iter().map(|fault| fault.0).collect();
            properties.sort();
            properties.dedup();
            if properties != refusal.faults {
                return Err(says(format!("the model finds fault with {:?}", refusal.faults)));
            }
            Ok(refusal.code.to_owned())
        }
        Ok(Told { status, body, names, next }) => {
            if answer.status != status {
                return Err(says(format!("the model answers {status} {body}")));
            }
            if !body.is_null() {
                let answered = answer.json();
                differ(&body, &answered, "").map_err(says)?;
                world.learn(&names, &answered);
            }
            if let Some(path) = next {
                read(company, world, path, script)?;
            }
            Ok("done".to_owned())
        }
    }
}

/// Reads something and holds it against the model's.
fn read(company: &Company<'_>, world: &mut World, path: String, script: &mut String) -> Result<(), String> {
    let call = Call { method: "GET", path, body: Value::Null };
    let answer = ask(company, &call, &[]);
    compare(company, world, &call, &answer, script).map(drop)
}

fn code(answer: &Answer) -> String {
    serde_json::from_slice(&answer.bytes)
        .map_or(String::new(), |body: Value| body["code"].as_str().unwrap_or_default().to_owned())
}

/// Where an answer lacks what the model says.
fn differ(expected: &Value, found: &Value, path: &str) -> Result<(), String> {
    match (expected, found) {
        (Value::Null, _) if path == "details" => Ok(()),
        (Value::Object(fields), Value::Object(_)) => {
            fields.iter().try_for_each(|(name, value)| differ(value, &found[name], &format!("{path}.{name}")))
        }
        (Value::Array(all), Value::Array(others)) if all.len() == others.len() => {
            let pairs = all.iter().zip(others).enumerate();
            pairs.into_iter().try_for_each(|(at, (a, b))| differ(a, b, &format!("{path}[{at}]")))
        }
        (Value::String(some), other) if some == SOME && !other.is_null() => Ok(()),
        _ if expected == found => Ok(()),
        _ => Err(format!("{}: the model says {expected}, the program {found}", path.trim_start_matches('.'))),
    }
}

/// Account balances and open items, from the books past the program.
fn check_books(company: &Company<'_>, world: &World) -> Result<(), String> {
    let (books, id) = (&company.house.books, &company.id);
    let found = books.rows(&format!(
        "select a.account_number, p.currency, sum(p.amount), sum(p.base_amount) from postings p \
         join accounts a on a.company_id = p.company_id and a.id = p.account_id where p.company_id = '{id}' \
         group by a.account_number, p.currency having sum(p.amount) <> 0 or sum(p.base_amount) <> 0 order by 1, 2"
    ));
    let balances = world.balances.iter().filter(|(_, sums)| **sums != (0, 0));
    let expected: Vec<Vec<String>> = balances
        .map(|((account, currency), (amount, base))| {
            vec![account.clone(), currency.clone(), amount.to_string(), base.to_string()]
        })
        .collect();
    if found != expected {
        return Err(format!("balances by account and currency: the model has {expected:?}, the books {found:?}"));
    }
    let mut found = books.rows(&format!(
        "select coalesce(i.document_id, i.payment_id), i.open_amount, i.base_open_amount from open_items i \
         where i.company_id = '{id}'"
    ));
    let of = |item: &Item| match item.of {
        Of::Document(at) => world.documents[at].id.clone(),
        Of::Payment(at) => world.payments[at].deed.id.clone(),
    };
    let item = |item: &Item| vec![of(item), item.open.0.to_string(), item.open.1.to_string()];
    let mut expected: Vec<Vec<String>> = world.items.iter().map(item).collect();
    expected.sort();
    found.sort();
    let differing = expected.iter().zip(&found).find(|(a, b)| a != b);
    if found != expected {
        return Err(format!("open items: {} against {}, {differing:?}", expected.len(), found.len()));
    }
    Ok(())
}

/// Every document once more as it is now, with what settles it, and what is open of each customer.
fn check_documents(company: &Company<'_>, world: &mut World, script: &mut String) -> Result<(), String> {
    let mut paths = Vec::new();
    for (at, document) in world.documents.iter().enumerate().filter(|(_, document)| !document.is_deleted) {
        let place = format!("/v1/{}/{}", document.kind.path(), document.id);
        paths.push(place.clone());
        let mut list = |what: &str| paths.push(format!("{place}/{what}?limit=100"));
        if world.payments.iter().any(|own| own.invoice == at) {
            list("payments");
        }
        if world.write_offs.iter().any(|own| own.invoice == at) {
            list("write-offs");
        }
        let Some(item) = document.item else { continue };
        if world.allocations.iter().any(|own| own.item == item) {
            list("allocations");
        }
        if world.refunds.iter().any(|own| own.item == item) {
            list("refunds");
        }
    }
    paths.extend(world.customers.iter().map(|customer| format!("/v1/customers/{}/open-items", customer.id)));
    paths.into_iter().try_for_each(|path| read(company, world, path, script))
}

/// The fewest steps that still disagree, with the disagreement they end in: parts are left out, each
/// half as large as the one before, and at the end single lines.
pub fn thin_out(house: &House, seed: u64, all: Vec<Step>, first: &Disagreement) -> (Vec<Step>, Disagreement) {
    let mut least = all;
    least.truncate(first.step);
    let mut last = Disagreement { step: first.step, what: first.what.clone(), script: first.script.clone() };
    let mut size = least.len().div_ceil(2);
    loop {
        let mut at = 0;
        let mut is_thinner = false;
        while at < least.len() {
            let mut fewer = least.clone();
            fewer.drain(at..(at + size).min(least.len()));
            match play(house, seed, &fewer, None) {
                Err(disagreement) => {
                    fewer.truncate(disagreement.step);
                    (least, last, is_thinner) = (fewer, disagreement, true);
                }
                Ok(()) => at += size,
            }
        }
        if size == 1 && !is_thinner {
            break;
        }
        size = size.div_ceil(2);
    }
    for step in (0..least.len()).rev() {
        for line in (0..least[step].lines()).rev() {
            let mut fewer = least.clone();
            fewer[step].drop_line(line);
            if let Err(disagreement) = play(house, seed, &fewer, None) {
                fewer.truncate(disagreement.step);
                (least, last) = (fewer, disagreement);
                if step >= least.len() {
                    break;
                }
            }
        }
    }
    (least, last)
}
