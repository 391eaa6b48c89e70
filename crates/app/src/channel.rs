//! The ways a document leaves the house by: what is set up on this server, and which of them a sending takes.

use billing::customers::{Customer, DeliveryType};
use billing::document::{Buyer, Document};
use billing::formats::Format;
use billing::input::sending::SendInput;
use billing::refusal::Refusal;
use serde_json::json;
use store::customers;

use crate::access_point::AccessPoint;
use crate::{Error, Mail, Work};

/// What is set up on this server.
#[derive(Clone, Debug)]
pub struct Channels {
    /// How mail leaves.
    pub mail: Mail,
    /// How e-invoices leave, if they do.
    pub access_point: Option<AccessPoint>,
}

/// Where a document goes.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) delivery_type: DeliveryType,
    /// The address, EAN number or Peppol endpoint.
    pub(crate) recipient: Option<String>,
    /// The e-invoice that goes along, or that it is.
    pub(crate) format: Option<Format>,
    /// The EAN number the e-invoice is addressed to where the booked document has another.
    pub(crate) ean_number: Option<String>,
}

/// The channel asked for, else the customer's, else e-mail when there is an address, else manual.
///
/// # Errors
/// `DELIVERY_CHANNEL_NOT_CONFIGURED`, `DELIVERY_RECIPIENT_MISSING`, `DELIVERY_SENDER_MISSING`.
pub(crate) fn choose(
    work: &mut Work<'_>,
    document: &Document,
    customer: &Customer,
    input: &SendInput,
) -> Result<Channel, Error> {
    let buyer = crate::documents::around_linked(work.tx, &work.company, work.today, document, Vec::new())?.buyer;
    let address = match &input.override_email {
        Some(email) => Some(email.0.clone()),
        None => {
            let invoices = customers::invoice_email(work.tx, work.company.id, customer)?;
            let chosen = document.head.customer_contact_id.is_some() || document.head.customer_department_id.is_some();
            if chosen { buyer.email.clone().or(invoices) } else { invoices.or(buyer.email.clone()) }
        }
    };
    let usual = if address.is_some() { DeliveryType::Email } else { DeliveryType::Manual };
    let delivery_type = input.delivery_type.or(customer.delivery_type).unwrap_or(usual);
    match delivery_type {
        DeliveryType::Manual => Ok(Channel { delivery_type, recipient: None, format: None, ean_number: None }),
        DeliveryType::Email => {
            let Some(address) = address else {
                let property = if document.kind.is_booked() { "overrideEmail" } else { "recipientEmail" };
                let message = format!("The customer has no e-mail address; give {property} or another deliveryType.");
                return Err(no_recipient(property, delivery_type, &message).into());
            };
            if matches!(work.channels.mail, Mail::Smtp(_)) && work.company.mails_from().is_none() {
                let message = "The company has no e-mail address to send from; give it senderEmail or email.";
                let details = json!({ "property": "senderEmail", "deliveryType": delivery_type });
                return Err(Refusal::new("DELIVERY_SENDER_MISSING", message).with(details).into());
            }
            let format = (input.attach_xml == Some(true)).then_some(Format::En16931Ubl);
            Ok(Channel { delivery_type, recipient: Some(address), format, ean_number: None })
        }
        DeliveryType::Sproom => {
            let is_set_up = work.channels.access_point.as_ref().is_some_and(|point| point.serves(work.company.id));
            if !is_set_up {
                let message = "The channel Sproom is not set up on this server.";
                let details = json!({ "deliveryType": delivery_type });
                return Err(Refusal::new("DELIVERY_CHANNEL_NOT_CONFIGURED", message).with(details).into());
            }
            let asked = input.override_ean_number.as_ref().map(|ean| ean.0.clone());
            let pinned = document.pinned.as_ref().and_then(|pinned| pinned.buyer.ean_number.clone());
            let ean_number = asked.clone().filter(|_| document.is_booked()).filter(|ean| pinned.as_ref() != Some(ean));
            let buyer = Buyer { ean_number: asked.or(buyer.ean_number.clone()), ..buyer };
            let (recipient, format) = endpoint(&work.company.country_code, &buyer).ok_or_else(|| {
                let message = "The customer has no EAN number, Peppol endpoint or Danish CVR number; give \
                     overrideEanNumber or another deliveryType.";
                no_recipient("overrideEanNumber", delivery_type, message)
            })?;
            Ok(Channel { delivery_type, recipient: Some(recipient), format: Some(format), ean_number })
        }
    }
}

fn no_recipient(property: &str, delivery_type: DeliveryType, message: &str) -> Refusal {
    let details = json!({ "property": property, "deliveryType": delivery_type });
    Refusal::new("DELIVERY_RECIPIENT_MISSING", message).with(details)
}

/// What an e-invoice is addressed to, in the order in which it names its receiver: the EAN number, the Peppol
/// endpoint, the Danish CVR number; and its format. Between Danish parties it goes by NemHandel as OIOUBL,
/// unless the receiver is known by a Peppol endpoint alone; all others have Peppol BIS Billing 3.
fn endpoint(seller_country: &str, buyer: &Buyer) -> Option<(String, Format)> {
    let is_danish = buyer.country_code == "DK";
    let national = if is_danish && seller_country == "DK" { Format::Oioubl21 } else { Format::PeppolBis3 };
    if let Some(ean) = &buyer.ean_number {
        return Some((ean.clone(), national));
    }
    if let Some(endpoint) = &buyer.peppol_endpoint {
        return Some((endpoint.clone(), Format::PeppolBis3));
    }
    let number = buyer.registration_number.as_ref().or(buyer.vat_number.as_ref()).filter(|_| is_danish)?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    // ISO 6523 0184: the number of a company in the Danish register.
    (digits.len() == 8).then(|| (format!("0184:{digits}"), national))
}

/// Where the jobs of a delivery stand in line: one receiver never delays another. Mails to one domain are
/// one queue, since one mail server takes them.
pub(crate) fn queue(delivery_type: DeliveryType, recipient: Option<&str>) -> String {
    let recipient = recipient.unwrap_or_default();
    match delivery_type {
        DeliveryType::Email => recipient.rsplit('@').next().unwrap_or_default().to_lowercase(),
        DeliveryType::Sproom | DeliveryType::Manual => recipient.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buyer(fields: serde_json::Value) -> Buyer {
        let mut all = json!({
            "customerNumber": "1", "name": "Café Lindeblomst", "departmentName": null, "contactName": null,
            "address": null, "postalCode": null, "city": null, "countryCode": "DK", "vatNumber": null,
            "registrationNumber": null, "eanNumber": null, "peppolEndpoint": null, "email": null,
        });
        for (name, value) in fields.as_object().unwrap() {
            all[name] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn an_e_invoice_finds_its_receiver_and_its_format() {
        let ean = json!({ "eanNumber": "5790000000005", "peppolEndpoint": "0184:87654370" });
        let norwegian =
            json!({ "countryCode": "NO", "peppolEndpoint": "0192:987654325", "registrationNumber": "987654325" });
        for (seller, fields, found) in [
            ("DK", ean.clone(), Some(("5790000000005", Format::Oioubl21))),
            ("SE", ean, Some(("5790000000005", Format::PeppolBis3))),
            ("DK", json!({ "peppolEndpoint": "0184:87654370" }), Some(("0184:87654370", Format::PeppolBis3))),
            ("DK", json!({ "vatNumber": "DK87654370" }), Some(("0184:87654370", Format::Oioubl21))),
            ("DK", json!({ "registrationNumber": "87 65 43 70" }), Some(("0184:87654370", Format::Oioubl21))),
            ("DK", norwegian, Some(("0192:987654325", Format::PeppolBis3))),
            ("DK", json!({ "countryCode": "NO", "registrationNumber": "987654325" }), None),
            ("DK", json!({}), None),
        ] {
            let found = found.map(|(recipient, format)| (recipient.to_owned(), format));
            assert_eq!(endpoint(seller, &buyer(fields.clone())), found, "{seller} {fields}");
        }
    }

    #[test]
    fn mails_to_one_domain_are_one_queue() {
        let queue = |recipient| queue(DeliveryType::Email, Some(recipient));
        assert_eq!(queue("a@Lindeblomst.example"), queue("b@lindeblomst.EXAMPLE"));
        assert_ne!(queue("a@lindeblomst.example"), queue("a@humle.example"));
    }
}
