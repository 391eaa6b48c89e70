//! Papers (being written).
/// Mark.
pub enum Watermark { /// Draft.
 Draft, /// Test.
 Test }
/// Data.
pub fn paper(kind: &str, document: serde_json::Value, base_currency: &str, language: &str, watermark: Option<Watermark>) -> serde_json::Value {
 let _ = (kind, base_currency, language, watermark); document }
/// Template.
pub const DOCUMENT_TEMPLATE: &str = include_str!("../templates/document.typ");
