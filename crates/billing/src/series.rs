//! Series: how documents of a kind are numbered.

use crate::ids::SeriesId;

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
