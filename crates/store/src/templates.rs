//! Document templates.

use billing::ids::{CompanyId, TemplateId};
use billing::templates::Template;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

macro_rules! columns {
    ($suffix:literal) => {
        concat!(
            "select id, name, document_type, is_default, created_at, updated_at, version, source, settings ",
            "from document_templates ",
            $suffix
        )
    };
}

statements! {
    GET = columns!("where company_id = $1 and id = $2");
    DEFAULT_OF = columns!("where company_id = $1 and document_type = $2 and is_default = 'yes'");
    LIST = columns!("where company_id = $1");
    INSERT = "insert into document_templates (company_id, id, name, document_type, is_default, created_at, \
        updated_at, version, source, settings) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
}

/// A template.
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

/// All templates of a company, in no order.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<Template>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Shelves a new template.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, template: &Template) -> Result<(), Error> {
    let Template { id, name, document_type, is_default, created_at, updated_at, version, source, settings } = template;
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
            source.as_deref(),
            settings.as_str(),
        ],
    )
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
        source: row.next()?,
        settings: row.next()?,
    })
}
