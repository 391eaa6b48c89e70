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

/// What separates the cells of a table that begins with this row: a semicolon where there are more of
/// them than commas, as spreadsheets write it where the comma is in numbers.
pub fn separator(first: &str) -> char {
    let first = first.lines().next().unwrap_or_default();
    if first.matches(';').count() > first.matches(',').count() { ';' } else { ',' }
}

/// A row that can't be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadRow {
    /// Its quote has no end.
    #[error("a quote that begins a cell has no end")]
    Open,
    /// A quoted cell goes on after its quote.
    #[error("a cell goes on after the quote that ends it")]
    Quote,
}

/// The next row from a place in a table, which is moved behind it; none at the end. What [`row`] wrote is
/// read back as it was: an apostrophe that kept a cell from running is taken off.
pub fn next(text: &str, at: &mut usize, separator: char) -> Option<Result<Vec<String>, BadRow>> {
    let rest = text.get(*at..).filter(|rest| !rest.is_empty())?;
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut is_quoted, mut is_closed, mut fault) = (false, false, None);
    let mut end = rest.len();
    let mut letters = rest.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        if is_quoted {
            match letter {
                '"' if letters.peek().is_some_and(|(_, next)| *next == '"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' => (is_quoted, is_closed) = (false, true),
                other => cell.push(other),
            }
            continue;
        }
        match letter {
            '"' if cell.is_empty() && !is_closed => is_quoted = true,
            '\n' => {
                end = place + 1;
                break;
            }
            '\r' if letters.peek().is_none_or(|(_, next)| *next == '\n') => {}
            other if other == separator => {
                cells.push(plain(std::mem::take(&mut cell)));
                is_closed = false;
            }
            _ if is_closed => fault = Some(BadRow::Quote),
            other => cell.push(other),
        }
    }
    *at += end;
    if is_quoted {
        fault = Some(BadRow::Open);
    }
    cells.push(plain(cell));
    Some(fault.map_or(Ok(cells), Err))
}

/// A cell without the apostrophe that kept it from running.
fn plain(mut cell: String) -> String {
    if cell.strip_prefix('\'').is_some_and(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r'])) {
        cell.remove(0);
    }
    cell
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

/// What quotes and order confirmations have in common, in the order of the columns.
macro_rules! sales_columns {
    ($($own:expr),* $(,)?) => {
        &[
            ("id", "/id"),
            ("documentNumber", "/documentNumber"),
            ("status", "/status"),
            ("displayStatus", "/displayStatus"),
            ("date", "/date"),
            $($own,)*
            ("customerId", "/customerId"),
            ("customerName", "/buyer/name"),
            ("currency", "/currency"),
            ("subtotal", "/subtotal"),
            ("vat", "/vat"),
            ("amount", "/amount"),
            ("reference", "/reference"),
            ("ourReference", "/ourReference"),
            ("description", "/description"),
            ("convertedToInvoiceId", "/convertedToInvoiceId"),
            ("numberedAt", "/numberedAt"),
            ("sentAt", "/sentAt"),
            ("createdAt", "/createdAt"),
            ("updatedAt", "/updatedAt"),
        ]
    };
}

/// The columns of a list of quotes.
pub const QUOTES: &[Column] = sales_columns![
    ("validUntil", "/validUntil"),
    ("acceptedAt", "/acceptedAt"),
    ("rejectedAt", "/rejectedAt"),
    ("convertedToOrderConfirmationId", "/convertedToOrderConfirmationId"),
];

/// The columns of a list of order confirmations.
pub const ORDER_CONFIRMATIONS: &[Column] = sales_columns![];

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
            let mut at = 0;
            assert_eq!(next(&text, &mut at, ','), Some(Ok(vec![cell.to_owned(), "x".to_owned()])));
            assert_eq!((at, next(&text, &mut at, ',')), (text.len(), None));
        }
    }

    #[test]
    fn rows_are_read_one_by_one_and_a_bad_one_alone_is_bad() {
        let read = |text: &str, separator| {
            let (mut at, mut rows) = (0, Vec::new());
            while let Some(row) = next(text, &mut at, separator) {
                rows.push(row.map(|cells| cells.join("|")).map_err(|bad| format!("{bad:?}")));
            }
            rows
        };
        let good = |text: &str| Ok(text.to_owned());
        let bad = |text: &str| Err(text.to_owned());
        assert_eq!(read("a,b\n1,2", ','), [good("a|b"), good("1|2")]);
        assert_eq!(read("a;b\r\n\"1;\r\n2\";\r\n", ';'), [good("a|b"), good("1;\r\n2|")]);
        assert_eq!(read("a\n\nb", ','), [good("a"), good(""), good("b")]);
        assert_eq!(read("\"a\"x,1\nb,2", ','), [bad("Quote"), good("b|2")]);
        assert_eq!(read("a\n\"b,2\nc", ','), [good("a"), bad("Open")]);
        assert_eq!(read("a\"b,\"\"\"\"", ','), [good("a\"b|\"")]);
        assert_eq!(read("", ','), []);
        assert_eq!((separator("a;b;c,d\nx"), separator("a,b\n;;;"), separator("a")), (';', ',', ','));
    }
}
