//! E-invoices: a booked document's XML is written once and served from the archive ever
//! after; what no e-invoice may say is refused before the booking.

use std::sync::Arc;

use billing::document::Document;
use billing::formats::{Format, XmlQuery};
use billing::ids::{CompanyId, DocumentId};
use billing::kind::Kind;
use billing::public::Around;
use billing::refusal::Refusal;
use einvoice::{Finding, Preceding, Source};
use serde_json::json;
use store::db::Tx;
use store::{credits, documents, files};

pub use einvoice::{Report, Severity, examine};

use crate::archive::{self, File};
use crate::documents::find;
use crate::{App, Caller, Error};

/// A booked document as an e-invoice, in Peppol BIS Billing 3 where no format is named.
///
/// # Errors
/// The resource's 404; `DOCUMENT_NOT_BOOKED`; `EINVOICE_NOT_VALID` with rule, sentence and our field.
pub fn xml(app: &Arc<App>, by: &Caller, kind: Kind, id: DocumentId, query: XmlQuery) -> Result<File, Error> {
    let format = query.format.unwrap_or(Format::PeppolBis3);
    let company_id = by.company_id;
    let (number, archived, fresh) = app
        .read(by.clone(), move |view| {
            let document = find(view.tx, company_id, kind, id)?;
            let (Some(_), Some(number)) = (document.booking(), &document.number) else {
                let message =
                    format!("The {} is not booked yet: an e-invoice says what is in the books.", kind.title());
                return Err(Refusal::new("DOCUMENT_NOT_BOOKED", message).into());
            };
            let number = number.text.clone();
            if let Some(archived) = files::get(view.tx, company_id, id, format.as_str())? {
                return Ok((number, Some(archived), String::new()));
            }
            let fresh = write(view.tx, company_id, &document, format, None)?;
            Ok::<_, Error>((number, None, fresh))
        })
        .wait()?;
    let (sha256, bytes) = match archived {
        Some(archived) => archived,
        None => archive::keep(app, company_id, id, format.as_str(), fresh.into_bytes())?,
    };
    let name = format!("{}-{format}.xml", archive::file_name(&number));
    Ok(File { content_type: "application/xml", name, sha256: Some(sha256), bytes })
}

/// A booked document's XML addressed to another EAN number than its own, for one sending; it is not archived.
///
/// # Errors
/// As [`xml`].
pub(crate) fn readdressed(
    app: &Arc<App>,
    by: &Caller,
    kind: Kind,
    id: DocumentId,
    format: Format,
    ean: String,
) -> Result<File, Error> {
    let company_id = by.company_id;
    app.read(by.clone(), move |view| {
        let document = find(view.tx, company_id, kind, id)?;
        let bytes = write(view.tx, company_id, &document, format, Some(&ean))?.into_bytes();
        let number = document.number.as_ref().map_or("", |number| &number.text);
        let name = format!("{}-{format}.xml", archive::file_name(number));
        Ok(File { content_type: "application/xml", name, sha256: None, bytes })
    })
    .wait()
}

/// The XML of a booked document, addressed to its own EAN number or to another.
///
/// # Errors
/// `EINVOICE_NOT_VALID`.
pub(crate) fn write(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    document: &Document,
    format: Format,
    ean: Option<&str>,
) -> Result<String, Error> {
    let pinned = document.pinned.as_ref();
    let pinned = pinned.ok_or_else(|| Error::Broken(format!("document {} is not booked", document.id)))?;
    let preceding = preceding(tx, company_id, document)?;
    let mut buyer = pinned.buyer.clone();
    buyer.ean_number = ean.map(str::to_owned).or(buyer.ean_number);
    let source = Source { document, seller: &pinned.seller, buyer: &buyer, preceding: &preceding };
    einvoice::write(source, format).map_err(|findings| not_valid(Some(format), &findings).into())
}

/// What a document amends: the invoices a note credits, or the note that an invoice reverses.
fn preceding(tx: &mut dyn Tx, company_id: CompanyId, document: &Document) -> Result<Vec<Preceding>, Error> {
    if let Some((number, id)) = &document.reverses {
        let date = documents::get(tx, company_id, *id)?.map(|note| note.date);
        return Ok(vec![Preceding { number: number.clone(), date }]);
    }
    if document.kind != Kind::CreditNote {
        return Ok(Vec::new());
    }
    let linked = credits::linked(tx, company_id, document)?;
    let numbered = linked.into_iter().filter_map(|(_, number, date, _)| Some((number?, date)));
    Ok(numbered.map(|(number, date)| Preceding { number, date: Some(date) }).collect())
}

/// What every document has to hold before it is booked: the rules of EN 16931 that the law has too.
/// What the company itself must say is asked by `COMPANY_INCOMPLETE`.
///
/// # Errors
/// `EINVOICE_NOT_VALID`.
pub(crate) fn check_before_booking(document: &Document, around: &Around) -> Result<(), Refusal> {
    let source = Source { document, seller: &around.seller, buyer: &around.buyer, preceding: &[] };
    let findings = einvoice::check_booking(source);
    if findings.is_empty() { Ok(()) } else { Err(not_valid(None, &findings)) }
}

/// What a draft that goes as an e-invoice has to hold beyond that: the rules of its format, with what the
/// receiver's network asks for.
///
/// # Errors
/// `EINVOICE_NOT_VALID`.
pub(crate) fn check_before_sending(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    document: &Document,
    around: &Around,
    format: Format,
) -> Result<(), Error> {
    let preceding = preceding(tx, company_id, document)?;
    let source = Source { document, seller: &around.seller, buyer: &around.buyer, preceding: &preceding };
    let findings = einvoice::check(source, format);
    let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Fatal);
    if is_wrong { Err(not_valid(Some(format), &findings).into()) } else { Ok(()) }
}

/// The refusal of what breaks a rule: the first of them, and all.
fn not_valid(format: Option<Format>, findings: &[Finding]) -> Refusal {
    let fatal: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Fatal).collect();
    let message = fatal.first().map_or_else(String::new, |first| format!("{}: {}", first.rule, first.message));
    let told = |finding: &&Finding| {
        json!({
            "rule": finding.rule, "path": finding.path, "message": finding.message, "property": finding.field,
        })
    };
    Refusal::new("EINVOICE_NOT_VALID", message).with(json!({
        "format": format, "rule": fatal.first().map(|first| &first.rule),
        "property": fatal.first().and_then(|first| first.field.as_ref()),
        "findings": fatal.iter().map(told).collect::<Vec<_>>(),
    }))
}
