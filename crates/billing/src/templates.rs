//! Document templates: what a kind of document is printed with.

use std::cmp::Ordering;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::TemplateId;
use crate::input::customers::Language;
use crate::input::documents::SortOrder;
use crate::json;
use crate::page::{Begin, Page, Part};
use crate::status::statuses;

statuses! {
    /// What a template prints.
    TemplateType {
        /// Invoices.
        Invoice "invoice-template"
        /// Credit notes.
        CreditNote "credit-note-template"
        /// Quotes.
        Quote "quote-template"
        /// Order confirmations.
        OrderConfirmation "order-confirmation-template"
    }
}

statuses! {
    /// What a list of templates is sorted by.
    TemplateSort {
        /// Their name.
        Name "name"
        /// What they print.
        DocumentType "documentType"
        /// When they were made.
        CreatedAt "createdAt"
    }
}

statuses! {
    /// A built-in design.
    Design {
        /// Serif letters and fine rules, as a letter.
        Classic "classic"
        /// Clear and airy, with a coloured box for what is to be paid.
        Modern "modern"
        /// Small and dense, for documents of many lines.
        Compact "compact"
    }
}

statuses! {
    /// What a logo is written in.
    LogoType {
        /// A picture of points.
        Png "image/png"
        /// A drawing of lines.
        Svg "image/svg+xml"
    }
}

/// A logo.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logo {
    /// PNG or SVG.
    pub media_type: LogoType,
    /// Its bytes in base64; at most 256 KiB of them.
    #[schemars(length(min = 1, max = 349_528))]
    pub data: String,
}

/// What sets one template's papers apart from another's. What is null is as the design has it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TemplateSettings {
    /// The built-in design; `modern` when null.
    pub design: Option<Design>,
    /// Printed at the head in place of the seller's name.
    pub logo: Option<Logo>,
    /// The colour of headings and rules, as `#1c4a5e`.
    #[schemars(extend("format" = "colour"))]
    pub accent_colour: Option<String>,
    /// The colour of the text, as `#16191d`.
    #[schemars(extend("format" = "colour"))]
    pub text_colour: Option<String>,
    /// A font family: a built-in one (`Inter`, `Literata`) or one of the operator's.
    #[schemars(length(min = 1, max = 100))]
    pub font: Option<String>,
    /// The language of its papers; the buyer's when null.
    pub language: Option<Language>,
    /// Printed below how an invoice is paid.
    #[schemars(length(min = 1, max = 2_000))]
    pub payment_text: Option<String>,
    /// Printed above the seller's facts at the foot of each page.
    #[schemars(length(min = 1, max = 500))]
    pub footer: Option<String>,
}

/// A template, as it stands in lists.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Its name.
    pub name: String,
    /// What it prints.
    pub document_type: TemplateType,
    /// Whether documents that name no template use it.
    pub is_default: bool,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(serialize_with = "json::instant")]
    #[schemars(with = "json::Instant")]
    pub updated_at: Timestamp,
    /// Counts its changes; a booked document pins it.
    #[serde(skip)]
    pub version: i64,
}

/// What a version of a template prints with. Never edited: a change makes the next version.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Look {
    /// Its Typst source; none for the one built in.
    pub source: Option<String>,
    /// Its settings.
    pub settings: TemplateSettings,
}

/// A template with what it prints with.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicTemplate {
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub template: Template,
    /// Counts its changes; a booked document keeps the version it was booked with.
    pub version: i64,
    /// Its Typst source; null for the layout built in.
    pub source: Option<String>,
    /// Its settings.
    pub settings: TemplateSettings,
}

impl PublicTemplate {
    /// A template and what its present version prints with.
    pub fn of(template: Template, look: Look) -> PublicTemplate {
        let Look { source, settings } = look;
        PublicTemplate { version: template.version, template, source, settings }
    }
}

/// Sort values of a template: what a cursor into their list carries.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TemplateKey(String, TemplateId);

/// The part of all templates that is asked for. A company has few: they are
/// searched and sorted here, not on the shelves.
pub fn part_of(
    all: Vec<Template>,
    part: &Part<TemplateKey>,
    document_type: Option<TemplateType>,
    search: Option<&str>,
    sort: TemplateSort,
    order: SortOrder,
) -> Page<Template> {
    let sought = search.map(str::to_lowercase);
    let is_asked = |template: &Template| {
        document_type.is_none_or(|asked| template.document_type == asked)
            && sought.as_ref().is_none_or(|text| template.name.to_lowercase().contains(text))
    };
    let key = |template: &Template| {
        let value = match sort {
            TemplateSort::Name => template.name.clone(),
            TemplateSort::DocumentType => template.document_type.as_str().to_owned(),
            TemplateSort::CreatedAt => json::instant_text(template.created_at),
        };
        TemplateKey(value, template.id)
    };
    let ordered = |a: &TemplateKey, b: &TemplateKey| match order {
        SortOrder::Asc => a.cmp(b),
        SortOrder::Desc => b.cmp(a),
    };
    let mut asked: Vec<Template> = all.into_iter().filter(is_asked).collect();
    asked.sort_by(|a, b| ordered(&key(a), &key(b)));
    let total = asked.len() as u64;
    let (total, rest): (Option<u64>, Vec<Template>) = match &part.begin {
        Begin::Page(_) => {
            let skipped = usize::try_from(part.offset()).unwrap_or(usize::MAX);
            (Some(total), asked.into_iter().skip(skipped).collect())
        }
        Begin::First => (None, asked),
        Begin::After(last) => {
            (None, asked.into_iter().filter(|template| ordered(&key(template), last) == Ordering::Greater).collect())
        }
    };
    part.page(rest, total, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(name: &str, document_type: TemplateType, number: u128) -> Template {
        let at: Timestamp = "2026-06-10T12:00:00Z".parse().unwrap();
        Template {
            id: TemplateId(uuid::Uuid::from_u128(number)),
            name: name.to_owned(),
            document_type,
            is_default: false,
            created_at: at,
            updated_at: at,
            version: 1,
        }
    }

    #[test]
    fn templates_are_searched_sorted_and_paged() {
        let all = || {
            vec![
                template("Standard", TemplateType::Invoice, 1),
                template("Ærø", TemplateType::Invoice, 2),
                template("Bonus", TemplateType::CreditNote, 3),
            ]
        };
        let names = |page: Page<Template>| page.data.into_iter().map(|t| t.name).collect::<Vec<_>>();
        let numbered = |page, limit| Part { begin: Begin::Page(page), limit };
        let of = |part: &Part<TemplateKey>, kind, search, sort, order| part_of(all(), part, kind, search, sort, order);
        let (name, made) = (TemplateSort::Name, TemplateSort::CreatedAt);
        let (asc, desc) = (SortOrder::Asc, SortOrder::Desc);
        assert_eq!(names(of(&numbered(1, 25), None, None, name, asc)), ["Bonus", "Standard", "Ærø"]);
        assert_eq!(names(of(&numbered(1, 25), None, None, made, desc)), ["Bonus", "Ærø", "Standard"]);
        assert_eq!(names(of(&numbered(1, 25), Some(TemplateType::CreditNote), None, name, asc)), ["Bonus"]);
        assert_eq!(names(of(&numbered(1, 25), None, Some("ÆR"), name, asc)), ["Ærø"]);
        let first = of(&numbered(1, 2), None, None, name, asc);
        assert_eq!((first.total, first.total_pages), (Some(3), Some(2)));
        let next = Part::asked(None, Some(2), first.next_cursor.as_deref()).unwrap();
        assert_eq!(names(of(&next, None, None, name, asc)), ["Ærø"]);
        assert_eq!(names(of(&numbered(2, 2), None, None, name, asc)), ["Ærø"]);
    }
}
