//! Comma-separated values (RFC 4180): rows that every spreadsheet reads, and that none
//! takes for a formula.

use serde_json::Value;

/// Adds a row.
pub fn row<'a>(text: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        push(text, cell);
    }
    text.push_str("\r\n");
}

/// A cell that holds a comma, a quote or a line's end stands in quotes. One that a spreadsheet
/// would run begins with an apostrophe; a number is none.
fn push(text: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(cell);
    let is_quoted = cell.contains([',', '"', '\n', '\r', ';']);
    if is_quoted {
        text.push('"');
    }
    if is_formula {
        text.push('\'');
    }
    for letter in cell.chars() {
        if letter == '"' {
            text.push('"');
        }
        text.push(letter);
    }
    if is_quoted {
        text.push('"');
    }
}

fn is_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(part)
}

/// A column of a list: its name, and where its value stands in the published JSON.
pub type Column = (&'static str, &'static str);

/// The row of a published resource.
pub fn of(text: &mut String, columns: &[Column], resource: &Value) {
    let cells = columns.iter().map(|(_, place)| match resource.pointer(place) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(value)) => value.clone(),
        Some(other) => other.to_string(),
    });
    let cells: Vec<String> = cells.collect();
    row(text, cells.iter().map(String::as_str));
}

/// What invoices and credit notes have in common, in the order of the columns.
macro_rules! document_columns {
    ($($own:expr),* $(,)?) => {
        &[
            ("id", "/id"),
            ("number", "/number"),
            ("status", "/status"),
            ("date", "/date"),
            $($own,)*
            ("customerId", "/customerId"),
            ("customerName", "/buyer/name"),
            ("currency", "/currency"),
            ("subtotal", "/subtotal"),
            ("vat", "/vat"),
            ("amount", "/amount"),
            ("exchangeRate", "/exchangeRate"),
            ("baseAmount", "/baseAmount"),
            ("baseVat", "/baseVat"),
            ("reference", "/reference"),
            ("ourReference", "/ourReference"),
            ("description", "/description"),
            ("numberedAt", "/numberedAt"),
            ("bookedAt", "/bookedAt"),
            ("sentAt", "/sentAt"),
            ("createdAt", "/createdAt"),
            ("updatedAt", "/updatedAt"),
        ]
    };
}

/// The columns of a list of invoices.
pub const INVOICES: &[Column] = document_columns![
    ("dueDate", "/dueDate"),
    ("creditedAmount", "/creditedAmount"),
    ("pendingCreditAmount", "/pendingCreditAmount"),
    ("paidAmount", "/paidAmount"),
    ("openAmount", "/openAmount"),
    ("settlement", "/settlement"),
    ("creditState", "/creditState"),
];

/// The columns of a list of credit notes.
pub const CREDIT_NOTES: &[Column] = document_columns![
    ("invoiceNumber", "/invoiceNumber"),
    ("reason", "/reason"),
    ("allocatedAmount", "/allocatedAmount"),
    ("refundedAmount", "/refundedAmount"),
    ("remainingAmount", "/remainingAmount"),
    ("voidedAt", "/voidedAt"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_read_back_as_it_was_and_never_runs() {
        for (cell, written) in [
            ("Honey", "Honey"),
            ("", ""),
            ("-300.00", "-300.00"),
            ("Honey, wax", "\"Honey, wax\""),
            ("6\" jar", "\"6\"\" jar\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("+45 86 80 00 00", "'+45 86 80 00 00"),
            ("-2+3", "'-2+3"),
            ("@sum", "'@sum"),
            ("-", "'-"),
            ("\tx", "'\tx"),
        ] {
            let mut text = String::new();
            row(&mut text, [cell, "x"]);
            assert_eq!(text, format!("{written},x\r\n"));
        }
    }
}
