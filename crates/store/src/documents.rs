//! Documents: heads on this page; lines, VAT groups and credits on their own.

use std::str::FromStr;

use billing::document::{Booking, Buyer, Document, Head, Number, Pinned, Seller, Source};
use billing::ids::{CompanyId, CustomerId, DocumentId};
use billing::input::Metadata;
use billing::kind::Kind;
use billing::money::{Currency, Money};
use billing::status::Facts;

use crate::db::{Error, Row, Tx, params, statements};
use crate::{lines, vat_groups};

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, kind, series_id, series_year, number_seq, number, numbered_at, date, due_date, payment_terms, ",
            "currency, customer_id, customer_department_id, customer_contact_id, reference, our_reference, ",
            "description, notes, document_template_id, delivery_date, delivery_country_code, period_start, ",
            "period_end, tax_point_date, valid_until, external_invoice_number, external_invoice_date, credited_period_from, ",
            "credited_period_to, reason, metadata, invoice_number, invoice_id, reverses_number, ",
            "reverses_id, converted_from_kind, converted_from_number, converted_from_id, subtotal, vat, amount, ",
            "base_currency, exchange_rate, base_amount, base_vat, origin, language, booked_at, journal_entry_id, ",
            "seller, buyer, template_version, snapshot_sha256, scheduled_at, sent_at, cancelled_at, voided_at, ",
            "void_reason, credited_amount, pending_credit_amount, credit_note_count, paid_amount, ",
            "allocated_amount, written_off_amount, delivery_state, accepted_at, rejected_at, converted_to_kind, ",
            "converted_to_id, created_at, updated_at ",
            $suffix
        )
    };
}
pub(crate) use columns;

statements! {
    GET = columns!("select", "from documents where company_id = $1 and id = $2");
    BY_NUMBER = columns!("select", "from documents where company_id = $1 and kind = $2 and number = $3");
    INSERT = columns!("insert into documents (company_id, search_text, status, ", ") values ($1, $2, $3, $4, $5, $6, \
        $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, \
        $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, \
        $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, $66, $67, $68, $69, $70, $71, $72, $73, \
        $74)");
    REWRITE = "update documents set search_text = $1, date = $2, due_date = $3, payment_terms = $4, currency = $5, \
        customer_id = $6, customer_department_id = $7, customer_contact_id = $8, reference = $9, our_reference = $10, \
        description = $11, notes = $12, document_template_id = $13, delivery_date = $14, delivery_country_code = $15, \
        period_start = $16, period_end = $17, tax_point_date = $18, valid_until = $19, external_invoice_number = $20, \
        external_invoice_date = $21, credited_period_from = $22, credited_period_to = $23, reason = $24, \
        metadata = $25, invoice_number = $26, invoice_id = $27, subtotal = $28, vat = $29, amount = $30, \
        exchange_rate = $31, updated_at = $32 where company_id = $33 and id = $34 and snapshot_sha256 is null";
    PIN = "update documents set search_text = $1, series_id = $2, series_year = $3, number_seq = $4, number = $5, \
        numbered_at = $6, due_date = $7, document_template_id = $8, template_version = $9, language = $10, \
        exchange_rate = $11, base_amount = $12, base_vat = $13, booked_at = $14, journal_entry_id = $15, seller = $16, \
        buyer = $17, snapshot_sha256 = $18, updated_at = $19 where company_id = $20 and id = $21 \
        and snapshot_sha256 is null";
    SET_FACTS = "update documents set status = $1, scheduled_at = $2, sent_at = $3, cancelled_at = $4, voided_at = $5, \
        void_reason = $6, credited_amount = $7, pending_credit_amount = $8, credit_note_count = $9, paid_amount = $10, \
        allocated_amount = $11, written_off_amount = $12, delivery_state = $13, accepted_at = $14, rejected_at = $15, \
        converted_to_kind = $16, converted_to_id = $17, updated_at = $18 where company_id = $19 and id = $20";
    DELETE = "delete from documents where company_id = $1 and id = $2 and number is null and snapshot_sha256 is null";
    REVERSING = "select id, number from documents where company_id = $1 and reverses_id = $2 and cancelled_at is null \
        limit 1";
    ANY_BOOKED = "select id from documents where company_id = $1 and booked_at is not null limit 1";
}

/// A document with its lines and VAT groups.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<Option<Document>, Error> {
    let Some(mut row) = tx.one(GET, params![company_id, id])? else { return Ok(None) };
    whole(tx, company_id, &mut row).map(Some)
}

/// A document by its number, with its lines and VAT groups.
///
/// # Errors
/// What the shelves answer.
pub fn by_number(tx: &mut dyn Tx, company_id: CompanyId, kind: Kind, number: &str) -> Result<Option<Document>, Error> {
    let Some(mut row) = tx.one(BY_NUMBER, params![company_id, kind.as_str(), number])? else { return Ok(None) };
    whole(tx, company_id, &mut row).map(Some)
}

fn whole(tx: &mut dyn Tx, company_id: CompanyId, row: &mut Row) -> Result<Document, Error> {
    let mut document = read(row)?;
    let of = params![company_id, document.id];
    let (lines, groups) = tx.both((lines::OF, of), (vat_groups::OF, of))?;
    document.lines = lines::of(lines, &document)?;
    document.groups = vat_groups::of(groups, &document)?;
    Ok(document)
}

/// The invoice that reverses a credit note, unless it was cancelled: its id and number.
///
/// # Errors
/// What the shelves answer.
pub fn reversing(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    credit_note_id: DocumentId,
) -> Result<Option<(DocumentId, Option<String>)>, Error> {
    let row = tx.one(REVERSING, params![company_id, credit_note_id])?;
    row.map(|mut row| Ok((row.id()?, row.next()?))).transpose()
}

/// Whether anything is in the company's books.
///
/// # Errors
/// What the shelves answer.
pub fn any_booked(tx: &mut dyn Tx, company_id: CompanyId) -> Result<bool, Error> {
    Ok(tx.one(ANY_BOOKED, params![company_id])?.is_some())
}

/// Shelves a new document with its lines and VAT groups.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, d: &Document, search_text: &str) -> Result<(), Error> {
    let number = d.number.as_ref();
    let (h, f) = (&d.head, &d.facts);
    let (pinned, booking) = (d.pinned.as_ref(), d.booking());
    let external = h.external_invoice.as_ref();
    tx.exec(
        INSERT,
        params![
            company_id,
            search_text,
            d.status(),
            d.id,
            d.kind.as_str(),
            number.map(|n| n.series_id),
            number.map(|n| n.year),
            number.map(|n| n.sequence),
            number.map(|n| n.text.as_str()),
            d.numbered_at,
            d.date,
            d.due_date,
            h.payment_terms,
            d.currency.code(),
            h.customer_id,
            h.customer_department_id,
            h.customer_contact_id,
            h.reference.as_deref(),
            h.our_reference.as_deref(),
            h.description.as_deref(),
            h.notes.as_deref(),
            h.document_template_id,
            h.delivery_date,
            h.delivery_country_code.as_deref(),
            h.period_start,
            h.period_end,
            h.tax_point_date,
            h.valid_until,
            external.map(|(number, _)| number.as_str()),
            external.map(|(_, date)| *date),
            h.credited_period.map(|(from, _)| from),
            h.credited_period.map(|(_, to)| to),
            h.reason.map(|reason| reason.as_str()),
            json(&h.metadata),
            d.invoice.as_ref().map(|(number, _)| number.as_str()),
            d.invoice.as_ref().map(|(_, id)| *id),
            d.reverses.as_ref().map(|(number, _)| number.as_str()),
            d.reverses.as_ref().map(|(_, id)| *id),
            d.converted_from.as_ref().map(|source| source.kind.as_str()),
            d.converted_from.as_ref().map(|source| source.number.as_str()),
            d.converted_from.as_ref().map(|source| source.id),
            d.subtotal.minor(),
            d.vat.minor(),
            d.amount.minor(),
            d.base_currency.code(),
            d.exchange_rate,
            d.base_amount.map(Money::minor),
            d.base_vat.map(Money::minor),
            d.origin.as_str(),
            d.language.as_deref(),
            booking.map(|b| b.at),
            booking.map(|b| b.entry_id),
            pinned.map(|p| json(&p.seller)),
            pinned.map(|p| json(&p.buyer)),
            pinned.map(|p| p.template_version),
            pinned.map(|p| p.snapshot_sha256.as_str()),
            f.scheduled_at,
            f.sent_at,
            f.cancelled_at,
            f.voided_at,
            f.void_reason.as_deref(),
            f.credited,
            f.pending_credit,
            f.credit_notes,
            f.paid,
            f.allocated,
            f.written_off,
            f.delivery.as_str(),
            f.accepted_at,
            f.rejected_at,
            f.converted_to.map(|(kind, _)| kind.as_str()),
            f.converted_to.map(|(_, id)| id),
            d.created_at,
            d.updated_at,
        ],
    )?;
    insert_parts(tx, company_id, d)
}

fn insert_parts(tx: &mut dyn Tx, company_id: CompanyId, d: &Document) -> Result<(), Error> {
    lines::insert(tx, company_id, d)?;
    vat_groups::insert(tx, company_id, d)?;
    crate::metadata::insert(tx, company_id, "document", d.id.0, &d.head.metadata.0)
}

/// Writes a draft anew: its editable fields, lines and groups are replaced.
///
/// # Errors
/// `NotFound` when it is no draft: nothing booked or sent is ever edited.
pub fn rewrite(tx: &mut dyn Tx, company_id: CompanyId, d: &Document, search_text: &str) -> Result<(), Error> {
    let h = &d.head;
    let external = h.external_invoice.as_ref();
    let rewritten = tx.count(
        REWRITE,
        params![
            search_text,
            d.date,
            d.due_date,
            h.payment_terms,
            d.currency.code(),
            h.customer_id,
            h.customer_department_id,
            h.customer_contact_id,
            h.reference.as_deref(),
            h.our_reference.as_deref(),
            h.description.as_deref(),
            h.notes.as_deref(),
            h.document_template_id,
            h.delivery_date,
            h.delivery_country_code.as_deref(),
            h.period_start,
            h.period_end,
            h.tax_point_date,
            h.valid_until,
            external.map(|(number, _)| number.as_str()),
            external.map(|(_, date)| *date),
            h.credited_period.map(|(from, _)| from),
            h.credited_period.map(|(_, to)| to),
            h.reason.map(|reason| reason.as_str()),
            json(&h.metadata),
            d.invoice.as_ref().map(|(number, _)| number.as_str()),
            d.invoice.as_ref().map(|(_, id)| *id),
            d.subtotal.minor(),
            d.vat.minor(),
            d.amount.minor(),
            d.exchange_rate,
            d.updated_at,
            company_id,
            d.id,
        ],
    )?;
    if rewritten == 0 {
        return Err(Error::NotFound);
    }
    lines::delete(tx, company_id, d.id)?;
    vat_groups::delete(tx, company_id, d.id)?;
    crate::metadata::replace(tx, company_id, "document", d.id.0, &Default::default())?;
    insert_parts(tx, company_id, d)
}

/// Writes what booking or sending pins; lines' base amounts too. Does nothing to a document that is pinned.
///
/// # Errors
/// What the shelves answer.
pub fn pin(tx: &mut dyn Tx, company_id: CompanyId, d: &Document, search_text: &str) -> Result<(), Error> {
    let number = d.number.as_ref();
    let (pinned, booking) = (d.pinned.as_ref(), d.booking());
    tx.exec(
        PIN,
        params![
            search_text,
            number.map(|n| n.series_id),
            number.map(|n| n.year),
            number.map(|n| n.sequence),
            number.map(|n| n.text.as_str()),
            d.numbered_at,
            d.due_date,
            d.head.document_template_id,
            pinned.map(|p| p.template_version),
            d.language.as_deref(),
            d.exchange_rate,
            d.base_amount.map(Money::minor),
            d.base_vat.map(Money::minor),
            booking.map(|b| b.at),
            booking.map(|b| b.entry_id),
            pinned.map(|p| json(&p.seller)),
            pinned.map(|p| json(&p.buyer)),
            pinned.map(|p| p.snapshot_sha256.as_str()),
            d.updated_at,
            company_id,
            d.id,
        ],
    )?;
    if booking.is_none() {
        return Ok(());
    }
    lines::set_base(tx, company_id, d)
}

/// Writes what later deeds change, and the status that follows from it.
///
/// # Errors
/// What the shelves answer.
pub fn set_facts(tx: &mut dyn Tx, company_id: CompanyId, d: &Document) -> Result<(), Error> {
    let f = &d.facts;
    tx.exec(
        SET_FACTS,
        params![
            d.status(),
            f.scheduled_at,
            f.sent_at,
            f.cancelled_at,
            f.voided_at,
            f.void_reason.as_deref(),
            f.credited,
            f.pending_credit,
            f.credit_notes,
            f.paid,
            f.allocated,
            f.written_off,
            f.delivery.as_str(),
            f.accepted_at,
            f.rejected_at,
            f.converted_to.map(|(kind, _)| kind.as_str()),
            f.converted_to.map(|(_, id)| id),
            d.updated_at,
            company_id,
            d.id,
        ],
    )
}

/// Deletes a draft that has no number.
///
/// # Errors
/// `NotFound` when it is none, which ends the request: its parts stay too.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<(), Error> {
    lines::delete(tx, company_id, id)?;
    vat_groups::delete(tx, company_id, id)?;
    crate::metadata::replace(tx, company_id, "document", id.0, &Default::default())?;
    if tx.count(DELETE, params![company_id, id])? == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Reads a head in the order of the columns; its lines and groups are still empty.
pub(crate) fn read(row: &mut Row) -> Result<Document, Error> {
    let id: DocumentId = row.id()?;
    let kind: Kind = row.parse()?;
    let series_id = row.opt_id()?;
    let (year, sequence, number): (Option<i64>, Option<i64>, Option<String>) = (row.next()?, row.next()?, row.next()?);
    let numbered_at = row.next()?;
    let (date, due_date) = (row.next()?, row.next()?);
    let payment_terms = row.next()?;
    let currency: Currency = row.parse()?;
    let customer_id: CustomerId = row.id()?;
    let head = Head {
        customer_id,
        payment_terms,
        customer_department_id: row.opt_id()?,
        customer_contact_id: row.opt_id()?,
        reference: row.next()?,
        our_reference: row.next()?,
        description: row.next()?,
        notes: row.next()?,
        document_template_id: row.opt_id()?,
        delivery_date: row.next()?,
        delivery_country_code: row.next()?,
        period_start: row.next()?,
        period_end: row.next()?,
        tax_point_date: row.next()?,
        valid_until: row.next()?,
        external_invoice: both(row.next()?, row.next()?),
        credited_period: both(row.next()?, row.next()?),
        reason: row.opt_parse()?,
        metadata: metadata(&row.next::<String>()?)?,
    };
    let invoice = both(row.next()?, row.opt_id()?);
    let reverses = both(row.next()?, row.opt_id()?);
    let source = (row.opt_parse()?, row.next()?, row.opt_id()?);
    let converted_from = match source {
        (Some(kind), Some(number), Some(id)) => Some(Source { kind, id, number }),
        _ => None,
    };
    let (subtotal, vat, amount): (i64, i64, i64) = (row.next()?, row.next()?, row.next()?);
    let base_currency: Currency = row.parse()?;
    let exchange_rate = row.next()?;
    let (base_amount, base_vat): (Option<i64>, Option<i64>) = (row.next()?, row.next()?);
    let (origin, language) = (row.next()?, row.next()?);
    let booked_at: Option<jiff::Timestamp> = row.next()?;
    let entry_id = row.opt_id()?;
    let (seller, buyer): (Option<String>, Option<String>) = (row.next()?, row.next()?);
    let (template_version, sha256): (Option<i64>, Option<String>) = (row.next()?, row.next()?);
    let booking = both(booked_at, entry_id).map(|(at, entry_id)| Booking { at, entry_id });
    let pinned = match (seller, buyer) {
        (Some(seller), Some(buyer)) => Some(Pinned {
            booking,
            seller: parse_json::<Seller>(&seller)?,
            buyer: parse_json::<Buyer>(&buyer)?,
            template_version: template_version.unwrap_or_default(),
            snapshot_sha256: sha256.unwrap_or_default(),
        }),
        _ => None,
    };
    let number = match (series_id, year, sequence, number) {
        (Some(series_id), Some(year), Some(sequence), Some(text)) => Some(Number { series_id, year, sequence, text }),
        _ => None,
    };
    let facts = Facts {
        scheduled_at: row.next()?,
        sent_at: row.next()?,
        cancelled_at: row.next()?,
        voided_at: row.next()?,
        void_reason: row.next()?,
        credited: row.next()?,
        pending_credit: row.next()?,
        credit_notes: row.next()?,
        paid: row.next()?,
        allocated: row.next()?,
        written_off: row.next()?,
        delivery: row.parse()?,
        accepted_at: row.next()?,
        rejected_at: row.next()?,
        converted_to: both(row.opt_parse()?, row.opt_id()?),
    };
    Ok(Document {
        id,
        kind,
        number,
        numbered_at,
        date,
        due_date,
        currency,
        head,
        invoice,
        reverses,
        converted_from,
        lines: Vec::new(),
        groups: Vec::new(),
        subtotal: Money::new(subtotal, currency),
        vat: Money::new(vat, currency),
        amount: Money::new(amount, currency),
        base_currency,
        exchange_rate,
        base_amount: base_amount.map(|minor| Money::new(minor, base_currency)),
        base_vat: base_vat.map(|minor| Money::new(minor, base_currency)),
        origin,
        language,
        pinned,
        facts,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

pub(crate) fn both<A, B>(a: Option<A>, b: Option<B>) -> Option<(A, B)> {
    a.zip(b)
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is shelved always becomes JSON")
}

pub(crate) fn parse_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|fault| Error::Broken(format!("stored JSON: {fault}")))
}

pub(crate) fn metadata(text: &str) -> Result<Metadata, Error> {
    if text == "{}" { Ok(Metadata::default()) } else { parse_json(text) }
}

/// A text that must parse, as stored.
pub(crate) fn parsed<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Broken(format!("stored text {text:?} does not parse")))
}
