//! Rendering in this process: Typst's compiler over a world of one source, one
//! `data.json`, the job's assets and attachments. No file, no network, no package, no clock.

use std::path::Path;
use std::sync::OnceLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, Span, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::{LazyHash, Scalar};
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};
use typst_render::RenderOptions;

use crate::wire::Parts;
use crate::{Attachment, Job, Output, RenderError, Schema, fonts, metadata};

/// The standards tried, strictest first. Archivable and readable aloud is what
/// a document should be; a template whose images have no alternative text still
/// gives an archivable file, and a name in letters that our fonts lack (which
/// every PDF/A forbids) a plain one: a document is never refused for its form.
const STANDARDS: [&[PdfStandard]; 4] =
    [&[PdfStandard::A_3a, PdfStandard::Ua_1], &[PdfStandard::A_3a], &[PdfStandard::A_3b], &[]];

/// Attaches the files of a job, in its template's own words: a template is
/// Typst source, and what is attached is part of what Typst lays out.
const ATTACHING: &str = "\n#for file in json(\"attachments.json\") {\n  pdf.attach(file.name, read(\"attachments/\" + \
    file.place, encoding: none), mime-type: file.media_type, description: file.description, \
    relationship: file.relationship)\n}\n";

/// How finely a picture is drawn: 144 points an inch, twice a screen's.
const PIXELS_PER_POINT: f64 = 2.0;
/// No picture has more points; a page that is larger is drawn smaller.
const MOST_PIXELS: f64 = 16e6;

/// Renders a job in this process, without limits: [`crate::Press`] has them.
///
/// # Errors
/// [`RenderError::Template`] with the place in the source, [`RenderError::Broken`]
/// when the job's date or an asset's name is none.
pub fn render(job: &Job) -> Result<Vec<u8>, RenderError> {
    render_parts(Parts::from(job))
}

pub(crate) fn render_parts(parts: Parts) -> Result<Vec<u8>, RenderError> {
    let desk = Desk::new(parts)?;
    let file = desk.print();
    // Typst remembers every document it has laid out; ours are never laid out twice.
    comemo::evict(0);
    file
}

/// What is the same for every job.
struct House {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    data: FileId,
}

static HOUSE: OnceLock<House> = OnceLock::new();

/// Takes an operator's fonts beside our own, before anything is rendered.
pub(crate) fn take_fonts(folder: &Path) {
    let _ = HOUSE.set(House::with(fonts::all(Some(folder))));
}

fn house() -> &'static House {
    HOUSE.get_or_init(|| House::with(fonts::all(None)))
}

impl House {
    fn with(fonts: Vec<Font>) -> House {
        House {
            library: LazyHash::new(Library::builder().build()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            // Constant names: Typst never forgets a file's id.
            main: id("main.typ").expect("a plain name"),
            data: id("data.json").expect("a plain name"),
        }
    }
}

fn id(name: &str) -> Option<FileId> {
    Some(RootedPath::new(VirtualRoot::Project, VirtualPath::new(name).ok()?).intern())
}

/// One job on the desk: all that its template can see.
struct Desk {
    house: &'static House,
    source: Source,
    data: Bytes,
    assets: Vec<(FileId, Bytes)>,
    claims: Vec<Schema>,
    today: Datetime,
    identifier: String,
    output: Output,
}

impl Desk {
    fn new(parts: Parts) -> Result<Self, RenderError> {
        let Parts { mut source, data, mut assets, attachments, claims, date, identifier, output } = parts;
        let (year, month, day) = date;
        let house = house();
        let today = Datetime::from_ymd_hms(year, month, day, 0, 0, 0)
            .ok_or_else(|| RenderError::Broken(format!("no such date: {year}-{month}-{day}")))?;
        if !attachments.is_empty() {
            source.push_str(ATTACHING);
            assets.extend(attached(attachments));
        }
        let assets = assets
            .into_iter()
            .map(|(name, bytes)| match id(&name) {
                Some(id) => Ok((id, Bytes::new(bytes))),
                None => Err(RenderError::Broken(format!("no name for a file: {name}"))),
            })
            .collect::<Result<_, _>>()?;
        let source = Source::new(house.main, source);
        Ok(Self { house, source, data: Bytes::new(data), assets, claims, today, identifier, output })
    }

    fn print(&self) -> Result<Vec<u8>, RenderError> {
        let document: PagedDocument = typst::compile(self).output.map_err(|faults| self.refusal(&faults))?;
        match self.output {
            Output::Pdf => self.pdf(&document),
            Output::Page(number) => picture(&document, number),
        }
    }

    fn pdf(&self, document: &PagedDocument) -> Result<Vec<u8>, RenderError> {
        let mut refusal = RenderError::Broken("no standard to print by".into());
        for standards in STANDARDS {
            let options = PdfOptions {
                ident: Smart::Custom(self.identifier.clone()),
                creator: Smart::Custom(Some("LedgerBee".into())),
                timestamp: Some(Timestamp::new_utc(self.today)),
                standards: PdfStandards::new(standards)
                    .map_err(|error| RenderError::Broken(error.message().to_string()))?,
                ..PdfOptions::default()
            };
            match typst_pdf::pdf(document, &options) {
                // A file that is no PDF/A claims nothing that only a PDF/A may.
                Ok(pdf) if standards.is_empty() => return Ok(pdf),
                Ok(pdf) => return metadata::claim(pdf, &self.claims),
                Err(faults) => refusal = self.refusal(&faults),
            }
        }
        Err(refusal)
    }

    /// The first fault, at the nearest place in the template itself.
    fn refusal(&self, faults: &[SourceDiagnostic]) -> RenderError {
        let Some(fault) = faults.first() else {
            return RenderError::Broken("Typst failed without a word".into());
        };
        let mut message = fault.message.to_string();
        for hint in &fault.hints {
            message.push_str("; hint: ");
            message.push_str(&hint.v);
        }
        let here = (fault.span.id() == Some(self.house.main)).then(|| self.range(fault.span)).flatten();
        let (line, column) = here
            .or_else(|| fault.trace.iter().find_map(|point| self.range_in_main(point.span)))
            .and_then(|range| self.source.lines().byte_to_line_column(range.start))
            .unwrap_or_default();
        RenderError::Template { message, line: line + 1, column: column + 1 }
    }

    fn range_in_main(&self, span: Span) -> Option<std::ops::Range<usize>> {
        (span.id() == Some(self.house.main)).then(|| self.range(span)).flatten()
    }
}

/// What [`ATTACHING`] reads.
fn attached(attachments: Vec<Attachment>) -> Vec<(String, Vec<u8>)> {
    let mut list = Vec::with_capacity(attachments.len());
    let mut files = Vec::with_capacity(attachments.len() + 1);
    for (place, attachment) in attachments.into_iter().enumerate() {
        let Attachment { name, media_type, description, relationship, bytes } = attachment;
        list.push(serde_json::json!({
            "place": place.to_string(), "name": name, "media_type": media_type,
            "description": description, "relationship": relationship,
        }));
        files.push((format!("attachments/{place}"), bytes));
    }
    files.push(("attachments.json".into(), serde_json::Value::from(list).to_string().into_bytes()));
    files
}

fn picture(document: &PagedDocument, number: u32) -> Result<Vec<u8>, RenderError> {
    let pages = document.pages();
    let last = pages.len();
    let page = usize::try_from(number).ok().and_then(|number| pages.get(number.checked_sub(1)?));
    let page = page.ok_or(RenderError::NoPage { last })?;
    let size = page.frame.size();
    let points = size.x.to_pt() * size.y.to_pt();
    let fine = PIXELS_PER_POINT.min((MOST_PIXELS / points.max(1.0)).sqrt());
    let options = RenderOptions { pixel_per_pt: Scalar::new(fine), ..RenderOptions::default() };
    let drawn = typst_render::render(page, &options);
    drawn.encode_png().map_err(|error| RenderError::Broken(error.to_string()))
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.house.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.house.book
    }

    fn main(&self) -> FileId {
        self.house.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.house.main { Ok(self.source.clone()) } else { Err(absent(id)) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.house.data {
            return Ok(self.data.clone());
        }
        match self.assets.iter().find(|(asset, _)| *asset == id) {
            Some((_, bytes)) => Ok(bytes.clone()),
            None => Err(absent(id)),
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.house.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        Some(self.today)
    }
}

fn absent(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_without_slash().into())
}
