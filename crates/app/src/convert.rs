//! Offers on their way: accepted, rejected, made into the next document. Once only: the deed holds its
//! company, so of several at once the first makes the document and the others are refused.

use billing::convert::{
    self, ConvertOrderConfirmationInput, ConvertQuoteInput, Converted, OrderConfirmationTarget, Overrides, QuoteTarget,
};
use billing::document::Document;
use billing::ids::DocumentId;
use billing::input::documents::{Asked, AskedHead};
use billing::kind::Kind;
use billing::public::{Detail, PublicInvoice, PublicSalesDocument};
use billing::refusal::Refusal;
use billing::status::Facts;
use store::documents as shelf;

use crate::documents::{
    Drafts, Invoices, OrderConfirmations, Quotes, around_draft, find, publish, published, search_text,
};
use crate::work::json;
use crate::{Error, Work, drafting};

/// The buyer takes an offer.
///
/// # Errors
/// `QUOTE_NOT_FOUND`, `SALES_DOCUMENT_NOT_SENT`, `SALES_DOCUMENT_ALREADY_CONVERTED`,
/// `SALES_DOCUMENT_ACCEPTED`, `SALES_DOCUMENT_REJECTED`, `SALES_DOCUMENT_EXPIRED`.
pub fn accept(work: &mut Work<'_>, id: DocumentId) -> Result<PublicSalesDocument, Error> {
    let quote = find(work.tx, work.company.id, Kind::Quote, id)?;
    convert::check_acceptable(&quote, work.today)?;
    let now = work.now;
    answered(work, quote, Kind::Quote.topics().accepted, |facts| facts.accepted_at = Some(now))
}

/// The buyer does not.
///
/// # Errors
/// `QUOTE_NOT_FOUND`, `SALES_DOCUMENT_NOT_SENT`, `SALES_DOCUMENT_ALREADY_CONVERTED`,
/// `SALES_DOCUMENT_ACCEPTED`, `SALES_DOCUMENT_REJECTED`.
pub fn reject(work: &mut Work<'_>, id: DocumentId) -> Result<PublicSalesDocument, Error> {
    let quote = find(work.tx, work.company.id, Kind::Quote, id)?;
    convert::check_open(&quote)?;
    let now = work.now;
    answered(work, quote, Kind::Quote.topics().rejected, |facts| facts.rejected_at = Some(now))
}

fn answered(
    work: &mut Work<'_>,
    mut quote: Document,
    topic: &'static str,
    change: impl FnOnce(&mut Facts),
) -> Result<PublicSalesDocument, Error> {
    let was = published::<Quotes>(work.tx, &work.company, work.today, &quote)?;
    change(&mut quote.facts);
    quote.updated_at = work.now;
    shelf::set_facts(work.tx, work.company.id, &quote)?;
    let published = published::<Quotes>(work.tx, &work.company, work.today, &quote)?;
    work.event(topic, quote.kind.resource(), quote.id, &published, Some(json(&was)));
    Ok(published)
}

/// Makes a quote into an order confirmation or an invoice, which is a draft.
///
/// # Errors
/// `QUOTE_NOT_FOUND`, those of [`convert::check_convertible`], and what a draft is refused for: `CUSTOMER_INACTIVE`,
/// `VAT_ZONE_CONFLICT`, `DOCUMENT_DATE_TOO_FAR_AHEAD`; the 404 of what is named otherwise.
pub fn quote(work: &mut Work<'_>, id: DocumentId, input: ConvertQuoteInput) -> Result<Converted, Error> {
    let ConvertQuoteInput { target, document } = input;
    let overrides = document.unwrap_or_default();
    Ok(match target {
        QuoteTarget::OrderConfirmation => {
            Converted::OrderConfirmation(Box::new(convert::<OrderConfirmations>(work, Kind::Quote, id, overrides)?))
        }
        QuoteTarget::Invoice => Converted::Invoice(Box::new(convert::<Invoices>(work, Kind::Quote, id, overrides)?)),
    })
}

/// Makes an order confirmation into an invoice, which is a draft.
///
/// # Errors
/// `ORDER_CONFIRMATION_NOT_FOUND`, and as [`quote`].
pub fn order_confirmation(
    work: &mut Work<'_>,
    id: DocumentId,
    input: ConvertOrderConfirmationInput,
) -> Result<PublicInvoice, Error> {
    let ConvertOrderConfirmationInput { target: OrderConfirmationTarget::Invoice, document } = input;
    convert::<Invoices>(work, Kind::OrderConfirmation, id, document.unwrap_or_default())
}

/// Makes a document of a kind into one of another.
fn convert<To: Drafts>(
    work: &mut Work<'_>,
    from: Kind,
    id: DocumentId,
    overrides: Overrides,
) -> Result<To::Public, Error> {
    let company_id = work.company.id;
    let mut source = find(work.tx, company_id, from, id)?;
    convert::check_convertible(&source, work.today)?;
    let mut head = AskedHead::for_customer(source.head.customer_id);
    let customer = drafting::customer(work, To::KIND, &head)?;
    let date = drafting::check_date(work.today, overrides.date.map_or(work.today, |day| day.0)).map_err(within)?;
    let named = named_otherwise(&head, &overrides);
    drafting::check_references(work, To::KIND, &named, &customer).map_err(|fault| match fault {
        Error::Refused(refusal) => within(refusal).into(),
        other => other,
    })?;
    drafting::check_zone(work, &customer)?;
    head.head = convert::head(&source, To::KIND, customer.payment_terms, overrides)?;
    drafting::keep_there(work, &mut head.head)?;
    let lines = convert::lines(&source, &mut || work.new_id());
    let assembled = drafting::assemble(work, To::KIND, head, source.currency, date, lines)?;
    let made = Document { converted_from: convert::source(&source), ..assembled };
    shelf::insert(work.tx, company_id, &made, &search_text(&made, &customer.name))?;
    let around = around_draft(work.tx, &work.company, work.today, &made, &customer, Vec::new())?;
    let published = To::publish(&made, around, Detail::Whole);
    work.event(To::KIND.topics().created, To::KIND.resource(), made.id, &published, None);

    let was = publish(work.tx, &work.company, work.today, &source)?;
    source.facts.converted_to = Some((To::KIND, made.id));
    source.updated_at = work.now;
    shelf::set_facts(work.tx, company_id, &source)?;
    work.document_event(from.topics().converted, &source, Some(json(&was)))?;
    Ok(published)
}

/// The field a refusal names is one of `document`.
fn within(mut refusal: Refusal) -> Refusal {
    if let Some(property) = refusal.details["property"].as_str() {
        refusal.details["property"] = format!("document.{property}").into();
    }
    refusal
}

/// What of a new head is named anew: what is copied was looked up when it was written.
fn named_otherwise(head: &AskedHead, overrides: &Overrides) -> Asked {
    let mut head = head.clone();
    head.head.customer_department_id = overrides.customer_department_id.clone().over(None);
    head.head.customer_contact_id = overrides.customer_contact_id.clone().over(None);
    head.head.document_template_id = overrides.document_template_id;
    Asked { head, lines: Vec::new() }
}

/// Lets what a document was made of be made into another: the document is deleted or cancelled.
pub(crate) fn release(work: &mut Work<'_>, made: &Document) -> Result<(), Error> {
    let Some(source) = &made.converted_from else { return Ok(()) };
    let mut source = find(work.tx, work.company.id, source.kind, source.id)?;
    if source.facts.converted_to != Some((made.kind, made.id)) {
        return Ok(());
    }
    let was = publish(work.tx, &work.company, work.today, &source)?;
    source.facts.converted_to = None;
    source.updated_at = work.now;
    shelf::set_facts(work.tx, work.company.id, &source)?;
    work.document_event(source.kind.topics().updated, &source, Some(json(&was)))
}
