//! Rendering in this process: Typst's compiler over a world of one source,
//! one `data.json` and the job's assets. No file, no network, no package, no clock.

use std::sync::OnceLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, Span, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::wire::Parts;
use crate::{Job, RenderError, fonts};

/// The standards tried, strictest first. Archivable and readable aloud is what
/// a document should be; a template whose images have no alternative text still
/// gives an archivable file, and a name in letters that our fonts lack (which
/// every PDF/A forbids) a plain one: a document is never refused for its form.
const STANDARDS: [&[PdfStandard]; 3] = [&[PdfStandard::A_3a], &[PdfStandard::A_3b], &[]];

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
    let pdf = desk.print();
    // Typst remembers every document it has laid out; ours are never laid out twice.
    comemo::evict(0);
    pdf
}

/// What is the same for every job.
struct House {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: FileId,
    data: FileId,
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let fonts = fonts::all();
        House {
            library: LazyHash::new(Library::builder().build()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            // Constant names: Typst never forgets a file's id.
            main: id("main.typ").expect("a plain name"),
            data: id("data.json").expect("a plain name"),
        }
    })
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
    today: Datetime,
    identifier: String,
}

impl Desk {
    fn new(parts: Parts) -> Result<Self, RenderError> {
        let Parts { source, data, assets, date: (year, month, day), identifier } = parts;
        let house = house();
        let today = Datetime::from_ymd_hms(year, month, day, 0, 0, 0)
            .ok_or_else(|| RenderError::Broken(format!("no such date: {year}-{month}-{day}")))?;
        let assets = assets
            .into_iter()
            .map(|(name, bytes)| match id(&name) {
                Some(id) => Ok((id, Bytes::new(bytes))),
                None => Err(RenderError::Broken(format!("no name for a file: {name}"))),
            })
            .collect::<Result<_, _>>()?;
        let source = Source::new(house.main, source);
        Ok(Self { house, source, data: Bytes::new(data), assets, today, identifier })
    }

    fn print(&self) -> Result<Vec<u8>, RenderError> {
        let document: PagedDocument = typst::compile(self).output.map_err(|faults| self.refusal(&faults))?;
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
            match typst_pdf::pdf(&document, &options) {
                Ok(pdf) => return Ok(pdf),
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
