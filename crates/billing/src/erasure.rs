//! Erasure of a private person (GDPR art. 17): what is taken away, and what stays since the law asks for it
//! (art. 17 (3) (b); bogføringsloven § 12: five years from the end of the year). Documents of the books stay whole.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::customers::{Contact, Customer, CustomerType};
use crate::ids::CustomerId;
use crate::input::Metadata;
use crate::refusal::Refusal;

/// What stands where a text can't be left out.
pub const ERASED: &str = "[erased]";

/// What is taken out of published JSON, wherever it stands but in the seller.
const TAKEN_OUT: [&str; 19] = [
    "email",
    "phone",
    "address",
    "city",
    "postalCode",
    "vatNumber",
    "registrationNumber",
    "website",
    "externalSystemId",
    "eanNumber",
    "peppolEndpoint",
    "departmentName",
    "contactName",
    "recipient",
    "reference",
    "ourReference",
    "notes",
    "voidReason",
    "evidence",
];

/// What is said in another word there: its readers count on a text.
const SAID_OTHERWISE: [&str; 3] = ["name", "description", "message"];

/// What is left of a customer: its id and number, and by what its documents were made.
pub fn customer(before: &Customer, at: Timestamp) -> Customer {
    Customer {
        name: ERASED.to_owned(),
        is_active: false,
        email: None,
        phone: None,
        address: None,
        city: None,
        postal_code: None,
        vat_number: None,
        registration_number: None,
        website: None,
        external_system_id: None,
        ean_number: None,
        peppol_endpoint: None,
        delivery_type: None,
        metadata: Metadata::default(),
        erased_at: Some(at),
        updated_at: at,
        ..before.clone()
    }
}

/// What is left of a contact: whose it was.
pub fn contact(before: &Contact) -> Contact {
    let Contact { id, customer_id, .. } = *before;
    let (is_default, receives_invoices) = (false, false);
    Contact { id, customer_id, name: ERASED.to_owned(), email: None, phone: None, is_default, receives_invoices }
}

/// Only a private person's data are erased; a company has none.
///
/// # Errors
/// `CUSTOMER_NOT_PRIVATE`.
pub fn check_is_private(customer: &Customer) -> Result<(), Refusal> {
    if customer.customer_type == CustomerType::Private {
        return Ok(());
    }
    let message = "Only a private person is erased; the people at a company are its contacts, which can be deleted.";
    Err(Refusal::new("CUSTOMER_NOT_PRIVATE", message).with(json!({ "customerType": customer.customer_type })))
}

/// Nothing is written of an erased customer any more, but what belongs to its booked documents.
///
/// # Errors
/// `CUSTOMER_ERASED`.
pub fn check_is_there(customer: &Customer) -> Result<(), Refusal> {
    let Some(at) = customer.erased_at else { return Ok(()) };
    let message = format!("Customer {} was erased.", customer.customer_number);
    let details = json!({ "property": "customerId", "erasedAt": crate::json::instant_text(at) });
    Err(Refusal::new("CUSTOMER_ERASED", message).with(details))
}

/// Whether published JSON is the customer's, or of something of it.
pub fn is_of(told: &Value, resource_type: &str, id: CustomerId) -> bool {
    let names = |field: &str| told[field].as_str().is_some_and(|text| text == id.to_string());
    names("customerId") || resource_type == "customer" && names("id")
}

/// Takes all that is said of a person out of published JSON. The seller is none.
pub fn redact(told: &mut Value) {
    match told {
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| redact_field(name, value)),
        _ => {}
    }
}

/// Takes a contact out of published JSON of a document for it: of its buyer the person and the address it went to.
pub fn redact_contact(told: &mut Value) {
    match told {
        Value::Array(items) => items.iter_mut().for_each(redact_contact),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Object(buyer) if name == "buyer" => {
                        let own =
                            buyer.iter_mut().filter(|(name, _)| ["contactName", "email"].contains(&name.as_str()));
                        own.for_each(|(_, value)| *value = Value::Null);
                    }
                    other => redact_contact(other),
                }
            }
        }
        _ => {}
    }
}

fn redact_field(name: &str, value: &mut Value) {
    match value {
        _ if name == "seller" => {}
        _ if TAKEN_OUT.contains(&name) => *value = Value::Null,
        Value::Object(pairs) if name == "metadata" => *pairs = Map::new(),
        Value::String(text) if SAID_OTHERWISE.contains(&name) => ERASED.clone_into(text),
        other => redact(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_person_is_left_and_all_else_stays() {
        let mut told = json!({
            "id": "1", "number": "Q-1", "amount": "125.00", "notes": "For Sanne", "reference": null,
            "metadata": { "Sanne": "de Vries" }, "customerId": "2",
            "buyer": { "name": "Sanne", "contactName": "Sanne", "city": "Breda", "countryCode": "NL", "customerNumber": "7" },
            "seller": { "name": "Bi ApS", "city": "Ry" },
            "lines": [{ "lineType": "text", "description": "Dear Sanne", "metadata": {} }, { "description": null }],
            "lastError": { "code": "REFUSED", "message": "no sanne@example.com here" },
        });
        redact(&mut told);
        let expected = json!({
            "id": "1", "number": "Q-1", "amount": "125.00", "notes": null, "reference": null, "metadata": {},
            "customerId": "2",
            "buyer": { "name": ERASED, "contactName": null, "city": null, "countryCode": "NL", "customerNumber": "7" },
            "seller": { "name": "Bi ApS", "city": "Ry" },
            "lines": [{ "lineType": "text", "description": ERASED, "metadata": {} }, { "description": null }],
            "lastError": { "code": "REFUSED", "message": ERASED },
        });
        assert_eq!(told, expected);
        let once = told.clone();
        redact(&mut told);
        assert_eq!(told, once, "a second time changes nothing");
    }

    #[test]
    fn of_a_contact_the_buyer_is_left() {
        let mut told = json!({
            "document": { "notes": "For Sanne", "buyer": { "name": "Bi ApS", "contactName": "Sanne", "email": "s@bi.example" } },
        });
        redact_contact(&mut told);
        let buyer = json!({ "name": "Bi ApS", "contactName": null, "email": null });
        assert_eq!(told, json!({ "document": { "notes": "For Sanne", "buyer": buyer } }));
    }

    #[test]
    fn what_is_told_of_another_is_not_the_persons() {
        let id = CustomerId(uuid::Uuid::from_u128(7));
        let of = |field: &str, kind: &str| is_of(&json!({ (field): id }), kind, id);
        assert!(of("id", "customer") && of("customerId", "invoice") && of("customerId", "customer_contact"));
        assert!(!of("parentCustomerId", "customer") && !of("id", "invoice") && !is_of(&json!([id]), "customer", id));
    }
}
