//! Rules between the fields of one object, checked together with its shape. A
//! schema names its rules by the keyword `x-rules`.

use std::borrow::Cow;

use crate::refusal::Faults;

/// The fields of one object of a request, as far as they can be read: what is
/// wrong in shape has been noted already and reads as absent text.
pub trait Fields {
    /// Whether the field is there and not `null`.
    fn has(&self, name: &str) -> bool;
    /// The field's text, when it is one.
    fn text(&self, name: &str) -> Option<Cow<'_, str>>;
    /// Whether the field is a flag that is set.
    fn is_true(&self, name: &str) -> bool;
}

/// A rule over an object: faults are added with the path the object stands at (`lines.0.` or empty).
pub type Rule = fn(fields: &dyn Fields, path: &str, faults: &mut Faults);

/// The rule of that name.
pub fn rules(name: &str) -> Option<Rule> {
    match name {
        "document-line" => Some(crate::lines::rule),
        "span" => Some(span),
        "write-off" => Some(write_off),
        "dunning-pause" => Some(dunning_pause),
        "period" => Some(period),
        "credit-part" => Some(credit_part),
        "price" => Some(price),
        "added-rate" => Some(added_rate),
        "part-of-a-list" => Some(part_of_a_list),
        _ => None,
    }
}

/// A period has both its ends, in order.
pub(crate) fn period(fields: &dyn Fields, path: &str, faults: &mut Faults) {
    match (fields.text("periodStart"), fields.text("periodEnd")) {
        (Some(start), Some(end)) if start.len() == end.len() && start > end => {
            faults.add(format!("{path}periodEnd"), "minDate", "periodEnd must not be before periodStart");
        }
        (Some(_), None) if !fields.has("periodEnd") => {
            faults.add(format!("{path}periodEnd"), "isNotEmpty", "periodEnd should not be empty");
        }
        (None, Some(_)) if !fields.has("periodStart") => {
            faults.add(format!("{path}periodStart"), "isNotEmpty", "periodStart should not be empty");
        }
        _ => {}
    }
}

/// A line is credited by quantity or by amount, not by both.
fn credit_part(part: &dyn Fields, path: &str, faults: &mut Faults) {
    if part.has("quantity") && part.has("amount") {
        faults.add(format!("{path}amount"), "isEmpty", "amount should be empty beside quantity");
    }
}

/// A recurring or metered price has an interval, a one-time price has none.
fn price(price: &dyn Fields, path: &str, faults: &mut Faults) {
    match price.text("billingPeriodType").as_deref() {
        Some("ONE_TIME") => {
            for name in ["billingInterval", "billingIntervalCount"] {
                if price.has(name) {
                    faults.add(
                        format!("{path}{name}"),
                        "isEmpty",
                        format!("{name} should be empty on a ONE_TIME price"),
                    );
                }
            }
        }
        Some("RECURRING" | "USAGE") if !price.has("billingInterval") => {
            faults.add(format!("{path}billingInterval"), "isNotEmpty", "billingInterval should not be empty");
        }
        _ => {}
    }
    if price.text("pricingModel").as_deref() == Some("FLAT_RATE") && !price.has("unitAmount") {
        faults.add(format!("{path}unitAmount"), "isNotEmpty", "unitAmount should not be empty on a FLAT_RATE price");
    }
}

/// A rate is added with the day it begins on.
fn added_rate(code: &dyn Fields, path: &str, faults: &mut Faults) {
    for (given, other) in [("vatRate", "validFrom"), ("validFrom", "vatRate")] {
        if code.has(given) && !code.has(other) {
            faults.add(format!("{path}{other}"), "isNotEmpty", format!("{other} should not be empty beside {given}"));
        }
    }
}

/// A list that is answered whole where no page is asked for has no limit then: who reads it would miss the rest.
fn part_of_a_list(query: &dyn Fields, path: &str, faults: &mut Faults) {
    if query.has("limit") && !query.has("page") && !query.has("cursor") {
        let message = "limit should be empty without page or cursor: the whole list is answered then";
        faults.add(format!("{path}limit"), "isEmpty", message);
    }
}

/// VAT comes back only for a loss that is established, as the law wants it.
fn write_off(fields: &dyn Fields, path: &str, faults: &mut Faults) {
    if fields.is_true("vatRelief") && !fields.has("evidence") {
        faults.add(format!("{path}evidence"), "isNotEmpty", "evidence should not be empty beside vatRelief");
    }
}

/// Only what is paused has a last day and notes.
fn dunning_pause(fields: &dyn Fields, path: &str, faults: &mut Faults) {
    for name in ["until", "notes"] {
        if !fields.is_true("paused") && fields.has(name) {
            faults.add(format!("{path}{name}"), "isEmpty", format!("{name} should be empty where nothing is paused"));
        }
    }
}

/// A span runs forward.
fn span(fields: &dyn Fields, path: &str, faults: &mut Faults) {
    if let (Some(from), Some(to)) = (fields.text("from"), fields.text("to"))
        && from.len() == to.len()
        && from > to
    {
        faults.add(format!("{path}to"), "minDate", "to must not be before from");
    }
}
