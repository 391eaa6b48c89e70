//! Papers: the PDF of a document that is booked, or sent where it posts nothing, is printed once from its
//! snapshot and served from the archive ever after; a draft's is printed as it stands.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use billing::company::CompanyMode;
use billing::document::Document;
use billing::formats::Format;
use billing::ids::{CompanyId, DocumentId};
use billing::kind::Kind;
use billing::postings;
use billing::templates::Look;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::{files, templates as shelf};

use crate::documents::{find, publish};
use crate::paper::{Paper, Watermark};
use crate::{App, Caller, Error, PressError, Print, View, einvoices, templates};

/// A file to be handed out.
#[derive(Clone, Debug)]
pub struct File {
    /// Its media type.
    pub content_type: &'static str,
    /// What it is called.
    pub name: String,
    /// SHA-256 of an archived copy; none of a draft.
    pub sha256: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An archived copy, as in events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicFile {
    /// The document.
    pub document_id: DocumentId,
    /// `pdf`, or the format of an e-invoice.
    pub kind: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes.
    pub size: usize,
}

/// What a document's paper is, or is made from.
enum Original {
    /// It was printed and kept: its SHA-256 and its bytes.
    Archived(String, Vec<u8>),
    /// To be printed and kept.
    Pinned(Sheet),
    /// To be printed as it stands.
    Draft(Sheet),
}

/// A print, and the same with the built-in layout where its template has another.
struct Sheet {
    print: Print,
    plain: Option<Print>,
}

/// A document's PDF. Blocks while it is printed: call it where waiting is allowed.
/// `as_draft` marks what is a draft as one; what is out of the house has none.
///
/// # Errors
/// The resource's 404; `Broken` when the press fails.
pub fn pdf(app: &Arc<App>, by: &Caller, kind: Kind, id: DocumentId, as_draft: bool) -> Result<File, Error> {
    let (name, mut found) = original(app, by, kind, id, as_draft)?;
    let turn = matches!(found, Original::Pinned(_)).then(|| app.printing.turn(id));
    if turn.is_some() {
        // Whoever printed it meanwhile has kept it.
        (_, found) = original(app, by, kind, id, as_draft)?;
    }
    let file = |sha256, bytes| File {
        content_type: "application/pdf",
        name: format!("{}.pdf", file_name(&name)),
        sha256,
        bytes,
    };
    match found {
        Original::Archived(sha256, bytes) => Ok(file(Some(sha256), bytes)),
        Original::Draft(sheet) => Ok(file(None, print(app, &sheet, id)?)),
        Original::Pinned(sheet) => {
            let (sha256, bytes) = keep(app, by.company_id, id, "pdf", print(app, &sheet, id)?)?;
            Ok(file(Some(sha256), bytes))
        }
    }
}

/// What a document is called, and what its paper is or is made from.
fn original(
    app: &Arc<App>,
    by: &Caller,
    kind: Kind,
    id: DocumentId,
    as_draft: bool,
) -> Result<(String, Original), Error> {
    let company_id = by.company_id;
    app.read(by.clone(), move |view| {
        let document = find(view.tx, company_id, kind, id)?;
        let name = document.number.as_ref().map_or_else(|| kind.title().to_owned(), |n| n.text.clone());
        if !document.is_pinned() {
            let mark = as_draft.then_some(Watermark::Draft);
            let print = as_it_stands(view, &document, mark, None)?;
            return Ok((name, Original::Draft(Sheet { print, plain: None })));
        }
        if let Some((sha256, bytes)) = files::get(view.tx, company_id, id, "pdf")? {
            return Ok((name, Original::Archived(sha256, bytes)));
        }
        let mut sheet = of_snapshot(view.tx, company_id, id, document.date)?;
        if !document.is_booked() {
            return Ok((name, Original::Pinned(sheet)));
        }
        // A document that no e-invoice can hold is printed without one.
        match einvoices::write(view.tx, company_id, &document, Format::En16931Cii, None) {
            Ok(xml) => {
                let carry = |print: Print| print.with_factur_x(xml.clone().into_bytes());
                sheet = Sheet { print: carry(sheet.print), plain: sheet.plain.map(carry) };
            }
            Err(Error::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
        Ok((name, Original::Pinned(sheet)))
    })
    .wait()
}

/// The booked documents that are being printed in this process: the print and the mail of one
/// document become due at once, and one paper is enough.
#[derive(Default)]
pub(crate) struct Printing {
    now: Mutex<HashSet<DocumentId>>,
    ended: Condvar,
}

impl Printing {
    /// Waits until nobody else prints the document.
    pub(crate) fn turn(&self, id: DocumentId) -> Turn<'_> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        while !now.insert(id) {
            now = self.ended.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
        Turn { printing: self, id }
    }
}

/// The turn to print one document, given back when dropped.
pub(crate) struct Turn<'a> {
    printing: &'a Printing,
    id: DocumentId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.printing.now.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.printing.ended.notify_all();
    }
}

/// Prints a sheet. A template that fails on a document, though it printed the samples, costs the
/// document its looks and not its paper: it is printed with the built-in layout.
fn print(app: &Arc<App>, sheet: &Sheet, id: DocumentId) -> Result<Vec<u8>, Error> {
    let begun = Instant::now();
    let span = tracing::trace_span!(target: "spans", "print");
    let printed = span.in_scope(|| match (app.press.print(&sheet.print), &sheet.plain) {
        (Err(fault), Some(plain)) if !matches!(fault, PressError::Broken(_)) => {
            tracing::warn!(%fault, document_id = %id, "a template failed: printed with the built-in layout");
            app.press.print(plain)
        }
        (printed, _) => printed,
    })?;
    metrics::histogram!("ledgerbee_print_duration_seconds").record(begun.elapsed());
    Ok(printed)
}

/// What prints a document as it stands now, with its template or with another look.
pub(crate) fn as_it_stands(
    view: &mut View<'_>,
    document: &Document,
    mark: Option<Watermark>,
    look: Option<Look>,
) -> Result<Print, Error> {
    let (kind, company_id) = (document.kind, view.company.id);
    let customer = store::customers::get(view.tx, company_id, document.head.customer_id)?
        .ok_or_else(|| Error::Broken(format!("document {} has no customer", document.id)))?;
    let look = match look {
        Some(look) => look,
        None => {
            let own = document.head.document_template_id;
            let template = templates::of_document(view.tx, company_id, kind, own, &customer)?;
            templates::look(view.tx, company_id, &template)?
        }
    };
    let published = publish(view.tx, &view.company, view.today, document)?;
    let is_test = view.company.mode == CompanyMode::Test;
    let paper = Paper {
        kind: kind.as_str(),
        document: serde_json::to_value(&published).map_err(|fault| Error::Broken(fault.to_string()))?,
        base_currency: view.company.currency.code(),
        language: document.language.as_ref().unwrap_or(&customer.language),
        mark: mark.or(is_test.then_some(Watermark::Test)),
        date: document.date,
        identifier: document.id.to_string(),
    };
    Ok(paper.with(&look))
}

/// A number as a file is called by it.
pub(crate) fn file_name(number: &str) -> String {
    number.replace(['/', '\\', '"'], "-")
}

/// Archives a print or an e-invoice; whoever came first wins, and the archived copy is answered.
pub(crate) fn keep(
    app: &Arc<App>,
    company_id: CompanyId,
    id: DocumentId,
    kind: &'static str,
    bytes: Vec<u8>,
) -> Result<(String, Vec<u8>), Error> {
    let by = Caller::inside(company_id, crate::Actor::System);
    app.write(by, move |work| {
        if let Some(archived) = files::get(work.tx, company_id, id, kind)? {
            work.nothing_happened();
            return Ok(archived);
        }
        let sha256 = sha256_of(&bytes);
        files::archive(work.tx, company_id, id, kind, &sha256, &bytes, work.now)?;
        let published =
            PublicFile { document_id: id, kind: kind.to_owned(), sha256: sha256.clone(), size: bytes.len() };
        work.event("file.created", "file", id, &published, None);
        Ok((sha256, bytes))
    })
    .wait()
}

/// SHA-256 of bytes, in hex.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    postings::hex(&Sha256::digest(bytes))
}

/// What a pinned document is printed from: its snapshot, and the version of the template that was pinned with it.
fn of_snapshot(tx: &mut dyn store::db::Tx, company_id: CompanyId, id: DocumentId, date: Date) -> Result<Sheet, Error> {
    let missing = || Error::Broken(format!("document {id} is pinned and has no snapshot"));
    let text = files::snapshot(tx, company_id, id)?.ok_or_else(missing)?;
    let snapshot: Value = serde_json::from_str(&text).map_err(|fault| Error::Broken(fault.to_string()))?;
    let text = |field: &str| snapshot[field].as_str().unwrap_or_default().to_owned();
    let kind: Kind = text("kind").parse().map_err(|_| missing())?;
    let template_id = text("templateId").parse().map_err(|_| missing())?;
    let version = snapshot["templateVersion"].as_i64().ok_or_else(missing)?;
    let look = shelf::look(tx, company_id, template_id, version)?.ok_or_else(missing)?;
    let is_test = text("mode") == "test";
    let print = |look: &Look| {
        Paper {
            kind: kind.as_str(),
            document: snapshot["document"].clone(),
            base_currency: &text("baseCurrency"),
            language: &text("language"),
            mark: is_test.then_some(Watermark::Test),
            date,
            identifier: id.to_string(),
        }
        .with(look)
    };
    let plain = look.source.is_some().then(|| print(&Look { source: None, settings: look.settings.clone() }));
    Ok(Sheet { print: print(&look), plain })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn one_document_is_printed_by_one_at_a_time_and_others_meanwhile() {
        let (printing, inside, [one, other]) =
            (Printing::default(), AtomicUsize::new(0), [1, 2].map(|n| DocumentId(Uuid::from_u128(n))));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let turn = printing.turn(one);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
        let (_one, _other) = (printing.turn(one), printing.turn(other));
    }
}
