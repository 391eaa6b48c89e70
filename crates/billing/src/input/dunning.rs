//! What a caller may say of the dunning schedule, of reminders, and of an invoice that is not to be reminded of.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Amount, Day, Text};

/// The dunning schedule, whole.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DunningScheduleInput {
    /// Whether invoices are reminded of by it.
    pub enabled: bool,
    /// What must be open of an invoice for it to be reminded of, in the company's currency; 0 when left out.
    pub minimum_amount: Option<Amount>,
    /// The reminders of an invoice, one after the other.
    #[schemars(length(max = 10))]
    pub steps: Vec<DunningStepInput>,
}

/// One reminder of the schedule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DunningStepInput {
    /// So many days after the due date; more than those of the step before.
    #[schemars(range(min = 1, max = 1000))]
    pub days_after_due: u32,
    /// What the reminder costs, in the company's currency; nothing when left out.
    pub fee: Option<Amount>,
    /// What its mail says, by language; a language that is left out has a text of the program's.
    pub text: Option<ReminderTextInput>,
}

/// A text in each language. `{number} {openAmount} {dueDate} {fee} {fees} {total} {customer} {company}` are filled in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReminderTextInput {
    /// In Danish.
    pub da: Option<Text<2_000>>,
    /// In English.
    pub en: Option<Text<2_000>>,
    /// In German.
    pub de: Option<Text<2_000>>,
    /// In Swedish.
    pub sv: Option<Text<2_000>>,
    /// In Norwegian (bokmål).
    pub nb: Option<Text<2_000>>,
}

/// A reminder that is to be sent now.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReminderInput {
    /// `true` charges no fee for it.
    pub without_fee: Option<bool>,
}

/// Whether an invoice is reminded of.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-rules" = "dunning-pause"))]
pub struct DunningPauseInput {
    /// `true` holds its reminders back.
    pub paused: bool,
    /// The last day of that; until it is said otherwise when left out.
    pub until: Option<Day>,
    /// Why.
    pub notes: Option<Text<500>>,
}
