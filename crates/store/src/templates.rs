//! Document templates and their versions.

use billing::ids::{CompanyId, TemplateId};
use billing::templates::{Look, Template};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

macro_rules! columns {
    ($suffix:literal) => {
        concat!(
            "select id, name, document_type, is_default, created_at, updated_at, version ",
            "from document_templates ",
            $suffix
        )
    };
}

statements! {
    GET = columns!("where company_id = $1 and id = $2 and retired_at is null");
    DEFAULT_OF = columns!("where company_id = $1 and document_type = $2 and is_default = 'yes'");
    LIST = columns!("where company_id = $1 and retired_at is null");
    INSERT = "insert into document_templates (company_id, id, name, document_type, is_default, created_at, \
        updated_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    UPDATE = "update document_templates set name = $1, is_default = $2, updated_at = $3, version = $4 \
        where company_id = $5 and id = $6";
    RETIRE = "update document_templates set retired_at = $1 where company_id = $2 and id = $3";
    LOOK = "select source, settings from document_template_versions \
        where company_id = $1 and template_id = $2 and version = $3";
    INSERT_LOOK = "insert into document_template_versions (company_id, template_id, version, source, settings, \
        created_at) values ($1, $2, $3, $4, $5, $6)";
    CUSTOMERS_WITH = "select count(*) from customers where company_id = $1 and document_template_ids like $2";
}

/// A template that is not retired.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: TemplateId) -> Result<Option<Template>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// The template of a document type (`invoice-template`, …) for documents that name none.
///
/// # Errors
/// What the shelves answer.
pub fn default_of(tx: &mut dyn Tx, company_id: CompanyId, document_type: &str) -> Result<Option<Template>, Error> {
    tx.one(DEFAULT_OF, params![company_id, document_type])?.map(read).transpose()
}

/// All templates of a company that are not retired, in no order.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<Template>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Shelves a new template and what its version prints with.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, template: &Template, look: &Look) -> Result<(), Error> {
    let Template { id, name, document_type, is_default, created_at, updated_at, version } = template;
    tx.exec(
        INSERT,
        params![
            company_id,
            *id,
            name.as_str(),
            document_type.as_str(),
            yes_no(*is_default),
            *created_at,
            *updated_at,
            *version,
        ],
    )?;
    insert_look(tx, company_id, template, look)
}

/// Changes what may change of a template; its kind stays, its versions have rows of their own.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, template: &Template) -> Result<(), Error> {
    let Template { id, name, document_type: _, is_default, created_at: _, updated_at, version } = template;
    tx.exec(UPDATE, params![name.as_str(), yes_no(*is_default), *updated_at, *version, company_id, *id])
}

/// Retires a template: no new document finds it, what was booked with it keeps its versions.
///
/// # Errors
/// What the shelves answer.
pub fn retire(tx: &mut dyn Tx, company_id: CompanyId, id: TemplateId, now: Timestamp) -> Result<(), Error> {
    tx.exec(RETIRE, params![now, company_id, id])
}

/// What a version of a template prints with, retired or not.
///
/// # Errors
/// What the shelves answer.
pub fn look(tx: &mut dyn Tx, company_id: CompanyId, id: TemplateId, version: i64) -> Result<Option<Look>, Error> {
    let read = |mut row: Row| {
        let (source, settings): (_, String) = (row.next()?, row.next()?);
        let settings = serde_json::from_str(&settings).map_err(|fault| Error::Broken(fault.to_string()))?;
        Ok(Look { source, settings })
    };
    tx.one(LOOK, params![company_id, id, version])?.map(read).transpose()
}

/// Shelves what a template's present version prints with.
///
/// # Errors
/// What the shelves answer.
pub fn insert_look(tx: &mut dyn Tx, company_id: CompanyId, template: &Template, look: &Look) -> Result<(), Error> {
    let Look { source, settings } = look;
    let settings = serde_json::to_string(settings).map_err(|fault| Error::Broken(fault.to_string()))?;
    let (id, version, made_at) = (template.id, template.version, template.updated_at);
    tx.exec(INSERT_LOOK, params![company_id, id, version, source.as_deref(), settings, made_at])
}

/// How many customers name a template.
///
/// # Errors
/// What the shelves answer.
pub fn customers_with(tx: &mut dyn Tx, company_id: CompanyId, id: TemplateId) -> Result<i64, Error> {
    let row = tx.one(CUSTOMERS_WITH, params![company_id, format!("%{id}%")])?;
    row.map_or(Ok(0), |mut row| row.next())
}

fn read(mut row: Row) -> Result<Template, Error> {
    Ok(Template {
        id: row.id()?,
        name: row.next()?,
        document_type: row.parse()?,
        is_default: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}
