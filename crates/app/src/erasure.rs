//! Erasing a private person: at once what is shown of it, then, as a job, what its documents, the log and kept
//! answers still say. Here alone the log is written anew: ids, places, types, times and actors stay, what is said
//! of the person goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use billing::customers::Customer;
use billing::erasure::{self, ERASED};
use billing::ids::{CompanyId, ContactId, CustomerId, DocumentId, JobId};
use billing::postings::{canonical, sha256};
use billing::refusal::Refusal;
use serde_json::{Value, json as object};
use store::erasure::Hindrances;
use store::events;
use store::stored_answers::BEGIN;
use store::{contacts as contact_shelf, customers as customer_shelf, erasure as shelf, jobs};
use uuid::Uuid;

use crate::customers::find;
use crate::{Actor, App, Caller, Error, Work, contacts};

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

/// Takes a contact out of all but the books, and of the documents for it alone what is said of the contact.
///
/// # Errors
/// `CUSTOMER_CONTACT_NOT_FOUND`, `CUSTOMER_CONTACT_IN_USE`, `CUSTOMER_HAS_PENDING_DELIVERIES`.
pub fn erase_contact(work: &mut Work<'_>, (customer_id, id): (CustomerId, ContactId)) -> Result<(), Error> {
    let company_id = work.company.id;
    let before = contacts::find(work.tx, company_id, customer_id, id)?;
    contacts::check_is_free(work, &before)?;
    let sending = shelf::sending_to(work.tx, company_id, id)?;
    check_hindrances(Hindrances { unsent: Vec::new(), open: Vec::new(), sending })?;
    contact_shelf::delete(work.tx, company_id, id)?;
    let job_id: JobId = work.new_id();
    jobs::insert(work.tx, company_id, job_id, "erase", id.0, work.now)?;
    let after = erasure::contact(&before);
    work.event("customer_contact.erased", "customer_contact", id, &after, None);
    Ok(())
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
/// done again it changes nothing. `subject` is a customer's id or, where there is none of it, a contact's.
pub(crate) fn finish(app: &Arc<App>, company_id: CompanyId, subject: Uuid) -> Result<(), Error> {
    let by = Caller::inside(company_id, Actor::System);
    let customer =
        app.read(by, move |view| Ok(customer_shelf::get(view.tx, company_id, CustomerId(subject))?)).wait()?;
    let who = if customer.is_some() { Who::Customer(CustomerId(subject)) } else { Who::Contact(ContactId(subject)) };
    let person = Person { app, company_id, who };
    let documents = person.documents()?;
    person.log(documents)?;
    person.answers()
}

/// Who is erased.
#[derive(Clone, Copy)]
enum Who {
    Customer(CustomerId),
    Contact(ContactId),
}

impl Who {
    fn id(self) -> String {
        match self {
            Who::Customer(id) => id.to_string(),
            Who::Contact(id) => id.to_string(),
        }
    }

    /// What events call it.
    fn resource_type(self) -> &'static str {
        match self {
            Who::Customer(_) => "customer",
            Who::Contact(_) => "customer_contact",
        }
    }

    /// Takes the person out of what is told of a resource; a document that is one's is remembered.
    fn take_out(self, told: &mut Value, resource_type: &str, documents: &mut BTreeSet<DocumentId>) {
        let id_in = |field: &str| told[field].as_str().and_then(|text| text.parse().ok());
        if resource_type == "delivery" {
            if id_in("documentId").is_some_and(|id| documents.contains(&DocumentId(id))) {
                erasure::redact(told);
            }
            return;
        }
        match self {
            Who::Customer(id) if erasure::is_of(told, resource_type, id) => {
                documents.extend(id_in("id").map(DocumentId));
                erasure::redact(told);
            }
            Who::Contact(id) if resource_type == "customer_contact" && id_in("id") == Some(id.0) => {
                erasure::redact(told)
            }
            Who::Contact(id) if id_in("customerContactId") == Some(id.0) => {
                documents.extend(id_in("id").map(DocumentId));
                erasure::redact_contact(told);
            }
            Who::Customer(_) | Who::Contact(_) => {}
        }
    }

    /// Takes the person out of a document of one's that is in no books: of an offer out of what it showed, too,
    /// which is printed anew.
    fn take_out_of_offer(self, work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
        let company_id = work.company.id;
        let redact_all = match self {
            Who::Customer(_) => erasure::redact,
            Who::Contact(_) => erasure::redact_contact,
        };
        if let Who::Customer(_) = self {
            shelf::texts(work.tx, company_id, id, ERASED)?;
        }
        let Some((buyer, mut snapshot)) = shelf::pinned(work.tx, company_id, id)? else { return Ok(()) };
        if !changed(&mut snapshot, redact_all) {
            return Ok(());
        }
        let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|fault| Error::Broken(fault.to_string()));
        let snapshot = canonical(&read(&snapshot)?);
        let mut buyer = object!({ "buyer": read(&buyer)? });
        redact_all(&mut buyer);
        let buyer = buyer["buyer"].to_string();
        shelf::pin(work.tx, company_id, id, &buyer, (&sha256(&[&snapshot]), &snapshot))?;
        let job_id: JobId = work.new_id();
        Ok(jobs::insert(work.tx, company_id, job_id, "archive", id.0, work.now)?)
    }
}

struct Person<'a> {
    app: &'a Arc<App>,
    company_id: CompanyId,
    who: Who,
}

impl Person<'_> {
    fn by(&self) -> Caller {
        Caller::inside(self.company_id, Actor::System)
    }

    /// Takes the person out of deliveries, and of documents that are in no books. Answers all its documents.
    fn documents(&self) -> Result<BTreeSet<DocumentId>, Error> {
        let who = self.who;
        let all = self.app.read(self.by(), move |view| {
            let company_id = view.company.id;
            Ok(match who {
                Who::Customer(id) => shelf::documents(view.tx, company_id, id)?,
                Who::Contact(id) => shelf::documents_for(view.tx, company_id, id)?,
            })
        });
        let all = all.wait()?;
        for part in all.chunks(DOCUMENTS) {
            // A print that was begun is kept, and then taken away; the next one is of what is left.
            let unbooked = part.iter().filter(|(_, is_booked)| !is_booked);
            let _turns: Vec<_> = unbooked.map(|(id, _)| self.app.printing.turn(*id)).collect();
            let part = part.to_vec();
            let redacted = self.app.write(self.by(), move |work| {
                for (id, is_booked) in part {
                    shelf::deliveries(work.tx, work.company.id, id, ERASED)?;
                    if !is_booked {
                        who.take_out_of_offer(work, id)?;
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
        let (mut after, who) = (0, self.who);
        loop {
            let look = self.app.read(self.by(), move |view| {
                Ok(events::naming(view.tx, view.company.id, &who.id(), after, LOOKED_AT)?)
            });
            let (found, last) = look.wait()?;
            let mut redacted = Vec::new();
            for mut event in found {
                let kind = event.resource_type.as_str();
                let mut is_changed = changed(&mut event.data, |told| who.take_out(told, kind, &mut documents));
                if let Some(before) = &mut event.before {
                    is_changed |= changed(before, |told| who.take_out(told, kind, &mut documents));
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
        let (mut after, who) = (BEGIN, self.who);
        loop {
            let look = self.app.read(self.by(), move |view| {
                Ok(shelf::answers(view.tx, view.company.id, &who.id(), after, LOOKED_AT)?)
            });
            let (mut found, last) = look.wait()?;
            // What an answer is of it does not say: the person has its id, all else names it.
            found.retain_mut(|kept| {
                changed(&mut kept.body, |told| who.take_out(told, who.resource_type(), &mut BTreeSet::new()))
            });
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
}

/// Changes JSON; whether anything is other than it was.
fn changed(text: &mut String, change: impl FnOnce(&mut Value)) -> bool {
    let Ok(before) = serde_json::from_str::<Value>(text) else { return false };
    let mut told = before.clone();
    change(&mut told);
    let is_changed = told != before;
    if is_changed {
        *text = told.to_string();
    }
    is_changed
}
