//! Playing steps against the program and the model side by side, and thinning out those that end
//! in a disagreement.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use serde_json::Value;
use testkit::house::Company;

use super::calls::{Dice, Step};
use super::ground::{lay, today};
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
        let tally = self.0.lock().unwrap();
        let all: usize = tally.values().sum();
        if all >= 1000 {
            for deed in
                ["draft", "rewrite", "send", "credit by number", "credit by lines", "credit by itself", "send note"]
            {
                let of =
                    |is_done: bool| tally.iter().filter(move |(key, _)| key.0 == deed && (key.1 == "done") == is_done);
                let (done, refused) = (of(true).map(|c| c.1).sum::<usize>(), of(false).map(|c| c.1).sum::<usize>());
                assert!(done > all / 500 && refused > 0, "{deed}: {done} done, {refused} refused of {all} steps");
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
    use super::calls::Named;
    match step {
        Step::Draft(_) => "draft",
        Step::Rewrite(..) => "rewrite",
        Step::Delete(_) => "delete",
        Step::Send(_) => "send",
        Step::Read(_) => "read",
        Step::Credit(Named::ByNumber(_), _) => "credit by number",
        Step::Credit(Named::ByLines(_), _) => "credit by lines",
        Step::Credit(Named::Nothing, _) => "credit by itself",
        Step::SendNote(_) => "send note",
        Step::DeleteNote(_) => "delete note",
        Step::ReadNote(_) => "read note",
        Step::Rate(..) => "exchange rate",
        Step::Price(..) => "price on or off",
        Step::Customer(..) => "customer on or off",
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
            check_documents(&company, &world).map_err(|what| failed(what, &script))?;
            company.check_books();
        }
    }
    Ok(())
}

fn play_one(company: &Company<'_>, world: &mut World, step: &Step, script: &mut String) -> Result<String, String> {
    world.today = today();
    let call = step.call(world);
    let answer = match call.body {
        Value::Null => company.api.raw(call.method, &call.path, &[], b""),
        _ => company.api.send(call.method, &call.path, &call.body),
    };
    let body = if call.body.is_null() { String::new() } else { format!(" {}", call.body) };
    *script += &format!("{} {}{body} -> {}\n", call.method, call.path, answer.status);
    let told = world.answer(call.method, &call.path, &call.body);
    let says = |what: String| format!("{what}\nthe program answered {}: {}", answer.status, answer.text());
    match told {
        Err(refusal) => {
            let found = (answer.status, code(&answer));
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
        Ok(told) => {
            if answer.status != told.status {
                return Err(says(format!("the model answers {} {}", told.status, told.body)));
            }
            if !told.body.is_null() {
                let answered = answer.json();
                differ(&told.body, &answered, "").map_err(says)?;
                if let Some(at) = told.names {
                    world.learn(at, &answered);
                }
            }
            Ok("done".to_owned())
        }
    }
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
    let found = books.rows(&format!(
        "select d.id, i.open_amount, i.base_open_amount from open_items i join documents d \
         on d.company_id = i.company_id and d.id = i.document_id where i.company_id = '{id}' order by d.id"
    ));
    let booked = world.documents.iter().filter(|document| document.is_booked);
    let mut expected: Vec<Vec<String>> =
        booked.map(|d| vec![d.id.clone(), d.open.0.to_string(), d.open.1.to_string()]).collect();
    expected.sort();
    let differing = expected.iter().zip(&found).find(|(a, b)| a != b);
    if found != expected {
        return Err(format!("open items: {} against {}, {differing:?}", expected.len(), found.len()));
    }
    Ok(())
}

/// Every document once more as it is now.
fn check_documents(company: &Company<'_>, world: &World) -> Result<(), String> {
    for (at, document) in world.documents.iter().enumerate().filter(|(_, document)| !document.is_deleted) {
        let kind = if document.kind == super::world::Kind::Invoice { "invoices" } else { "credit-notes" };
        let found = company.api.get(&format!("/v1/{kind}/{}", document.id));
        if found.status != 200 {
            return Err(format!("{kind} {} answers {}", document.id, found.text()));
        }
        differ(&world.published(at), &found.json(), "").map_err(|what| format!("{kind} {}: {what}", document.id))?;
    }
    Ok(())
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
        let count = least[step].lines().map_or(0, |lines| lines.len());
        for line in (0..count).rev() {
            let mut fewer = least.clone();
            fewer[step].lines().expect("a step with lines").remove(line);
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
