//! Deliveries: at their instant, by e-mail, through an access point; each state of the delivery status, what is
//! refused before the booking, and that one receiver never delays another.

mod access_point;
mod mail;
mod scheduled;

use serde_json::{Value, json};
use testkit::wait_for;

use crate::house::{Company, line, text};

/// A draft for a customer, and its place.
fn draft(company: &Company, customer: Value) -> (Value, String) {
    let customer = company.customer(customer);
    let body = json!({ "customerId": customer, "reference": "PO-7", "lines": [line(&company.price("300"), "1")] });
    let draft = company.api.post("/v1/invoices", &body).is(201);
    let place = format!("/v1/invoices/{}", text(&draft["id"]));
    (draft, place)
}

/// What became of a document's sending.
fn status(company: &Company, place: &str) -> Value {
    company.api.get(&format!("{place}/delivery-status")).is(200)
}

/// The same once its summary has come to this state.
fn comes_to(company: &Company, place: &str, state: &str) -> Value {
    wait_for(&format!("{state} of {place}"), || {
        Some(status(company, place)).filter(|status| status["summary"]["status"] == state)
    })
}

/// The same once it was tried so often.
fn tried(company: &Company, place: &str, times: usize) -> Value {
    wait_for("a try", || {
        Some(status(company, place)).filter(|status| status["attempts"].as_array().unwrap().len() >= times)
    })
}

/// How often an event of this type was told.
fn told(company: &Company, kind: &str) -> usize {
    let sql = format!("select count(*) from events where company_id = '{}' and type = '{kind}'", company.id);
    company.house.books.value(&sql).parse().unwrap()
}
