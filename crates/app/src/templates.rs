//! Document templates: what documents are printed with. A change makes a new version; what is
//! booked keeps the one it was booked with.

use std::sync::Arc;

use billing::company::CompanyMode;
use billing::customers::Customer;
use billing::document::Document;
use billing::ids::{CompanyId, DocumentId, TemplateId};
use billing::input::templates::{PreviewInput, TemplateInput, TemplateQuery};
use billing::kind::Kind;
use billing::page::{Page, Part};
use billing::refusal::{Faults, Refusal};
use billing::scope::Scope;
use billing::templates::{Look, PublicTemplate, Template, TemplateSettings, TemplateSort, TemplateType, part_of};
use serde_json::json;
use store::db::Tx;
use store::{documents, templates as shelf};

use crate::archive::{self, File};
use crate::paper::{Paper, Watermark, bytes_of};
use crate::samples::{self, Length};
use crate::work::json as text_of;
use crate::{App, Caller, Error, PressError, Print, View, Work};

/// The largest logo, in bytes.
const LARGEST_LOGO: usize = 256 * 1024;

/// Templates, newest first unless asked otherwise.
///
/// # Errors
/// A cursor that is none of this list's.
pub fn list(view: &mut View<'_>, query: TemplateQuery) -> Result<Page<Template>, Error> {
    let TemplateQuery { page, limit, cursor, sort_by, sort_order, document_type, search } = query;
    let part = Part::asked(page, limit, cursor.as_deref())?;
    let all = shelf::list(view.tx, view.company.id)?;
    let sort = sort_by.unwrap_or(TemplateSort::CreatedAt);
    Ok(part_of(all, &part, document_type, search.as_deref(), sort, sort_order.unwrap_or_default()))
}

/// One template with what it prints with.
///
/// # Errors
/// `DOCUMENT_TEMPLATE_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: TemplateId) -> Result<PublicTemplate, Error> {
    let template = find(view.tx, view.company.id, id)?;
    let look = look(view.tx, view.company.id, &template)?;
    Ok(PublicTemplate::of(template, look))
}

/// Makes a template; it has been [tried](try_out).
///
/// # Errors
/// None of its own.
pub fn create(work: &mut Work<'_>, input: TemplateInput) -> Result<PublicTemplate, Error> {
    let TemplateInput { name, document_type, is_default, source, settings } = input;
    let template = Template {
        id: work.new_id(),
        name: name.0,
        document_type,
        is_default: is_default == Some(true),
        created_at: work.now,
        updated_at: work.now,
        version: 1,
    };
    if template.is_default {
        take_the_default_from(work, document_type)?;
    }
    let look = Look { source: source.map(|source| source.0), settings: settings.unwrap_or_default() };
    shelf::insert(work.tx, work.company.id, &template, &look)?;
    let made = PublicTemplate::of(template, look);
    work.event("document_template.created", "document_template", made.template.id, &made, None);
    Ok(made)
}

/// Puts a new version in the place of a template's present one; it has been [tried](try_out).
///
/// # Errors
/// `DOCUMENT_TEMPLATE_NOT_FOUND`, `TEMPLATE_TYPE_FIXED`, `TEMPLATE_IS_DEFAULT`.
pub fn replace(work: &mut Work<'_>, id: TemplateId, input: TemplateInput) -> Result<PublicTemplate, Error> {
    let TemplateInput { name, document_type, is_default, source, settings } = input;
    let before = find(work.tx, work.company.id, id)?;
    let look_before = look(work.tx, work.company.id, &before)?;
    if document_type != before.document_type {
        let message = format!("The template prints documents of type {} and always will.", before.document_type);
        let refusal = Refusal::new("TEMPLATE_TYPE_FIXED", message);
        return Err(refusal.with(json!({ "property": "documentType" })).into());
    }
    if before.is_default && is_default == Some(false) {
        return Err(is_the_default("isDefault").into());
    }
    let look = Look { source: source.map(|source| source.0), settings: settings.unwrap_or_default() };
    let mut after = Template { name: name.0, is_default: is_default.unwrap_or(before.is_default), ..before.clone() };
    if after == before && look == look_before {
        work.nothing_happened();
        return Ok(PublicTemplate::of(after, look));
    }
    after.updated_at = work.now;
    if after.is_default && !before.is_default {
        take_the_default_from(work, document_type)?;
    }
    if look != look_before {
        after.version += 1;
        shelf::insert_look(work.tx, work.company.id, &after, &look)?;
    }
    shelf::update(work.tx, work.company.id, &after)?;
    let before = text_of(&PublicTemplate::of(before, look_before));
    let after = PublicTemplate::of(after, look);
    work.event("document_template.updated", "document_template", id, &after, Some(before));
    Ok(after)
}

/// Retires a template: its versions stay for what was booked with them.
///
/// # Errors
/// `DOCUMENT_TEMPLATE_NOT_FOUND`, `TEMPLATE_IS_DEFAULT`, `TEMPLATE_IN_USE` by customers.
pub fn delete(work: &mut Work<'_>, id: TemplateId) -> Result<(), Error> {
    let template = find(work.tx, work.company.id, id)?;
    if template.is_default {
        return Err(is_the_default("id").into());
    }
    let customers = shelf::customers_with(work.tx, work.company.id, id)?;
    if customers > 0 {
        let message = format!("{customers} customers name the template {}.", template.name);
        let refusal = Refusal::new("TEMPLATE_IN_USE", message);
        return Err(refusal.with(json!({ "customerCount": customers })).into());
    }
    let look = look(work.tx, work.company.id, &template)?;
    shelf::retire(work.tx, work.company.id, id, work.now)?;
    let retired = PublicTemplate::of(template, look);
    work.event("document_template.deleted", "document_template", id, &retired, Some(text_of(&retired)));
    Ok(())
}

/// Prints a short and a long sample with a template that is about to be saved. Blocks meanwhile, so
/// it is done before the write takes its turn.
///
/// # Errors
/// `TEMPLATE_NOT_VALID` with line and column, or for a font that is not there; a logo that is none, or too large.
pub fn try_out(app: &Arc<App>, by: &Caller, input: TemplateInput) -> Result<(), Error> {
    let TemplateInput { name: _, document_type, is_default: _, source, settings } = input;
    let look = Look { source: source.map(|source| source.0), settings: settings.unwrap_or_default() };
    check_logo(&look.settings)?;
    check_font(app, &look.settings)?;
    for length in [Length::Short, Length::Long] {
        let (look, print) = (look.clone(), sample(app, by, document_type, length)?);
        if let Err(fault) = app.press.print(&print(&look)) {
            return Err(not_valid(&fault, &look)?.into());
        }
    }
    Ok(())
}

/// What a document or a sample looks like with a template. Blocks while it is printed.
///
/// # Errors
/// `DOCUMENT_TEMPLATE_NOT_FOUND`, the document's 404, `TEMPLATE_NOT_VALID`, `PAGE_NOT_FOUND`;
/// `Forbidden` where the caller may not read the document.
pub fn preview(app: &Arc<App>, by: &Caller, id: TemplateId, input: PreviewInput, form: Form) -> Result<File, Error> {
    let PreviewInput { document_id, format: _, page } = input;
    let company_id = by.company_id;
    let (template, look) = app
        .read(by.clone(), move |view| {
            let template = find(view.tx, company_id, id)?;
            let look = look(view.tx, company_id, &template)?;
            Ok::<_, Error>((template, look))
        })
        .wait()?;
    let print = match document_id {
        None => sample(app, by, template.document_type, Length::Short)?(&look),
        Some(document) => of_document_with(app, by, document, template.document_type, look.clone())?,
    };
    let printed = match form {
        Form::Pdf => app.press.print(&print),
        Form::Picture => app.press.picture(&print, page.unwrap_or(1)),
    };
    let bytes = match printed {
        Ok(bytes) => bytes,
        Err(PressError::NoPage { last }) => {
            let refusal = Refusal::missing_at("PAGE_NOT_FOUND", format!("The last page is {last}."), "page");
            return Err(refusal.into());
        }
        Err(fault) => return Err(not_valid(&fault, &look)?.into()),
    };
    let (content_type, ending) = match form {
        Form::Pdf => ("application/pdf", "pdf"),
        Form::Picture => ("image/png", "png"),
    };
    Ok(File { content_type, name: format!("preview.{ending}"), sha256: None, bytes })
}

/// What a preview is made as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A PDF.
    Pdf,
    /// A picture of a page.
    Picture,
}

/// The template of a document: its own, else the customer's for its kind, else the company's default.
pub(crate) fn of_document(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    kind: Kind,
    own: Option<TemplateId>,
    customer: &Customer,
) -> Result<Template, Error> {
    for id in own.iter().chain(&customer.document_template_ids) {
        let found = shelf::get(tx, company_id, *id)?;
        if let Some(template) = found.filter(|template| template.document_type.as_str() == kind.template_type()) {
            return Ok(template);
        }
    }
    let default = shelf::default_of(tx, company_id, kind.template_type())?;
    default.ok_or_else(|| Error::Broken(format!("no default template for {kind}")))
}

/// What a template's present version prints with.
pub(crate) fn look(tx: &mut dyn Tx, company_id: CompanyId, template: &Template) -> Result<Look, Error> {
    let look = shelf::look(tx, company_id, template.id, template.version)?;
    look.ok_or_else(|| Error::Broken(format!("version {} of template {} is not there", template.version, template.id)))
}

fn find(tx: &mut dyn Tx, company_id: CompanyId, id: TemplateId) -> Result<Template, Error> {
    let missing =
        || Refusal::missing("DOCUMENT_TEMPLATE_NOT_FOUND", "There is no such document template in this company.");
    Ok(shelf::get(tx, company_id, id)?.ok_or_else(missing)?)
}

fn is_the_default(property: &str) -> Refusal {
    let message = "The template is the default of its kind; make another the default first.";
    Refusal::new("TEMPLATE_IS_DEFAULT", message).with(json!({ "property": property }))
}

fn take_the_default_from(work: &mut Work<'_>, document_type: TemplateType) -> Result<(), Error> {
    if let Some(before) = shelf::default_of(work.tx, work.company.id, document_type.as_str())? {
        let after = Template { is_default: false, updated_at: work.now, ..before };
        shelf::update(work.tx, work.company.id, &after)?;
    }
    Ok(())
}

fn check_logo(settings: &TemplateSettings) -> Result<(), Error> {
    let Some(logo) = &settings.logo else { return Ok(()) };
    let mut faults = Faults::default();
    match bytes_of(logo) {
        None => faults.add("settings.logo.data", "isBase64", "data must be base64 encoded"),
        Some(bytes) if bytes.len() > LARGEST_LOGO => {
            faults.add("settings.logo.data", "maxLength", format!("data must hold at most {LARGEST_LOGO} bytes"));
        }
        Some(_) => return Ok(()),
    }
    Err(Error::Invalid(faults))
}

/// A font that is not there would be another without a word.
fn check_font(app: &App, settings: &TemplateSettings) -> Result<(), Refusal> {
    let Some(font) = &settings.font else { return Ok(()) };
    let fonts = app.press.fonts();
    if fonts.iter().any(|name| name.eq_ignore_ascii_case(font)) {
        return Ok(());
    }
    let message = format!("There is no font {font}; there are {}.", fonts.join(", "));
    Err(Refusal::new("TEMPLATE_NOT_VALID", message).with(json!({ "property": "settings.font", "fonts": fonts })))
}

/// Why a template can't be used, where that is the template's fault.
fn not_valid(fault: &PressError, look: &Look) -> Result<Refusal, Error> {
    let property = if look.source.is_some() { "source" } else { "settings" };
    let (message, mut details) = match fault {
        PressError::Template { message, line, column } if look.source.is_some() => {
            (format!("Line {line}, column {column}: {message}"), json!({ "line": line, "column": column }))
        }
        PressError::Template { message, .. } => (message.clone(), json!({})),
        PressError::TooSlow | PressError::TooMuchMemory => (fault.to_string(), json!({})),
        PressError::NoPage { .. } | PressError::Broken(_) => return Err(Error::Broken(fault.to_string())),
    };
    details["property"] = json!(property);
    Ok(Refusal::new("TEMPLATE_NOT_VALID", message).with(details))
}

/// A sample of a kind, as this company's.
fn sample(
    app: &Arc<App>,
    by: &Caller,
    document_type: TemplateType,
    length: Length,
) -> Result<impl FnOnce(&Look) -> Print + use<>, Error> {
    let company = app.read(by.clone(), |view| Ok::<_, Error>(view.company.clone())).wait()?;
    let kind = kind_of(document_type);
    let document = samples::document(kind, &company, length)?;
    Ok(move |look: &Look| {
        let mark = (company.mode == CompanyMode::Test).then_some(Watermark::Test);
        Paper {
            kind: kind.as_str(),
            document,
            base_currency: company.currency.code(),
            language: &company.preferred_language,
            mark,
            date: samples::DATE,
            identifier: "sample".to_owned(),
        }
        .with(look)
    })
}

fn kind_of(document_type: TemplateType) -> Kind {
    match document_type {
        TemplateType::Invoice => Kind::Invoice,
        TemplateType::CreditNote => Kind::CreditNote,
        TemplateType::Quote => Kind::Quote,
        TemplateType::OrderConfirmation => Kind::OrderConfirmation,
    }
}

/// A document as it stands, with a template that need not be its own.
fn of_document_with(
    app: &Arc<App>,
    by: &Caller,
    id: DocumentId,
    document_type: TemplateType,
    look: Look,
) -> Result<Print, Error> {
    let (kind, company_id) = (kind_of(document_type), by.company_id);
    let required = match kind {
        Kind::Invoice | Kind::CreditNote => Scope::InvoicesRead,
        Kind::Quote => Scope::QuotesRead,
        Kind::OrderConfirmation => Scope::OrderConfirmationsRead,
    };
    if !by.may(required) {
        return Err(Error::Forbidden { required: vec![required] });
    }
    app.read(by.clone(), move |view| {
        let found: Option<Document> = documents::get(view.tx, company_id, id)?;
        let missing = || crate::documents::not_found(kind).with(json!({ "property": "documentId" }));
        let document = found.filter(|document| document.kind == kind).ok_or_else(missing)?;
        archive::as_it_stands(view, &document, None, Some(look))
    })
    .wait()
}
