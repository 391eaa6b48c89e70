//! The press: a Typst source and JSON become a PDF.
//!
//! A template may come from a user, so it may loop for ever or eat all memory,
//! and a thread can't be killed. Therefore [`Press`] renders in child processes
//! of the same binary ([`serve_stdio`]) under a time limit and a memory limit.
//! Knows nothing of billing, reads no file and no clock: same [`Job`], same bytes.

mod child;
mod fonts;
mod press;
mod render;
mod wire;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use child::serve_stdio;
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
    /// Year, month and day: `datetime.today()` and the date in the file's metadata.
    pub date: (i32, u8, u8),
    /// Makes the file's own identifier; should differ from document to document.
    pub identifier: String,
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
