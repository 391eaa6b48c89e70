//! What the model says a document looks like.

use jiff::ToSpan;
use serde_json::{Value, json};

use super::drafts::groups;
use super::left::Figures;
use super::ratio::Ratio;
use super::world::{Document, Kind, Line, SOME, World, decimals, money};

impl World {
    /// Every figure and state of a document, as far as the model knows them.
    pub fn published(&self, at: usize) -> Value {
        let document = &self.documents[at];
        let Document { currency, is_booked, .. } = *document;
        let Figures { net, vat, base_net, base_vat } = document.figures();
        let in_base = |minor: i128| is_booked.then(|| money(minor, self.base));
        let number = |at: usize| self.number_of(&self.documents[at]);
        let lines: Vec<Value> = document.lines.iter().map(|line| self.published_line(line, document)).collect();
        let link = |(other, amount): &(usize, i128)| json!({ "id": self.documents[*other].id, "number": number(*other), "amount": money(*amount, currency) });
        let some = |is: bool| if is { json!(SOME) } else { Value::Null };
        let mut published = json!({
            "id": if document.id.is_empty() { json!(SOME) } else { json!(document.id) },
            "number": self.number_of(document), "date": document.date.to_string(), "currency": currency,
            "customerId": self.customers[document.customer].id, "lines": lines, "vatBreakdown": breakdown(document),
            "subtotal": money(net, currency), "vat": money(vat, currency), "amount": money(net + vat, currency),
            "exchangeRate": document.exchange_rate.map(|rate| rate.text(0)),
            "baseAmount": in_base(base_net + base_vat), "baseVat": in_base(base_vat),
            "bookedAt": some(is_booked), "sentAt": some(is_booked), "journalEntryId": some(is_booked),
            "numberedAt": some(document.number.is_some()),
        });
        let more = match document.kind {
            Kind::Invoice => {
                let amount = net + vat;
                let (credited, notes) = (self.credited(at), self.notes_of(at));
                let open = if is_booked { self.open_of(at) } else { 0 };
                let settlement = match is_booked {
                    true if open == 0 => "settled",
                    true if open != amount => "partially_settled",
                    _ => "open",
                };
                let credit_state = match notes.len() {
                    0 => "none",
                    _ if credited >= amount => "full",
                    _ => "partial",
                };
                let undone = |note: usize| json!({ "id": self.documents[note].id, "number": number(note) });
                json!({
                    "status": self.invoice_status(at), "dueDate": (document.date + document.terms.days()).to_string(),
                    "paymentTerms": document.terms, "creditedAmount": money(credited, currency),
                    "pendingCreditAmount": money(self.pending(at), currency),
                    "paidAmount": money(self.paid(at), currency), "openAmount": money(open, currency),
                    "settlement": settlement, "creditState": credit_state,
                    "creditNotes": notes.iter().map(link).collect::<Vec<Value>>(),
                    "reversedCreditNote": document.reverses.map(undone),
                })
            }
            Kind::Note => {
                let one = match document.links.as_slice() {
                    [(invoice, _)] => Some(*invoice),
                    _ => None,
                };
                let links: Vec<Value> = document.links.iter().map(link).collect();
                json!({
                    "status": if is_booked { "sent" } else { "draft" }, "creditedInvoices": links,
                    "invoiceNumber": one.map(number), "invoiceId": one.map(|invoice| self.documents[invoice].id.clone()),
                    "allocatedAmount": money(self.allocated_to_or_of(at), currency),
                    "refundedAmount": money(document.item.map_or(0, |item| self.refunded(item)), currency),
                    "remainingAmount": money(if is_booked { self.open_of(at) } else { 0 }, currency),
                    "voidedAt": some(document.voided.is_some()), "voidReason": document.voided,
                })
            }
        };
        published.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        published
    }

    pub fn number_of(&self, document: &Document) -> Option<String> {
        let prefix = if document.kind == Kind::Invoice { "INV" } else { "CN" };
        document.number.map(|number| format!("{prefix}-{number:05}"))
    }

    /// What the facts leave open of a booked document.
    fn open_of(&self, at: usize) -> i128 {
        let amount = self.documents[at].amount().abs();
        let out = self.documents[at].item.map_or(0, |item| self.refunded(item));
        amount - self.paid(at) - out - self.allocated_to_or_of(at) - self.written_off(at)
    }

    /// What is set off against an invoice, or of a note.
    fn allocated_to_or_of(&self, at: usize) -> i128 {
        self.allocated(|own| own.invoice == at || Some(own.item) == self.documents[at].item)
    }

    /// The first that holds.
    fn invoice_status(&self, at: usize) -> &'static str {
        match &self.documents[at] {
            Document { is_cancelled: true, .. } => "cancelled",
            Document { is_booked: false, .. } => "draft",
            _ if self.written_off(at) > 0 => "uncollectible",
            _ if !self.notes_of(at).is_empty() => "credited",
            _ if self.open_of(at) == 0 => "paid",
            _ if self.paid(at) + self.allocated_to_or_of(at) > 0 => "partially_paid",
            _ => "sent",
        }
    }

    fn published_line(&self, line: &Line, document: &Document) -> Value {
        let is_note = document.kind == Kind::Note;
        let id = if line.id.is_empty() { json!(SOME) } else { json!(line.id) };
        let Some(sold) = &line.sold else {
            return json!({
                "id": id, "lineType": line.kind, "priceId": null, "quantity": null, "unitPrice": null,
                "totalPrice": null, "vatRate": null, "vatCategory": null, "vatAmount": null, "discountPercent": null,
            });
        };
        let mut published = json!({
            "id": id, "lineType": "product", "priceId": self.prices[sold.price].id, "description": sold.name,
            "quantity": sold.quantity.text(0), "unitPrice": sold.unit_price.text(decimals(document.currency)),
            "discountPercent": sold.discount.text(0), "vatRate": sold.rate.text(0), "vatCategory": sold.category,
            "totalPrice": money(sold.figures.net, document.currency),
            "vatAmount": money(sold.figures.vat, document.currency),
        });
        if is_note {
            published["invoiceLineId"] =
                json!(sold.credits.map(|(invoice, line)| &self.documents[invoice].lines[line].id));
        }
        published
    }
}

fn breakdown(document: &Document) -> Value {
    let sold: Vec<_> = document.sold().collect();
    let group = |(category, rate, places): (&str, Ratio, Vec<usize>)| {
        let sum = |of: fn(&Figures) -> i128| places.iter().map(|at| of(&sold[*at].figures)).sum();
        json!({
            "vatCategory": category, "vatRate": rate.text(0),
            "taxableAmount": money(sum(|figures| figures.net), document.currency),
            "vatAmount": money(sum(|figures| figures.vat), document.currency),
        })
    };
    groups(sold.iter().map(|line| Some(*line))).into_iter().map(group).collect()
}
