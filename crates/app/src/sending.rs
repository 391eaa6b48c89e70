//! Sending: at once or at its instant, by one of the channels. Number, books, delivery and its job are one
//! transaction; what can be known to be wrong is refused before a number is taken.

use billing::customers::{Customer, DeliveryType};
use billing::document::Document;
use billing::erasure::check_is_there;
use billing::ids::{AttemptId, DeliveryId, DocumentId, JobId};
use billing::input::sending::SendInput;
use billing::kind::Kind;
use billing::public::Sent;
use billing::refusal::{Faults, Refusal};
use billing::status::DeliveryState;
use jiff::Timestamp;
use store::deliveries::{Attempt, Delivery};
use store::jobs::{self, NewJob};
use store::{customers, deliveries, documents};

use crate::channel::{self, Channel};
use crate::deliveries::{DELIVERED, FAILED, PENDING, SCHEDULED, public};
use crate::documents::{find, publish};
use crate::{Error, Work, allocations, booking, contacts, drafting, einvoices};

/// The kind of the job that sends at an instant.
const SCHEDULED_JOB: &str = "scheduled";

/// Numbers (where it has no number), books (where it posts) and sends a draft, now or when its instant comes;
/// delivers the archived copy of one that is out of the house anew.
///
/// # Errors
/// By status `DOCUMENT_CANCELLED`, `CREDIT_NOTE_VOIDED`, `DOCUMENT_SCHEDULED`,
/// `DOCUMENT_ALREADY_SENDING`, `DOCUMENT_NOT_DRAFT`; a fault where `scheduledAt` is past; what
/// [`channel::choose`] and [`booking::check`], of an offer [`booking::offer`] refuse.
pub(crate) fn send(work: &mut Work<'_>, kind: Kind, id: DocumentId, input: SendInput) -> Result<Sent, Error> {
    let mut document = find(work.tx, work.company.id, kind, id)?;
    check_status(&document)?;
    match input.scheduled_at {
        Some(at) => schedule(work, &mut document, &input, at.0),
        None => carry_out(work, &mut document, &input, None),
    }
}

/// Takes a scheduled send back: the document is a draft again.
///
/// # Errors
/// The resource's 404; `DOCUMENT_NOT_SCHEDULED`.
pub(crate) fn take_back(work: &mut Work<'_>, kind: Kind, id: DocumentId) -> Result<(), Error> {
    let mut document = find(work.tx, work.company.id, kind, id)?;
    if document.is_pinned() || document.facts.scheduled_at.is_none() {
        let message = format!("The {} is {}, not scheduled.", kind.title(), document.status());
        return Err(Refusal::new("DOCUMENT_NOT_SCHEDULED", message).into());
    }
    let before = publish(work.tx, &work.company, work.today, &document)?;
    unschedule(work, &mut document)?;
    document.updated_at = work.now;
    documents::set_facts(work.tx, work.company.id, &document)?;
    work.document_event(kind.topics().updated, &document, Some(crate::work::json(&before)))
}

/// Takes the waiting delivery of a document and its job away.
pub(crate) fn unschedule(work: &mut Work<'_>, document: &mut Document) -> Result<(), Error> {
    document.facts.scheduled_at = None;
    document.facts.delivery = DeliveryState::None;
    remove(work, document.id, |delivery| delivery.status == SCHEDULED)
}

/// Takes away what was never tried of the deliveries of a draft, which is to be deleted.
pub(crate) fn forget(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    remove(work, id, |_| true)
}

fn remove(work: &mut Work<'_>, id: DocumentId, which: fn(&Delivery) -> bool) -> Result<(), Error> {
    let company_id = work.company.id;
    for delivery in deliveries::of(work.tx, company_id, id)?.into_iter().filter(which) {
        jobs::delete_of(work.tx, company_id, SCHEDULED_JOB, delivery.id.0)?;
        deliveries::delete(work.tx, company_id, delivery.id)?;
        work.event("delivery.deleted", "delivery", delivery.id, &public(&delivery), None);
    }
    Ok(())
}

/// What a scheduled send came to when its instant came.
pub(crate) enum Due {
    /// It is not to be sent any more.
    Gone,
    /// Its instant has not come: the clock was ahead.
    At(Timestamp),
    /// It was booked and sent.
    Sent,
}

/// Books and sends what was scheduled.
///
/// # Errors
/// As [`send`]: then [`give_back`] is owed.
pub(crate) fn send_due(work: &mut Work<'_>, id: DeliveryId) -> Result<Due, Error> {
    let Some((delivery, mut document)) = scheduled(work, id)? else {
        work.nothing_happened();
        return Ok(Due::Gone);
    };
    if let Some(at) = delivery.scheduled_at.filter(|at| *at > work.now) {
        work.nothing_happened();
        return Ok(Due::At(at));
    }
    let asked = delivery.asked.as_deref().unwrap_or("{}");
    let input: SendInput = serde_json::from_str(asked).map_err(|fault| Error::Broken(fault.to_string()))?;
    carry_out(work, &mut document, &input, Some(delivery)).map(|_| Due::Sent)
}

/// What was scheduled and is refused now is a draft again; the refusal is the delivery's last error.
pub(crate) fn give_back(work: &mut Work<'_>, id: DeliveryId, code: &str, message: &str) -> Result<(), Error> {
    let Some((mut delivery, mut document)) = scheduled(work, id)? else {
        work.nothing_happened();
        return Ok(());
    };
    let before = publish(work.tx, &work.company, work.today, &document)?;
    FAILED.clone_into(&mut delivery.status);
    delivery.last_error = Some((code.to_owned(), message.to_owned()));
    delivery.next_attempt_at = None;
    deliveries::update(work.tx, work.company.id, &delivery)?;
    document.facts.scheduled_at = None;
    document.facts.delivery = DeliveryState::None;
    document.updated_at = work.now;
    documents::set_facts(work.tx, work.company.id, &document)?;
    work.event("delivery.failed", "delivery", id, &public(&delivery), None);
    work.document_event(document.kind.topics().updated, &document, Some(crate::work::json(&before)))
}

/// A delivery that waits for its instant, and its document.
fn scheduled(work: &mut Work<'_>, id: DeliveryId) -> Result<Option<(Delivery, Document)>, Error> {
    let company_id = work.company.id;
    let Some(delivery) = deliveries::get(work.tx, company_id, id)?.filter(|own| own.status == SCHEDULED) else {
        return Ok(None);
    };
    let document = documents::get(work.tx, company_id, delivery.document_id)?;
    Ok(document.map(|document| (delivery, document)))
}

fn customer_of(work: &mut Work<'_>, document: &Document) -> Result<Customer, Error> {
    customers::get(work.tx, work.company.id, document.head.customer_id)?
        .ok_or_else(|| Error::Broken(format!("document {} has no customer", document.id)))
}

/// The customer and the channel of a sending, as they are now.
fn channel_of(work: &mut Work<'_>, document: &Document, input: &SendInput) -> Result<(Customer, Channel), Error> {
    let customer = customer_of(work, document)?;
    if let Some(template) = input.document_template_id {
        drafting::check_template(work, document.kind, template)?;
    }
    let channel = channel::choose(work, document, &customer, input)?;
    Ok((customer, channel))
}

/// Has a draft sent at an instant; what is known to be wrong now is refused now.
fn schedule(work: &mut Work<'_>, document: &mut Document, input: &SendInput, at: Timestamp) -> Result<Sent, Error> {
    let company_id = work.company.id;
    if at <= work.now {
        let mut faults = Faults::default();
        faults.add("scheduledAt", "minDate", "scheduledAt must be in the future");
        return Err(faults.into());
    }
    if document.is_pinned() {
        let message =
            format!("The {} is {}: what is booked is not scheduled.", document.kind.title(), document.status());
        return Err(Refusal::new("DOCUMENT_NOT_DRAFT", message).into());
    }
    let (customer, channel) = channel_of(work, document, input)?;
    booking::check(work, document, &customer, &channel, input)?;
    let before = publish(work.tx, &work.company, work.today, document)?;
    let delivery = Delivery {
        status: SCHEDULED.to_owned(),
        next_attempt_at: Some(at),
        scheduled_at: Some(at),
        asked: Some(input.kept()),
        language: customer.language.clone(),
        ..new_delivery(work, document, &channel, input)
    };
    deliveries::insert(work.tx, company_id, &delivery)?;
    let job_id: JobId = work.new_id();
    let job = NewJob { id: job_id, kind: SCHEDULED_JOB, subject_id: delivery.id.0, queue: "", due_at: at };
    jobs::add(work.tx, company_id, &job, work.now)?;
    document.facts.scheduled_at = Some(at);
    document.updated_at = work.now;
    documents::set_facts(work.tx, company_id, document)?;
    work.event("delivery.created", "delivery", delivery.id, &public(&delivery), None);
    work.document_event(document.kind.topics().updated, document, Some(crate::work::json(&before)))?;
    Ok(sent(document, &delivery))
}

/// Books a draft and hands it to its channel, or hands over anew what is booked. `waiting` is the delivery
/// that was scheduled.
fn carry_out(
    work: &mut Work<'_>,
    document: &mut Document,
    input: &SendInput,
    waiting: Option<Delivery>,
) -> Result<Sent, Error> {
    let company_id = work.company.id;
    let (mut customer, channel) = channel_of(work, document, input)?;
    if input.update_customer_record == Some(true) {
        keep_overrides(work, &mut customer, input)?;
    }
    if let (false, DeliveryType::Email, Some(address)) =
        (document.kind.is_booked(), channel.delivery_type, &input.override_email)
    {
        contacts::keep_address(work, &customer, &address.0)?;
    }
    if document.is_pinned() {
        if let Some(format) = channel.format {
            // What no e-invoice can hold is refused now, and not found out by a worker.
            einvoices::write(work.tx, company_id, document, format, channel.ean_number.as_deref())?;
        }
        let delivery = deliver(work, document, &channel, input, waiting)?;
        documents::set_facts(work.tx, company_id, document)?;
        return Ok(sent(document, &delivery));
    }
    let before = publish(work.tx, &work.company, work.today, document)?;
    document.facts.scheduled_at = None;
    if document.kind.is_booked() {
        booking::book(work, document, &customer, &channel, input)?;
    } else {
        booking::offer(work, document, &customer, input)?;
    }
    let delivery = deliver(work, document, &channel, input, waiting)?;
    documents::set_facts(work.tx, company_id, document)?;
    allocations::of_credit_note(work, document)?;
    work.document_event(document.kind.topics().sent, document, Some(crate::work::json(&before)))?;
    Ok(sent(document, &delivery))
}

fn sent(document: &Document, delivery: &Delivery) -> Sent {
    Sent {
        success: true,
        delivery_type: delivery.delivery_type,
        sproom_document_id: delivery.provider_document_id.clone(),
        delivery_id: delivery.id,
        status: document.status().to_owned(),
        number: document.number.as_ref().map(|number| number.text.clone()),
    }
}

fn check_status(document: &Document) -> Result<(), Refusal> {
    let facts = &document.facts;
    let title = document.kind.title();
    if facts.cancelled_at.is_some() {
        return Err(Refusal::new("DOCUMENT_CANCELLED", format!("The {title} is cancelled.")));
    }
    if facts.voided_at.is_some() {
        return Err(Refusal::new("CREDIT_NOTE_VOIDED", "The credit note is voided."));
    }
    if facts.scheduled_at.is_some() && !document.is_pinned() {
        return Err(Refusal::new("DOCUMENT_SCHEDULED", format!("The {title} is scheduled; take it back first.")));
    }
    if document.is_pinned() && facts.delivery == DeliveryState::Pending {
        let message = format!("The {title} is being sent: an attempt or a retry is pending.");
        return Err(Refusal::new("DOCUMENT_ALREADY_SENDING", message));
    }
    Ok(())
}

fn keep_overrides(work: &mut Work<'_>, customer: &mut Customer, input: &SendInput) -> Result<(), Error> {
    check_is_there(customer)?;
    let before = crate::work::json(customer);
    if let Some(email) = &input.override_email {
        customer.email = Some(email.0.clone());
    }
    if let Some(ean) = &input.override_ean_number {
        customer.ean_number = Some(ean.0.clone());
    }
    customer.updated_at = work.now;
    customers::update(work.tx, work.company.id, customer)?;
    work.event("customer.updated", "customer", customer.id, customer, Some(before));
    Ok(())
}

/// A delivery that is still to be made.
fn new_delivery(work: &Work<'_>, document: &Document, channel: &Channel, input: &SendInput) -> Delivery {
    Delivery {
        id: work.new_id(),
        document_id: document.id,
        delivery_type: channel.delivery_type,
        recipient: channel.recipient.clone(),
        message: input.message.as_ref().map(|message| message.0.clone()),
        language: document.language.clone().unwrap_or_else(|| work.company.preferred_language.clone()),
        status: PENDING.to_owned(),
        attempt_count: 0,
        first_attempt_at: None,
        last_attempt_at: None,
        delivered_at: None,
        next_attempt_at: Some(work.now),
        last_error: None,
        provider_document_id: None,
        format: channel.format,
        ean_number: channel.ean_number.clone(),
        scheduled_at: None,
        asked: None,
        created_at: work.now,
    }
}

/// Writes the delivery: done at once by hand, else a job of the outbox.
fn deliver(
    work: &mut Work<'_>,
    document: &mut Document,
    channel: &Channel,
    input: &SendInput,
    waiting: Option<Delivery>,
) -> Result<Delivery, Error> {
    let company_id = work.company.id;
    let mut delivery = new_delivery(work, document, channel, input);
    if let Some(Delivery { id, scheduled_at, asked, created_at, .. }) = &waiting {
        let asked = asked.clone();
        delivery = Delivery { id: *id, scheduled_at: *scheduled_at, asked, created_at: *created_at, ..delivery };
    }
    let by_hand = channel.delivery_type == DeliveryType::Manual;
    if by_hand {
        DELIVERED.clone_into(&mut delivery.status);
        delivery.attempt_count = 1;
        let done_at = Some(work.now);
        (delivery.first_attempt_at, delivery.last_attempt_at, delivery.delivered_at) = (done_at, done_at, done_at);
        delivery.next_attempt_at = None;
    }
    match &waiting {
        Some(_) => deliveries::update(work.tx, company_id, &delivery)?,
        None => deliveries::insert(work.tx, company_id, &delivery)?,
    }
    if by_hand {
        let attempt_id: AttemptId = work.new_id();
        let attempt = Attempt {
            id: attempt_id,
            delivery_id: delivery.id,
            document_id: document.id,
            attempt: 1,
            delivery_type: channel.delivery_type,
            recipient: None,
            status: DELIVERED.to_owned(),
            started_at: work.now,
            finished_at: Some(work.now),
            provider_message_id: None,
            error: None,
        };
        deliveries::insert_attempt(work.tx, company_id, &attempt)?;
        document.facts.delivery = DeliveryState::Delivered;
        document.facts.sent_at = document.facts.sent_at.or(Some(work.now));
    } else {
        let kind = if channel.delivery_type == DeliveryType::Sproom { "upload" } else { "deliver" };
        let queue = channel::queue(channel.delivery_type, channel.recipient.as_deref());
        let job = NewJob { id: work.new_id(), kind, subject_id: delivery.id.0, queue: &queue, due_at: work.now };
        jobs::add(work.tx, company_id, &job, work.now)?;
        document.facts.delivery = DeliveryState::Pending;
    }
    let event = if waiting.is_some() { "delivery.updated" } else { "delivery.created" };
    work.event(event, "delivery", delivery.id, &public(&delivery), None);
    Ok(delivery)
}
