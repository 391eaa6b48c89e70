//! What the model says a payment, an allocation, a refund, a write-off and an open item look like.

use serde_json::{Value, json};

use super::settlement::{Allocation, Item, Of, Payment, Refund};
use super::world::{Kind, SOME, Slot, World, money};
use super::write_offs::WriteOff;

/// An id that is known, or is to be learned.
fn id(id: &str) -> Value {
    json!(if id.is_empty() { SOME } else { id })
}

fn some(is: bool) -> Value {
    if is { json!(SOME) } else { Value::Null }
}

impl World {
    pub fn published_payment(&self, at: usize) -> Value {
        let Payment { deed, invoice, date, settled, recovered, over, item, reference, .. } = &self.payments[at];
        let document = &self.documents[*invoice];
        let money = |minor: i128| money(minor, document.currency);
        json!({
            "id": id(&deed.id), "invoiceId": document.id, "customerId": self.customers[document.customer].id,
            "date": date.to_string(), "currency": document.currency, "amount": money(settled + recovered + over),
            "settledAmount": money(*settled), "recoveredAmount": money(*recovered), "overpaidAmount": money(*over),
            "feeAmount": money(0),
            "openItemId": item.map(|item| id(&self.items[item].id)), "reference": reference,
            "journalEntryId": SOME, "createdAt": SOME, "reversedAt": some(deed.is_undone),
        })
    }

    pub fn published_allocation(&self, at: usize) -> Value {
        let Allocation { deed, item, invoice, date, amount } = &self.allocations[at];
        let Item { id: of, currency, .. } = &self.items[*item];
        let invoice = &self.documents[*invoice];
        json!({
            "id": id(&deed.id), "openItemId": id(of), "creditNoteId": self.note_of(*item), "invoiceId": invoice.id,
            "invoiceNumber": self.number_of(invoice), "reminderId": null, "currency": currency,
            "amount": money(*amount, currency),
            "date": date.to_string(), "journalEntryId": SOME, "createdAt": SOME, "reversedAt": some(deed.is_undone),
        })
    }

    pub fn published_refund(&self, at: usize) -> Value {
        let Refund { deed, item, date, amount, reference } = &self.refunds[at];
        let Item { id: of, currency, customer, .. } = &self.items[*item];
        json!({
            "id": id(&deed.id), "openItemId": id(of), "creditNoteId": self.note_of(*item),
            "customerId": self.customers[*customer].id, "date": date.to_string(), "currency": currency,
            "amount": money(*amount, currency), "reference": reference, "journalEntryId": SOME, "createdAt": SOME,
            "reversedAt": some(deed.is_undone),
        })
    }

    pub fn published_write_off(&self, at: usize) -> Value {
        let write_off = &self.write_offs[at];
        let WriteOff { deed, invoice, date, amount, parts, said } = write_off;
        let document = &self.documents[*invoice];
        let money = |minor: i128| money(minor, document.currency);
        let relief = parts.iter().filter_map(|part| {
            let (tax, rate) = part.taxed?;
            let category = self.taxes[tax].category;
            Some(json!({ "vatCategory": category, "vatRate": rate.text(0), "vatAmount": money(part.amount) }))
        });
        json!({
            "id": id(&deed.id), "invoiceId": document.id, "customerId": self.customers[document.customer].id,
            "date": date.to_string(), "currency": document.currency, "amount": money(*amount),
            "badDebtAmount": money(parts[0].amount), "vatAmount": money(amount - parts[0].amount),
            "vatBreakdown": relief.collect::<Vec<Value>>(), "recoveredAmount": money(write_off.recovered()),
            "reason": said["reason"], "vatRelief": said["vatRelief"] == true, "evidence": said["evidence"],
            "journalEntryId": SOME, "createdAt": SOME, "reversedAt": some(deed.is_undone),
        })
    }

    /// What is open of a customer, oldest first, and what it comes to in each currency; with the
    /// items in the order they are told.
    pub fn published_items(&self, customer: usize) -> (Value, Vec<(String, Slot)>) {
        let is_its = |at: &usize| self.items[*at].customer == customer && self.items[*at].open.0 != 0;
        let mut listed: Vec<usize> = (0..self.items.len()).filter(is_its).collect();
        listed.sort_by_key(|at| (self.items[*at].date, *at));
        let mut balances: Vec<(&str, i128, i128, i128)> = Vec::new();
        for at in &listed {
            let Item { currency, open, due, .. } = self.items[*at];
            let overdue = if open.0 > 0 && due.is_some_and(|due| due < self.today) { open.0 } else { 0 };
            match balances.iter_mut().find(|balance| balance.0 == currency) {
                Some(balance) => {
                    *balance = (currency, balance.1 + open.0, balance.2 + overdue, balance.3 + open.1);
                }
                None => balances.push((currency, open.0, overdue, open.1)),
            }
        }
        let balance = |(currency, sum, overdue, base): &(&str, i128, i128, i128)| {
            json!({
                "currency": currency, "balance": money(*sum, currency), "overdue": money(*overdue, currency),
                "baseBalance": money(*base, self.base),
            })
        };
        let slots = listed.iter().enumerate().map(|(place, at)| (format!("/data/{place}/id"), Slot::Item(*at)));
        let told = json!({
            "customerId": self.customers[customer].id,
            "data": listed.iter().map(|at| self.published_item(*at)).collect::<Vec<Value>>(),
            "balances": balances.iter().map(balance).collect::<Vec<Value>>(),
        });
        (told, slots.collect())
    }

    fn published_item(&self, at: usize) -> Value {
        let Item { id: own, of, customer, currency, date, due, amount, open, rate: _ } = &self.items[at];
        let (kind, document, payment, number) = match of {
            Of::Payment(at) => {
                let Payment { deed, reference, .. } = &self.payments[*at];
                ("overpayment", None, Some(deed.id.clone()), reference.clone())
            }
            Of::Document(at) => {
                let document = &self.documents[*at];
                let kind = if document.kind == Kind::Invoice { "invoice" } else { "credit_note" };
                (kind, Some(document.id.clone()), None, self.number_of(document))
            }
        };
        json!({
            "id": id(own), "type": kind, "side": if open.0 < 0 { "credit" } else { "debit" },
            "customerId": self.customers[*customer].id, "documentId": document, "paymentId": payment,
            "reminderId": null,
            "number": number, "date": date.to_string(), "dueDate": due.map(|day| day.to_string()),
            "currency": currency, "amount": money(amount.abs(), currency), "openAmount": money(open.0.abs(), currency),
            "baseOpenAmount": money(open.1.abs(), self.base),
        })
    }

    /// The id of the note an item is of.
    fn note_of(&self, item: usize) -> Value {
        match self.items[item].of {
            Of::Document(at) => json!(self.documents[at].id),
            Of::Payment(_) => Value::Null,
        }
    }
}
