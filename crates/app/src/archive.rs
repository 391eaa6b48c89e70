//! Papers: a booked document's PDF is printed once from its snapshot and served
//! from the archive ever after; a draft's is printed as it stands.

use std::sync::Arc;
use std::time::Instant;

use billing::company::CompanyMode;
use billing::ids::{CompanyId, DocumentId, TemplateId};
use billing::kind::Kind;
use billing::postings;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::{files, templates};

use crate::documents::{find, publish};
use crate::paper::{Watermark, paper};
use crate::{App, Caller, Error, Print};

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
    /// `pdf`.
    pub kind: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many bytes.
    pub size: usize,
}

/// What a paper is printed from.
struct Original {
    name: String,
    is_booked: bool,
    print: Print,
    archived: Option<(String, Vec<u8>)>,
}

/// A document's PDF. Blocks while it is printed: call it where waiting is allowed.
/// `as_draft` marks what is not booked yet as a draft; a booked one has no draft.
///
/// # Errors
/// The resource's 404; `Broken` when the press fails.
pub fn pdf(app: &Arc<App>, by: &Caller, kind: Kind, id: DocumentId, as_draft: bool) -> Result<File, Error> {
    let company_id = by.company_id;
    let original = app
        .read(by.clone(), move |view| {
            let document = find(view.tx, company_id, kind, id)?;
            let name = document.number.as_ref().map_or_else(|| kind.title().to_owned(), |n| n.text.clone());
            if document.is_booked()
                && let Some(archived) = files::get(view.tx, company_id, id, "pdf")?
            {
                return Ok(Original { name, is_booked: true, print: Print::default(), archived: Some(archived) });
            }
            let test = view.company.mode == CompanyMode::Test;
            let print = if document.is_booked() {
                of_snapshot(view.tx, company_id, id, document.date)?
            } else {
                let template_id = document.head.document_template_id;
                let customer = store::customers::get(view.tx, company_id, document.head.customer_id)?;
                let language = customer.map_or_else(|| view.company.preferred_language.clone(), |c| c.language);
                let published = publish(view.tx, &view.company, &document)?;
                let data = serde_json::to_value(&published).map_err(|fault| Error::Broken(fault.to_string()))?;
                let mark = if as_draft { Some(Watermark::Draft) } else { test.then_some(Watermark::Test) };
                let base = view.company.currency.code();
                Print {
                    source: source(view.tx, company_id, kind, template_id)?,
                    data: paper(kind.as_str(), data, base, &language, mark),
                    date: document.date,
                    identifier: id.to_string(),
                    ..Print::default()
                }
            };
            Ok(Original { name, is_booked: document.is_booked(), print, archived: None })
        })
        .wait()?;
    let file = |sha256, bytes| File {
        content_type: "application/pdf",
        name: format!("{}.pdf", original.name.replace(['/', '\\', '"'], "-")),
        sha256,
        bytes,
    };
    if let Some((sha256, bytes)) = original.archived {
        return Ok(file(Some(sha256), bytes));
    }
    let begun = Instant::now();
    let span = tracing::trace_span!(target: "spans", "print");
    let bytes = span.in_scope(|| app.press.print(&original.print))?;
    metrics::histogram!("ledgerbee_print_duration_seconds").record(begun.elapsed());
    if !original.is_booked {
        return Ok(file(None, bytes));
    }
    let (sha256, bytes) = keep(app, company_id, id, bytes)?;
    Ok(file(Some(sha256), bytes))
}

/// Archives a print; whoever came first wins, and the archived copy is answered.
fn keep(app: &Arc<App>, company_id: CompanyId, id: DocumentId, bytes: Vec<u8>) -> Result<(String, Vec<u8>), Error> {
    let by = Caller::inside(company_id, crate::Actor::System);
    app.write(by, move |work| {
        if let Some(archived) = files::get(work.tx, company_id, id, "pdf")? {
            work.nothing_happened();
            return Ok(archived);
        }
        let sha256 = sha256_of(&bytes);
        files::archive(work.tx, company_id, id, "pdf", &sha256, &bytes, work.now)?;
        let published =
            PublicFile { document_id: id, kind: "pdf".to_owned(), sha256: sha256.clone(), size: bytes.len() };
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

/// What a booked document is printed from: its snapshot and the template it was booked with.
fn of_snapshot(tx: &mut dyn store::db::Tx, company_id: CompanyId, id: DocumentId, date: Date) -> Result<Print, Error> {
    let missing = || Error::Broken(format!("booked document {id} has no snapshot"));
    let text = files::snapshot(tx, company_id, id)?.ok_or_else(missing)?;
    let snapshot: Value = serde_json::from_str(&text).map_err(|fault| Error::Broken(fault.to_string()))?;
    let text = |field: &str| snapshot[field].as_str().unwrap_or_default().to_owned();
    let kind: Kind = text("kind").parse().map_err(|_| missing())?;
    let template_id = snapshot["templateId"].as_str().and_then(|id| id.parse().ok());
    let mark = (text("mode") == "test").then_some(Watermark::Test);
    Ok(Print {
        source: source(tx, company_id, kind, template_id)?,
        data: paper(kind.as_str(), snapshot["document"].clone(), &text("baseCurrency"), &text("language"), mark),
        date,
        identifier: id.to_string(),
        ..Print::default()
    })
}

/// A template's source; one without its own has the built-in design.
fn source(
    tx: &mut dyn store::db::Tx,
    company_id: CompanyId,
    kind: Kind,
    id: Option<TemplateId>,
) -> Result<String, Error> {
    let template = match id {
        Some(id) => templates::get(tx, company_id, id)?,
        None => templates::default_of(tx, company_id, kind.template_type())?,
    };
    Ok(template.and_then(|template| template.source).unwrap_or_else(|| crate::paper::DOCUMENT_TEMPLATE.to_owned()))
}
