//! What a caller may say of a sending.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Email, Gln, Moment, Text};
use crate::customers::DeliveryType;
use crate::ids::TemplateId;

/// How an invoice or a credit note is sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SendInput {
    /// The channel; default the customer's, else e-mail when there is an address, else manual.
    pub delivery_type: Option<DeliveryType>,
    /// Another address, for this send only.
    pub override_email: Option<Email>,
    /// Another EAN number, for this send only.
    pub override_ean_number: Option<Gln>,
    /// Keep the overriding address and EAN number on the customer.
    pub update_customer_record: Option<bool>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// The text of the mail.
    pub message: Option<Text<4000>>,
    /// `true` attaches the e-invoice (EN 16931, UBL) to the mail beside the PDF.
    pub attach_xml: Option<bool>,
    /// A future instant: it is booked and sent when that comes, not now.
    pub scheduled_at: Option<Moment>,
}

impl SendInput {
    /// The same as JSON, without when: what is sent at its instant.
    pub fn kept(&self) -> String {
        json!({
            "deliveryType": self.delivery_type, "overrideEmail": self.override_email.as_deref(),
            "overrideEanNumber": self.override_ean_number.as_deref(),
            "updateCustomerRecord": self.update_customer_record, "documentTemplateId": self.document_template_id,
            "message": self.message.as_deref(), "attachXml": self.attach_xml,
        })
        .to_string()
    }
}

/// The channels of quotes and order confirmations: an e-invoice is none of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[schemars(inline)]
pub enum SalesDeliveryType {
    /// The seller delivers it.
    #[default]
    Manual,
    /// By mail.
    Email,
}

/// How a quote or an order confirmation is sent.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SalesSendInput {
    /// The channel; `Manual` when left out.
    pub delivery_type: Option<SalesDeliveryType>,
    /// Where the mail goes; default the person's, department's or customer's address.
    pub recipient_email: Option<Email>,
    /// The template it is printed with.
    pub document_template_id: Option<TemplateId>,
    /// The text of the mail.
    pub message: Option<Text<4000>>,
}

impl From<SalesSendInput> for SendInput {
    fn from(input: SalesSendInput) -> SendInput {
        let SalesSendInput { delivery_type, recipient_email, document_template_id, message } = input;
        let delivery_type = match delivery_type.unwrap_or_default() {
            SalesDeliveryType::Manual => DeliveryType::Manual,
            SalesDeliveryType::Email => DeliveryType::Email,
        };
        SendInput {
            delivery_type: Some(delivery_type),
            override_email: recipient_email,
            document_template_id,
            message,
            ..SendInput::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_scheduled_send_is_what_was_asked() {
        let asked = r#"{"deliveryType": "Sproom", "overrideEmail": "a@b.example", "overrideEanNumber": "5790000000005",
            "updateCustomerRecord": true, "documentTemplateId": "01970000-0000-7000-8000-000000000001",
            "message": "Hej \"du\"", "attachXml": true, "scheduledAt": "2026-06-10T10:00:00.1234+02:00"}"#;
        let asked: SendInput = serde_json::from_str(asked).unwrap();
        assert_eq!(asked.scheduled_at.map(|at| at.0.to_string()).as_deref(), Some("2026-06-10T08:00:00.123Z"));
        let kept: SendInput = serde_json::from_str(&asked.kept()).unwrap();
        assert_eq!(format!("{kept:?}"), format!("{:?}", SendInput { scheduled_at: None, ..asked }));
    }
}
