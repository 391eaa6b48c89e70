//! The press of the house: Typst in child processes of this very program.

use std::io;
use std::path::{Path, PathBuf};

use app::{Attachment, Claim, Press, PressError, Print, Relationship};
use pdf::{Job, Output, RenderError};

/// Prints with `ledgerbee press` children.
pub(crate) struct Typst {
    press: pdf::Press,
    workers: usize,
    fonts: Option<PathBuf>,
}

impl Typst {
    /// A press that starts its children when they are needed; templates may use the fonts of a folder.
    ///
    /// # Errors
    /// When the program's own file can't be named.
    pub(crate) fn new(fonts: Option<&Path>) -> io::Result<Typst> {
        let mut config = pdf::PressConfig::new(std::env::current_exe()?);
        if let Some(folder) = fonts {
            config.arguments.extend(["--fonts-folder".to_owned(), folder.display().to_string()]);
        }
        Ok(Typst { workers: config.workers, fonts: fonts.map(Path::to_owned), press: pdf::Press::new(config) })
    }

    fn render(&self, print: &Print, output: Output) -> Result<Vec<u8>, PressError> {
        let Print { source, data, assets, attachments, claims, date, identifier } = print;
        let job = Job {
            source: source.clone(),
            data: data.clone(),
            assets: assets.clone(),
            attachments: attachments.iter().map(attached).collect(),
            claims: claims.iter().map(claimed).collect(),
            // A calendar's month and day are always positive and small.
            date: (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs()),
            identifier: identifier.clone(),
            output,
        };
        self.press.render(&job).map_err(|fault| match fault {
            RenderError::Template { message, line, column } => PressError::Template { message, line, column },
            RenderError::NoPage { last } => PressError::NoPage { last },
            RenderError::TooSlow => PressError::TooSlow,
            RenderError::TooMuchMemory => PressError::TooMuchMemory,
            RenderError::Broken(cause) => PressError::Broken(cause),
        })
    }
}

impl Press for Typst {
    fn print(&self, print: &Print) -> Result<Vec<u8>, PressError> {
        self.render(print, Output::Pdf)
    }

    fn picture(&self, print: &Print, page: u32) -> Result<Vec<u8>, PressError> {
        self.render(print, Output::Page(page))
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn fonts(&self) -> Vec<String> {
        pdf::families(self.fonts.as_deref())
    }
}

fn attached(attachment: &Attachment) -> pdf::Attachment {
    let Attachment { name, media_type, description, relationship, bytes } = attachment;
    pdf::Attachment {
        name: name.clone(),
        media_type: (*media_type).to_owned(),
        description: description.clone(),
        relationship: match relationship {
            Relationship::Alternative => pdf::Relationship::Alternative,
            Relationship::Supplement => pdf::Relationship::Supplement,
        },
        bytes: bytes.clone(),
    }
}

fn claimed(claim: &Claim) -> pdf::Schema {
    let Claim { name, namespace, prefix, properties } = claim;
    let property = |(name, description, value): &(&str, &str, String)| pdf::Property {
        name: (*name).to_owned(),
        description: (*description).to_owned(),
        value: value.clone(),
    };
    pdf::Schema {
        name: (*name).to_owned(),
        namespace: (*namespace).to_owned(),
        prefix: (*prefix).to_owned(),
        properties: properties.iter().map(property).collect(),
    }
}
