//! Previews: what a write would answer, post and tell, from a work that is undone after.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::ledger::{self, Posted};

use crate::answers::{Answered, Done};
use crate::work::{Given, json};
use crate::{Error, Work};

/// What a preview tells besides the fields of the answer; ids and numbers that would be newly given
/// are null in both.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Preview {
    /// Always true: nothing was done.
    pub preview: bool,
    /// What would be posted, in order.
    pub postings: Vec<PreviewPosting>,
    /// What would be told, in order.
    pub events: Vec<PreviewEvent>,
}

/// One posting of a preview.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewPosting {
    /// The account's number.
    pub account_number: u32,
    /// The account's name.
    pub account_name: String,
    /// Above zero is debit, below is credit.
    pub amount: String,
    /// The amount's currency.
    pub currency: String,
    /// The VAT code, where it has one.
    pub vat_code: Option<String>,
}

/// One event of a preview.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PreviewEvent {
    /// As `credit_note.created`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The published resource as it would be.
    #[schemars(with = "Map<String, Value>")]
    pub data: Box<RawValue>,
}

/// The preview of a work that is done and will be undone; `entries` is how many the ledger had before.
pub(crate) fn of(work: &mut Work<'_>, answer: Answered, entries: i64) -> Result<Answered, Error> {
    let postings = ledger::posted_since(work.tx, work.company.id, entries)?.into_iter().map(public).collect();
    let given = work.given.take();
    let events = work.events.iter().map(|event| {
        let data = RawValue::from_string(without(&given, &event.data));
        Ok(PreviewEvent { kind: event.kind, data: data.map_err(|fault| Error::Broken(fault.to_string()))? })
    });
    let events = events.collect::<Result<Vec<PreviewEvent>, Error>>()?;
    let told = json(&Preview { preview: true, postings, events });
    let body = match answer.body.as_deref().and_then(|body| body.strip_suffix('}')) {
        // One object: the answer's fields, then those of the preview.
        Some(fields) => format!("{},{}", without(&given, fields), &told[1..]),
        None => told,
    };
    Ok(Answered { status: 200, body: Some(body), done: Done::Never })
}

fn public(posted: Posted) -> PreviewPosting {
    let Posted { account_number, account_name, amount, vat_code } = posted;
    let currency = amount.currency().code().to_owned();
    PreviewPosting { account_number, account_name, amount: amount.to_string(), currency, vat_code }
}

/// JSON with null for each id and number that was given for the first time. No text of a caller is
/// mistaken for one: within it the quotes that are looked for are escaped.
fn without(given: &Given, json: &str) -> String {
    let mut json = given.without_secrets(json).unwrap_or_else(|| json.to_owned());
    for id in &given.ids {
        json = json.replace(&format!("\"{id}\""), "null");
    }
    for number in &given.numbers {
        // `number` and what ends in `Number`; another text may be equal by chance.
        json = json.replace(&format!("umber\":{}", crate::work::json(number)), "umber\":null");
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_newly_given_is_null_and_the_rest_stays() {
        let id = uuid::Uuid::from_u128(7);
        let given = Given { ids: vec![id], numbers: vec!["CN\"1".to_owned()], secrets: vec!["s+/=".to_owned()] };
        let json = serde_json::json!({
            "id": id, "number": "CN\"1", "customerNumber": "CN\"1", "reference": "CN\"1",
            "secret": "s+/=", "text": format!("\"{id}\" \"number\":\"CN\"1\""), "list": [id, "other"],
        });
        let left: Value = serde_json::from_str(&without(&given, &json.to_string())).unwrap();
        let mut expected = json;
        expected["id"] = Value::Null;
        expected["number"] = Value::Null;
        expected["secret"] = Value::Null;
        expected["customerNumber"] = Value::Null;
        expected["list"][0] = Value::Null;
        assert_eq!(left, expected);
    }
}
