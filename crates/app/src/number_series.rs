//! Number series: how documents are numbered, changed without a number ever coming twice, and audited.

use billing::ids::SeriesId;
use billing::input::company::NumberSeriesPatch;
use billing::refusal::Refusal;
use billing::series::{PublicSeries, Series, SeriesAudit};
use jiff::civil::Date;
use store::db::Tx;
use store::series as shelf;

use crate::work::json;
use crate::{Error, View, Work};
use billing::company::Company;

/// All series.
///
/// # Errors
/// What the shelves answer.
pub fn list(view: &mut View<'_>) -> Result<Vec<PublicSeries>, Error> {
    let today = view.today();
    let all = shelf::list(view.tx, view.company.id)?;
    all.into_iter().map(|series| publish(view.tx, &view.company, today, series)).collect()
}

/// One series.
///
/// # Errors
/// `NUMBER_SERIES_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: SeriesId) -> Result<PublicSeries, Error> {
    let today = view.today();
    let series = shelf::by_id(view.tx, view.company.id, id)?.ok_or_else(not_found)?;
    publish(view.tx, &view.company, today, series)
}

/// Changes how a series numbers from its next number on. The count goes on, or begins at 1
/// under a prefix that no number has had, or goes on with a higher number where one is told.
///
/// # Errors
/// `NUMBER_SERIES_NOT_FOUND`, `NUMBER_SERIES_PREFIX_USED`, `NUMBER_SERIES_NUMBER_GIVEN`; a prefix that can't be told
/// from the count and a next number without its prefix as faults.
pub fn change(work: &mut Work<'_>, id: SeriesId, patch: NumberSeriesPatch) -> Result<PublicSeries, Error> {
    let NumberSeriesPatch { prefix, padding, per_fiscal_year, next_number } = patch;
    let (company_id, today) = (work.company.id, work.today());
    let before = shelf::by_id(work.tx, company_id, id)?.ok_or_else(not_found)?;
    let after = Series {
        id,
        document_kind: before.document_kind.clone(),
        prefix: prefix.map(|text| text.0).over(Some(before.prefix.clone())).unwrap_or_default(),
        padding: padding.unwrap_or(before.padding),
        per_fiscal_year: per_fiscal_year.unwrap_or(before.per_fiscal_year),
    };
    let fiscal_year = work.company.fiscal_year(today);
    let mut faults = after.faults();
    let next = match next_number.map(|number| after.count_of(&number, fiscal_year)).transpose() {
        Ok(next) => next,
        Err(other) => {
            faults.0.extend(other.0);
            None
        }
    };
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let year = after.year_counted(fiscal_year);
    let upcoming = shelf::upcoming(work.tx, company_id, id, year)?;
    let next = next.filter(|next| *next != upcoming);
    if after == before && next.is_none() {
        work.nothing_happened();
        return publish(work.tx, &work.company, today, after);
    }
    after.check_fresh(&shelf::prefixes(work.tx, company_id, id)?)?;
    if next.is_some_and(|next| next < upcoming) {
        let lowest = after.format(upcoming, fiscal_year);
        let message = format!("A series only goes upward: its next number is {lowest} or a higher one.");
        return Err(Refusal::new("NUMBER_SERIES_NUMBER_GIVEN", message)
            .with(serde_json::json!({ "property": "nextNumber", "lowest": lowest }))
            .into());
    }
    let was = publish(work.tx, &work.company, today, before)?;
    shelf::update(work.tx, company_id, &after, work.now)?;
    if let Some(next) = next {
        let (actor_type, actor_id) = work.by.actor.named();
        let by = (work.now, actor_type, actor_id.as_deref());
        shelf::skip(work.tx, company_id, id, year, (upcoming, next), by)?;
    }
    let published = publish(work.tx, &work.company, today, after)?;
    work.event("number_series.updated", "number_series", id, &published, Some(json(&was)));
    Ok(published)
}

/// What a series has given, with every void and the proof that nothing is missing.
///
/// # Errors
/// `NUMBER_SERIES_NOT_FOUND`.
pub fn audit(view: &mut View<'_>, id: SeriesId) -> Result<SeriesAudit, Error> {
    let series = shelf::by_id(view.tx, view.company.id, id)?.ok_or_else(not_found)?;
    let years = shelf::years(view.tx, view.company.id, id)?;
    let is_complete = years.iter().all(|year| year.is_complete);
    Ok(SeriesAudit { id, document_type: series.kind(), is_complete, years })
}

fn publish(tx: &mut dyn Tx, company: &Company, today: Date, series: Series) -> Result<PublicSeries, Error> {
    let fiscal_year = company.fiscal_year(today);
    let next = shelf::upcoming(tx, company.id, series.id, series.year_counted(fiscal_year))?;
    let (document_type, next_number) = (series.kind(), series.format(next, fiscal_year));
    let Series { id, document_kind: _, prefix, padding, per_fiscal_year } = series;
    Ok(PublicSeries { id, document_type, prefix, padding, per_fiscal_year, next_number })
}

fn not_found() -> Refusal {
    Refusal::missing("NUMBER_SERIES_NOT_FOUND", "There is no such number series in this company.")
}
