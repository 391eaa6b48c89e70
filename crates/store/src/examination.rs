//! What an examination of the books reads: pairs of figures that must be one, and what is
//! walked row by row. It only reads, and a page at a time, however large the books are.

use billing::company::Company;
use billing::ids::{CompanyId, SeriesId};
use billing::money::{Currency, Money};
use billing::postings::NewEntry;
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};
use crate::ledger::posting;

/// A statement that answers where two figures of the rows from `$from` are not as they must be
/// to each other: name, currency (none for a count), the one, the other.
macro_rules! differ {
    ($name:expr, $currency:expr, $stated:expr, $is:literal, $found:expr, $from:expr) => {
        concat!(
            "select name, currency, stated, found from (select ",
            $name,
            " as name, ",
            $currency,
            " as currency, ",
            $stated,
            " as stated, cast(coalesce(",
            $found,
            ", 0) as bigint) as found from ",
            $from,
            ") compared where not (stated ",
            $is,
            " found) order by name limit 100"
        )
    };
}

/// The same of the documents in a range of ids.
macro_rules! of_documents {
    ($currency:literal, $stated:expr, $is:literal, $found:expr, $and:literal) => {
        differ!(
            "coalesce(d.number, d.kind || ' ' || d.id)",
            $currency,
            $stated,
            $is,
            $found,
            concat!("documents d where d.company_id = $1 and d.id > $2 and d.id <= $3", $and)
        )
    };
}

macro_rules! in_lines {
    ($what:literal) => {
        concat!("(select ", $what, " from document_lines l where l.company_id = d.company_id and l.document_id = d.id)")
    };
}

macro_rules! in_groups {
    ($what:literal) => {
        concat!(
            "(select ",
            $what,
            " from document_vat_groups g where g.company_id = d.company_id and g.document_id = d.id)"
        )
    };
}

/// Of the VAT groups of the documents in a range of ids, against the lines in them.
macro_rules! of_groups {
    ($stated:literal, $sum:literal) => {
        differ!(
            "coalesce(d.number, d.kind || ' ' || d.id) || ', ' || g.vat_category || ' ' || g.vat_rate || ' %' \
            || coalesce(' of ' || g.vat_country_code, '')",
            "d.currency",
            $stated,
            "is not distinct from",
            concat!(
                "(select sum(",
                $sum,
                ") from document_lines l where l.company_id = g.company_id \
                and l.document_id = g.document_id and l.vat_category = g.vat_category and l.vat_rate = g.vat_rate \
                and l.vat_country_code is not distinct from g.vat_country_code)"
            ),
            "document_vat_groups g join documents d on d.company_id = g.company_id and d.id = g.document_id \
            where g.company_id = $1 and g.document_id > $2 and g.document_id <= $3"
        )
    };
}

/// Of the lines of the booked invoices in a range of ids, against what notes that stand take from them.
macro_rules! of_credited_lines {
    ($currency:literal, $stated:expr, $is:literal, $found:expr) => {
        differ!(
            "d.number || ', line ' || l.position",
            $currency,
            $stated,
            $is,
            $found,
            "documents d join document_lines l on l.company_id = d.company_id and l.document_id = d.id \
            left join credit_states s on s.company_id = l.company_id and s.invoice_id = l.document_id \
            and s.invoice_line_id = l.id where d.company_id = $1 and d.id > $2 and d.id <= $3 \
            and d.kind = 'invoice' and d.booked_at is not null and l.line_type = 'product'"
        )
    };
}

macro_rules! in_shares {
    ($what:literal) => {
        concat!(
            "(select sum(",
            $what,
            ") from credit_shares t join documents n on n.company_id = t.company_id \
            and n.id = t.credit_note_id where t.company_id = d.company_id and t.invoice_id = d.id \
            and t.invoice_line_id = l.id and n.voided_at is null)"
        )
    };
}

macro_rules! in_credits {
    ($what:literal, $and:literal) => {
        concat!(
            "(select ",
            $what,
            " from credits c join documents n on n.company_id = c.company_id \
            and n.id = c.credit_note_id where c.company_id = d.company_id and c.invoice_id = d.id \
            and n.voided_at is null",
            $and,
            ")"
        )
    };
}

statements! {
    APPLIED = "select number, name from migrations order by number";
    COUNTERS = "select entry_sequence, last_entry_hash, event_sequence from company_counters where company_id = $1";
    COUNT_DOCUMENTS = "select count(*) from documents where company_id = $1";
    COUNT_FILES = "select count(*) from files where company_id = $1";
    PAGE_END = "select max(id), count(*) from (select id from documents where company_id = $1 and id > $2 \
        order by id limit $3) page";

    SUBTOTAL_OF_LINES = of_documents!("d.currency", "d.subtotal", "is not distinct from", in_lines!("sum(l.total_price)"), "");
    VAT_OF_LINES = of_documents!("d.currency", "d.vat", "is not distinct from", in_lines!("sum(l.vat_amount)"), "");
    SUBTOTAL_OF_GROUPS = of_documents!("d.currency", "d.subtotal", "is not distinct from", in_groups!("sum(g.taxable_amount)"), "");
    VAT_OF_GROUPS = of_documents!("d.currency", "d.vat", "is not distinct from", in_groups!("sum(g.vat_amount)"), "");
    AMOUNT = of_documents!("d.currency", "d.amount", "is not distinct from", "d.subtotal + d.vat", "");
    BASE_AMOUNT = of_documents!("d.base_currency", "d.base_amount", "is not distinct from", in_lines!("sum(l.base_total + l.base_vat)"),
        " and d.booked_at is not null");
    BASE_VAT = of_documents!("d.base_currency", "d.base_vat", "is not distinct from", in_lines!("sum(l.base_vat)"), " and d.booked_at is not null");
    GROUP_TAXABLE = of_groups!("g.taxable_amount", "l.total_price");
    GROUP_VAT = of_groups!("g.vat_amount", "l.vat_amount");

    CREDITED = of_documents!("d.currency", "d.credited_amount", "is not distinct from", in_credits!("sum(c.amount)", ""), " and d.kind = 'invoice'");
    PENDING = of_documents!("d.currency", "d.pending_credit_amount", "is not distinct from",
        in_credits!("sum(c.amount)", " and n.booked_at is null"), " and d.kind = 'invoice'");
    NOTES = differ!("d.number || ', credit notes'", "cast(null as text)", "d.credit_note_count", "is not distinct from",
        in_credits!("count(*)", ""),
        "documents d where d.company_id = $1 and d.id > $2 and d.id <= $3 and d.kind = 'invoice' \
        and d.number is not null");
    OVER_INVOICE = of_documents!("d.currency", "abs(d.amount)", ">=", "abs(d.credited_amount)", " and d.kind = 'invoice'");
    CREDITS_OF_SHARES = differ!("d.number || ' on ' || i.number", "d.currency", "c.amount", "is not distinct from",
        "(select abs(sum(t.net + t.vat)) from credit_shares t where t.company_id = c.company_id \
        and t.credit_note_id = c.credit_note_id and t.invoice_id = c.invoice_id)",
        "documents d join credits c on c.company_id = d.company_id and c.credit_note_id = d.id \
        join documents i on i.company_id = c.company_id and i.id = c.invoice_id \
        where d.company_id = $1 and d.id > $2 and d.id <= $3");
    STATE_NET = of_credited_lines!("d.currency", "coalesce(s.credited_net, 0)", "is not distinct from", in_shares!("t.net"));
    STATE_VAT = of_credited_lines!("d.currency", "coalesce(s.credited_vat, 0)", "is not distinct from", in_shares!("t.vat"));
    STATE_BASE_NET = of_credited_lines!("d.base_currency", "coalesce(s.credited_base_net, 0)", "is not distinct from", in_shares!("t.base_net"));
    STATE_BASE_VAT = of_credited_lines!("d.base_currency", "coalesce(s.credited_base_vat, 0)", "is not distinct from", in_shares!("t.base_vat"));
    OVER_LINE = of_credited_lines!("d.currency", "abs(l.total_price)", ">=", "abs(s.credited_net)");

    CONVERTED = of_documents!("cast(null as text)",
        "cast(case when d.converted_to_id is null then 0 else 1 end as bigint)", "is not distinct from",
        "(select count(*) from documents m where m.company_id = d.company_id and m.converted_from_id = d.id \
        and m.cancelled_at is null and m.id = d.converted_to_id and m.kind = d.converted_to_kind)", "");
    MADE = of_documents!("cast(null as text)",
        "cast(case when d.converted_from_id is null or d.cancelled_at is not null then 0 else 1 end as bigint)",
        "is not distinct from",
        "(select count(*) from documents s where s.company_id = d.company_id and s.id = d.converted_from_id \
        and s.kind = d.converted_from_kind and s.converted_to_id = d.id)", "");

    PAID = of_documents!("d.currency", "d.paid_amount", "is not distinct from",
        "coalesce((select sum(p.settled_amount + p.recovered_amount) from payments p where p.company_id = d.company_id \
        and p.invoice_id = d.id and p.reversed_at is null), 0) \
        + coalesce((select sum(r.amount) from refunds r where r.company_id = d.company_id \
        and r.document_id = d.id and r.reversed_at is null), 0)", "");
    WRITTEN_OFF = of_documents!("d.currency", "d.written_off_amount", "is not distinct from",
        "coalesce((select sum(p.amount - p.recovered_amount) from write_offs w join write_off_parts p \
        on p.company_id = w.company_id and p.write_off_id = w.id where w.company_id = d.company_id \
        and w.invoice_id = d.id and w.reversed_at is null), 0)", "");
    ALLOCATED = of_documents!("d.currency", "d.allocated_amount", "is not distinct from",
        "coalesce((select sum(a.amount) from allocations a where a.company_id = d.company_id \
        and a.credit_document_id = d.id and a.reversed_at is null), 0) \
        + coalesce((select sum(a.amount) from allocations a where a.company_id = d.company_id \
        and a.debit_document_id = d.id and a.reversed_at is null), 0)", "");
    OPEN = of_documents!("d.currency", "abs(d.amount) - d.paid_amount - d.allocated_amount - d.written_off_amount", "is not distinct from",
        "(select abs(sum(i.open_amount)) from open_items i where i.company_id = d.company_id \
        and i.document_id = d.id)", " and d.booked_at is not null");
    FEES = of_documents!("d.currency",
        "cast(coalesce((select sum(r.fee_amount) from reminders r where r.company_id = d.company_id \
        and r.invoice_id = d.id and r.fee_reversed_at is null), 0) \
        - coalesce((select sum(f.amount) from reminders r join payment_fees f on f.company_id = r.company_id \
        and f.item_id = r.fee_item_id join payments p on p.company_id = f.company_id and p.id = f.payment_id \
        where r.company_id = d.company_id and r.invoice_id = d.id and p.reversed_at is null), 0) \
        - coalesce((select sum(a.amount) from reminders r join allocations a on a.company_id = r.company_id \
        and a.debit_item_id = r.fee_item_id where r.company_id = d.company_id and r.invoice_id = d.id \
        and a.reversed_at is null), 0) as bigint)", "is not distinct from",
        "(select sum(i.open_amount) from reminders r join open_items i on i.company_id = r.company_id \
        and i.id = r.fee_item_id where r.company_id = d.company_id and r.invoice_id = d.id)", " and d.kind = 'invoice'");
    REMINDED = of_documents!("cast(null as text)",
        "coalesce((select i.reminder_count from open_items i where i.company_id = d.company_id and i.document_id = d.id), 0)",
        "is not distinct from",
        "(select count(*) from reminders r where r.company_id = d.company_id and r.invoice_id = d.id \
        and r.status in ('pending', 'sent'))", " and d.kind = 'invoice'");
    ITEMS = differ!("coalesce(d.number, i.id)", "i.currency", "i.open_amount", "is not distinct from", "p.amount",
        "open_items i left join (select open_item_id, sum(amount) as amount from postings where company_id = $1 \
        and open_item_id is not null group by open_item_id) p on p.open_item_id = i.id \
        left join documents d on d.company_id = i.company_id and d.id = i.document_id where i.company_id = $2");
    BASE_ITEMS = differ!("coalesce(d.number, i.id)", "c.currency", "i.base_open_amount", "is not distinct from", "p.amount",
        "open_items i join companies c on c.id = i.company_id left join (select open_item_id, \
        sum(base_amount) as amount from postings where company_id = $1 and open_item_id is not null \
        group by open_item_id) p on p.open_item_id = i.id left join documents d on d.company_id = i.company_id \
        and d.id = i.document_id where i.company_id = $2");
    RECEIVABLES = differ!("'account ' || a.account_number", "c.currency",
        "cast(coalesce((select sum(p.base_amount) from postings p where p.company_id = a.company_id \
        and p.account_id = a.id), 0) as bigint)", "is not distinct from",
        "(select sum(i.base_open_amount) from open_items i where i.company_id = a.company_id \
        and i.account_id = a.id)",
        "accounts a join companies c on c.id = a.company_id \
        where a.company_id = $1 and a.control_type = 'ACCOUNTS_RECEIVABLE'");

    SERIES = "select s.id, s.document_kind, y.year, y.next_number from number_series s \
        join number_series_years y on y.company_id = s.company_id and y.series_id = s.id \
        where s.company_id = $1 order by s.document_kind, y.year";
    NUMBERS = "select number_seq, number, numbered_at from documents where company_id = $1 and series_id = $2 \
        and series_year = $3 and number_seq > $4 order by number_seq limit $5";
    EVENTS = "select sequence from events where company_id = $1 and sequence > $2 order by sequence limit $3";
    ENTRIES = "select sequence, id, entry_type, date, currency, description, reference, document_id, customer_id, \
        document_sha256, reverses_entry_id, created_at, previous_hash, hash from journal_entries \
        where company_id = $1 and sequence > $2 order by sequence limit $3";
    POSTINGS = "select e.sequence, p.account_id, p.amount, p.currency, p.base_amount, p.vat_code_id, p.vat_category, \
        p.vat_rate, p.is_goods, p.open_item_id, p.customer_id, p.document_id, p.tag_ids from journal_entries e \
        join postings p on p.company_id = e.company_id and p.entry_id = e.id \
        where e.company_id = $1 and e.sequence > $2 and e.sequence <= $3 order by e.sequence, p.position";
    STRAY_POSTINGS = "select distinct p.entry_id from postings p where p.company_id = $1 and not exists (select 1 \
        from journal_entries e where e.company_id = p.company_id and e.id = p.entry_id) limit 100";
    SNAPSHOTS = "select d.id, d.number, d.snapshot_sha256, s.sha256, s.json, \
        case when d.kind in ('invoice', 'creditNote') then e.document_sha256 else d.snapshot_sha256 end from documents d \
        left join snapshots s on s.company_id = d.company_id and s.document_id = d.id \
        left join journal_entries e on e.company_id = d.company_id and e.id = d.journal_entry_id \
        where d.company_id = $1 and d.id > $2 and d.snapshot_sha256 is not null order by d.id limit $3";
    FILES = "select f.document_id, f.kind, d.number, f.sha256, f.bytes from files f \
        left join documents d on d.company_id = f.company_id and d.id = f.document_id \
        where f.company_id = $1 and (f.document_id, f.kind) > ($2, $3) order by f.document_id, f.kind limit $4";
    PAPERLESS = "select d.number from documents d left join (select subject_id from jobs where company_id = $1 \
        group by subject_id) j on j.subject_id = d.id where d.company_id = $2 and d.id > $3 and d.id <= $4 \
        and d.snapshot_sha256 is not null and j.subject_id is null and not exists (select 1 from files f \
        where f.company_id = d.company_id and f.document_id = d.id) order by d.number limit 100";

    STUCK = "select company_id, id, kind, attempts, due_at from jobs where (attempts >= $1 and kind <> 'poll') or due_at < $2 \
        order by due_at, id limit 100";
    WAITING = "select kind, count(*), sum(case when due_at <= $1 then 1 else 0 end), min(due_at) from jobs \
        group by kind order by kind";
    LAST_EVENT = "select occurred_at from events where company_id = $1 order by sequence desc limit 1";
    LAST_NUMBERED = "select max(last_numbered_at) from number_series_years where company_id = $1";
}

/// Two figures that must be to each other as a statement asks, in words and the statement.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// What is stated, as `the subtotal is`.
    pub stated: &'static str,
    /// What it is held against, as `its lines come to`.
    pub found: &'static str,
    sql: &'static str,
}

const fn held(stated: &'static str, found: &'static str, sql: &'static str) -> Comparison {
    Comparison { stated, found, sql }
}

/// Each document's totals: lines to groups to the whole.
pub const TOTALS: &[Comparison] = &[
    held("the subtotal is", "its lines come to", SUBTOTAL_OF_LINES),
    held("the VAT is", "its lines' VAT comes to", VAT_OF_LINES),
    held("the subtotal is", "its VAT groups come to", SUBTOTAL_OF_GROUPS),
    held("the VAT is", "its VAT groups' VAT comes to", VAT_OF_GROUPS),
    held("the amount is", "subtotal and VAT come to", AMOUNT),
    held("the base amount is", "its lines come to", BASE_AMOUNT),
    held("the base VAT is", "its lines' base VAT comes to", BASE_VAT),
    held("the group's taxable amount is", "its lines come to", GROUP_TAXABLE),
    held("the group's VAT is", "its lines' VAT comes to", GROUP_VAT),
];

/// What is credited: states to shares to documents, and never over the invoice.
pub const CREDITING: &[Comparison] = &[
    held("the credited amount is", "its credit notes take", CREDITED),
    held("the pending credit is", "its credit notes that are not booked take", PENDING),
    held("counted are", "there are", NOTES),
    held("the amount is", "credited is more:", OVER_INVOICE),
    held("the note takes", "its lines' shares come to", CREDITS_OF_SHARES),
    held("credited of its net is", "the shares come to", STATE_NET),
    held("credited of its VAT is", "the shares come to", STATE_VAT),
    held("credited of its base net is", "the shares come to", STATE_BASE_NET),
    held("credited of its base VAT is", "the shares come to", STATE_BASE_VAT),
    held("its net is", "credited is more:", OVER_LINE),
];

/// What was made of an offer and what it was made of: each names the other.
pub const CONVERSIONS: &[Comparison] = &[
    held("made into documents is", "of these are there and name it:", CONVERTED),
    held("made of documents is", "of these are there and name it:", MADE),
];

/// What is open of each document, against its allocations and its open item.
pub const SETTLEMENT: &[Comparison] = &[
    held("the paid amount is", "its payments and refunds come to", PAID),
    held("the amount written off is", "its write-offs come to", WRITTEN_OFF),
    held("the allocated amount is", "its allocations come to", ALLOCATED),
    held("open is", "of its item is open", OPEN),
    held("of its reminders' fees should be open", "is open", FEES),
    held("reminders counted are", "there are", REMINDED),
];

/// Open items against what is posted on them.
pub const OPEN_ITEMS: &[Comparison] = &[
    held("open is", "the postings come to", ITEMS),
    held("open in the base currency is", "the postings come to", BASE_ITEMS),
];

/// Each receivables account against its open items.
pub const CONTROL_ACCOUNTS: &[Comparison] = &[held("the balance is", "its open items come to", RECEIVABLES)];

/// One place where two figures are not as they must be.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// Which document, line, account.
    pub name: String,
    /// The one figure.
    pub stated: String,
    /// The other.
    pub found: String,
}

fn difference(mut row: Row) -> Result<Difference, Error> {
    let name = row.next()?;
    let currency: Option<Currency> = row.opt_parse()?;
    let mut figure = || -> Result<String, Error> {
        let number: Option<i64> = row.next()?;
        Ok(match (number, currency) {
            (None, _) => "nothing".to_owned(),
            (Some(minor), Some(currency)) => format!("{} {}", Money::new(minor, currency), currency.code()),
            (Some(count), None) => count.to_string(),
        })
    };
    Ok(Difference { name, stated: figure()?, found: figure()? })
}

/// Compares the documents with ids after `after` up to `to`; at most 100 differences.
///
/// # Errors
/// What the shelves answer.
pub fn compare_range(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    comparison: &Comparison,
    after: &str,
    to: &str,
) -> Result<Vec<Difference>, Error> {
    tx.all(comparison.sql, params![company_id, after, to])?.into_iter().map(difference).collect()
}

/// Compares all at once what has no range; at most 100 differences.
///
/// # Errors
/// What the shelves answer.
pub fn compare_all(tx: &mut dyn Tx, company_id: CompanyId, comparison: &Comparison) -> Result<Vec<Difference>, Error> {
    let values = params![company_id, company_id];
    let used = comparison.sql.matches('$').count();
    tx.all(comparison.sql, &values[..used])?.into_iter().map(difference).collect()
}

/// The migrations that the books have.
///
/// # Errors
/// What the shelves answer.
pub fn applied(tx: &mut dyn Tx) -> Result<Vec<(i64, String)>, Error> {
    tx.all(APPLIED, params![])?.into_iter().map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

/// How far a company has come.
#[derive(Clone, PartialEq, Debug)]
pub struct Counters {
    /// The last journal entry's sequence.
    pub entries: i64,
    /// Its hash.
    pub last_hash: String,
    /// The last event's sequence.
    pub events: i64,
}

/// A company's counters.
///
/// # Errors
/// `NotFound` when it has none.
pub fn counters(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Counters, Error> {
    let mut row = tx.one(COUNTERS, params![company_id])?.ok_or(Error::NotFound)?;
    Ok(Counters { entries: row.next()?, last_hash: row.next()?, events: row.next()? })
}

fn count(tx: &mut dyn Tx, sql: &str, company_id: CompanyId) -> Result<u64, Error> {
    tx.one(sql, params![company_id])?.ok_or(Error::NotFound)?.next()
}

/// How many documents a company has.
///
/// # Errors
/// What the shelves answer.
pub fn document_count(tx: &mut dyn Tx, company_id: CompanyId) -> Result<u64, Error> {
    count(tx, COUNT_DOCUMENTS, company_id)
}

/// How many archived copies a company has.
///
/// # Errors
/// What the shelves answer.
pub fn file_count(tx: &mut dyn Tx, company_id: CompanyId) -> Result<u64, Error> {
    count(tx, COUNT_FILES, company_id)
}

/// The last of the `most` documents that follow an id, and how many they are; none at the end.
///
/// # Errors
/// What the shelves answer.
pub fn page_end(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    after: &str,
    most: i64,
) -> Result<Option<(String, u64)>, Error> {
    let mut row = tx.one(PAGE_END, params![company_id, after, most])?.ok_or(Error::NotFound)?;
    let last: Option<String> = row.next()?;
    Ok(last.zip(Some(row.next()?)))
}

/// A series in one year: its id, kind of document, year and next number.
pub type SeriesYear = (SeriesId, String, i64, i64);

/// The series that have given numbers.
///
/// # Errors
/// What the shelves answer.
pub fn series(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<SeriesYear>, Error> {
    let read = |mut row: Row| Ok((row.id()?, row.next()?, row.next()?, row.next()?));
    tx.all(SERIES, params![company_id])?.into_iter().map(read).collect()
}

/// A number given: its count, its text, when.
pub type Numbered = (i64, Option<String>, Option<Timestamp>);

/// The numbers of a series that follow a count.
///
/// # Errors
/// What the shelves answer.
pub fn numbers(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    series: &SeriesYear,
    after: i64,
    most: i64,
) -> Result<Vec<Numbered>, Error> {
    let read = |mut row: Row| Ok((row.next()?, row.next()?, row.next()?));
    tx.all(NUMBERS, params![company_id, series.0, series.2, after, most])?.into_iter().map(read).collect()
}

/// The sequences of the events that follow one.
///
/// # Errors
/// What the shelves answer.
pub fn events(tx: &mut dyn Tx, company_id: CompanyId, after: i64, most: i64) -> Result<Vec<i64>, Error> {
    tx.all(EVENTS, params![company_id, after, most])?.into_iter().map(|mut row| row.next()).collect()
}

/// An entry in its place in the chain.
#[derive(Clone, PartialEq, Debug)]
pub struct Chained {
    /// Its place.
    pub sequence: i64,
    /// What its hash is made of.
    pub entry: NewEntry<String>,
    /// The hash it names as its predecessor's.
    pub previous_hash: String,
    /// Its own.
    pub hash: String,
}

/// The entries that follow a sequence, with their postings.
///
/// # Errors
/// What the shelves answer.
pub fn entries(tx: &mut dyn Tx, company: &Company, after: i64, most: i64) -> Result<Vec<Chained>, Error> {
    let read = |mut row: Row| {
        Ok(Chained {
            sequence: row.next()?,
            entry: NewEntry {
                id: row.id()?,
                entry_type: row.next()?,
                date: row.next()?,
                currency: row.parse()?,
                description: row.next()?,
                reference: row.next()?,
                document_id: row.opt_id()?,
                customer_id: row.opt_id()?,
                document_sha256: row.next()?,
                reverses: row.opt_id()?,
                postings: Vec::new(),
                created_at: row.next()?,
            },
            previous_hash: row.next()?,
            hash: row.next()?,
        })
    };
    let rows = tx.all(ENTRIES, params![company.id, after, most])?;
    let mut entries = rows.into_iter().map(read).collect::<Result<Vec<Chained>, Error>>()?;
    let last = entries.last().map_or(after, |chained| chained.sequence);
    let mut postings = tx.all(POSTINGS, params![company.id, after, last])?.into_iter().peekable();
    for chained in &mut entries {
        while let Some(mut row) = postings.next_if(|row| row.starts_with(chained.sequence)) {
            row.next::<i64>()?;
            chained.entry.postings.push(posting(row, company.currency)?);
        }
    }
    Ok(entries)
}

/// The entries that postings name and that are not there.
///
/// # Errors
/// What the shelves answer.
pub fn stray_postings(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<String>, Error> {
    tx.all(STRAY_POSTINGS, params![company_id])?.into_iter().map(|mut row| row.next()).collect()
}

/// What a booked document looked like, and each hash of it that is written somewhere.
#[derive(Clone, PartialEq, Debug)]
pub struct Pinned {
    /// The document's id.
    pub id: String,
    /// Its number.
    pub number: Option<String>,
    /// The hash on the document, on the snapshot and in the journal entry.
    pub hashes: [Option<String>; 3],
    /// The snapshot.
    pub json: Option<String>,
}

/// The snapshots of the booked documents that follow an id.
///
/// # Errors
/// What the shelves answer.
pub fn snapshots(tx: &mut dyn Tx, company_id: CompanyId, after: &str, most: i64) -> Result<Vec<Pinned>, Error> {
    let read = |mut row: Row| {
        let (id, number) = (row.next()?, row.next()?);
        let (document, snapshot, json) = (row.next()?, row.next()?, row.next()?);
        Ok(Pinned { id, number, hashes: [document, snapshot, row.next()?], json })
    };
    tx.all(SNAPSHOTS, params![company_id, after, most])?.into_iter().map(read).collect()
}

/// The booked documents in a range of ids that have neither an archived copy nor a job for one. The
/// jobs are read once for the range: they have no index by what they are about.
///
/// # Errors
/// What the shelves answer.
pub fn paperless(tx: &mut dyn Tx, company_id: CompanyId, after: &str, to: &str) -> Result<Vec<String>, Error> {
    let rows = tx.all(PAPERLESS, params![company_id, company_id, after, to])?;
    rows.into_iter().map(|mut row| row.next()).collect()
}

/// An archived copy.
#[derive(Clone, PartialEq, Debug)]
pub struct Archived {
    /// The document and the kind of copy: its place.
    pub place: (String, String),
    /// The document's number, if the document is there.
    pub number: Option<String>,
    /// The hash that was written with it.
    pub sha256: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The archived copies that follow a place.
///
/// # Errors
/// What the shelves answer.
pub fn files(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    after: &(String, String),
    most: i64,
) -> Result<Vec<Archived>, Error> {
    let read = |mut row: Row| {
        let place = (row.next()?, row.next()?);
        Ok(Archived { place, number: row.next()?, sha256: row.next()?, bytes: row.next()? })
    };
    tx.all(FILES, params![company_id, &after.0, &after.1, most])?.into_iter().map(read).collect()
}

/// A job that has been tried too often or is due too long.
#[derive(Clone, PartialEq, Debug)]
pub struct StuckJob {
    /// Whose.
    pub company_id: CompanyId,
    /// Its id.
    pub id: String,
    /// `archive deliver upload poll scheduled`.
    pub kind: String,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it was or is due.
    pub due_at: Timestamp,
}

/// Jobs of all companies claimed so often, or due since before an instant; at most 100.
///
/// # Errors
/// What the shelves answer.
pub fn stuck_jobs(tx: &mut dyn Tx, attempts: i64, due_before: Timestamp) -> Result<Vec<StuckJob>, Error> {
    let read = |mut row: Row| {
        let (company_id, id) = (row.id()?, row.next()?);
        Ok(StuckJob { company_id, id, kind: row.next()?, attempts: row.next()?, due_at: row.next()? })
    };
    tx.all(STUCK, params![attempts, due_before])?.into_iter().map(read).collect()
}

/// The jobs of one kind, of all companies.
#[derive(Clone, PartialEq, Debug)]
pub struct Waiting {
    /// `archive deliver upload poll scheduled`.
    pub kind: String,
    /// How many there are.
    pub all: i64,
    /// How many of them are due.
    pub due: i64,
    /// When the first of them was or is due.
    pub first_due_at: Timestamp,
}

/// The outbox by kind.
///
/// # Errors
/// What the shelves answer.
pub fn waiting_jobs(tx: &mut dyn Tx, now: Timestamp) -> Result<Vec<Waiting>, Error> {
    let read =
        |mut row: Row| Ok(Waiting { kind: row.next()?, all: row.next()?, due: row.next()?, first_due_at: row.next()? });
    tx.all(WAITING, params![now])?.into_iter().map(read).collect()
}

/// The newest instant that a company's books carry.
///
/// # Errors
/// What the shelves answer.
pub fn newest(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Option<Timestamp>, Error> {
    let event: Option<Timestamp> = match tx.one(LAST_EVENT, params![company_id])? {
        Some(mut row) => row.next()?,
        None => None,
    };
    let numbered: Option<Timestamp> = match tx.one(LAST_NUMBERED, params![company_id])? {
        Some(mut row) => row.next()?,
        None => None,
    };
    Ok(event.max(numbered))
}
