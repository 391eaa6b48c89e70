//! What invoices and credit notes do alike: reading, publishing, listing.

use std::collections::BTreeSet;

use billing::customers::{Contact, Customer, Department};
use billing::document::Document;
use billing::ids::{CompanyId, DocumentId};
use billing::kind::Kind;
use billing::parties;
use billing::public::{self, Around, Detail, Linked, PublicCreditNote, PublicInvoice};
use billing::refusal::Refusal;
use serde::Serialize;
use store::db::Tx;
use store::{contacts, credits, customers, departments, documents};

use crate::{Error, Work};
use billing::company::Company;

/// A document as published, of whatever kind.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Published {
    Invoice(Box<PublicInvoice>),
    CreditNote(Box<PublicCreditNote>),
}

/// The document of that kind, or the 404 of its resource.
pub(crate) fn find(tx: &mut dyn Tx, company_id: CompanyId, kind: Kind, id: DocumentId) -> Result<Document, Error> {
    documents::get(tx, company_id, id)?.filter(|document| document.kind == kind).ok_or_else(|| not_found(kind).into())
}

/// There is no such document in the company.
pub(crate) fn not_found(kind: Kind) -> Refusal {
    let code = match kind {
        Kind::Invoice => "INVOICE_NOT_FOUND",
        Kind::CreditNote => "CREDIT_NOTE_NOT_FOUND",
        Kind::Quote => "QUOTE_NOT_FOUND",
        Kind::OrderConfirmation => "ORDER_CONFIRMATION_NOT_FOUND",
    };
    Refusal::missing(code, format!("There is no such {} in this company.", kind.title()))
}

/// What stands around a document: its parties, pinned or as they are, and what it is linked to.
pub(crate) fn around(tx: &mut dyn Tx, company: &Company, document: &Document) -> Result<Around, Error> {
    let linked = credits::linked(tx, company.id, document)?;
    around_linked(tx, company, document, linked)
}

/// The same where the links are in hand, or not wanted.
pub(crate) fn around_linked(
    tx: &mut dyn Tx,
    company: &Company,
    document: &Document,
    linked: Vec<Linked>,
) -> Result<Around, Error> {
    if let Some(booking) = &document.booking {
        return Ok(Around { seller: booking.seller.clone(), buyer: booking.buyer.clone(), linked });
    }
    let customer = customers::get(tx, company.id, document.head.customer_id)?.ok_or_else(|| no_customer(document))?;
    around_draft(tx, company, document, &customer, linked)
}

fn no_customer(document: &Document) -> Error {
    Error::Broken(format!("document {} has no customer", document.id))
}

/// What stands around each of a page's documents, in their order: asked for by kind, not by document.
pub(crate) fn around_each(tx: &mut dyn Tx, company: &Company, documents: &[Document]) -> Result<Vec<Around>, Error> {
    let mut linked = credits::linked_of(tx, company.id, documents)?;
    let drafts = || documents.iter().filter(|document| document.booking.is_none()).map(|document| &document.head);
    let ids: BTreeSet<_> = drafts().map(|head| head.customer_id).collect();
    let customers = customers::several(tx, company.id, &ids)?;
    let ids: BTreeSet<_> = drafts().filter_map(|head| head.customer_department_id).collect();
    let departments = departments::several(tx, company.id, &ids)?;
    let ids: BTreeSet<_> = drafts().filter_map(|head| head.customer_contact_id).collect();
    let contacts = contacts::several(tx, company.id, &ids)?;
    let each = documents.iter().map(|document| {
        let linked = linked.remove(&document.id).unwrap_or_default();
        if let Some(booking) = &document.booking {
            return Ok(Around { seller: booking.seller.clone(), buyer: booking.buyer.clone(), linked });
        }
        let head = &document.head;
        let customer = customers.get(&head.customer_id).ok_or_else(|| no_customer(document))?;
        let department = head.customer_department_id.and_then(|id| departments.get(&id));
        let contact = head.customer_contact_id.and_then(|id| contacts.get(&id));
        Ok(as_they_are(company, customer, department, contact, linked))
    });
    each.collect()
}

/// The parties as they are, which a draft has, and what it is linked to.
fn as_they_are(
    company: &Company,
    customer: &Customer,
    department: Option<&Department>,
    contact: Option<&Contact>,
    linked: Vec<Linked>,
) -> Around {
    Around { seller: parties::seller(company), buyer: parties::buyer(customer, department, contact), linked }
}

/// What stands around a draft whose customer and links are in hand.
pub(crate) fn around_draft(
    tx: &mut dyn Tx,
    company: &Company,
    document: &Document,
    customer: &Customer,
    linked: Vec<Linked>,
) -> Result<Around, Error> {
    let head = &document.head;
    let department = match head.customer_department_id {
        Some(id) => departments::get(tx, company.id, id)?,
        None => None,
    };
    let contact = match head.customer_contact_id {
        Some(id) => contacts::get(tx, company.id, id)?,
        None => None,
    };
    Ok(as_they_are(company, customer, department.as_ref(), contact.as_ref(), linked))
}

/// An invoice as published.
pub(crate) fn publish_invoice(
    tx: &mut dyn Tx,
    company: &Company,
    document: &Document,
    detail: Detail,
) -> Result<PublicInvoice, Error> {
    Ok(public::invoice(document, around(tx, company, document)?, detail))
}

/// A credit note as published.
pub(crate) fn publish_credit_note(
    tx: &mut dyn Tx,
    company: &Company,
    document: &Document,
    detail: Detail,
) -> Result<PublicCreditNote, Error> {
    Ok(public::credit_note(document, around(tx, company, document)?, detail))
}

/// An invoice as events carry it: however many credit notes it has, they are neither read nor told.
pub(crate) fn publish_alone(tx: &mut dyn Tx, company: &Company, invoice: &Document) -> Result<PublicInvoice, Error> {
    let around = around_linked(tx, company, invoice, Vec::new())?;
    Ok(public::invoice(invoice, around, Detail::WithoutCreditNotes))
}

/// A document of whatever kind, as events and papers carry it.
pub(crate) fn publish(tx: &mut dyn Tx, company: &Company, document: &Document) -> Result<Published, Error> {
    Ok(match document.kind {
        Kind::CreditNote => Published::CreditNote(Box::new(publish_credit_note(tx, company, document, Detail::Whole)?)),
        _ => Published::Invoice(Box::new(publish_alone(tx, company, document)?)),
    })
}

impl Work<'_> {
    /// Names what happened to a document, with the document as it is now.
    pub(crate) fn document_event(
        &mut self,
        kind: &'static str,
        document: &Document,
        before: Option<String>,
    ) -> Result<(), Error> {
        let after = publish(self.tx, &self.company, document)?;
        self.event(kind, document.kind.resource(), document.id, &after, before);
        Ok(())
    }
}

/// What a document is searched by: number, description, customer name and reference, folded.
pub(crate) fn search_text(document: &Document, customer_name: &str) -> String {
    let number = document.number.as_ref().map(|number| number.text.as_str());
    let parts = [number, document.head.description.as_deref(), Some(customer_name), document.head.reference.as_deref()];
    parts.into_iter().flatten().collect::<Vec<&str>>().join("\n").to_lowercase()
}
