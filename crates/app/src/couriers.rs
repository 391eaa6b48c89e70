//! Couriers: what the workers do for one delivery. A mail or an e-invoice leaves, or is asked after; a
//! scheduled send is made. What became of it is recorded with the end of its job.

use std::sync::Arc;
use std::time::Instant;

use billing::customers::DeliveryType;
use billing::document::Document;
use billing::formats::{Format, XmlQuery};
use billing::ids::DeliveryId;
use store::deliveries::Delivery;
use store::jobs::Job;
use store::{deliveries as shelf, documents, jobs};

use crate::access_point::{Parcel, Progress, Silence};
use crate::archive::{self, File};
use crate::deliveries::{DELIVERED, Outcome, PENDING, TAKEN, record, record_progress};
use crate::mail::{self, Letter};
use crate::sending::{self, Due};
use crate::workers::{Bell, Health};
use crate::{App, Caller, Error, einvoices};
use billing::company::Company;

impl App {
    /// A delivery in one of these states, with its document and company; none where it is in no such state.
    fn delivery_in(
        &self,
        by: &Caller,
        id: DeliveryId,
        states: &'static [&'static str],
    ) -> Result<Option<(Delivery, Document, Company)>, Error> {
        self.read(by.clone(), move |view| {
            let Some(delivery) = shelf::get(view.tx, view.company.id, id)? else { return Ok(None) };
            if !states.contains(&delivery.status.as_str()) {
                return Ok(None);
            }
            let document = documents::get(view.tx, view.company.id, delivery.document_id)?;
            let company = view.company.clone();
            Ok(document.map(|document| (delivery, document, company)))
        })
        .wait()
    }

    /// Has a mail or an e-invoice leave, and records what came of it. How its receiver is.
    pub(crate) fn deliver(self: &Arc<Self>, job: &Job, by: &Caller, bell: &Bell) -> Result<Health, Error> {
        let id = DeliveryId(job.subject_id);
        let Some((delivery, document, company)) = self.delivery_in(by, id, &[PENDING])? else {
            self.done(job)?;
            return Ok(Health::Well);
        };
        let (claimed, started_at) = (Instant::now(), self.clock.now());
        let outcome = match delivery.delivery_type {
            DeliveryType::Sproom => self.hand_over(job, claimed, by, &delivery, &document)?,
            DeliveryType::Email | DeliveryType::Manual => {
                let letter = self.letter(by, &delivery, &document, &company)?;
                self.hold(job, claimed)?.then(|| mail::send(&self.channels.mail, &letter))
            }
        };
        // It was made ready for so long that somebody else is at it.
        let Some(outcome) = outcome else { return Ok(Health::Well) };
        if let Outcome::Passing(code, why) | Outcome::Busy(code, why, _) | Outcome::Permanent(code, why) = &outcome {
            tracing::warn!(delivery_id = %id, code, why, "a delivery failed");
        }
        let (company_id, job_id) = (job.company_id, job.id);
        let is_gone = matches!(outcome, Outcome::Delivered(_) | Outcome::Taken(_));
        let is_passing = matches!(outcome, Outcome::Passing(..) | Outcome::Busy(..));
        let health = if is_passing { Health::Ailing } else { Health::Well };
        // What has left and is not recorded would leave once more.
        let next = self.tell(bell, || {
            let outcome = outcome.clone();
            self.write(by.clone(), move |work| {
                let next = record(work, id, started_at, &outcome)?;
                match next {
                    Some(next) => jobs::later(work.tx, company_id, job_id, next)?,
                    None => jobs::delete(work.tx, company_id, job_id)?,
                }
                Ok(next)
            })
            .wait()
        })?;
        let outcome = match (is_gone, next) {
            (true, _) => "delivered",
            (false, Some(_)) => "retried",
            (false, None) => "failed",
        };
        metrics::counter!("ledgerbee_deliveries_total", "outcome" => outcome).increment(1);
        Ok(health)
    }

    fn letter(
        self: &Arc<Self>,
        by: &Caller,
        delivery: &Delivery,
        document: &Document,
        company: &Company,
    ) -> Result<Letter, Error> {
        let mut attached = vec![archive::pdf(self, by, document.kind, document.id, false)?];
        if let Some(format) = delivery.format {
            attached.push(self.xml_of(by, delivery, document, format)?);
        }
        let (from_address, reply_to) = company.mails_from().unzip();
        Ok(Letter {
            from_name: company.name.clone(),
            from_address: from_address.map(str::to_owned),
            reply_to: reply_to.flatten().map(str::to_owned),
            to: delivery.recipient.clone().unwrap_or_default(),
            kind: document.kind.as_str(),
            number: document.number.as_ref().map(|number| number.text.clone()).unwrap_or_default(),
            amount: (document.amount.to_string(), document.currency.code()),
            due_date: document.due_date,
            valid_until: document.head.valid_until,
            message: delivery.message.clone(),
            language: delivery.language.clone(),
            message_id: format!("{}@ledgerbee", delivery.id),
            at: self.clock.now(),
            attached,
            said: None,
        })
    }

    /// The e-invoice that goes with a delivery: the archived one, or one that is addressed to another EAN number.
    fn xml_of(
        self: &Arc<Self>,
        by: &Caller,
        delivery: &Delivery,
        document: &Document,
        format: Format,
    ) -> Result<File, Error> {
        match &delivery.ean_number {
            None => einvoices::xml(self, by, document.kind, document.id, XmlQuery { format: Some(format) }),
            Some(ean) => einvoices::readdressed(self, by, document.kind, document.id, format, ean.clone()),
        }
    }

    fn hand_over(
        self: &Arc<Self>,
        job: &Job,
        claimed: Instant,
        by: &Caller,
        delivery: &Delivery,
        document: &Document,
    ) -> Result<Option<Outcome>, Error> {
        let (Some(point), Some(format)) = (&self.channels.access_point, delivery.format) else {
            let message = "The channel Sproom is not set up on this server any more.";
            return Ok(Some(Outcome::Passing("ACCESS_POINT_NOT_CONFIGURED", message.to_owned())));
        };
        let xml = self.xml_of(by, delivery, document, format)?;
        let parcel = Parcel {
            company_id: by.company_id,
            delivery_id: delivery.id,
            number: document.number.as_ref().map_or("", |number| &number.text),
            xml: &xml.bytes,
            at: self.clock.now(),
        };
        Ok(self.hold(job, claimed)?.then(|| point.hand_over(&parcel)))
    }

    /// Asks the access point how far an e-invoice has come.
    pub(crate) fn ask_after(self: &Arc<Self>, job: &Job, by: &Caller, bell: &Bell) -> Result<(), Error> {
        let id = DeliveryId(job.subject_id);
        let Some((delivery, ..)) = self.delivery_in(by, id, &[TAKEN, DELIVERED])? else { return self.done(job) };
        let Some(document_id) = delivery.provider_document_id else { return self.done(job) };
        // A server without the channel, as in a drill, must not forget what another will ask.
        let point = self.channels.access_point.as_ref();
        let point = point.ok_or_else(|| Error::Broken("the access point is not set up any more".to_owned()))?;
        let progress = point.progress(by.company_id, &document_id, self.clock.now());
        let progress = progress.unwrap_or_else(|Silence { why, asks }| {
            tracing::warn!(delivery_id = %id, why, "the access point does not say how far an e-invoice has come");
            // It is asked again, and given up when it is too old.
            Progress::Unheard(asks)
        });
        let (company_id, job_id) = (job.company_id, job.id);
        self.tell(bell, || {
            let progress = progress.clone();
            self.write(by.clone(), move |work| {
                match record_progress(work, id, &progress)? {
                    Some(next) => jobs::later(work.tx, company_id, job_id, next)?,
                    None => jobs::delete(work.tx, company_id, job_id)?,
                }
                Ok(())
            })
            .wait()
        })
    }

    /// Sends what was scheduled; what is refused is a draft again.
    pub(crate) fn send_scheduled(self: &Arc<Self>, job: &Job, by: &Caller) -> Result<(), Error> {
        let (id, company_id, job_id) = (DeliveryId(job.subject_id), job.company_id, job.id);
        let sent = self.write(by.clone(), move |work| {
            let due = sending::send_due(work, id)?;
            match due {
                Due::At(at) => jobs::later(work.tx, company_id, job_id, at)?,
                Due::Gone | Due::Sent => jobs::delete(work.tx, company_id, job_id)?,
            }
            Ok(())
        });
        let (code, message) = match sent.wait() {
            Ok(()) => return Ok(()),
            Err(Error::Refused(refusal)) => (refusal.code.to_owned(), refusal.message.clone()),
            Err(Error::Invalid(faults)) => {
                let said: Vec<String> = faults.0.into_iter().map(|fault| fault.message).collect();
                ("SHARED_VALIDATION_FAILED".to_owned(), said.join(" "))
            }
            Err(fault) => return Err(fault),
        };
        tracing::warn!(delivery_id = %id, code, message, "a scheduled send is refused");
        let given_back = self.write(by.clone(), move |work| {
            sending::give_back(work, id, &code, &message)?;
            Ok(jobs::delete(work.tx, company_id, job_id)?)
        });
        given_back.wait()
    }
}
