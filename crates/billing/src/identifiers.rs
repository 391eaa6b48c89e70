//! Identifiers (being written).
/// CVR.
pub fn is_cvr(text: &str) -> bool { text.len() == 8 }
/// Peppol endpoint.
pub fn is_peppol_endpoint(text: &str) -> bool { text.contains(':') }
