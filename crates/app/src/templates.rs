//! Document templates, to read.

use billing::input::company::TemplateQuery;
use billing::page::{Page, Part};
use billing::templates::{Template, TemplateSort, part_of};
use store::templates as shelf;

use crate::{Error, View};

/// Templates, newest first unless asked otherwise.
///
/// # Errors
/// A cursor that is none of this list's.
pub fn list(view: &mut View<'_>, query: TemplateQuery) -> Result<Page<Template>, Error> {
    let TemplateQuery { page, limit, cursor, sort_by, sort_order, document_type, search } = query;
    let part = Part::asked(page, limit, cursor.as_deref())?;
    let all = shelf::list(view.tx, view.company.id)?;
    let sort = sort_by.unwrap_or(TemplateSort::CreatedAt);
    Ok(part_of(all, &part, document_type, search.as_deref(), sort, sort_order.unwrap_or_default()))
}
