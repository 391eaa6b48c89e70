//! What the model answers to a request. It reads requests as they are sent, and learns from the
//! program's answers only the ids it can't know.

use serde_json::{Value, json};

use super::ratio::Ratio;
use super::world::{CURRENCIES, Document, Kind, Refusal, Slot, World, refuse};
use crate::house::text;

/// What the model answers: a status with what the body holds at least.
pub struct Told {
    pub status: u16,
    pub body: Value,
    /// Ids the answer tells, by their place in it.
    pub names: Vec<(String, Slot)>,
    /// What is to be read next, because it tells ids of what this request made besides.
    pub next: Option<String>,
}

pub type Answered = Result<Told, Refusal>;

fn told(status: u16, body: Value) -> Told {
    Told { status, body, names: Vec::new(), next: None }
}

/// Something with an id that the answer tells.
fn made(status: u16, body: Value, slot: Slot) -> Told {
    Told { names: vec![("/id".to_owned(), slot)], ..told(status, body) }
}

/// A list, whose items tell their ids.
fn list(items: Vec<(Value, Slot)>) -> Told {
    let names = items.iter().enumerate().map(|(at, (_, slot))| (format!("/data/{at}/id"), *slot)).collect();
    let data: Vec<Value> = items.into_iter().map(|item| item.0).collect();
    Told { names, ..told(200, json!({ "data": data })) }
}

impl World {
    pub fn answer(&mut self, method: &str, path: &str, body: &Value) -> Answered {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, parts.as_slice()) {
            (_, ["invoices", ..]) => self.answer_invoice(method, &parts[1..], body),
            (_, ["credit-notes", ..]) => self.answer_note(method, &parts[1..], body),
            (_, ["open-items", id, what, ..]) => self.answer_credit(method, "open-items", id, what, &parts[3..], body),
            ("GET", ["customers", id, "open-items"]) => {
                let customer = self.customers.iter().position(|own| own.id == **id).expect("a customer");
                let (body, names) = self.published_items(customer);
                Ok(Told { names, ..told(200, body) })
            }
            ("PATCH", ["customers", id]) => {
                let customer = self.customers.iter_mut().find(|customer| customer.id == **id).expect("a customer");
                customer.is_active = body["isActive"] == true;
                Ok(told(200, json!({ "isActive": body["isActive"] })))
            }
            ("PUT", ["exchange-rates"]) => {
                let (rate, date) = (Ratio::parse(text(&body["rate"])).unwrap(), text(&body["date"]).parse().unwrap());
                let currency = CURRENCIES.iter().find(|(code, _)| body["currency"] == *code).unwrap().0;
                if currency == self.base {
                    return refuse(400, "CURRENCY_IS_BASE");
                }
                self.rates.insert((currency, date), rate);
                Ok(told(200, json!({ "rate": rate.text(0), "currency": currency })))
            }
            ("POST", ["product-prices", id, turn]) => {
                let price = self.prices.iter_mut().find(|price| price.id == **id).expect("a price of the company");
                let is_to_be_active = *turn == "activate";
                if price.is_active == is_to_be_active {
                    return refuse(400, "PRICE_STATUS_INVALID");
                }
                price.is_active = is_to_be_active;
                let status = if is_to_be_active { "ACTIVE" } else { "DISABLED" };
                Ok(told(200, json!({ "status": status })))
            }
            _ => unreachable!("the generator makes no {method} {path}"),
        }
    }

    fn answer_invoice(&mut self, method: &str, parts: &[&str], body: &Value) -> Answered {
        match (method, parts) {
            ("POST", []) => {
                self.check_document(Kind::Invoice, body)?;
                let document = self.draft_invoice(body)?;
                self.documents.push(document);
                Ok(self.document(201, self.documents.len() - 1))
            }
            ("GET", [id]) => Ok(self.document(200, self.find(Kind::Invoice, id)?)),
            ("PATCH", [id]) => {
                self.check_document(Kind::Invoice, body)?;
                let at = self.draft_found(id)?;
                let reverses = self.documents[at].reverses;
                self.documents[at] = Document { id: (*id).to_owned(), reverses, ..self.draft_invoice(body)? };
                Ok(self.document(200, at))
            }
            ("DELETE", [id]) => {
                let at = self.draft_found(id)?;
                self.documents[at].is_deleted = true;
                Ok(told(204, Value::Null))
            }
            ("POST", [id, "cancel"]) => {
                let at = self.find(Kind::Invoice, id)?;
                if self.documents[at].is_cancelled {
                    return refuse(400, "DOCUMENT_CANCELLED");
                }
                self.draft_found(id)?;
                self.documents[at].is_cancelled = true;
                Ok(self.document(200, at))
            }
            ("POST", [id, "send"]) => self.send(Kind::Invoice, id),
            ("POST", [id, "credit"]) => {
                self.check_parts_shape(body)?;
                let invoice = self.find(Kind::Invoice, id)?;
                let at = self.credit_parts(invoice, body)?;
                Ok(self.document(201, at))
            }
            ("POST", [id, "payments"]) => {
                self.check_settling(body, &["amount", "date", "reference", "method"], &["amount", "date"])?;
                let invoice = self.find(Kind::Invoice, id)?;
                let at = self.pay(invoice, body)?;
                let item = self.payments[at].item.map(|item| ("/openItemId".to_owned(), Slot::Item(item)));
                let mut made = made(201, self.published_payment(at), Slot::Payment(at));
                made.names.extend(item);
                Ok(made)
            }
            ("GET", [id, "payments"]) => {
                let invoice = self.find(Kind::Invoice, id)?;
                let own = (0..self.payments.len()).filter(|at| self.payments[*at].invoice == invoice);
                Ok(list(own.map(|at| (self.published_payment(at), Slot::Payment(at))).collect()))
            }
            ("DELETE", [id, "payments", payment]) => {
                let invoice = self.find(Kind::Invoice, id)?;
                self.unpay(invoice, payment)?;
                Ok(told(204, Value::Null))
            }
            ("POST", [id, "write-off"]) => {
                let may = ["date", "reason", "amount", "vatRelief", "evidence"];
                self.check_settling(body, &may, &["date", "reason"])?;
                let invoice = self.find(Kind::Invoice, id)?;
                let at = self.write_off(invoice, body)?;
                Ok(made(200, self.published_write_off(at), Slot::WriteOff(at)))
            }
            ("GET", [id, "write-offs"]) => {
                let invoice = self.find(Kind::Invoice, id)?;
                let own = (0..self.write_offs.len()).filter(|at| self.write_offs[*at].invoice == invoice);
                Ok(list(own.map(|at| (self.published_write_off(at), Slot::WriteOff(at))).collect()))
            }
            ("DELETE", [id, "write-offs", write_off]) => {
                let invoice = self.find(Kind::Invoice, id)?;
                self.unwrite_off(invoice, write_off)?;
                Ok(told(204, Value::Null))
            }
            _ => unreachable!("the generator makes no {method} invoices {parts:?}"),
        }
    }

    fn answer_note(&mut self, method: &str, parts: &[&str], body: &Value) -> Answered {
        match (method, parts) {
            ("POST", []) => {
                self.check_document(Kind::Note, body)?;
                let at = self.credit(body)?;
                Ok(self.document(201, at))
            }
            ("GET", [id]) => Ok(self.document(200, self.find(Kind::Note, id)?)),
            ("PATCH", [id]) => {
                self.check_document(Kind::Note, body)?;
                let at = self.find(Kind::Note, id)?;
                self.rewrite_note(at, body)?;
                Ok(self.document(200, at))
            }
            ("DELETE", [id]) => {
                let at = self.find(Kind::Note, id)?;
                refuse(400, if self.documents[at].is_booked { "DOCUMENT_NOT_DRAFT" } else { "DOCUMENT_NUMBERED" })
            }
            ("POST", [id, "send"]) => self.send(Kind::Note, id),
            ("POST", [id, "void"]) => {
                self.check_settling(body, &["reason"], &["reason"])?;
                let at = self.find(Kind::Note, id)?;
                self.void(at, text(&body["reason"]))?;
                Ok(self.document(200, at))
            }
            ("POST", [id, "reverse"]) => {
                let note = self.find(Kind::Note, id)?;
                let draft = self.reverse(note, body)?;
                self.documents.push(draft);
                Ok(self.document(201, self.documents.len() - 1))
            }
            (_, [id, what, rest @ ..]) => self.answer_credit(method, "credit-notes", id, what, rest, body),
            _ => unreachable!("the generator makes no {method} credit-notes {parts:?}"),
        }
    }

    /// What a credit is set off against and paid out of: that of a note, or an open item.
    fn answer_credit(
        &mut self,
        method: &str,
        kind: &str,
        id: &str,
        what: &str,
        rest: &[&str],
        body: &Value,
    ) -> Answered {
        match (method, what, rest) {
            ("POST", "allocations", []) => {
                self.check_settling(body, &["invoiceId", "amount"], &["invoiceId"])?;
                let at = self.set_off(kind, id, body)?;
                let item = ("/openItemId".to_owned(), Slot::Item(self.allocations[at].item));
                let mut made = made(201, self.published_allocation(at), Slot::Allocation(at));
                made.names.push(item);
                Ok(made)
            }
            ("GET", "allocations", []) => {
                let item = self.credit_item(kind, id)?;
                let own = (0..self.allocations.len()).filter(|at| self.allocations[*at].item == item);
                Ok(list(own.map(|at| (self.published_allocation(at), Slot::Allocation(at))).collect()))
            }
            ("DELETE", "allocations", [allocation]) => {
                self.unallocate(kind, id, allocation)?;
                Ok(told(204, Value::Null))
            }
            ("POST", "refunds", []) => {
                self.check_settling(body, &["amount", "date", "reference"], &["amount", "date", "reference"])?;
                let at = self.refund(kind, id, body)?;
                let item = ("/openItemId".to_owned(), Slot::Item(self.refunds[at].item));
                let mut made = made(201, self.published_refund(at), Slot::Refund(at));
                made.names.push(item);
                Ok(made)
            }
            ("GET", "refunds", []) => {
                let item = self.credit_item(kind, id)?;
                let own = (0..self.refunds.len()).filter(|at| self.refunds[*at].item == item);
                Ok(list(own.map(|at| (self.published_refund(at), Slot::Refund(at))).collect()))
            }
            ("DELETE", "refunds", [refund]) => {
                self.unrefund(kind, id, refund)?;
                Ok(told(204, Value::Null))
            }
            _ => unreachable!("the generator makes no {method} {kind} {what} {rest:?}"),
        }
    }

    /// A document as it now is, whose ids the answer tells.
    fn document(&self, status: u16, at: usize) -> Told {
        let lines = 0..self.documents[at].lines.len();
        let names = lines.map(|line| (format!("/lines/{line}/id"), Slot::Line(at, line)));
        let names = names.chain([("/id".to_owned(), Slot::Document(at))]).collect();
        Told { names, ..told(status, self.published(at)) }
    }

    /// A draft of an invoice that may still be changed.
    fn draft_found(&self, id: &str) -> Result<usize, Refusal> {
        let at = self.find(Kind::Invoice, id)?;
        if self.documents[at].is_draft() { Ok(at) } else { refuse(400, "DOCUMENT_NOT_DRAFT") }
    }

    fn send(&mut self, kind: Kind, id: &str) -> Answered {
        let at = self.find(kind, id)?;
        self.book(at)?;
        let document = self.published(at);
        let body = json!({ "success": true, "status": document["status"], "number": document["number"] });
        // What it is set off against is told elsewhere.
        let item = self.documents[at].item;
        let is_unknown = self.allocations.iter().any(|own| Some(own.item) == item && own.deed.id.is_empty());
        let next = is_unknown.then(|| format!("/v1/{}/{id}/allocations?limit=100", kind.path()));
        Ok(Told { next, ..told(200, body) })
    }
}
