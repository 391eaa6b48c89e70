//! Number series and their next numbers.

use billing::ids::{CompanyId, SeriesId};
use billing::series::{MissingNumbers, Series, SeriesYear, SkippedNumbers, VoidedNumber, unexplained};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

statements! {
    GET = "select id, document_kind, prefix, padding, per_fiscal_year from number_series \
        where company_id = $1 and document_kind = $2";
    BY_ID = "select id, document_kind, prefix, padding, per_fiscal_year from number_series \
        where company_id = $1 and id = $2";
    LIST = "select id, document_kind, prefix, padding, per_fiscal_year from number_series \
        where company_id = $1 order by created_at, id";
    UPDATE = "update number_series set prefix = $1, padding = $2, per_fiscal_year = $3, updated_at = $4 \
        where company_id = $5 and id = $6";
    PREFIXES = "select prefix, per_fiscal_year from number_series_prefixes where company_id = $1 and series_id = $2";
    KEEP_PREFIX = "insert into number_series_prefixes (company_id, series_id, prefix, per_fiscal_year) \
        values ($1, $2, $3, $4) on conflict do nothing";
    UPCOMING = "select next_number from number_series_years where company_id = $1 and series_id = $2 and year = $3";
    RAISE = "insert into number_series_years (company_id, series_id, year, next_number, last_numbered_at) \
        values ($1, $2, $3, $4, $5) on conflict (company_id, series_id, year) do update set \
        next_number = excluded.next_number";
    SKIP = "insert into number_series_skips (company_id, series_id, year, from_number, to_number, skipped_at, \
        actor_type, actor_id) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    GIVEN = "select count(*) from documents where company_id = $1 and number_seq is not null";
    SKIPS = "select s.from_number, s.to_number, s.skipped_at, s.actor_type, s.actor_id, k.name \
        from number_series_skips s left join api_keys k on k.company_id = s.company_id and k.id = s.actor_id \
        where s.company_id = $1 and s.series_id = $2 and s.year = $3 order by s.from_number";
    YEARS = "select y.year, y.next_number, count(d.number_seq), min(d.number_seq), max(d.number_seq) \
        from number_series_years y left join documents d on d.company_id = y.company_id \
        and d.series_id = y.series_id and d.series_year = y.year \
        where y.company_id = $1 and y.series_id = $2 group by y.year, y.next_number order by y.year";
    NUMBER_AT = "select number from documents where company_id = $1 and series_id = $2 and series_year = $3 \
        and number_seq = $4";
    GAPS = "select previous, number_seq from (select number_seq, lag(number_seq) over (order by number_seq) \
        as previous from documents where company_id = $1 and series_id = $2 and series_year = $3 \
        and number_seq is not null) counted where number_seq > previous + 1 order by number_seq limit 1000";
    LATE = "select number from (select number_seq, number, numbered_at, lag(numbered_at) over (order by number_seq) \
        as previous from documents where company_id = $1 and series_id = $2 and series_year = $3 \
        and number_seq is not null) counted where numbered_at < previous order by number_seq limit 1000";
    VOIDS = "select d.id, d.number, d.voided_at, d.void_reason, e.actor_type, e.actor_id, k.name from documents d \
        left join events e on e.company_id = d.company_id and e.resource_id = d.id and e.type = 'credit_note.voided' \
        left join api_keys k on k.company_id = e.company_id and k.id = e.actor_id \
        where d.company_id = $1 and d.series_id = $2 and d.series_year = $3 and d.voided_at is not null \
        order by d.number_seq";
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
    )?;
    keep_prefix(tx, company_id, series)
}

/// Writes how a series numbers from now on, and remembers its prefix.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, series: &Series, at: Timestamp) -> Result<(), Error> {
    let Series { id, document_kind: _, prefix, padding, per_fiscal_year } = series;
    let padding = i64::from(*padding);
    tx.exec(UPDATE, params![prefix.as_str(), padding, yes_no(*per_fiscal_year), at, company_id, *id])?;
    keep_prefix(tx, company_id, series)
}

fn keep_prefix(tx: &mut dyn Tx, company_id: CompanyId, series: &Series) -> Result<(), Error> {
    let Series { id, prefix, per_fiscal_year, .. } = series;
    tx.exec(KEEP_PREFIX, params![company_id, *id, prefix.as_str(), yes_no(*per_fiscal_year)])
}

/// A series.
///
/// # Errors
/// What the shelves answer.
pub fn by_id(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId) -> Result<Option<Series>, Error> {
    tx.one(BY_ID, params![company_id, id])?.map(read).transpose()
}

/// All series of a company, in the order they were made.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<Series>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Every prefix a series has had, and whether it began anew each fiscal year with it.
///
/// # Errors
/// What the shelves answer.
pub fn prefixes(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId) -> Result<Vec<(String, bool)>, Error> {
    let read = |mut row: Row| Ok((row.next()?, row.next()?));
    tx.all(PREFIXES, params![company_id, id])?.into_iter().map(read).collect()
}

/// The count the next number of a year will have.
///
/// # Errors
/// What the shelves answer.
pub fn upcoming(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId, year: i64) -> Result<i64, Error> {
    tx.one(UPCOMING, params![company_id, id, year])?.map_or(Ok(1), |mut row| row.next())
}

/// How many numbers a company's series have given.
///
/// # Errors
/// What the shelves answer.
pub fn given(tx: &mut dyn Tx, company_id: CompanyId) -> Result<i64, Error> {
    tx.one(GIVEN, params![company_id])?.map_or(Ok(0), |mut row| row.next())
}

/// Goes on with a higher number in a year, and remembers what is left out by that, who left it out and when.
///
/// # Errors
/// What the shelves answer.
pub fn skip(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: SeriesId,
    year: i64,
    (upcoming, next): (i64, i64),
    (at, actor_type, actor_id): (Timestamp, &str, Option<&str>),
) -> Result<(), Error> {
    tx.exec(RAISE, params![company_id, id, year, next, at])?;
    tx.exec(SKIP, params![company_id, id, year, upcoming, next - 1, at, actor_type, actor_id])
}

/// What a series left out in a year, in the order of the counts.
///
/// # Errors
/// What the shelves answer.
pub fn skips(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId, year: i64) -> Result<Vec<SkippedNumbers>, Error> {
    let read = |mut row: Row| {
        Ok(SkippedNumbers {
            from: row.next()?,
            to: row.next()?,
            skipped_at: row.next()?,
            actor_type: row.next()?,
            actor_id: row.next()?,
            actor_name: row.next()?,
        })
    };
    tx.all(SKIPS, params![company_id, id, year])?.into_iter().map(read).collect()
}

/// What a series has given, count by count.
///
/// # Errors
/// What the shelves answer.
pub fn years(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId) -> Result<Vec<SeriesYear>, Error> {
    let mut years = Vec::new();
    for mut row in tx.all(YEARS, params![company_id, id])? {
        let (year, next, count): (i64, i64, i64) = (row.next()?, row.next()?, row.next()?);
        let (first, last): (Option<i64>, Option<i64>) = (row.next()?, row.next()?);
        let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
        let skipped = skips(tx, company_id, id, year)?;
        let missing = unexplained(missing(tx, company_id, id, year, (first, last, next))?, &skipped);
        let left_out: i64 = skipped.iter().map(|span| span.to - span.from + 1).sum();
        let out_of_order = tx.all(LATE, params![company_id, id, year])?;
        let out_of_order: Vec<String> =
            out_of_order.into_iter().map(|mut row| row.next()).collect::<Result<_, Error>>()?;
        let mut number_at = |count: i64| -> Result<Option<String>, Error> {
            let row = tx.one(NUMBER_AT, params![company_id, id, year, count])?;
            row.map(|mut row| row.next()).transpose()
        };
        years.push(SeriesYear {
            fiscal_year: (year != 0).then(|| year.to_string()),
            count,
            first,
            last,
            next,
            first_number: number_at(first)?,
            last_number: number_at(last)?,
            is_complete: missing.is_empty() && out_of_order.is_empty() && count + left_out == next - 1,
            missing,
            skipped,
            out_of_order,
            voids: voids(tx, company_id, id, year)?,
        });
    }
    Ok(years)
}

/// The counts from 1 to the one before the next that no document bears.
fn missing(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: SeriesId,
    year: i64,
    (first, last, next): (i64, i64, i64),
) -> Result<Vec<MissingNumbers>, Error> {
    let span = |from: i64, to: i64| (from <= to).then_some(MissingNumbers { from, to });
    let mut missing: Vec<MissingNumbers> = span(1, first - 1).into_iter().collect();
    for mut row in tx.all(GAPS, params![company_id, id, year])? {
        let (previous, following): (i64, i64) = (row.next()?, row.next()?);
        missing.extend(span(previous + 1, following - 1));
    }
    missing.extend(span(last + 1, next - 1));
    Ok(missing)
}

fn voids(tx: &mut dyn Tx, company_id: CompanyId, id: SeriesId, year: i64) -> Result<Vec<VoidedNumber>, Error> {
    let read = |mut row: Row| {
        Ok(VoidedNumber {
            id: row.id()?,
            number: row.next()?,
            voided_at: row.next()?,
            reason: row.next::<Option<String>>()?.unwrap_or_default(),
            actor_type: row.next()?,
            actor_id: row.next()?,
            actor_name: row.next()?,
        })
    };
    tx.all(VOIDS, params![company_id, id, year])?.into_iter().map(read).collect()
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
