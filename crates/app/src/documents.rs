//! What all kinds of document do alike. A kind is a type here ([`Invoices`], [`Quotes`], …): it says what
//! is asked of it and how it is published, and every verb below is one for all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use billing::customers::{Contact, Customer, Department};
use billing::document::Document;
use billing::ids::{CompanyId, DocumentId};
use billing::input::document_lists::{CreditNoteQuery, InvoiceQuery, OrderConfirmationQuery, QuoteQuery};
use billing::input::documents::{Asked, InvoiceInput, OrderConfirmationInput, PdfQuery, QuoteInput};
use billing::input::sending::{SalesSendInput, SendInput};
use billing::kind::Kind;
use billing::page::Page;
use billing::parties;
use billing::public::{self, Around, Detail, Linked, PublicCreditNote, PublicInvoice, PublicSalesDocument, Sent};
use billing::refusal::Refusal;
use jiff::civil::Date;
use serde::Serialize;
use store::db::Tx;
use store::{contacts, credits, customers, departments, documents};

use crate::archive::{self, File};
use crate::deliveries::{self, DeliveryStatus};
use crate::lists::{self, Filter};
use crate::work::json;
use crate::{App, Caller, Error, View, Work, convert, drafting, sending};
use billing::company::Company;

/// A kind of document as a type: how it is listed, sent and published.
pub trait Documents: 'static {
    /// Its kind.
    const KIND: Kind;
    /// How a list of them is asked for.
    type Query: Into<Filter>;
    /// How one is sent.
    type Send: Into<SendInput>;
    /// One as published.
    type Public: Serialize;
    /// Publishes one.
    fn publish(document: &Document, around: Around, detail: Detail) -> Self::Public;
}

/// A kind that is a draft without a number until it is sent.
pub trait Drafts: Documents {
    /// What is said of one that is made or written anew.
    type Input: Into<Asked>;
}

/// Invoices.
pub enum Invoices {}

impl Documents for Invoices {
    const KIND: Kind = Kind::Invoice;
    type Query = InvoiceQuery;
    type Send = SendInput;
    type Public = PublicInvoice;
    fn publish(document: &Document, around: Around, detail: Detail) -> PublicInvoice {
        public::invoice(document, around, detail)
    }
}

impl Drafts for Invoices {
    type Input = InvoiceInput;
}

/// Credit notes; how they are made is their own: they are numbered at once.
pub enum CreditNotes {}

impl Documents for CreditNotes {
    const KIND: Kind = Kind::CreditNote;
    type Query = CreditNoteQuery;
    type Send = SendInput;
    type Public = PublicCreditNote;
    fn publish(document: &Document, around: Around, detail: Detail) -> PublicCreditNote {
        public::credit_note(document, around, detail)
    }
}

/// Quotes.
pub enum Quotes {}

impl Documents for Quotes {
    const KIND: Kind = Kind::Quote;
    type Query = QuoteQuery;
    type Send = SalesSendInput;
    type Public = PublicSalesDocument;
    fn publish(document: &Document, around: Around, detail: Detail) -> PublicSalesDocument {
        public::sales_document(document, around, detail)
    }
}

impl Drafts for Quotes {
    type Input = QuoteInput;
}

/// Order confirmations.
pub enum OrderConfirmations {}

impl Documents for OrderConfirmations {
    const KIND: Kind = Kind::OrderConfirmation;
    type Query = OrderConfirmationQuery;
    type Send = SalesSendInput;
    type Public = PublicSalesDocument;
    fn publish(document: &Document, around: Around, detail: Detail) -> PublicSalesDocument {
        public::sales_document(document, around, detail)
    }
}

impl Drafts for OrderConfirmations {
    type Input = OrderConfirmationInput;
}

/// Makes a draft.
///
/// # Errors
/// What is missing or refused, see [`drafting`](crate::drafting) and [`billing::draft`].
pub fn create<D: Drafts>(work: &mut Work<'_>, input: D::Input) -> Result<D::Public, Error> {
    let (document, customer) = drafting::draft(work, D::KIND, input.into())?;
    documents::insert(work.tx, work.company.id, &document, &search_text(&document, &customer.name))?;
    let around = around_draft(work.tx, &work.company, work.today, &document, &customer, Vec::new())?;
    let published = D::publish(&document, around, Detail::Whole);
    work.event(D::KIND.topics().created, D::KIND.resource(), document.id, &published, None);
    Ok(published)
}

/// Writes a draft anew: the same body as create replaces all its fields and lines.
///
/// # Errors
/// `DOCUMENT_NOT_DRAFT`, and as [`create`].
pub fn change<D: Drafts>(work: &mut Work<'_>, id: DocumentId, input: D::Input) -> Result<D::Public, Error> {
    let before = find(work.tx, work.company.id, D::KIND, id)?;
    check_draft(&before)?;
    let was = published::<D>(work.tx, &work.company, work.today, &before)?;
    let (asked, customer) = drafting::draft(work, D::KIND, input.into())?;
    let document = Document {
        id,
        created_at: before.created_at,
        origin: before.origin,
        facts: before.facts,
        reverses: before.reverses,
        converted_from: before.converted_from,
        ..asked
    };
    documents::rewrite(work.tx, work.company.id, &document, &search_text(&document, &customer.name))?;
    let published = published::<D>(work.tx, &work.company, work.today, &document)?;
    work.event(D::KIND.topics().updated, D::KIND.resource(), id, &published, Some(json(&was)));
    Ok(published)
}

/// Deletes a draft; what it was made of can be made into another.
///
/// # Errors
/// `DOCUMENT_NOT_DRAFT`.
pub fn delete<D: Drafts>(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let document = find(work.tx, work.company.id, D::KIND, id)?;
    check_draft(&document)?;
    let was = published::<D>(work.tx, &work.company, work.today, &document)?;
    sending::forget(work, id)?;
    documents::delete(work.tx, work.company.id, id)?;
    work.event(D::KIND.topics().deleted, D::KIND.resource(), id, &was, Some(json(&was)));
    convert::release(work, &document)
}

/// One document.
///
/// # Errors
/// The 404 of its kind, as `INVOICE_NOT_FOUND`.
pub fn get<D: Documents>(view: &mut View<'_>, id: DocumentId) -> Result<D::Public, Error> {
    let document = find(view.tx, view.company.id, D::KIND, id)?;
    published::<D>(view.tx, &view.company, view.today, &document)
}

/// Documents of a kind, newest first unless asked otherwise.
///
/// # Errors
/// A cursor that is not one of ours.
pub fn list<D: Documents>(view: &mut View<'_>, query: D::Query) -> Result<Page<D::Public>, Error> {
    lists::list(view, query.into(), D::publish)
}

/// Numbers (where it has no number), books (where it is booked) and sends a draft; delivers the archived
/// copy of one that is out of the house anew.
///
/// # Errors
/// See [`sending::send`].
pub fn send<D: Documents>(work: &mut Work<'_>, id: DocumentId, input: D::Send) -> Result<Sent, Error> {
    sending::send(work, D::KIND, id, input.into())
}

/// Takes a scheduled sending back.
///
/// # Errors
/// See [`sending::take_back`].
pub fn take_back<D: Documents>(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    sending::take_back(work, D::KIND, id)
}

/// A document's PDF.
///
/// # Errors
/// See [`archive::pdf`].
pub fn pdf<D: Documents>(app: &Arc<App>, by: &Caller, id: DocumentId, query: PdfQuery) -> Result<File, Error> {
    archive::pdf(app, by, D::KIND, id, query.draft == Some(true))
}

/// What became of a document's sending.
///
/// # Errors
/// The 404 of its kind.
pub fn delivery_status<D: Documents>(view: &mut View<'_>, id: DocumentId) -> Result<DeliveryStatus, Error> {
    deliveries::status(view, D::KIND, id)
}

pub(crate) fn check_draft(document: &Document) -> Result<(), Refusal> {
    if document.status() == "draft" {
        return Ok(());
    }
    let message = format!("The {} is {}, not a draft.", document.kind.title(), document.status());
    Err(Refusal::new("DOCUMENT_NOT_DRAFT", message))
}

/// A document of whatever kind as published.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Published {
    Invoice(Box<PublicInvoice>),
    CreditNote(Box<PublicCreditNote>),
    SalesDocument(Box<PublicSalesDocument>),
}

/// The document of that kind, or the 404 of its resource.
pub(crate) fn find(tx: &mut dyn Tx, company_id: CompanyId, kind: Kind, id: DocumentId) -> Result<Document, Error> {
    documents::get(tx, company_id, id)?.filter(|document| document.kind == kind).ok_or_else(|| not_found(kind).into())
}

/// There is no such document in the company.
pub(crate) fn not_found(kind: Kind) -> Refusal {
    Refusal::missing(kind.not_found(), format!("There is no such {} in this company.", kind.title()))
}

/// What stands around a document: its parties, pinned or as they are, and what it is linked to.
pub(crate) fn around(tx: &mut dyn Tx, company: &Company, today: Date, document: &Document) -> Result<Around, Error> {
    let linked = credits::linked(tx, company.id, document)?;
    around_linked(tx, company, today, document, linked)
}

/// The same where the links are in hand, or not wanted.
pub(crate) fn around_linked(
    tx: &mut dyn Tx,
    company: &Company,
    today: Date,
    document: &Document,
    linked: Vec<Linked>,
) -> Result<Around, Error> {
    if let Some(around) = as_pinned(document, today, &linked) {
        return Ok(around);
    }
    let customer = customers::get(tx, company.id, document.head.customer_id)?.ok_or_else(|| no_customer(document))?;
    around_draft(tx, company, today, document, &customer, linked)
}

fn no_customer(document: &Document) -> Error {
    Error::Broken(format!("document {} has no customer", document.id))
}

/// The parties that were pinned, and what it is linked to.
fn as_pinned(document: &Document, today: Date, linked: &[Linked]) -> Option<Around> {
    let pinned = document.pinned.as_ref()?;
    let (seller, buyer) = (pinned.seller.clone(), pinned.buyer.clone());
    Some(Around { seller, buyer, linked: linked.to_vec(), today })
}

/// What stands around each of a page's documents, in their order: asked for by kind, not by document.
pub(crate) fn around_each(
    tx: &mut dyn Tx,
    company: &Company,
    today: Date,
    documents: &[Document],
) -> Result<Vec<Around>, Error> {
    let mut linked = credits::linked_of(tx, company.id, documents)?;
    let drafts = || documents.iter().filter(|document| !document.is_pinned()).map(|document| &document.head);
    let ids: BTreeSet<_> = drafts().map(|head| head.customer_id).collect();
    let customers = customers::several(tx, company.id, &ids)?;
    let ids: BTreeSet<_> = drafts().filter_map(|head| head.customer_department_id).collect();
    let departments = departments::several(tx, company.id, &ids)?;
    let ids: BTreeSet<_> = drafts().filter_map(|head| head.customer_contact_id).collect();
    let contacts = contacts::several(tx, company.id, &ids)?;
    let each = documents.iter().map(|document| {
        let linked = linked.remove(&document.id).unwrap_or_default();
        if let Some(around) = as_pinned(document, today, &linked) {
            return Ok(around);
        }
        let head = &document.head;
        let customer = customers.get(&head.customer_id).ok_or_else(|| no_customer(document))?;
        let department = head.customer_department_id.and_then(|id| departments.get(&id));
        let contact = head.customer_contact_id.and_then(|id| contacts.get(&id));
        Ok(as_they_are(company, today, customer, department, contact, linked))
    });
    each.collect()
}

/// The parties as they are, which a draft has, and what it is linked to.
fn as_they_are(
    company: &Company,
    today: Date,
    customer: &Customer,
    department: Option<&Department>,
    contact: Option<&Contact>,
    linked: Vec<Linked>,
) -> Around {
    let (seller, buyer) = (parties::seller(company), parties::buyer(customer, department, contact));
    Around { seller, buyer, linked, today }
}

/// What stands around a draft whose customer and links are in hand.
pub(crate) fn around_draft(
    tx: &mut dyn Tx,
    company: &Company,
    today: Date,
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
    Ok(as_they_are(company, today, customer, department.as_ref(), contact.as_ref(), linked))
}

/// A document of a known kind as published, whole.
pub(crate) fn published<D: Documents>(
    tx: &mut dyn Tx,
    company: &Company,
    today: Date,
    document: &Document,
) -> Result<D::Public, Error> {
    Ok(D::publish(document, around(tx, company, today, document)?, Detail::Whole))
}

/// A document of whatever kind, as events and papers carry it: of an invoice's credit notes, however many
/// they are, none is read or told.
pub(crate) fn publish(
    tx: &mut dyn Tx,
    company: &Company,
    today: Date,
    document: &Document,
) -> Result<Published, Error> {
    Ok(match document.kind {
        Kind::Invoice => {
            let around = around_linked(tx, company, today, document, Vec::new())?;
            Published::Invoice(Box::new(public::invoice(document, around, Detail::WithoutCreditNotes)))
        }
        Kind::CreditNote => Published::CreditNote(Box::new(published::<CreditNotes>(tx, company, today, document)?)),
        Kind::Quote | Kind::OrderConfirmation => {
            let around = around_linked(tx, company, today, document, Vec::new())?;
            Published::SalesDocument(Box::new(public::sales_document(document, around, Detail::Whole)))
        }
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
        let after = publish(self.tx, &self.company, self.today, document)?;
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
