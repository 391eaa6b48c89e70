//! Erasing a private person: at once what is shown of it, then, as a job, what its documents, the log and kept
//! answers still say. Here alone the log is written anew: ids, places, types, times and actors stay, what is said
//! of the person goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use billing::customers::Customer;
use billing::erasure::{self, ERASED};
use billing::ids::{CompanyId, CustomerId, DocumentId, JobId};
use billing::postings::{canonical, sha256};
use billing::refusal::Refusal;
use serde_json::{Value, json as object};
use store::erasure::Hindrances;
use store::events;
use store::stored_answers::BEGIN;
use store::{customers as customer_shelf, erasure as shelf, jobs};

use crate::customers::find;
use crate::{Actor, App, Caller, Error, Work};

/// How many documents are worked on in one transaction.
const DOCUMENTS: usize = 50;
/// How many events, or kept answers, are looked at in one go.
const LOOKED_AT: i64 = 2_000;
/// How many of them are written anew in one transaction.
const WRITTEN: usize = 100;

/// Takes a private person out of all but the books. Deliveries, offers, the log and kept answers follow as a job,
/// which is begun anew after a kill.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_NOT_PRIVATE`, `CUSTOMER_HAS_UNSENT_DOCUMENTS`, `CUSTOMER_HAS_OPEN_ITEMS`,
/// `CUSTOMER_HAS_PENDING_DELIVERIES`.
pub fn erase(work: &mut Work<'_>, id: CustomerId) -> Result<Customer, Error> {
    let company_id = work.company.id;
    let before = find(work.tx, company_id, id)?;
    if before.erased_at.is_some() {
        work.nothing_happened();
        return Ok(before);
    }
    erasure::check_is_private(&before)?;
    check_hindrances(shelf::hindrances(work.tx, company_id, id)?)?;
    let after = erasure::customer(&before, work.now);
    shelf::delete_people(work.tx, company_id, id)?;
    customer_shelf::update(work.tx, company_id, &after)?;
    let job_id: JobId = work.new_id();
    jobs::insert(work.tx, company_id, job_id, "erase", id.0, work.now)?;
    // What it was before is what is erased.
    work.event("customer.erased", "customer", id, &after, None);
    Ok(after)
}

fn check_hindrances(found: Hindrances) -> Result<(), Refusal> {
    let Hindrances { unsent, open, sending } = found;
    for (code, message, documents) in [
        (
            "CUSTOMER_HAS_UNSENT_DOCUMENTS",
            "Documents of the customer are not sent; send, delete or void them first.",
            unsent,
        ),
        ("CUSTOMER_HAS_OPEN_ITEMS", "Something of the customer is not settled; settle it or write it off first.", open),
        (
            "CUSTOMER_HAS_PENDING_DELIVERIES",
            "Documents are on their way to the customer; wait until they have arrived or failed.",
            sending,
        ),
    ] {
        if !documents.is_empty() {
            return Err(Refusal::new(code, message).with(object!({ "documents": documents })));
        }
    }
    Ok(())
}

/// The rest of an erasure: what documents, the log and kept answers say of the person. Each step is short, and
/// done again it changes nothing.
pub(crate) fn finish(app: &Arc<App>, company_id: CompanyId, id: CustomerId) -> Result<(), Error> {
    let person = Person { app, company_id, id };
    let documents = person.documents()?;
    person.log(documents)?;
    person.answers()
}

struct Person<'a> {
    app: &'a Arc<App>,
    company_id: CompanyId,
    id: CustomerId,
}

impl Person<'_> {
    fn by(&self) -> Caller {
        Caller::inside(self.company_id, Actor::System)
    }

    /// Takes the person out of deliveries, and of documents that are in no books. Answers all its documents.
    fn documents(&self) -> Result<BTreeSet<DocumentId>, Error> {
        let id = self.id;
        let all = self.app.read(self.by(), move |view| Ok(shelf::documents(view.tx, view.company.id, id)?)).wait()?;
        for part in all.chunks(DOCUMENTS) {
            // A print that was begun is kept, and then taken away; the next one is of what is left.
            let unbooked = part.iter().filter(|(_, is_booked)| !is_booked);
            let _turns: Vec<_> = unbooked.map(|(id, _)| self.app.printing.turn(*id)).collect();
            let part = part.to_vec();
            let redacted = self.app.write(self.by(), move |work| {
                for (id, is_booked) in part {
                    shelf::deliveries(work.tx, work.company.id, id, ERASED)?;
                    if !is_booked {
                        offer(work, id)?;
                    }
                }
                work.told_before();
                Ok(())
            });
            redacted.wait()?;
        }
        Ok(all.into_iter().map(|(id, _)| id).collect())
    }

    /// Takes the person out of the log. Deliveries name their document alone, so its documents are known; those
    /// that were deleted are told of before their deliveries.
    fn log(&self, mut documents: BTreeSet<DocumentId>) -> Result<(), Error> {
        let (mut after, text) = (0, self.id.to_string());
        loop {
            let text = text.clone();
            let look = self.app.read(self.by(), move |view| {
                Ok(events::of_customer(view.tx, view.company.id, &text, after, LOOKED_AT)?)
            });
            let (found, last) = look.wait()?;
            let mut redacted = Vec::new();
            for mut event in found {
                let mut is_changed =
                    redact(&mut event.data, |told| self.is_of(told, &event.resource_type, &mut documents));
                if let Some(before) = &mut event.before {
                    is_changed |= redact(before, |told| self.is_of(told, &event.resource_type, &mut documents));
                }
                if is_changed {
                    redacted.push(event);
                }
            }
            for part in redacted.chunks(WRITTEN) {
                let part = part.to_vec();
                let written = self.app.write(self.by(), move |work| {
                    for event in &part {
                        events::redact(work.tx, work.company.id, event, work.now)?;
                    }
                    work.told_before();
                    Ok(())
                });
                written.wait()?;
            }
            let Some(last) = last else { return Ok(()) };
            after = last;
        }
    }

    /// Takes the person out of kept answers. They stay, so that what is asked again is not done again.
    fn answers(&self) -> Result<(), Error> {
        let (mut after, id, text) = (BEGIN, self.id, self.id.to_string());
        loop {
            let text = text.clone();
            let look = self
                .app
                .read(self.by(), move |view| Ok(shelf::answers(view.tx, view.company.id, &text, after, LOOKED_AT)?));
            let (mut found, last) = look.wait()?;
            // What an answer is of it does not say: a customer has its id, all else the customer's.
            found.retain_mut(|kept| redact(&mut kept.body, |told| erasure::is_of(told, "customer", id)));
            if !found.is_empty() {
                let written = self.app.write(self.by(), move |work| {
                    for kept in &found {
                        shelf::set_answer(work.tx, work.company.id, kept)?;
                    }
                    work.told_before();
                    Ok(())
                });
                written.wait()?;
            }
            let Some(last) = last else { return Ok(()) };
            after = last;
        }
    }

    /// Whether what an event tells is the person's; a document that is, is remembered.
    fn is_of(&self, told: &Value, resource_type: &str, documents: &mut BTreeSet<DocumentId>) -> bool {
        let id_in = |field: &str| told[field].as_str().and_then(|text| text.parse().ok());
        if erasure::is_of(told, resource_type, self.id) {
            documents.extend(id_in("id").map(DocumentId));
            return true;
        }
        resource_type == "delivery" && id_in("documentId").is_some_and(|id| documents.contains(&DocumentId(id)))
    }
}

/// Takes a person out of JSON that is one's; whether that changed anything.
fn redact(text: &mut String, is_ones: impl FnOnce(&Value) -> bool) -> bool {
    let Ok(mut told) = serde_json::from_str::<Value>(text) else { return false };
    if !is_ones(&told) {
        return false;
    }
    let before = told.clone();
    erasure::redact(&mut told);
    let is_changed = told != before;
    if is_changed {
        *text = told.to_string();
    }
    is_changed
}

/// Takes the person out of a document that is in no books: of an offer out of what it showed, too, which is
/// printed anew.
fn offer(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let company_id = work.company.id;
    shelf::texts(work.tx, company_id, id, ERASED)?;
    let Some((mut buyer, mut snapshot)) = shelf::pinned(work.tx, company_id, id)? else { return Ok(()) };
    if !redact(&mut snapshot, |_| true) {
        return Ok(());
    }
    redact(&mut buyer, |_| true);
    let told: Value = serde_json::from_str(&snapshot).map_err(|fault| Error::Broken(fault.to_string()))?;
    let snapshot = canonical(&told);
    shelf::pin(work.tx, company_id, id, &buyer, (&sha256(&[&snapshot]), &snapshot))?;
    let job_id: JobId = work.new_id();
    Ok(jobs::insert(work.tx, company_id, job_id, "archive", id.0, work.now)?)
}
