//! Random deeds with reminders among them: after any sequence the receivables account is what is open, and once
//! all is paid and paid out nothing is left but what is booked.

use serde_json::{Value, json};

use super::{LONG_AGO, overdue, reminders, schedule};
use crate::house::{Answer, Company, House, text};
use crate::model::Dice;
use crate::settlement::{check, place};

fn amount(dice: &mut Dice) -> String {
    let minor = 1 + dice.below(20_000);
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// Done, or refused by a rule.
fn may(answer: Answer) -> Option<Value> {
    assert!([200, 201, 204, 400].contains(&answer.status), "{}: {}", answer.asked, answer.text());
    if answer.status < 300 && !answer.bytes.is_empty() { Some(answer.json()) } else { None }
}

fn one<'l, T>(dice: &mut Dice, list: &'l [T]) -> Option<&'l T> {
    let count = u64::try_from(list.len()).unwrap();
    (count > 0).then(|| &list[usize::try_from(dice.below(count)).unwrap()])
}

fn play(house: &'static House, steps: usize) {
    let seed = std::env::var("LEDGERBEE_DUNNING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_126);
    println!("LEDGERBEE_DUNNING_SEED={seed}");
    let mut dice = Dice::new(seed);
    let company = house.company();
    let days: Vec<(u32, &str)> = [(1, "100"), (11, "77.77"), (21, "50"), (31, "0"), (41, "0")].to_vec();
    schedule(&company, false, &days).is(200);
    let invoices: Vec<Value> = (0..4).map(|_| overdue(&company, json!({}))).collect();
    let mut undoable: Vec<String> = Vec::new();
    let mut reminded = 0;
    for step in 1..=steps {
        let invoice = one(&mut dice, &invoices).unwrap();
        match dice.below(8) {
            0 | 1 => {
                let free = dice.one_in(3);
                let answer = company.api.post(&place("invoices", invoice, "reminders"), &json!({ "withoutFee": free }));
                reminded += usize::from(may(answer).is_some());
                company.settle();
            }
            2 | 3 => {
                let body = json!({ "amount": amount(&mut dice), "date": LONG_AGO });
                let paid = may(company.api.post(&place("invoices", invoice, "payments"), &body)).unwrap();
                undoable.push(format!("{}/{}", place("invoices", invoice, "payments"), text(&paid["id"])));
            }
            4 => {
                if let Some(reminder) = one(&mut dice, &reminders(&company, invoice)) {
                    let path = format!("{}/{}/fee", place("invoices", invoice, "reminders"), text(&reminder["id"]));
                    may(company.api.delete(&path));
                }
            }
            5 => {
                let part = json!({ "lines": [{ "invoiceLineId": invoice["lines"][0]["id"], "quantity": "0.01" }] });
                if let Some(note) = may(company.api.post(&place("invoices", invoice, "credit"), &part)) {
                    company.sent("credit-notes", &note);
                }
            }
            6 => {
                let body = json!({ "date": LONG_AGO, "reason": "Bankruptcy", "amount": amount(&mut dice) });
                if let Some(lost) = may(company.api.post(&place("invoices", invoice, "write-off"), &body)) {
                    undoable.push(format!("{}/{}", place("invoices", invoice, "write-offs"), text(&lost["id"])));
                }
            }
            _ => {
                if let Some(path) = one(&mut dice, &undoable).cloned() {
                    may(company.api.delete(&path));
                }
            }
        }
        if step % 25 == 0 {
            check(&company);
        }
    }
    assert!(reminded >= 4, "{reminded} reminders");
    check(&company);
    crate::doctor::check_sound(&company);
    end(&company, &invoices);
}

/// Pays all that is open, pays out all that is too much, until nothing is owed either way: what was written off
/// is recovered before a fee is paid, so that it takes a few rounds.
fn end(company: &Company, invoices: &[Value]) {
    for invoice in invoices {
        let place = format!("/v1/customers/{}/open-items", text(&invoice["customerId"]));
        let open = || company.api.get(&place).is(200)["data"].as_array().unwrap().clone();
        for _ in 0..30 {
            for item in open() {
                if item["side"] == "debit" {
                    crate::settlement::pay(company, invoice, text(&item["openAmount"]), LONG_AGO).is(201);
                } else {
                    let refund = json!({ "amount": item["openAmount"], "date": LONG_AGO, "reference": "4711" });
                    may(company.api.post(&format!("/v1/open-items/{}/refunds", text(&item["id"])), &refund));
                }
            }
        }
        assert_eq!(open(), Vec::<Value>::new(), "{}", invoice["number"]);
    }
    let receivables = company.balances().into_iter().filter(|row| row[0] == "5600").count();
    assert_eq!(receivables, 0);
    check(company);
    crate::doctor::check_sound(company);
}

#[test]
fn whatever_is_done_fees_are_what_the_receivables_account_says_on_sqlite() {
    play(crate::house::sqlite(), 250);
}

#[test]
fn whatever_is_done_fees_are_what_the_receivables_account_says_on_postgres() {
    play(crate::house::postgres(), 100);
}
