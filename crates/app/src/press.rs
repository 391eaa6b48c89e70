//! The press as the house knows it: what it is given, what it answers. Which press it is, it never knows.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

/// Prints a paper: a template's source and its data become a PDF.
pub trait Press: Send + Sync + 'static {
    /// Renders one PDF; may take milliseconds, is called on a thread that may wait.
    ///
    /// # Errors
    /// What is wrong with the template, with line and column, or that it took too long.
    fn print(&self, print: &Print) -> Result<Vec<u8>, PressError>;

    /// Renders a picture (PNG) of one page, from 1.
    ///
    /// # Errors
    /// Those of [`print`](Press::print), and `NoPage`.
    fn picture(&self, print: &Print, page: u32) -> Result<Vec<u8>, PressError>;

    /// How many papers it prints at once.
    fn workers(&self) -> usize;

    /// The families of fonts it has, by name.
    fn fonts(&self) -> Vec<String>;
}

/// What the press is given.
#[derive(Clone, Debug, Default)]
pub struct Print {
    /// Typst source.
    pub source: String,
    /// The paper's data, see [`paper`](crate::paper::paper).
    pub data: Value,
    /// Files the source may read, by name.
    pub assets: BTreeMap<String, Vec<u8>>,
    /// Files that travel inside the PDF.
    pub attachments: Vec<Attachment>,
    /// What the PDF's metadata says beyond title, author and language.
    pub claims: Vec<Claim>,
    /// The day printed into the file's metadata.
    pub date: Date,
    /// Makes the file's own identifier: same identifier and data, same bytes.
    pub identifier: String,
}

/// A file inside a PDF.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// What it is, for people.
    pub description: String,
    /// What it is to the pages.
    pub relationship: Relationship,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What an attachment is to the pages it travels with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relationship {
    /// The same content in another form.
    Alternative,
    /// Something more.
    Supplement,
}

/// Properties of a PDF's metadata that are described in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// What they are, for people.
    pub name: &'static str,
    /// Their namespace.
    pub namespace: &'static str,
    /// Their prefix.
    pub prefix: &'static str,
    /// Name, meaning and value of each.
    pub properties: Vec<(&'static str, &'static str, String)>,
}

impl Print {
    /// The same with the invoice's or credit note's XML inside: a hybrid document after Factur-X 1.0
    /// (the same as ZUGFeRD 2), profile EN 16931, whose name, relationship and metadata its
    /// specification fixes (part 6, "Embedding the XML file in PDF/A-3").
    #[must_use]
    pub fn with_factur_x(mut self, xml: Vec<u8>) -> Print {
        let name = "factur-x.xml";
        self.attachments.push(Attachment {
            name: name.to_owned(),
            media_type: "text/xml",
            description: "Factur-X invoice".to_owned(),
            relationship: Relationship::Alternative,
            bytes: xml,
        });
        self.claims.push(Claim {
            name: "Factur-X PDFA Extension Schema",
            namespace: "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
            prefix: "fx",
            properties: vec![
                ("DocumentFileName", "The name of the embedded XML document", name.to_owned()),
                ("DocumentType", "The type of the hybrid document in capital letters", "INVOICE".to_owned()),
                (
                    "Version",
                    "The actual version of the standard applying to the embedded XML document",
                    "1.0".to_owned(),
                ),
                ("ConformanceLevel", "The conformance level of the embedded XML document", "EN 16931".to_owned()),
            ],
        });
        self
    }
}

/// Why nothing was printed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PressError {
    /// The template, or what it makes of the data, is wrong.
    #[error("{message} (line {line}, column {column})")]
    Template {
        /// What is wrong, in English.
        message: String,
        /// Line in the source, from 1.
        line: usize,
        /// Column in the line, from 1.
        column: usize,
    },
    /// There is no such page.
    #[error("the last page is {last}")]
    NoPage {
        /// Its number.
        last: usize,
    },
    /// It took longer than it may.
    #[error("the template took too long")]
    TooSlow,
    /// It wanted more memory than it may have.
    #[error("the template took too much memory")]
    TooMuchMemory,
    /// The press itself failed.
    #[error("{0}")]
    Broken(String),
}

impl From<PressError> for crate::Error {
    fn from(fault: PressError) -> crate::Error {
        crate::Error::Broken(fault.to_string())
    }
}
