//! Series: how documents of a kind are numbered, how that may be changed, and what their audit shows.

use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::ids::{DocumentId, SeriesId};
use crate::json;
use crate::kind::Kind;
use crate::refusal::{Faults, Refusal};

/// The largest count a series can be told to go on with.
const LARGEST_COUNT: i64 = 999_999_999_999;

/// A series that numbers documents of one kind, without gaps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Series {
    /// Its id.
    pub id: SeriesId,
    /// The kind of document, as stored: `invoice`, `creditNote`, …
    pub document_kind: String,
    /// What a number begins with; `{year}` in it becomes the fiscal year.
    pub prefix: String,
    /// How many digits a number has at least.
    pub padding: u32,
    /// Whether it begins at 1 again with each fiscal year.
    pub per_fiscal_year: bool,
}

impl Series {
    /// The row of the series's years a number of this fiscal year is counted in: 0 where it never restarts.
    pub fn year_counted(&self, fiscal_year: i64) -> i64 {
        if self.per_fiscal_year { fiscal_year } else { 0 }
    }

    /// The text of a number: prefix and digits.
    pub fn format(&self, sequence: i64, fiscal_year: i64) -> String {
        let prefix = self.prefix.replace("{year}", &fiscal_year.to_string());
        format!("{prefix}{sequence:0width$}", width = self.padding as usize)
    }

    /// The count of a number as printed, with as many noughts before it or fewer.
    ///
    /// # Errors
    /// A fault of `nextNumber` where it is not the prefix and a count from 1 to 999999999999.
    pub fn count_of(&self, number: &str, fiscal_year: i64) -> Result<i64, Faults> {
        let prefix = self.prefix.replace("{year}", &fiscal_year.to_string());
        let digits = number.strip_prefix(&prefix).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let count = digits.and_then(|digits| digits.parse().ok()).filter(|count| (1..=LARGEST_COUNT).contains(count));
        count.ok_or_else(|| {
            let mut faults = Faults::default();
            let like = self.format(4_712, fiscal_year);
            faults.add("nextNumber", "matches", format!("nextNumber must be the prefix and a count, as {like}"));
            faults
        })
    }

    /// The kind of document it numbers.
    pub fn kind(&self) -> Kind {
        Kind::from_str(&self.document_kind).expect("series are made for the four kinds")
    }

    /// What is wrong with it: a number must be read back as one prefix and one count, and a
    /// series that begins anew each fiscal year must say the year.
    pub fn faults(&self) -> Faults {
        let mut faults = Faults::default();
        let plain = self.prefix.replace("{year}", "0");
        if plain.chars().any(|c| matches!(c, '{' | '}') || c.is_control()) {
            faults.add(
                "prefix",
                "matches",
                "prefix must hold no braces but those of {year}, and no control characters",
            );
        }
        if plain.ends_with(|c: char| c.is_ascii_digit()) {
            faults.add("prefix", "matches", "prefix must not end in a digit or in {year}: the count follows it");
        }
        if self.per_fiscal_year && !self.prefix.contains("{year}") {
            faults.add("prefix", "contains", "prefix must contain {year} where perFiscalYear is true");
        }
        faults
    }

    /// Refuses numbering that could give a number twice: `earlier` are the prefixes the series has
    /// had, each with whether it began anew each fiscal year. Where the count goes on, a prefix may
    /// come back; where it begins at 1, no number may have looked like its numbers before.
    ///
    /// # Errors
    /// `NUMBER_SERIES_PREFIX_USED`.
    pub fn check_fresh(&self, earlier: &[(String, bool)]) -> Result<(), Refusal> {
        let now = (&self.prefix, self.per_fiscal_year);
        let is_used = |(prefix, per_year): &(String, bool)| {
            (prefix, *per_year) != now && (*per_year || self.per_fiscal_year) && shape(prefix) == shape(&self.prefix)
        };
        let Some((prefix, _)) = earlier.iter().find(|used| is_used(used)) else { return Ok(()) };
        let message = format!("Numbers like those of {} were given before, under the prefix {prefix}.", self.prefix);
        Err(Refusal::new("NUMBER_SERIES_PREFIX_USED", message).with(json!({ "property": "prefix", "used": prefix })))
    }
}

/// What all texts of a prefix look like: two prefixes of different shapes never give the same text.
fn shape(prefix: &str) -> String {
    prefix.replace("{year}", "0000").chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

/// A series as published.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicSeries {
    /// Its id.
    pub id: SeriesId,
    /// The kind of document it numbers.
    pub document_type: Kind,
    /// What a number begins with; `{year}` in it becomes the fiscal year.
    pub prefix: String,
    /// How many digits a number has at least.
    pub padding: u32,
    /// Whether it begins at 1 again with each fiscal year.
    pub per_fiscal_year: bool,
    /// The number a document of today would get.
    pub next_number: String,
}

/// What a series has given, with the proof that nothing is missing.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesAudit {
    /// The series.
    pub id: SeriesId,
    /// The kind of document it numbers.
    pub document_type: Kind,
    /// Whether in each year nothing is missing and nothing was numbered out of its time.
    pub is_complete: bool,
    /// Each count, by fiscal year; one where it never begins anew.
    pub years: Vec<SeriesYear>,
}

/// What a series has given in one count. Nothing is missing where the documents and the counts that were
/// skipped make all from 1 to the one before the next.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeriesYear {
    /// The fiscal year; null where the series does not begin anew.
    pub fiscal_year: Option<String>,
    /// How many documents bear a number.
    pub count: i64,
    /// The first count and the last; 0 where there is none.
    pub first: i64,
    /// The last count.
    pub last: i64,
    /// The next count that will be given.
    pub next: i64,
    /// The first number as printed.
    pub first_number: Option<String>,
    /// The last number as printed.
    pub last_number: Option<String>,
    /// The counts that no document bears and nobody skipped, as spans; the first thousand.
    pub missing: Vec<MissingNumbers>,
    /// The counts that were left out by telling the series a higher next number.
    pub skipped: Vec<SkippedNumbers>,
    /// Numbers given before the number below them; the first thousand.
    pub out_of_order: Vec<String>,
    /// Whether nothing is missing and nothing out of order.
    pub is_complete: bool,
    /// Every number whose document was voided.
    pub voids: Vec<VoidedNumber>,
}

/// Counts that no document bears.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingNumbers {
    /// The first of them.
    pub from: i64,
    /// The last of them.
    pub to: i64,
}

/// Counts that were left out when the series was told a higher next number.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedNumbers {
    /// The first of them.
    pub from: i64,
    /// The last of them.
    pub to: i64,
    /// When.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub skipped_at: Timestamp,
    /// Who, by kind: `api_key`, `operator`, `system`.
    pub actor_type: String,
    /// Who, by id.
    pub actor_id: Option<String>,
    /// What the operator calls that key.
    pub actor_name: Option<String>,
}

/// The spans of `missing` without the counts that were skipped; both in their order.
pub fn unexplained(missing: Vec<MissingNumbers>, skipped: &[SkippedNumbers]) -> Vec<MissingNumbers> {
    let mut left = missing;
    for skip in skipped {
        let cut = |span: MissingNumbers| {
            let MissingNumbers { from, to } = span;
            let before = MissingNumbers { from, to: to.min(skip.from - 1) };
            let after = MissingNumbers { from: from.max(skip.to + 1), to };
            [before, after].into_iter().filter(|part| part.from <= part.to)
        };
        left = left.into_iter().flat_map(cut).collect();
    }
    left
}

/// A number whose document was voided.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoidedNumber {
    /// The credit note.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
    /// When it was voided.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub voided_at: Timestamp,
    /// Why.
    pub reason: String,
    /// Who, by kind: `api_key`, `operator`, `system`.
    pub actor_type: Option<String>,
    /// Who, by id.
    pub actor_id: Option<String>,
    /// What the operator calls that key.
    pub actor_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(prefix: &str, per_fiscal_year: bool) -> Series {
        let id = SeriesId(uuid::Uuid::nil());
        Series { id, document_kind: "invoice".to_owned(), prefix: prefix.to_owned(), padding: 5, per_fiscal_year }
    }

    #[test]
    fn a_number_must_be_read_back_as_prefix_and_count() {
        for (prefix, per_year, is_good) in [
            ("", false, true),
            ("INV-", false, true),
            ("{year}/", true, true),
            ("A{year}-", false, true),
            ("INV", true, false),
            ("INV1", false, false),
            ("INV-{year}", true, false),
            ("{month}-", false, false),
            ("A\n-", false, false),
        ] {
            assert_eq!(series(prefix, per_year).faults().is_empty(), is_good, "{prefix:?}");
        }
    }

    #[test]
    fn a_prefix_comes_back_only_where_its_count_goes_on() {
        let used = |prefix: &str, per_year| (prefix.to_owned(), per_year);
        for (earlier, prefix, per_year, is_good) in [
            (used("INV-", false), "INV-", false, true),
            (used("INV-", false), "F-", false, true),
            (used("INV-", false), "INV-{year}-", true, true),
            (used("INV-{year}-", true), "INV-{year}-", true, true),
            (used("INV-{year}-", true), "F{year}-", true, true),
            // Begun anew, INV-2026-00001 would come again.
            (used("INV-{year}-", false), "INV-{year}-", true, false),
            (used("INV-{year}-", true), "INV-{year}-", false, false),
            (used("INV-{year}-", true), "INV-2026-", false, false),
            (used("A{year}-2026-", true), "A2025-{year}-", true, false),
        ] {
            let fresh = series(prefix, per_year).check_fresh(std::slice::from_ref(&earlier));
            assert_eq!(fresh.is_ok(), is_good, "{earlier:?} {prefix}");
        }
    }

    #[test]
    fn a_number_is_read_back_as_its_count() {
        for (prefix, number, count) in [
            ("INV-", "INV-04712", Some(4_712)),
            ("INV-", "INV-7", Some(7)),
            ("INV-", "4712", None),
            ("INV-", "INV-", None),
            ("INV-", "INV-00000", None),
            ("INV-", "INV-+7", None),
            ("INV-", "INV-1000000000000", None),
            ("", "0012", Some(12)),
            ("{year}/", "2026/3", Some(3)),
            ("{year}/", "2025/3", None),
        ] {
            assert_eq!(series(prefix, false).count_of(number, 2026).ok(), count, "{number} under {prefix:?}");
        }
    }

    #[test]
    fn what_was_skipped_is_not_missing() {
        let span = |(from, to)| MissingNumbers { from, to };
        let skip = |(from, to)| SkippedNumbers {
            from,
            to,
            skipped_at: Timestamp::UNIX_EPOCH,
            actor_type: "operator".to_owned(),
            actor_id: None,
            actor_name: None,
        };
        for (missing, skipped, left) in [
            (vec![(1, 9)], vec![(1, 9)], vec![]),
            (vec![(1, 9)], vec![(1, 4), (5, 9)], vec![]),
            (vec![(1, 9), (20, 29)], vec![(5, 6), (20, 25)], vec![(1, 4), (7, 9), (26, 29)]),
            (vec![(3, 3)], vec![(4, 9)], vec![(3, 3)]),
        ] {
            let skipped: Vec<SkippedNumbers> = skipped.into_iter().map(skip).collect();
            let spans: Vec<MissingNumbers> = missing.into_iter().map(span).collect();
            let expected: Vec<MissingNumbers> = left.into_iter().map(span).collect();
            assert_eq!(unexplained(spans, &skipped), expected);
        }
    }

    #[test]
    fn a_number_is_prefix_and_digits() {
        for (prefix, padding, sequence, year, text) in [
            ("INV-", 5, 1, 2026, "INV-00001"),
            ("CN-", 5, 123_456, 2026, "CN-123456"),
            ("", 0, 7, 2026, "7"),
            ("{year}-", 4, 12, 2026, "2026-0012"),
        ] {
            let series = Series {
                id: SeriesId(uuid::Uuid::nil()),
                document_kind: "invoice".to_owned(),
                prefix: prefix.to_owned(),
                padding,
                per_fiscal_year: prefix.contains("{year}"),
            };
            assert_eq!(series.format(sequence, year), text);
            assert_eq!(series.year_counted(year), if prefix.contains("{year}") { year } else { 0 });
        }
    }
}
