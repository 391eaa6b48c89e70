//! What a paper is printed from: the published document, the words of one
//! language, and the mark across the page.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The built-in page layout of all documents, Typst source that reads `data.json`.
pub const DOCUMENT_TEMPLATE: &str = include_str!("../templates/document.typ");

/// The page layout of a customer's statement, Typst source that reads `data.json`.
pub const STATEMENT_TEMPLATE: &str = include_str!("../templates/statement.typ");

/// Said across the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watermark {
    /// Not booked yet.
    Draft,
    /// Of a company that only tries things out.
    Test,
}

impl Watermark {
    fn as_str(self) -> &'static str {
        match self {
            Watermark::Draft => "draft",
            Watermark::Test => "test",
        }
    }
}

static DANISH: LazyLock<Value> = LazyLock::new(|| words_of(include_str!("../templates/words.da.json")));
static ENGLISH: LazyLock<Value> = LazyLock::new(|| words_of(include_str!("../templates/words.en.json")));

fn words_of(text: &str) -> Value {
    serde_json::from_str(text).expect("the words are part of the program and are read by its tests")
}

/// The data of one paper: `document` is the published JSON of a document of `kind`
/// (`invoice`, `creditNote`…), `base_currency` the ISO 4217 code of the company's
/// books, `language` `da` or `en` (any other language is printed in English).
pub fn paper(kind: &str, document: Value, base_currency: &str, language: &str, mark: Option<Watermark>) -> Value {
    let (language, words) = match language {
        "da" => ("da", &*DANISH),
        _ => ("en", &*ENGLISH),
    };
    json!({
        "kind": kind,
        "document": document,
        "baseCurrency": base_currency,
        "language": language,
        "words": words,
        "watermark": mark.map(Watermark::as_str),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_without_words_is_printed_in_english() {
        let data = paper("invoice", json!({}), "DKK", "fr", Some(Watermark::Draft));
        assert_eq!((&data["language"], &data["watermark"]), (&json!("en"), &json!("draft")));
        assert_eq!(data["words"]["title"]["invoice"], "Invoice");
        assert_eq!(paper("invoice", json!({}), "DKK", "da", None)["words"]["title"]["invoice"], "Faktura");
    }
}
