//! Number series and their next numbers.

use billing::ids::{CompanyId, SeriesId};
use billing::series::Series;
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

statements! {
    GET = "select id, document_kind, prefix, padding, per_fiscal_year from number_series \
        where company_id = $1 and document_kind = $2";
    INSERT = "insert into number_series (company_id, id, document_kind, prefix, padding, per_fiscal_year, \
        created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    NEXT = "insert into number_series_years (company_id, series_id, year, next_number, last_numbered_at) \
        values ($1, $2, $3, 2, $4) on conflict (company_id, series_id, year) do update set \
        next_number = number_series_years.next_number + 1, last_numbered_at = case \
            when number_series_years.last_numbered_at > excluded.last_numbered_at \
            then number_series_years.last_numbered_at else excluded.last_numbered_at end \
        returning next_number - 1, last_numbered_at";
}

/// The series of a kind of document, by the kind's stored name.
///
/// # Errors
/// `NotFound` when the company has none.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, document_kind: &str) -> Result<Series, Error> {
    read(tx.one(GET, params![company_id, document_kind])?.ok_or(Error::NotFound)?)
}

/// Takes the next number and the instant it counts from; `year` is [`Series::year_counted`].
/// Its row is held until the commit, so that none is lost. The instant is `now`, or the
/// last number's where the clock went back: a later number never carries an earlier one.
///
/// # Errors
/// What the shelves answer.
pub fn next(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    series_id: SeriesId,
    year: i64,
    now: Timestamp,
) -> Result<(i64, Timestamp), Error> {
    let row = tx.one(NEXT, params![company_id, series_id, year, now])?;
    let mut row = row.ok_or_else(|| Error::Broken("a series gave no number".to_owned()))?;
    Ok((row.next()?, row.next()?))
}

/// Shelves a new series.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, series: &Series, at: Timestamp) -> Result<(), Error> {
    let Series { id, document_kind, prefix, padding, per_fiscal_year } = series;
    let padding = i64::from(*padding);
    tx.exec(
        INSERT,
        params![company_id, *id, document_kind.as_str(), prefix.as_str(), padding, yes_no(*per_fiscal_year), at, at,],
    )
}

fn read(mut row: Row) -> Result<Series, Error> {
    Ok(Series {
        id: row.id()?,
        document_kind: row.next()?,
        prefix: row.next()?,
        padding: row.next()?,
        per_fiscal_year: row.next()?,
    })
}
