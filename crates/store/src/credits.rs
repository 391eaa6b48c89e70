//! What credit notes take from invoices: states of invoice lines, shares of note
//! lines, and the sum per pair of documents.

use std::collections::{BTreeMap, BTreeSet};

use billing::credit::{LineState, Share};
use billing::crediting::{InvoiceLine, NoteShare};
use billing::document::Document;
use billing::ids::{CompanyId, DocumentId, LineId};
use billing::kind::Kind;
use billing::lines::Line;
use billing::money::Money;
use billing::public::Linked;

use crate::db::{Error, Row, Tx, params, statements};
use crate::documents::parsed;
use crate::several::Several;

macro_rules! invoices {
    ($first:literal, $rest:literal) => {
        concat!(
            "select ",
            $first,
            "d.id, d.number, d.date, c.amount from credits c ",
            "join documents d on d.company_id = c.company_id and d.id = c.invoice_id where c.company_id = ",
            $rest
        )
    };
}

macro_rules! notes {
    ($first:literal, $rest:literal) => {
        concat!(
            "select ",
            $first,
            "d.id, d.number, d.date, c.amount from credits c ",
            "join documents d on d.company_id = c.company_id and d.id = c.credit_note_id ",
            "where d.voided_at is null and c.company_id = ",
            $rest
        )
    };
}

statements! {
    STATES = "select invoice_line_id, credited_net, credited_vat, credited_base_net, credited_base_vat, epoch_net, \
        epoch_quantity, quantity_left from credit_states where company_id = $1 and invoice_id = $2";
    SET_STATE = "insert into credit_states (company_id, invoice_id, invoice_line_id, credited_net, credited_vat, \
        credited_base_net, credited_base_vat, epoch_net, epoch_quantity, quantity_left) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
        on conflict (company_id, invoice_id, invoice_line_id) do update set credited_net = excluded.credited_net, \
        credited_vat = excluded.credited_vat, credited_base_net = excluded.credited_base_net, \
        credited_base_vat = excluded.credited_base_vat, epoch_net = excluded.epoch_net, \
        epoch_quantity = excluded.epoch_quantity, quantity_left = excluded.quantity_left";
    INSERT_SHARE = "insert into credit_shares (company_id, credit_note_id, position, note_line_id, invoice_id, \
        invoice_line_id, mode, net, vat, base_net, base_vat, quantity) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    SHARES_OF = "select note_line_id, invoice_id, invoice_line_id, mode, net, vat, base_net, base_vat, quantity \
        from credit_shares where company_id = $1 and credit_note_id = $2 order by position";
    DELETE_SHARES = "delete from credit_shares where company_id = $1 and credit_note_id = $2";
    DELETE_CREDITS = "delete from credits where company_id = $1 and credit_note_id = $2";
    INSERT_CREDIT = "insert into credits (company_id, credit_note_id, invoice_id, amount) values ($1, $2, $3, $4)";
    INVOICES_OF = invoices!("", "$1 and c.credit_note_id = $2 order by d.series_year, d.number_seq");
    NOTES_OF = notes!("", "$1 and c.invoice_id = $2 order by c.credit_note_id");
}

const INVOICES_OF_SEVERAL: Several = Several {
    begin: invoices!("c.credit_note_id, ", "?"),
    among: "and c.credit_note_id in",
    end: "order by d.series_year, d.number_seq",
};
const NOTES_OF_SEVERAL: Several =
    Several { begin: notes!("c.invoice_id, ", "?"), among: "and c.invoice_id in", end: "order by c.credit_note_id" };

/// The product lines of a booked invoice with how far each has been credited.
///
/// # Errors
/// What the shelves answer.
pub fn invoice_lines(tx: &mut dyn Tx, company_id: CompanyId, invoice: &Document) -> Result<Vec<InvoiceLine>, Error> {
    let mut states: BTreeMap<LineId, LineState> = BTreeMap::new();
    let fresh = |line: &billing::lines::ProductLine| {
        let base = |money: Option<Money>, own: Money| money.unwrap_or(own).minor();
        LineState::fresh(
            line.total.minor(),
            line.vat.minor(),
            base(line.base_total, line.total),
            base(line.base_vat, line.vat),
            line.quantity,
        )
    };
    for mut row in tx.all(STATES, params![company_id, invoice.id])? {
        let id: LineId = row.id()?;
        let line = invoice.lines.iter().find(|line| line.id == id).and_then(Line::product);
        let line = line.ok_or_else(|| Error::Broken(format!("credit state of no line: {id}")))?;
        let state = LineState {
            credited_net: row.next()?,
            credited_vat: row.next()?,
            credited_base_net: row.next()?,
            credited_base_vat: row.next()?,
            epoch_net: row.next()?,
            epoch_quantity: parsed(&row.next::<String>()?)?,
            quantity_left: parsed(&row.next::<String>()?)?,
            ..fresh(line)
        };
        states.insert(id, state);
    }
    let lines = invoice.lines.iter().filter_map(|line| {
        let product = line.product()?;
        let state = states.remove(&line.id).unwrap_or_else(|| fresh(product));
        Some(InvoiceLine { id: line.id, line: product.clone(), state })
    });
    Ok(lines.collect())
}

/// Writes how far a line has been credited.
///
/// # Errors
/// What the shelves answer.
pub fn set_state(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    invoice_id: DocumentId,
    line: &InvoiceLine,
) -> Result<(), Error> {
    let s = &line.state;
    tx.exec(
        SET_STATE,
        params![
            company_id,
            invoice_id,
            line.id,
            s.credited_net,
            s.credited_vat,
            s.credited_base_net,
            s.credited_base_vat,
            s.epoch_net,
            s.epoch_quantity,
            s.quantity_left,
        ],
    )
}

/// Shelves what a note's lines take.
///
/// # Errors
/// What the shelves answer.
pub fn insert_shares(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    credit_note_id: DocumentId,
    shares: &[NoteShare],
) -> Result<(), Error> {
    for (position, taken) in (0_i64..).zip(shares) {
        let share = &taken.share;
        tx.exec(
            INSERT_SHARE,
            params![
                company_id,
                credit_note_id,
                position,
                taken.note_line_id,
                taken.invoice_id,
                taken.invoice_line_id,
                taken.mode.as_str(),
                share.net,
                share.vat,
                share.base_net,
                share.base_vat,
                share.quantity,
            ],
        )?;
    }
    Ok(())
}

/// What a note's lines take, in order.
///
/// # Errors
/// What the shelves answer.
pub fn shares(tx: &mut dyn Tx, company_id: CompanyId, credit_note_id: DocumentId) -> Result<Vec<NoteShare>, Error> {
    let read = |mut row: Row| {
        Ok(NoteShare {
            note_line_id: row.id()?,
            invoice_id: row.id()?,
            invoice_line_id: row.id()?,
            mode: row.parse()?,
            share: Share {
                line: 0,
                net: row.next()?,
                vat: row.next()?,
                base_net: row.next()?,
                base_vat: row.next()?,
                quantity: row.next()?,
            },
        })
    };
    tx.all(SHARES_OF, params![company_id, credit_note_id])?.into_iter().map(read).collect()
}

/// Takes away what a note's lines take, before it is written anew.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, credit_note_id: DocumentId) -> Result<(), Error> {
    tx.exec(DELETE_SHARES, params![company_id, credit_note_id])?;
    tx.exec(DELETE_CREDITS, params![company_id, credit_note_id])
}

/// Shelves what a note takes from one invoice in all, positive.
///
/// # Errors
/// What the shelves answer.
pub fn insert(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    credit_note_id: DocumentId,
    invoice_id: DocumentId,
    amount: Money,
) -> Result<(), Error> {
    tx.exec(INSERT_CREDIT, params![company_id, credit_note_id, invoice_id, amount.minor()])
}

/// The invoices a note credits, or the notes that are not voided of an invoice.
///
/// # Errors
/// What the shelves answer.
pub fn linked(tx: &mut dyn Tx, company_id: CompanyId, document: &Document) -> Result<Vec<Linked>, Error> {
    let statement = match document.kind {
        Kind::CreditNote => INVOICES_OF,
        Kind::Invoice if document.facts.credit_notes > 0 => NOTES_OF,
        _ => return Ok(Vec::new()),
    };
    read_linked(tx.all(statement, params![company_id, document.id])?, document)
}

/// The same for each of several documents that has any, by its id.
///
/// # Errors
/// What the shelves answer.
pub fn linked_of(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    documents: &[Document],
) -> Result<BTreeMap<DocumentId, Vec<Linked>>, Error> {
    let ids = |is_meant: fn(&Document) -> bool| -> BTreeSet<DocumentId> {
        documents.iter().filter(|document| is_meant(document)).map(|document| document.id).collect()
    };
    let notes = ids(|document| document.kind == Kind::CreditNote);
    let invoices = ids(|document| document.kind == Kind::Invoice && document.facts.credit_notes > 0);
    let mut rows = INVOICES_OF_SEVERAL.rows(tx, company_id, &notes)?;
    rows.append(&mut NOTES_OF_SEVERAL.rows(tx, company_id, &invoices)?);
    let linked = documents.iter().filter_map(|document| Some((document, rows.remove(&document.id)?)));
    linked.map(|(document, rows)| Ok((document.id, read_linked(rows, document)?))).collect()
}

fn read_linked(rows: Vec<Row>, document: &Document) -> Result<Vec<Linked>, Error> {
    let read = |mut row: Row| Ok((row.id()?, row.next()?, row.next()?, Money::new(row.next()?, document.currency)));
    rows.into_iter().map(read).collect()
}
