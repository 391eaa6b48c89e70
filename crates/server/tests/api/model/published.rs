//! What the model says a document looks like, and what it finds wrong with the shape of a body.

use std::collections::BTreeSet;

use jiff::ToSpan;
use serde_json::{Value, json};

use super::left::Figures;
use super::ratio::Ratio;
use super::world::{Document, Kind, Line, Refusal, SOME, World, decimals, groups, money};

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
        let links: Vec<Value> = document.links.iter().map(link).collect();
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
                let (amount, open, credited) = (net + vat, document.open.0, document.credited());
                let settlement = match is_booked {
                    true if open == 0 => "settled",
                    true if open != amount => "partially_settled",
                    _ => "open",
                };
                let credit_state = match document.links.len() {
                    0 => "none",
                    _ if credited >= amount => "full",
                    _ => "partial",
                };
                json!({
                    "status": self.invoice_status(document), "dueDate": (document.date + document.terms.days()).to_string(),
                    "paymentTerms": document.terms, "creditedAmount": money(credited, currency),
                    "pendingCreditAmount": money(document.pending, currency), "paidAmount": money(0, currency),
                    "openAmount": money(open, currency), "settlement": settlement, "creditState": credit_state,
                    "creditNotes": links,
                })
            }
            Kind::Note => {
                let one = match document.links.as_slice() {
                    [(invoice, _)] => Some(*invoice),
                    _ => None,
                };
                json!({
                    "status": if is_booked { "sent" } else { "draft" }, "creditedInvoices": links,
                    "invoiceNumber": one.map(number), "invoiceId": one.map(|invoice| self.documents[invoice].id.clone()),
                    "allocatedAmount": money(document.allocated, currency),
                    "remainingAmount": money(-document.open.0, currency), "voidedAt": null, "voidReason": null,
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

    /// The first that holds.
    fn invoice_status(&self, document: &Document) -> &'static str {
        match document {
            Document { is_booked: false, .. } => "draft",
            Document { links, .. } if !links.is_empty() => "credited",
            Document { open: (0, _), .. } => "paid",
            Document { allocated: 1.., .. } => "partially_paid",
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

    /// All that is wrong with the shape of a body, by property.
    pub fn check_shape(&self, kind: Kind, body: &Value) -> Result<(), Refusal> {
        let mut faults = BTreeSet::new();
        let mut fault = |path: String| faults.insert(path);
        const HEAD: [&str; 8] =
            ["customerId", "date", "currency", "lines", "taxPointDate", "paymentTerms", "invoiceNumber", "reference"];
        const LINE: [&str; 7] =
            ["lineType", "priceId", "quantity", "unitPrice", "description", "discountPercent", "invoiceLineId"];
        let is_note = kind == Kind::Note;
        for (name, _) in body.as_object().unwrap() {
            let is_known =
                HEAD.contains(&name.as_str()) && name != if is_note { "paymentTerms" } else { "invoiceNumber" };
            if !is_known {
                fault(name.clone());
            }
        }
        if body["customerId"].is_null() {
            fault("customerId".to_owned());
        }
        let lines = body["lines"].as_array().unwrap();
        if lines.is_empty() || lines.len() > 1000 {
            fault("lines".to_owned());
        }
        for (at, line) in lines.iter().enumerate() {
            let mut fault = |name: &str| fault(format!("lines.{at}.{name}"));
            for (name, _) in line.as_object().unwrap() {
                if !LINE.contains(&name.as_str()) || (name == "invoiceLineId" && !is_note) {
                    fault(name);
                }
            }
            let mut decimal = |name: &str, least: &str, is_least_in: bool, most: &str, places: u32| {
                let Some(text) = line[name].as_str() else { return };
                let (number, least) = (Ratio::parse(text).unwrap(), Ratio::parse(least).unwrap());
                let is_in = number > least || (number == least && is_least_in);
                if !is_in || number > Ratio::parse(most).unwrap() || number.decimals().unwrap() > places {
                    fault(name);
                }
            };
            decimal("quantity", "0", false, "9999999.999999", 6);
            decimal("unitPrice", "0", !is_note, "999999999.999999", 6);
            decimal("discountPercent", "0", true, "100", 4);
            if line["lineType"].is_null() {
                if line["quantity"].is_null() {
                    fault("quantity");
                }
                if line["priceId"].is_null() && line["invoiceLineId"].is_null() {
                    fault("priceId");
                }
            } else {
                for name in ["priceId", "quantity", "unitPrice", "discountPercent", "invoiceLineId"] {
                    if !line[name].is_null() {
                        fault(name);
                    }
                }
                if line["description"].is_null() == (line["lineType"] == "text") {
                    fault("description");
                }
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Refusal {
            status: 400,
            code: "SHARED_VALIDATION_FAILED",
            faults: faults.into_iter().collect(),
            details: Value::Null,
        })
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
