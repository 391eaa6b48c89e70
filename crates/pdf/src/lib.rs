//! The press: a Typst source and JSON become a PDF, or a picture of a page.
//!
//! A template may come from a user, so it may loop for ever or eat all memory,
//! and a thread can't be killed. Therefore [`Press`] renders in child processes
//! of the same binary ([`serve_stdio`]) under a time limit and a memory limit.
//! Knows nothing of billing, reads no clock and no file but an operator's fonts:
//! same [`Job`], same bytes.

mod child;
mod fonts;
mod metadata;
mod press;
mod render;
mod wire;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use child::serve_stdio;
pub use fonts::families;
pub use press::{Press, PressConfig};
pub use render::render;

/// Everything a PDF is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Typst source.
    pub source: String,
    /// What the source reads as `json("data.json")`.
    pub data: serde_json::Value,
    /// Further files the source may read, by name: `image("logo.png")`.
    #[serde(default)]
    pub assets: BTreeMap<String, Vec<u8>>,
    /// Files that travel inside the PDF.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// What the PDF says of itself beyond title, author and language.
    #[serde(default)]
    pub claims: Vec<Schema>,
    /// Year, month and day: `datetime.today()` and the date in the file's metadata.
    pub date: (i32, u8, u8),
    /// Makes the file's own identifier; should differ from document to document.
    pub identifier: String,
    /// What is made of it.
    #[serde(default)]
    pub output: Output,
}

/// What is made of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// A PDF: PDF/A-3a and PDF/UA-1 where what is on the pages allows it.
    #[default]
    Pdf,
    /// A picture (PNG) of one page, from 1.
    Page(u32),
}

/// A file inside a PDF (ISO 32000-2, 7.11.4, and ISO 19005-3, annex E).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name, as `factur-x.xml`.
    pub name: String,
    /// Its media type, as `text/xml`.
    pub media_type: String,
    /// What it is, for people.
    pub description: String,
    /// What it is to the pages.
    pub relationship: Relationship,
    /// Its bytes.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// What an attachment is to the pages it travels with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relationship {
    /// The same content in another form.
    Alternative,
    /// What the pages were made from.
    Source,
    /// What a table or a figure of the pages was made from.
    Data,
    /// Something more.
    Supplement,
}

/// Properties of the file's XMP metadata that no standard knows, with the description that PDF/A
/// asks of such (ISO 19005-3, 6.6.2.3). Written into PDF/A files only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Its name, for people.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The prefix its properties are written with.
    pub prefix: String,
    /// Its properties, in the order they are written.
    pub properties: Vec<Property>,
}

/// One property, a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// What it says.
    pub value: String,
}

/// Why there is no PDF.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum RenderError {
    /// The template, or what it makes of this data, is wrong.
    #[error("{message} (line {line}, column {column})")]
    Template {
        /// What is wrong, in English, with hints.
        message: String,
        /// Line in the source, from 1.
        line: usize,
        /// Column in the line, in characters from 1.
        column: usize,
    },
    /// There is no such page to make a picture of.
    #[error("there is no such page, the last is {last}")]
    NoPage {
        /// The number of the last page.
        last: usize,
    },
    /// It took longer than the time limit.
    #[error("the template took too long")]
    TooSlow,
    /// It wanted more memory than the memory limit.
    #[error("the template took too much memory")]
    TooMuchMemory,
    /// The press itself failed.
    #[error("the press is broken: {0}")]
    Broken(String),
}
