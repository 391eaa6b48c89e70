//! All of a line's SQL.

use billing::document::Document;
use billing::ids::{CompanyId, DocumentId, LineId, TagId};
use billing::lines::{Line, LineBody, LineType, Particulars, ProductLine};
use billing::money::Money;

use crate::db::{Error, Row, Tx, Value, params, statements, yes_no};
use crate::documents::{json, metadata, parse_json};

statements! {
    OF = "select id, line_type, description, price_id, product_id, product_number, quantity, unit, unit_price, \
        discount_percent, total_price, vat_rate, vat_category, vat_country_code, vat_amount, exemption_reason, \
        exemption_reason_code, account_id, vat_code_id, is_goods, base_total, base_vat, period_start, period_end, tag_ids, metadata, \
        invoice_line_id from document_lines where company_id = $1 and document_id = $2 order by position";
    INSERT = "insert into document_lines (company_id, document_id, position, id, line_type, description, price_id, \
        product_id, product_number, quantity, unit, unit_price, discount_percent, total_price, vat_rate, vat_category, \
        vat_country_code, vat_amount, exemption_reason, exemption_reason_code, account_id, vat_code_id, is_goods, base_total, base_vat, \
        period_start, period_end, tag_ids, metadata, invoice_line_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)";
    SET_BASE = "update document_lines set base_total = $1, base_vat = $2 \
        where company_id = $3 and document_id = $4 and position = $5 and base_total is null";
    DELETE = "delete from document_lines where company_id = $1 and document_id = $2";
    DOCUMENT_OF = "select document_id from document_lines where company_id = $1 and id = $2";
}

/// The document a line stands on.
///
/// # Errors
/// What the shelves answer.
pub fn document_of(tx: &mut dyn Tx, company_id: CompanyId, id: LineId) -> Result<Option<DocumentId>, Error> {
    tx.one(DOCUMENT_OF, params![company_id, id])?.map(|mut row| row.id()).transpose()
}

pub(crate) fn of(rows: Vec<Row>, document: &Document) -> Result<Vec<Line>, Error> {
    rows.into_iter().map(|mut row| read(&mut row, document)).collect()
}

pub(crate) fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

pub(crate) fn insert(tx: &mut dyn Tx, company_id: CompanyId, document: &Document) -> Result<(), Error> {
    for (position, line) in (0_i64..).zip(&document.lines) {
        let (line_type, description) = match &line.body {
            LineBody::Product(product) => ("product", Some(product.description.as_str())),
            LineBody::Text(text) => ("text", Some(text.as_str())),
            LineBody::Separator => ("separator", None),
        };
        let head = params![company_id, document.id, position, line.id, line_type, description];
        let mut values: Vec<Value<'_>> = head.to_vec();
        match line.product() {
            Some(product) => product_values(product, &mut values),
            None => {
                values.extend((0..21).map(|_| Value::Null));
                values.extend(params!["[]", "{}"].to_vec());
                values.push(Value::Null);
            }
        }
        tx.exec(INSERT, &values)?;
    }
    Ok(())
}

fn product_values<'a>(line: &'a ProductLine, values: &mut Vec<Value<'a>>) {
    let ProductLine {
        price_id,
        product_id,
        product_number,
        description: _,
        quantity,
        unit,
        unit_price,
        discount_percent,
        total,
        vat_rate,
        vat_category,
        vat_country,
        vat,
        exemption_reason,
        exemption_reason_code,
        account_id,
        vat_code_id,
        is_goods,
        base_total,
        base_vat,
        particulars,
        invoice_line_id,
    } = line;
    let Particulars { period_start, period_end, tag_ids, metadata } = particulars;
    values.extend(
        params![
            *price_id,
            *product_id,
            product_number.as_deref(),
            *quantity,
            unit.as_deref(),
            *unit_price,
            *discount_percent,
            total.minor(),
            *vat_rate,
            vat_category.as_str(),
            vat_country.as_deref(),
            vat.minor(),
            exemption_reason.as_deref(),
            exemption_reason_code.as_deref(),
            *account_id,
            *vat_code_id,
            yes_no(*is_goods),
            base_total.map(Money::minor),
            base_vat.map(Money::minor),
            *period_start,
            *period_end,
            if tag_ids.is_empty() { "[]".to_owned() } else { json(tag_ids) },
            if metadata.0.is_empty() { "{}".to_owned() } else { json(metadata) },
            *invoice_line_id,
        ]
        .to_vec(),
    );
}

/// Writes the base amounts that booking pins, on lines that have none yet.
pub(crate) fn set_base(tx: &mut dyn Tx, company_id: CompanyId, document: &Document) -> Result<(), Error> {
    for (position, line) in (0_i64..).zip(&document.lines) {
        if let Some(product) = line.product() {
            let (total, vat) = (product.base_total.map(Money::minor), product.base_vat.map(Money::minor));
            tx.exec(SET_BASE, params![total, vat, company_id, document.id, position])?;
        }
    }
    Ok(())
}

fn read(row: &mut Row, document: &Document) -> Result<Line, Error> {
    let id: LineId = row.id()?;
    let line_type = match row.next::<String>()?.as_str() {
        "text" => LineType::Text,
        "separator" => LineType::Separator,
        _ => LineType::Product,
    };
    let description: Option<String> = row.next()?;
    let body = match line_type {
        LineType::Text => LineBody::Text(description.unwrap_or_default()),
        LineType::Separator => LineBody::Separator,
        LineType::Product => LineBody::Product(Box::new(read_product(row, description.unwrap_or_default(), document)?)),
    };
    Ok(Line { id, body })
}

fn read_product(row: &mut Row, description: String, document: &Document) -> Result<ProductLine, Error> {
    let base = |minor: Option<i64>| minor.map(|minor| Money::new(minor, document.base_currency));
    Ok(ProductLine {
        price_id: row.opt_id()?,
        product_id: row.opt_id()?,
        product_number: row.next()?,
        description,
        quantity: row.next()?,
        unit: row.next()?,
        unit_price: row.next()?,
        discount_percent: row.next()?,
        total: Money::new(row.next()?, document.currency),
        vat_rate: row.next()?,
        vat_category: row.parse()?,
        vat_country: row.next()?,
        vat: Money::new(row.next()?, document.currency),
        exemption_reason: row.next()?,
        exemption_reason_code: row.next()?,
        account_id: row.id()?,
        vat_code_id: row.opt_id()?,
        is_goods: row.next()?,
        base_total: base(row.next()?),
        base_vat: base(row.next()?),
        particulars: Particulars {
            period_start: row.next()?,
            period_end: row.next()?,
            tag_ids: tags(&row.next::<String>()?)?,
            metadata: metadata(&row.next::<String>()?)?,
        },
        invoice_line_id: row.opt_id()?,
    })
}

fn tags(text: &str) -> Result<Vec<TagId>, Error> {
    if text == "[]" { Ok(Vec::new()) } else { parse_json(text) }
}
