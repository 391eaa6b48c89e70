//! What the contract shows of each body: one to begin with, and what each error looks like.

use std::sync::LazyLock;

use app::Error;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::Fault;
use super::route::Route;

static REQUESTS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../assets/examples.json")).expect("the examples are JSON"));

/// A body to begin with, for a request of this schema.
pub(crate) fn request(schema: &Value) -> Option<Value> {
    REQUESTS.get(schema["title"].as_str()?).cloned()
}

/// An error of this status, as the route answers it.
pub(crate) fn error(route: &Route, status: u16) -> Value {
    let fault: Fault = match status {
        400 if route.input.is_some() => {
            Fault::new(400, "SHARED_VALIDATION_FAILED", "Validation failed: colour should not exist").with(
                json!({ "validationErrors": [
                { "property": "colour", "constraints": { "whitelistValidation": "property colour should not exist" } }
            ] }),
            )
        }
        400 => Fault::new(400, "SHARED_VALIDATION_FAILED", "Validation failed: limit must not be greater than 100")
            .with(json!({ "validationErrors": [
                { "property": "limit", "constraints": { "max": "limit must not be greater than 100" } }
            ] })),
        401 => Error::Unauthorized { reason: None }.into(),
        403 => Error::Forbidden { required: route.scope.into_iter().collect() }.into(),
        404 => Fault::new(404, "NOT_FOUND", "There is no such resource."),
        406 => Fault::new(406, "NOT_ACCEPTABLE", "This route answers application/json."),
        408 => Fault::new(408, "REQUEST_TIMEOUT", "The body did not arrive in time."),
        412 => Error::Precondition.into(),
        413 => Fault::new(413, "BODY_TOO_LARGE", "A body holds at most 1048576 bytes."),
        415 => Fault::new(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json."),
        503 => Error::Busy(String::new()).into(),
        _ => Error::Broken(String::new()).into(),
    };
    let at = Timestamp::constant(1_781_094_896, 789_000_000);
    let parts = route.path.split('/');
    let path: Vec<&str> =
        parts.map(|part| if part.starts_with('{') { "01930a5e-7c1a-7b3e-9d52-0c4f6a8e1b02" } else { part }).collect();
    let path = path.join("/");
    serde_json::from_str(&fault.body(at, &path)).expect("an envelope is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::contract;
    use crate::http::routes::routes;

    #[test]
    fn every_body_has_an_example_that_its_own_contract_takes() {
        let mut used = std::collections::BTreeSet::new();
        for route in routes() {
            let Some(input) = &route.input else { continue };
            let title = input.schema["title"].as_str().unwrap_or_default();
            if title == "Nothing" {
                continue;
            }
            let example = request(&input.schema).unwrap_or_else(|| panic!("{title} has no example"));
            let faults = contract::check(&input.shape, &example.to_string()).expect("it is checked");
            assert!(faults.is_empty(), "{title}: {faults:?}");
            used.insert(title.to_owned());
        }
        assert!(REQUESTS.keys().all(|title| used.contains(title)), "no example is left over");
    }
}
