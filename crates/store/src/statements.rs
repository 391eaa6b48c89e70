//! What a customer's receivables were moved by, entry by entry, in the order of their days.

use billing::ids::{CompanyId, CustomerId, EntryId};
use billing::kind::Kind;
use billing::money::{Currency, Money};
use billing::statement::{Moved, MovementType};
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    BEFORE = "select p.currency, cast(sum(p.amount) as bigint) from journal_entries e \
        join postings p on p.company_id = e.company_id and p.entry_id = e.id \
        where e.company_id = $1 and e.customer_id = $2 and e.date < $3 and p.open_item_id is not null \
        group by p.currency having sum(p.amount) <> 0 order by p.currency";
    SINCE = "select e.id, e.date, e.entry_type, d.kind, e.reverses_entry_id, e.description, e.reference, \
        e.document_id, p.currency, cast(sum(p.amount) as bigint) from journal_entries e \
        join postings p on p.company_id = e.company_id and p.entry_id = e.id \
        left join documents d on d.company_id = e.company_id and d.id = e.document_id \
        where e.company_id = $1 and e.customer_id = $2 and e.date >= $3 and e.date <= $4 \
        and p.open_item_id is not null group by e.sequence, e.id, e.date, e.entry_type, d.kind, \
        e.reverses_entry_id, e.description, e.reference, e.document_id, p.currency having sum(p.amount) <> 0 order by e.date, e.sequence, p.currency";
}

/// What a customer owed before a day, by currency.
///
/// # Errors
/// What the shelves answer.
pub fn before(tx: &mut dyn Tx, company_id: CompanyId, customer: CustomerId, day: Date) -> Result<Vec<Money>, Error> {
    let read = |mut row: Row| {
        let currency: Currency = row.parse()?;
        Ok(Money::new(row.next()?, currency))
    };
    tx.all(BEFORE, params![company_id, customer, day])?.into_iter().map(read).collect()
}

/// What moved what a customer owes from one day to another. What only moves between its items is left out.
///
/// # Errors
/// What the shelves answer.
pub fn since(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    customer: CustomerId,
    (from, to): (Date, Date),
) -> Result<Vec<Moved>, Error> {
    let read = |mut row: Row| {
        let (entry_id, date) = (row.id()?, row.next()?);
        let (entry_type, kind, reversed): (String, Option<Kind>, Option<EntryId>) =
            (row.next()?, row.opt_parse()?, row.opt_id()?);
        let (description, reference, document_id) = (row.next()?, row.next()?, row.opt_id()?);
        let currency: Currency = row.parse()?;
        let amount = Money::new(row.next()?, currency);
        let movement = MovementType::of(&entry_type, kind, reversed.is_some(), !amount.is_negative());
        Ok(Moved { entry_id, date, movement, description, reference, document_id, amount })
    };
    tx.all(SINCE, params![company_id, customer, from, to])?.into_iter().map(read).collect()
}
