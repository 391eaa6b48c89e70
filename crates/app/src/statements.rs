//! A customer's statement: as data, as CSV, and printed.

use std::sync::Arc;

use billing::company::CompanyMode;
use billing::ids::CustomerId;
use billing::input::settlement::StatementQuery;
use billing::kind::Kind;
use billing::statement::{self, PublicStatement};
use billing::templates::{Look, TemplateSettings};
use jiff::civil::Date;
use serde_json::{Value, json};
use store::{statements as shelf, templates as shelf_of_templates};

use crate::archive::File;
use crate::open_items::check_customer;
use crate::paper::{self, Paper, Watermark};
use crate::{App, Caller, Error, View, templates};

/// What was owed, what happened, what is owed, in each currency.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: CustomerId, query: StatementQuery) -> Result<PublicStatement, Error> {
    let customer = check_customer(view.tx, view.company.id, id)?;
    let from = query.from.map(|day| day.0);
    let to = query.to.map_or_else(|| view.today(), |day| day.0);
    let before = match from {
        Some(day) => shelf::before(view.tx, view.company.id, id, day)?,
        None => Vec::new(),
    };
    let since = shelf::since(view.tx, view.company.id, id, (from.unwrap_or(FIRST), to))?;
    Ok(PublicStatement {
        customer_id: id,
        customer_number: customer.customer_number,
        customer_name: customer.name,
        from: from.map(|day| day.to_string()),
        to: to.to_string(),
        accounts: statement::accounts(&before, &since),
    })
}

/// No entry is older.
const FIRST: Date = Date::constant(1, 1, 1);

/// The statement as CSV.
///
/// # Errors
/// As [`get`].
pub fn csv(app: &Arc<App>, by: &Caller, id: CustomerId, query: StatementQuery) -> Result<File, Error> {
    let found = app.read(by.clone(), move |view| get(view, id, query)).wait()?;
    let name = format!("statement-{}.csv", found.customer_number);
    let bytes = statement::to_csv(&found).into_bytes();
    Ok(File { content_type: "text/csv; charset=utf-8", name, sha256: None, bytes })
}

/// The statement printed, with the settings of the default template of invoices. Blocks while it is: call it where waiting is allowed.
///
/// # Errors
/// As [`get`]; `Broken` when the press fails.
pub fn pdf(app: &Arc<App>, by: &Caller, id: CustomerId, query: StatementQuery) -> Result<File, Error> {
    let printed = app.read(by.clone(), move |view| {
        let customer = check_customer(view.tx, view.company.id, id)?;
        let found = get(view, id, query)?;
        let number = found.customer_number.clone();
        let mark = (view.company.mode == CompanyMode::Test).then_some(Watermark::Test);
        let paper = Paper {
            kind: "statement",
            document: json!({}),
            base_currency: view.company.currency.code(),
            language: &customer.language,
            mark,
            date: view.today(),
            identifier: format!("{id} {}", found.to),
        };
        let source = Some(paper::STATEMENT_TEMPLATE.to_owned());
        let default = shelf_of_templates::default_of(view.tx, view.company.id, Kind::Invoice.template_type())?;
        let settings = match default {
            Some(template) => templates::look(view.tx, view.company.id, &template)?.settings,
            None => TemplateSettings::default(),
        };
        let mut print = paper.with(&Look { source, settings });
        print.data["statement"] = value(&found)?;
        print.data["seller"] = value(&billing::parties::seller(&view.company))?;
        print.data["buyer"] = value(&billing::parties::buyer(&customer, None, None))?;
        Ok::<_, Error>((number, print))
    });
    let (number, print) = printed.wait()?;
    let bytes = app.press.print(&print)?;
    Ok(File { content_type: "application/pdf", name: format!("statement-{number}.pdf"), sha256: None, bytes })
}

fn value<T: serde::Serialize>(of: &T) -> Result<Value, Error> {
    serde_json::to_value(of).map_err(|fault| Error::Broken(fault.to_string()))
}
