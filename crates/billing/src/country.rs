//! Countries (being written).
/// Whether it is in the EU.
pub fn is_eu(code: &str) -> bool {
    const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
    code.len() == 2 && EU.contains(code)
}
