//! A document's VAT by category and rate.

use std::collections::BTreeSet;

use billing::document::{Document, VatGroup};
use billing::ids::{CompanyId, DocumentId};
use billing::money::Money;

use crate::db::{Error, Row, Tx, params, statements};
use crate::several::Several;

macro_rules! select {
    ($first:literal, $rest:literal) => {
        concat!(
            "select ",
            $first,
            "vat_category, vat_rate, vat_country_code, taxable_amount, vat_amount, exemption_reason, ",
            "exemption_reason_code, mode ",
            "from document_vat_groups where company_id = ",
            $rest
        )
    };
}

statements! {
    OF = select!("", "$1 and document_id = $2 order by position");
    INSERT = "insert into document_vat_groups (company_id, document_id, position, vat_category, vat_rate, \
        vat_country_code, taxable_amount, vat_amount, exemption_reason, exemption_reason_code, mode) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    DELETE = "delete from document_vat_groups where company_id = $1 and document_id = $2";
}

const OF_SEVERAL: Several = Several {
    begin: select!("document_id, ", "?"),
    among: "and document_id in",
    end: "order by document_id, position",
};

/// Gives each of these documents its VAT groups.
///
/// # Errors
/// What the shelves answer.
pub fn fill(tx: &mut dyn Tx, company_id: CompanyId, documents: &mut [Document]) -> Result<(), Error> {
    let ids: BTreeSet<DocumentId> = documents.iter().map(|document| document.id).collect();
    let mut rows = OF_SEVERAL.rows(tx, company_id, &ids)?;
    for document in documents {
        document.groups = of(rows.remove(&document.id).unwrap_or_default(), document)?;
    }
    Ok(())
}

pub(crate) fn of(rows: Vec<Row>, document: &Document) -> Result<Vec<VatGroup>, Error> {
    let read = |mut row: Row| {
        Ok(VatGroup {
            category: row.parse()?,
            rate: row.next()?,
            country: row.next()?,
            taxable: Money::new(row.next()?, document.currency),
            vat: Money::new(row.next()?, document.currency),
            exemption_reason: row.next()?,
            exemption_reason_code: row.next()?,
            mode: row.parse()?,
        })
    };
    rows.into_iter().map(read).collect()
}

pub(crate) fn insert(tx: &mut dyn Tx, company_id: CompanyId, document: &Document) -> Result<(), Error> {
    for (position, group) in (0_i64..).zip(&document.groups) {
        let VatGroup { category, rate, country, taxable, vat, exemption_reason, exemption_reason_code, mode } = group;
        tx.exec(
            INSERT,
            params![
                company_id,
                document.id,
                position,
                category.as_str(),
                *rate,
                country.as_deref(),
                taxable.minor(),
                vat.minor(),
                exemption_reason.as_deref(),
                exemption_reason_code.as_deref(),
                mode.to_string(),
            ],
        )?;
    }
    Ok(())
}

pub(crate) fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}
