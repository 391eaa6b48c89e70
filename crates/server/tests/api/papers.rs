//! The PDFs: what they say, and that the archived copy is the truth.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A PDF's text with single spaces.
pub fn words(pdf: &[u8]) -> String {
    let tool = Command::new("pdftotext").args(["-raw", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut tool = tool.expect("pdftotext (apt-get install poppler-utils)");
    tool.stdin.take().unwrap().write_all(pdf).unwrap();
    let output = tool.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}
