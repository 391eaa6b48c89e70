//! What a caller may say of document templates.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Text;
use super::documents::SortOrder;
use crate::ids::DocumentId;
use crate::status::statuses;
use crate::templates::{TemplateSettings, TemplateSort, TemplateType};

/// How document templates are listed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TemplateQuery {
    /// The page, from 1.
    #[schemars(range(min = 1))]
    pub page: Option<u32>,
    /// How many a page.
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
    /// Continues a list where `nextCursor` says; empty begins one.
    pub cursor: Option<String>,
    /// What the list is sorted by; `createdAt` when left out.
    pub sort_by: Option<TemplateSort>,
    /// `desc` when left out.
    pub sort_order: Option<SortOrder>,
    /// Only those that print this.
    pub document_type: Option<TemplateType>,
    /// Found in their name.
    pub search: Option<Text<200>>,
}

/// A template to be made, or what takes the place of one: what is left out is as the built-in layout has it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateInput {
    /// Its name.
    pub name: Text<200>,
    /// What it prints; stays as it was made.
    pub document_type: TemplateType,
    /// Whether documents that name no template use it, in place of the one that was the default.
    pub is_default: Option<bool>,
    /// Its Typst source; the layout built in when left out.
    pub source: Option<Text<200_000>>,
    /// Its settings.
    pub settings: Option<TemplateSettings>,
}

statuses! {
    /// What a preview is.
    PreviewFormat {
        /// A PDF.
        Pdf "pdf"
        /// A picture of one page.
        Png "png"
    }
}

/// What is shown with a template.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PreviewInput {
    /// A document of its kind; a sample when left out.
    pub document_id: Option<DocumentId>,
    /// PDF or PNG; what `Accept` likes when left out.
    pub format: Option<PreviewFormat>,
    /// The page of a PNG; default the first.
    #[schemars(range(min = 1, max = 10_000))]
    pub page: Option<u32>,
}
