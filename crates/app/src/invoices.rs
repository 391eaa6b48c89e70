//! Invoices: what of them is their own. Drafted, sent, read and listed they are as all [`documents`](crate::documents).

use billing::ids::DocumentId;
use billing::kind::Kind;
use billing::public::PublicInvoice;
use billing::refusal::Refusal;
use store::documents as shelf;

use crate::documents::{Invoices, check_draft, find, published};
use crate::{Error, Work, convert, sending};

/// Ends an invoice that was never booked; a scheduled one is taken back. What it was made of can be made into another.
///
/// # Errors
/// `DOCUMENT_CANCELLED`, `DOCUMENT_NOT_DRAFT`.
pub fn cancel(work: &mut Work<'_>, id: DocumentId) -> Result<PublicInvoice, Error> {
    let mut document = find(work.tx, work.company.id, Kind::Invoice, id)?;
    if document.facts.cancelled_at.is_some() {
        return Err(Refusal::new("DOCUMENT_CANCELLED", "The invoice is cancelled already.").into());
    }
    if document.is_booked() {
        check_draft(&document)?;
    }
    let was = published::<Invoices>(work.tx, &work.company, work.today, &document)?;
    if document.facts.scheduled_at.is_some() {
        sending::unschedule(work, &mut document)?;
    }
    document.facts.cancelled_at = Some(work.now);
    document.updated_at = work.now;
    shelf::set_facts(work.tx, work.company.id, &document)?;
    let published = published::<Invoices>(work.tx, &work.company, work.today, &document)?;
    work.event("invoice.cancelled", "invoice", id, &published, Some(crate::work::json(&was)));
    convert::release(work, &document)?;
    Ok(published)
}
