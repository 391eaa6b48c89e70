//! What a paper is printed from: the published document, the words of one
//! language, the design with what a template sets apart, and the mark across the page.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use billing::input::customers::Language;
use billing::templates::{Design, Logo, LogoType, Look, TemplateSettings};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::Print;

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

macro_rules! read {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Value> = LazyLock::new(|| {
            serde_json::from_str(include_str!(concat!("../templates/", $file)))
                .expect("it is part of the program and is read by its tests")
        });
    };
}

read!(DANISH, "words.da.json");
read!(ENGLISH, "words.en.json");
read!(GERMAN, "words.de.json");
read!(SWEDISH, "words.sv.json");
read!(NORWEGIAN, "words.nb.json");
read!(DESIGNS, "designs.json");

fn words(language: Language) -> &'static Value {
    match language {
        Language::Da => &DANISH,
        Language::En => &ENGLISH,
        Language::De => &GERMAN,
        Language::Sv => &SWEDISH,
        Language::Nb => &NORWEGIAN,
    }
}

/// The words of a language, English where it has none.
pub(crate) fn words_in(language: &str) -> &'static Value {
    words(language.parse().unwrap_or(Language::En))
}

/// A paper, before it is told how it looks.
pub struct Paper<'a> {
    /// `invoice`, `creditNote`, … or `statement`.
    pub kind: &'a str,
    /// The published JSON of the document.
    pub document: Value,
    /// ISO 4217 code of the company's books.
    pub base_currency: &'a str,
    /// The buyer's language; one that has no words is printed in English.
    pub language: &'a str,
    /// What is said across the page.
    pub mark: Option<Watermark>,
    /// The day in the file's metadata.
    pub date: Date,
    /// Makes the file's own identifier.
    pub identifier: String,
}

impl Paper<'_> {
    /// What the press is given to print it with a look.
    pub fn with(self, look: &Look) -> Print {
        let Paper { kind, document, base_currency, language, mark, date, identifier } = self;
        let Look { source, settings } = look;
        let language = settings.language.or_else(|| language.parse().ok()).unwrap_or(Language::En);
        let logo = settings.logo.as_ref().and_then(|logo| Some((file_name(logo.media_type), bytes_of(logo)?)));
        let data = json!({
            "kind": kind,
            "document": document,
            "baseCurrency": base_currency,
            "language": language,
            "words": words(language),
            "design": DESIGNS[settings.design.unwrap_or(Design::Modern).as_str()],
            "settings": set(settings, logo.as_ref().map(|(name, _)| *name)),
            "watermark": mark.map(Watermark::as_str),
        });
        Print {
            source: source.clone().unwrap_or_else(|| DOCUMENT_TEMPLATE.to_owned()),
            data,
            assets: logo.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(),
            date,
            identifier,
            ..Print::default()
        }
    }
}

/// The settings as a template reads them; the logo is the name of a file.
fn set(settings: &TemplateSettings, logo: Option<&str>) -> Value {
    let TemplateSettings { design, logo: _, accent_colour, text_colour, font, language: _, payment_text, footer } =
        settings;
    json!({
        "design": design.unwrap_or(Design::Modern),
        "logo": logo,
        "accentColour": accent_colour,
        "textColour": text_colour,
        "font": font,
        "paymentText": payment_text,
        "footer": footer,
    })
}

fn file_name(of: LogoType) -> &'static str {
    match of {
        LogoType::Png => "logo.png",
        LogoType::Svg => "logo.svg",
    }
}

/// A decimal as a language writes it: `-1234.50` is `−1.234,50` in Danish, as on paper.
pub(crate) fn number_in(words: &Value, decimal: &str) -> String {
    let (thousands, point) = (words["thousands"].as_str().unwrap_or(","), words["decimal"].as_str().unwrap_or("."));
    let digits = decimal.trim_start_matches('-');
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut written = String::from(if decimal.starts_with('-') { "−" } else { "" });
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            written.push_str(thousands);
        }
        written.push(digit);
    }
    part.into_iter().for_each(|part| written.extend([point, part]));
    written
}

/// A day as a language writes it: `1. juni 2026`.
pub(crate) fn day_in(words: &Value, day: Date) -> String {
    let month = words["months"][usize::from(day.month().unsigned_abs()) - 1].as_str().unwrap_or_default();
    let pattern = words["date"].as_str().unwrap_or("{day} {month} {year}");
    let filled = pattern.replace("{day}", &day.day().to_string()).replace("{month}", month);
    filled.replace("{year}", &day.year().to_string())
}

/// A logo's bytes; none where they are no base64.
pub(crate) fn bytes_of(logo: &Logo) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(&logo.data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(language: &str) -> Paper<'_> {
        let date = Date::constant(2026, 6, 15);
        let mark = Some(Watermark::Draft);
        Paper {
            kind: "invoice",
            document: json!({}),
            base_currency: "DKK",
            language,
            mark,
            date,
            identifier: "1".to_owned(),
        }
    }

    #[test]
    fn a_paper_speaks_the_templates_language_else_the_buyers_else_english() {
        let title = |language: &str, set: Option<Language>| {
            let settings = TemplateSettings { language: set, ..TemplateSettings::default() };
            let print = paper(language).with(&Look { source: None, settings });
            assert_eq!(print.data["watermark"], "draft");
            print.data["words"]["title"]["invoice"].as_str().unwrap().to_owned()
        };
        assert_eq!(title("da", None), "Faktura");
        assert_eq!(title("de", None), "Rechnung");
        assert_eq!(title("fr", None), "Invoice");
        assert_eq!(title("da", Some(Language::De)), "Rechnung");
    }

    #[test]
    fn a_logo_is_a_file_beside_the_source() {
        let logo = Logo { media_type: LogoType::Svg, data: "PHN2Zy8+".to_owned() };
        let settings = TemplateSettings { logo: Some(logo), ..TemplateSettings::default() };
        let print = paper("en").with(&Look { source: Some("Hello".to_owned()), settings });
        assert_eq!(print.assets.get("logo.svg").map(Vec::as_slice), Some(b"<svg/>".as_slice()));
        assert_eq!(print.data["settings"]["logo"], "logo.svg");
        assert_eq!(print.source, "Hello");
        let plain = paper("en").with(&Look::default());
        assert_eq!((plain.source.as_str(), plain.assets.len()), (DOCUMENT_TEMPLATE, 0));
    }

    #[test]
    fn every_design_has_the_same_parameters() {
        let names = |design: Design| -> Vec<&String> { DESIGNS[design.as_str()].as_object().unwrap().keys().collect() };
        assert!(names(Design::Modern).len() > 5);
        assert_eq!(names(Design::Classic), names(Design::Modern));
        assert_eq!(names(Design::Compact), names(Design::Modern));
        assert_eq!(DESIGNS.as_object().unwrap().len(), 3);
    }
}
