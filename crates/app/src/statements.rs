//! A customer's statement: as data, as CSV, and printed.

use std::sync::Arc;

use billing::company::CompanyMode;
use billing::ids::CustomerId;
use billing::input::settlement::StatementQuery;
use billing::statement::{self, PublicStatement};
use jiff::civil::Date;
use serde_json::{Value, json};
use store::statements as shelf;

use crate::archive::File;
use crate::open_items::check_customer;
use crate::paper::{self, Watermark};
use crate::{App, Caller, Error, Print, View};

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

/// The statement printed. Blocks while it is: call it where waiting is allowed.
///
/// # Errors
/// As [`get`]; `Broken` when the press fails.
pub fn pdf(app: &Arc<App>, by: &Caller, id: CustomerId, query: StatementQuery) -> Result<File, Error> {
    let printed = app.read(by.clone(), move |view| {
        let customer = check_customer(view.tx, view.company.id, id)?;
        let found = get(view, id, query)?;
        let number = found.customer_number.clone();
        let mark = (view.company.mode == CompanyMode::Test).then_some(Watermark::Test);
        let base = view.company.currency.code();
        let mut data = paper::paper("statement", json!({}), base, &customer.language, mark);
        data["statement"] = serde_json::to_value(&found).map_err(|fault| Error::Broken(fault.to_string()))?;
        data["seller"] = value(&billing::parties::seller(&view.company))?;
        data["buyer"] = value(&billing::parties::buyer(&customer, None, None))?;
        let print = Print {
            source: paper::STATEMENT_TEMPLATE.to_owned(),
            data,
            date: view.today(),
            identifier: format!("{id} {}", found.to),
            ..Print::default()
        };
        Ok::<_, Error>((number, print))
    });
    let (number, print) = printed.wait()?;
    let bytes = app.press.print(&print)?;
    Ok(File { content_type: "application/pdf", name: format!("statement-{number}.pdf"), sha256: None, bytes })
}

fn value<T: serde::Serialize>(of: &T) -> Result<Value, Error> {
    serde_json::to_value(of).map_err(|fault| Error::Broken(fault.to_string()))
}
