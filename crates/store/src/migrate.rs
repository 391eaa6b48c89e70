//! Migrations: forward only, one text for both engines, run at start under a lock.

use crate::db::Error;

/// Every migration in order: its name and its text.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_the_books", include_str!("../migrations/0001_the_books.sql")),
    ("0002_stored_answers", include_str!("../migrations/0002_stored_answers.sql")),
    ("0003_what_explains_numbers", include_str!("../migrations/0003_what_explains_numbers.sql")),
    ("0004_settlement", include_str!("../migrations/0004_settlement.sql")),
    ("0005_template_versions", include_str!("../migrations/0005_template_versions.sql")),
    ("0006_answers_told_by_events", include_str!("../migrations/0006_answers_told_by_events.sql")),
    ("0007_rates_of_open_items", include_str!("../migrations/0007_rates_of_open_items.sql")),
    ("0008_skipped_numbers", include_str!("../migrations/0008_skipped_numbers.sql")),
    ("0009_answers_by_hash", include_str!("../migrations/0009_answers_by_hash.sql")),
    ("0010_deliveries_by_channel", include_str!("../migrations/0010_deliveries_by_channel.sql")),
    ("0011_sales_documents", include_str!("../migrations/0011_sales_documents.sql")),
    ("0012_webhooks", include_str!("../migrations/0012_webhooks.sql")),
    ("0013_days", include_str!("../migrations/0013_days.sql")),
    ("0014_oss_rates", include_str!("../migrations/0014_oss_rates.sql")),
    ("0015_erasure", include_str!("../migrations/0015_erasure.sql")),
    ("0016_dunning", include_str!("../migrations/0016_dunning.sql")),
    ("0017_answers_placed_later", include_str!("../migrations/0017_answers_placed_later.sql")),
    ("0018_answers_in_order", include_str!("../migrations/0018_answers_in_order.sql")),
];

/// The table that remembers which have run; the same on both engines.
pub(crate) const TABLE: &str = "create table if not exists migrations (number bigint primary key, name text not null)";

/// What is still to be run, given what has been.
///
/// # Errors
/// `Broken` when the database is newer than the program, or was made by other migrations.
pub(crate) fn pending(
    applied: &[(i64, String)],
    all: &'static [(&'static str, &'static str)],
) -> Result<&'static [(&'static str, &'static str)], Error> {
    for (at, (number, name)) in applied.iter().enumerate() {
        match all.get(at) {
            None => {
                return Err(Error::Broken(format!(
                    "the database is newer than this program: it has migration {number} ({name}); use the newer program"
                )));
            }
            Some((own, _)) if own != name => {
                return Err(Error::Broken(format!(
                    "migration {number} of the database is {name}, of this program {own}"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(&all[applied.len()..])
}

/// What sets a database's migrations apart from the program's; nothing when they are the same.
#[must_use]
pub fn difference(applied: &[(i64, String)]) -> Option<String> {
    match pending(applied, MIGRATIONS) {
        Err(Error::Broken(why)) => Some(why),
        Err(other) => Some(other.to_string()),
        Ok([]) => None,
        Ok([(name, _), ..]) => {
            Some(format!("the database lacks {name}; the next start of the server brings it up to date"))
        }
    }
}

/// Which engine a text is rewritten for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// `bigint` is `integer`, `bytes` is `blob`, tables are `strict`.
    Sqlite,
    /// `text` sorts by bytes, `bytes` is `bytea`.
    Postgres,
}

/// A migration's statements in one engine's words. The text is simple by rule: one
/// statement ends with `;` at a line's end, comments stand on lines of their own. What
/// one engine alone is told begins with its name: `@sqlite` or `@postgres`.
pub(crate) fn statements(text: &str, dialect: Dialect) -> Vec<String> {
    let plain: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let plain = plain.join("\n");
    plain
        .split(";\n")
        .map(|statement| statement.trim().trim_end_matches(';'))
        .filter(|statement| !statement.is_empty())
        .filter_map(|statement| {
            let (own, other) = match dialect {
                Dialect::Sqlite => ("@sqlite ", "@postgres "),
                Dialect::Postgres => ("@postgres ", "@sqlite "),
            };
            (!statement.starts_with(other)).then(|| statement.strip_prefix(own).unwrap_or(statement))
        })
        .map(|statement| rewrite(statement, dialect))
        .collect()
}

fn rewrite(statement: &str, dialect: Dialect) -> String {
    let is_table = statement.starts_with("create table");
    let is_column = statement.starts_with("alter table");
    let words = |statement: &str, from: &str, to: &str| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut text = String::with_capacity(statement.len());
        let mut rest = statement;
        while let Some(at) = rest.find(from) {
            let (before, after) = (&rest[..at], &rest[at + from.len()..]);
            let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
            text.push_str(before);
            // A type stands after a column's name, never first on its line.
            let named = text.rsplit('\n').next().is_some_and(|line| !line.trim().is_empty());
            text.push_str(if whole && named { to } else { from });
            rest = after;
        }
        text + rest
    };
    if !is_table && !is_column {
        return statement.to_owned();
    }
    let strict = match (is_table, statement.ends_with("without rowid")) {
        (true, true) => ", strict",
        (true, false) => " strict",
        (false, _) => "",
    };
    match dialect {
        Dialect::Sqlite => words(&words(statement, "bigint", "integer"), "bytes", "blob") + strict,
        Dialect::Postgres => words(&words(statement, "text", "text collate \"C\""), "bytes", "bytea"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "-- A table.\ncreate table texts (\n  id text primary key,\n  bytes bytes,\n  text_bigint bigint\n);\n\ncreate index t on texts (id);\n";

    #[test]
    fn one_text_becomes_each_engines() {
        let sqlite = statements(TEXT, Dialect::Sqlite);
        assert_eq!(
            sqlite,
            [
                "create table texts (\n  id text primary key,\n  bytes blob,\n  text_bigint integer\n) strict",
                "create index t on texts (id)"
            ]
        );
        let added = "alter table texts add column more text";
        assert_eq!(statements(added, Dialect::Sqlite), [added]);
        assert_eq!(statements(added, Dialect::Postgres), [format!("{added} collate \"C\"")]);
        let postgres = statements(TEXT, Dialect::Postgres);
        assert_eq!(
            postgres[0],
            "create table texts (\n  id text collate \"C\" primary key,\n  bytes bytea,\n  text_bigint bigint\n)"
        );
    }

    #[test]
    fn what_is_one_engines_own_is_told_to_it_alone() {
        let text = "@sqlite create table a (\n  b bigint\n) without rowid;\n@postgres create view c as select 1;\n";
        assert_eq!(statements(text, Dialect::Sqlite), ["create table a (\n  b integer\n) without rowid, strict"]);
        assert_eq!(statements(text, Dialect::Postgres), ["create view c as select 1"]);
    }

    #[test]
    fn an_added_column_is_of_the_same_type_as_one_from_the_start() {
        let added = "alter table texts add column text_bigint bigint;\nalter table texts add column own text;\n";
        let sqlite = statements(added, Dialect::Sqlite);
        assert_eq!(sqlite[0], "alter table texts add column text_bigint integer");
        assert_eq!(statements(added, Dialect::Postgres)[1], "alter table texts add column own text collate \"C\"");
    }

    #[test]
    fn a_newer_database_is_refused() {
        let all: &[(&str, &str)] = &[("0001_a", ""), ("0002_b", "")];
        assert_eq!(pending(&[(1, "0001_a".to_owned())], all).unwrap().len(), 1);
        let newer = [(1, "0001_a".to_owned()), (2, "0002_b".to_owned()), (3, "0003_c".to_owned())];
        assert!(pending(&newer, all).unwrap_err().to_string().contains("newer than this program"));
        assert!(pending(&[(1, "0001_x".to_owned())], all).is_err());
    }
}
