//! Dunning: the schedule by which invoices that are not paid are reminded of, what the law lets a reminder
//! cost, what a fee posts, and reminders as published.

use jiff::Unit;
use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ids::{AccountId, CustomerId, DocumentId, EntryId, OpenItemId, ReminderId};
use crate::input::customers::Language;
use crate::input::dunning::{DunningScheduleInput, DunningStepInput, ReminderTextInput};
use crate::money::{self, Currency, Exact, Money, TooLarge};
use crate::payments::ItemPart;
use crate::postings::Posting;
use crate::refusal::{Faults, Refusal};
use crate::status::statuses;

/// When invoices are reminded of, how often, and what that costs.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// Whether anything is reminded of by it.
    pub is_enabled: bool,
    /// What must be open of an invoice, in the company's currency.
    pub minimum: Money,
    /// The reminders, one after the other.
    pub steps: Vec<Step>,
}

/// One reminder of a schedule.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// So many days after the due date.
    pub days_after_due: u32,
    /// What it costs, in the company's currency.
    pub fee: Money,
    /// What its mail says.
    pub texts: Option<ReminderTexts>,
}

/// A text in each language; one that is missing has the program's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReminderTexts {
    /// In Danish.
    pub da: Option<String>,
    /// In English.
    pub en: Option<String>,
    /// In German.
    pub de: Option<String>,
    /// In Swedish.
    pub sv: Option<String>,
    /// In Norwegian (bokmål).
    pub nb: Option<String>,
}

impl From<ReminderTextInput> for ReminderTexts {
    fn from(input: ReminderTextInput) -> ReminderTexts {
        let ReminderTextInput { da, en, de, sv, nb } = input;
        let [da, en, de, sv, nb] = [da, en, de, sv, nb].map(|text| text.map(|text| text.0));
        ReminderTexts { da, en, de, sv, nb }
    }
}

impl ReminderTexts {
    /// The text of a language, where it has one.
    pub fn of(&self, language: Language) -> Option<&str> {
        match language {
            Language::Da => self.da.as_deref(),
            Language::En => self.en.as_deref(),
            Language::De => self.de.as_deref(),
            Language::Sv => self.sv.as_deref(),
            Language::Nb => self.nb.as_deref(),
        }
    }

    fn each(&self) -> [(&'static str, Option<&str>); 5] {
        let ReminderTexts { da, en, de, sv, nb } = self;
        [("da", da), ("en", en), ("de", de), ("sv", sv), ("nb", nb)].map(|(name, text)| (name, text.as_deref()))
    }
}

/// What is filled in where a text names it in braces.
pub const PLACEHOLDERS: [&str; 8] = ["number", "openAmount", "dueDate", "fee", "fees", "total", "customer", "company"];

/// A text with its placeholders filled in; what is filled in is not looked at again.
pub fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, left)| {
            let (_, value) = values.iter().find(|(own, _)| *own == name)?;
            Some((value, left))
        });
        match named {
            Some((value, left)) => {
                filled.push_str(value);
                rest = left;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// What stands in braces in a text as a placeholder does, and is none.
fn unknown_placeholder(text: &str) -> Option<&str> {
    let named = text.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name));
    named
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .find(|name| !PLACEHOLDERS.contains(name))
}

/// What a reminder may cost in Denmark, and how many of them, how many days apart (renteloven § 9 b, stk. 2).
const LAW: &str = "renteloven § 9 b";
const MOST_FEE: Money = Money::new(10_000, Currency::DKK);
const MOST_FEES: usize = 3;
const DAYS_APART: u32 = 10;

/// What a reminder may cost in Denmark, in a currency at so many units of it for 1 krone.
///
/// # Errors
/// `AMOUNT_TOO_LARGE`.
pub fn most_danish_fee(rate: Decimal, currency: Currency) -> Result<Money, Refusal> {
    Ok(money::convert(MOST_FEE, rate, currency)?)
}

/// Whether a reminder sent today may cost anything in Denmark, after those of these days that did.
pub fn may_charge_in_denmark(charged: &[Date], today: Date) -> bool {
    let is_apart = |day: &Date| days_between(*day, today) >= i64::from(DAYS_APART);
    charged.len() < MOST_FEES && charged.iter().all(is_apart)
}

/// How many days a day is after another.
pub fn days_between(earlier: Date, later: Date) -> i64 {
    let span = later.since((Unit::Day, earlier)).map(|span| i64::from(span.get_days()));
    span.unwrap_or_default()
}

impl Schedule {
    /// No reminders: what a company begins with.
    pub fn off(currency: Currency) -> Schedule {
        Schedule { is_enabled: false, minimum: Money::zero(currency), steps: Vec::new() }
    }

    /// The schedule that is asked for.
    ///
    /// # Errors
    /// Faults of days that do not rise, of amounts that do not fit the currency, of braces that are no placeholder,
    /// and of a schedule that is enabled without a step.
    pub fn asked(input: DunningScheduleInput, currency: Currency) -> Result<Schedule, Faults> {
        let DunningScheduleInput { enabled, minimum_amount, steps } = input;
        let mut faults = Faults::default();
        let amount = |asked: Option<Decimal>, property: &str, faults: &mut Faults| {
            let found = money::parse_amount(asked.unwrap_or_default(), currency);
            if found.is_none() {
                let name = property.rsplit('.').next().unwrap_or(property);
                let message = format!("{name} must have at most {} decimals in {currency}", currency.exponent());
                faults.add(property, "isDecimal", message);
            }
            found.unwrap_or(Money::zero(currency))
        };
        let minimum = amount(minimum_amount.map(|asked| asked.0), "minimumAmount", &mut faults);
        if enabled && steps.is_empty() {
            faults.add("steps", "arrayMinSize", "steps must contain at least 1 elements");
        }
        let mut before = 0;
        let mut kept = Vec::new();
        for (at, DunningStepInput { days_after_due, fee, text }) in steps.into_iter().enumerate() {
            if days_after_due <= before {
                let message = format!("daysAfterDue must be greater than {before}, that of the step before");
                faults.add(format!("steps.{at}.daysAfterDue"), "min", message);
            }
            before = days_after_due;
            let fee = amount(fee.map(|asked| asked.0), &format!("steps.{at}.fee"), &mut faults);
            let texts = text.map(ReminderTexts::from);
            for (language, text) in texts.iter().flat_map(ReminderTexts::each) {
                if let Some(name) = text.and_then(unknown_placeholder) {
                    let known = PLACEHOLDERS.join(", ");
                    let message = format!("{{{name}}} is no placeholder; there are {known}");
                    faults.add(format!("steps.{at}.text.{language}"), "isIn", message);
                }
            }
            kept.push(Step { days_after_due, fee, texts });
        }
        if faults.is_empty() { Ok(Schedule { is_enabled: enabled, minimum, steps: kept }) } else { Err(faults) }
    }

    /// Whether any reminder of it costs something.
    pub fn has_fees(&self) -> bool {
        self.steps.iter().any(|step| !step.fee.is_zero())
    }

    /// How many days after the one before it a step is at the earliest; 0 of the first. Steps count from 1.
    pub fn days_since_last(&self, step: usize) -> i64 {
        match step.checked_sub(2).and_then(|at| self.steps.get(at..=at + 1)) {
            Some([before, own]) => i64::from(own.days_after_due) - i64::from(before.days_after_due),
            _ => 0,
        }
    }

    /// Holds the schedule of a Danish company against the law: a fee is 100 kroner at most, of three reminders
    /// at most, 10 days apart at least (renteloven § 9 b, stk. 2). `most` is 100 kroner in the schedule's currency.
    ///
    /// # Errors
    /// `DUNNING_FEE_UNLAWFUL`.
    pub fn check_danish_law(&self, most: Money) -> Result<(), Refusal> {
        let refuse = |at: usize, field: &str, message: String| {
            let details = json!({ "property": format!("steps.{at}.{field}"), "law": LAW });
            Err(Refusal::new("DUNNING_FEE_UNLAWFUL", format!("{message} ({LAW}).")).with(details))
        };
        let mut count = 0;
        let mut last: Option<u32> = None;
        for (at, step) in self.steps.iter().enumerate().filter(|(_, step)| !step.fee.is_zero()) {
            count += 1;
            if step.fee > most {
                let message = format!("A reminder may cost {most} {} at most, not {}", most.currency(), step.fee);
                return refuse(at, "fee", message);
            }
            if count > MOST_FEES {
                return refuse(at, "fee", format!("{MOST_FEES} reminders of an invoice may have a fee, not {count}"));
            }
            if last.is_some_and(|last| step.days_after_due - last < DAYS_APART) {
                let message = format!("Reminders with a fee must be {DAYS_APART} days apart at least");
                return refuse(at, "daysAfterDue", message);
            }
            last = Some(step.days_after_due);
        }
        Ok(())
    }
}

/// A fee in the currency of an invoice, at so many units of the fee's for 1 unit of it.
///
/// # Errors
/// `TooLarge` beyond what an amount may be.
pub fn fee_in(fee: Money, rate: Decimal, currency: Currency) -> Result<Money, TooLarge> {
    Money::round(Exact::from(fee).over(rate)?, currency)
}

/// What a fee posts: the customer owes it, and it is income without VAT, as it is a compensation and no supply.
pub fn of_fee(fee: ItemPart, income: AccountId, invoice: DocumentId) -> Vec<Posting> {
    let earned = Posting {
        customer_id: Some(fee.customer_id),
        document_id: Some(invoice),
        ..Posting::plain(income, -fee.amount, -fee.base)
    };
    vec![fee.debit(), earned]
}

statuses! {
    /// What became of a reminder.
    ReminderStatus {
        /// Its mail is on its way.
        Pending "pending"
        /// The mail server has taken its mail.
        Sent "sent"
        /// Its mail was given up; its fee is taken back.
        Failed "failed"
        /// It was not sent, as nothing was to be reminded of any more; its fee is taken back.
        Cancelled "cancelled"
    }
}

/// Why a reminder's mail did not leave.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PublicReminderError {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
}

/// A reminder as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicReminder {
    /// Its id.
    pub id: ReminderId,
    /// The invoice.
    pub invoice_id: DocumentId,
    /// Its number.
    pub invoice_number: Option<String>,
    /// Who is reminded.
    pub customer_id: CustomerId,
    /// Which step of the schedule it is, from 1.
    pub step: u32,
    /// Its day.
    pub date: String,
    /// What became of it.
    pub status: ReminderStatus,
    /// The address it is sent to.
    pub recipient: String,
    /// The language it is written in.
    pub language: String,
    /// The currency of the fee: the invoice's.
    pub currency: String,
    /// What it costs.
    pub fee_amount: String,
    /// The open item of the fee; null without one.
    pub fee_open_item_id: Option<OpenItemId>,
    /// The journal entry of the fee; null without one.
    pub journal_entry_id: Option<EntryId>,
    /// When the fee was taken back.
    pub fee_reversed_at: Option<String>,
    /// How often its mail was tried.
    pub attempt_count: u32,
    /// When its mail is tried next.
    pub next_attempt_at: Option<String>,
    /// When the mail server took its mail.
    pub sent_at: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<PublicReminderError>,
    /// When it was made.
    pub created_at: String,
}

/// One reminder of a schedule as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDunningStep {
    /// So many days after the due date.
    pub days_after_due: u32,
    /// What it costs.
    pub fee: String,
    /// What its mail says; a language without a text has the program's.
    pub text: Option<ReminderTexts>,
}

/// The schedule as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDunningSchedule {
    /// Whether invoices are reminded of by it.
    pub enabled: bool,
    /// The currency of its amounts: the company's.
    pub currency: String,
    /// What must be open of an invoice for it to be reminded of.
    pub minimum_amount: String,
    /// The reminders of an invoice, one after the other.
    pub steps: Vec<PublicDunningStep>,
}

impl Schedule {
    /// As published.
    pub fn public(&self) -> PublicDunningSchedule {
        let Schedule { is_enabled, minimum, steps } = self;
        let step = |Step { days_after_due, fee, texts }: &Step| PublicDunningStep {
            days_after_due: *days_after_due,
            fee: fee.to_string(),
            text: texts.clone(),
        };
        PublicDunningSchedule {
            enabled: *is_enabled,
            currency: minimum.currency().code().to_owned(),
            minimum_amount: minimum.to_string(),
            steps: steps.iter().map(step).collect(),
        }
    }
}

/// How far an invoice is reminded of, as published.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicDunning {
    /// The invoice.
    pub invoice_id: DocumentId,
    /// Who owes it.
    pub customer_id: CustomerId,
    /// Whether its reminders are held back.
    pub paused: bool,
    /// The last day of that; null when it has none.
    pub until: Option<String>,
    /// Why.
    pub notes: Option<String>,
    /// The step that is next; null when there is none.
    pub next_step: Option<u32>,
    /// The first day it may be sent on by itself; null when none will be.
    pub next_on: Option<String>,
    /// The currency of its amounts: the invoice's.
    pub currency: String,
    /// What is open of the invoice.
    pub open_amount: String,
    /// What is open of its fees.
    pub open_fee_amount: String,
    /// What is to be paid in all.
    pub total_amount: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(steps: &[(u32, i64)]) -> Schedule {
        let step = |(days_after_due, fee): &(u32, i64)| Step {
            days_after_due: *days_after_due,
            fee: Money::new(*fee, Currency::DKK),
            texts: None,
        };
        let steps = steps.iter().map(step).collect();
        Schedule { is_enabled: true, steps, ..Schedule::off(Currency::DKK) }
    }

    /// Renteloven § 9 b, stk. 2: 100 kroner, three reminders, 10 days.
    #[test]
    fn the_law_bounds_fees() {
        let most = Money::new(10_000, Currency::DKK);
        for (steps, property) in [
            (&[(5, 10_000), (15, 10_000), (25, 10_000)][..], None),
            (&[(5, 0), (6, 10_000), (7, 0), (16, 10_000), (17, 0), (26, 10_000), (27, 0)], None),
            (&[(5, 10_001)], Some("steps.0.fee")),
            (&[(5, 10_000), (14, 10_000)], Some("steps.1.daysAfterDue")),
            (&[(5, 1), (15, 1), (25, 0), (35, 1), (45, 1)], Some("steps.4.fee")),
        ] {
            let held = schedule(steps).check_danish_law(most);
            let found = held.err().map(|refusal| {
                assert!(refusal.message.contains("renteloven § 9 b"), "{}", refusal.message);
                refusal.details["property"].as_str().unwrap().to_owned()
            });
            assert_eq!(found.as_deref(), property, "{steps:?}");
        }
        // 100 kroner at 0.134 euro each.
        let euro = most_danish_fee("0.134".parse().unwrap(), Currency::EUR).unwrap();
        assert_eq!(euro, Money::new(1_340, Currency::EUR));
    }

    #[test]
    fn a_reminder_by_hand_is_held_to_the_law_too() {
        let day = |day: i8| Date::constant(2026, 6, day);
        for (charged, may) in [
            (&[][..], true),
            (&[day(1)], true),
            (&[day(2)], false),
            (&[day(1), day(1)], true),
            (&[day(1), day(1), day(1)], false),
        ] {
            assert_eq!(may_charge_in_denmark(charged, day(11)), may, "{charged:?}");
        }
        assert_eq!(days_between(Date::constant(2025, 12, 30), Date::constant(2026, 3, 1)), 61);
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let values = [("number", "{total}".to_owned()), ("total", "7".to_owned())];
        assert_eq!(fill("{number} {total} {x} {", &values), "{total} 7 {x} {");
        assert_eq!(unknown_placeholder("{number} {} {a b} {"), None);
        assert_eq!(unknown_placeholder("{number} {amount}"), Some("amount"));
    }

    #[test]
    fn steps_are_as_far_apart_as_they_say() {
        let schedule = schedule(&[(8, 0), (18, 0), (30, 0)]);
        assert_eq!([1, 2, 3, 4].map(|step| schedule.days_since_last(step)), [0, 10, 12, 0]);
    }

    /// 100.00 kroner at 7.46 kroner for a euro are 13.4048… euro.
    #[test]
    fn a_fee_is_converted_by_the_days_rate() {
        let fee = Money::new(10_000, Currency::DKK);
        assert_eq!(fee_in(fee, "7.46".parse().unwrap(), Currency::EUR), Ok(Money::new(1_340, Currency::EUR)));
    }
}
