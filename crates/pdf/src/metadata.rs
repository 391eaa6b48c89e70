//! Properties of our own in a PDF's XMP metadata. Typst writes only those it knows, so they are put
//! into the packet afterwards: the file stays of one revision, as if they had always been there.
//!
//! It knows what Typst's writer does and checks it: the packet is plain, it is the last stream, and
//! the file ends with one plain cross-reference table.

use std::fmt::Write as _;
use std::ops::Range;

use crate::{Property, RenderError, Schema};

/// One row of a cross-reference table (ISO 32000-1, 7.5.4).
const ROW: usize = 20;
/// The digits of an offset in it.
const OFFSET: usize = 10;

/// The file with these properties in its metadata.
///
/// # Errors
/// `Broken` when the file is not written as expected.
pub(crate) fn claim(pdf: Vec<u8>, schemas: &[Schema]) -> Result<Vec<u8>, RenderError> {
    if schemas.is_empty() {
        return Ok(pdf);
    }
    claimed(&pdf, schemas).ok_or_else(|| RenderError::Broken("a PDF is not written as expected".into()))
}

fn claimed(pdf: &[u8], schemas: &[Schema]) -> Option<Vec<u8>> {
    let table = Table::read(pdf)?;
    let packet = packet(pdf)?;
    let text = std::str::from_utf8(&pdf[packet.content.clone()]).ok()?;
    let mut grown = text.to_owned();
    let bag = grown.find("<pdfaExtension:schemas><rdf:Bag>")? + "<pdfaExtension:schemas><rdf:Bag>".len();
    grown.insert_str(bag, &schemas.iter().map(described).collect::<String>());
    let end = grown.rfind("</rdf:RDF>")?;
    grown.insert_str(end, &schemas.iter().map(stated).collect::<String>());

    let mut out = Vec::with_capacity(pdf.len() + 4096);
    out.extend(&pdf[..packet.length.start]);
    out.extend(grown.len().to_string().bytes());
    out.extend(&pdf[packet.length.end..packet.content.start]);
    out.extend(grown.bytes());
    // What everything behind the packet has moved by.
    let moved = out.len() - packet.content.end;
    out.extend(&pdf[packet.content.end..table.rows.start]);
    for row in pdf[table.rows.clone()].chunks_exact(ROW) {
        let offset: usize = std::str::from_utf8(&row[..OFFSET]).ok()?.parse().ok()?;
        let is_behind = row[ROW - 3] == b'n' && offset > packet.content.start;
        let offset = if is_behind { offset + moved } else { offset };
        out.extend(format!("{offset:0OFFSET$}").bytes());
        out.extend(&row[OFFSET..]);
    }
    out.extend(&pdf[table.rows.end..table.start.start]);
    out.extend((table.at + moved).to_string().bytes());
    out.extend(&pdf[table.start.end..]);
    Some(out)
}

/// Where the cross-reference table is.
struct Table {
    at: usize,
    rows: Range<usize>,
    /// The digits after `startxref`.
    start: Range<usize>,
}

impl Table {
    fn read(pdf: &[u8]) -> Option<Table> {
        let start = digits(pdf, rfind(pdf, b"startxref")? + b"startxref".len())?;
        let at: usize = number(pdf, &start)?;
        let first = digits(pdf, at + b"xref".len())?;
        let count = digits(pdf, first.end)?;
        let is_whole = pdf.get(at..)?.starts_with(b"xref") && number(pdf, &first)? == 0;
        let begin = count.end + pdf[count.end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rows = begin..begin + number(pdf, &count)? * ROW;
        (is_whole && rows.end < start.start).then_some(Table { at, rows, start })
    }
}

/// Where the metadata stream says its length, and has its content.
struct Packet {
    length: Range<usize>,
    content: Range<usize>,
}

fn packet(pdf: &[u8]) -> Option<Packet> {
    let kind = rfind(pdf, b"/Type/Metadata")?;
    let begin = rfind(&pdf[..kind], b" obj")?;
    let length = digits(pdf, begin + find(&pdf[begin..], b"/Length")? + b"/Length".len())?;
    let content = kind + find(&pdf[kind..], b"stream")? + b"stream".len();
    let content = content + if pdf.get(content) == Some(&b'\r') { 2 } else { 1 };
    let end = content + number(pdf, &length)?;
    let is_plain = find(&pdf[begin..content], b"/Filter").is_none();
    let ends = pdf.get(end..)?.trim_ascii_start().starts_with(b"endstream");
    (is_plain && ends).then_some(Packet { length, content: content..end })
}

/// The number that comes next, after white space.
fn digits(pdf: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = pdf.get(from..)?;
    let start = from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let count = pdf[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(start..start + count)
}

fn number(pdf: &[u8], digits: &Range<usize>) -> Option<usize> {
    std::str::from_utf8(&pdf[digits.clone()]).ok()?.parse().ok()
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}

fn rfind(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).rposition(|window| window == sought)
}

/// A schema's description, for the one bag of them.
fn described(schema: &Schema) -> String {
    let Schema { name, namespace, prefix, properties } = schema;
    let mut xml = format!(
        "<rdf:li rdf:parseType=\"Resource\"><pdfaSchema:schema>{}</pdfaSchema:schema>\
         <pdfaSchema:namespaceURI>{}</pdfaSchema:namespaceURI><pdfaSchema:prefix>{}</pdfaSchema:prefix>\
         <pdfaSchema:property><rdf:Seq>",
        escaped(name),
        escaped(namespace),
        escaped(prefix)
    );
    for Property { name, description, value: _ } in properties {
        let _ = write!(
            xml,
            "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:name>{}</pdfaProperty:name>\
             <pdfaProperty:valueType>Text</pdfaProperty:valueType>\
             <pdfaProperty:category>external</pdfaProperty:category>\
             <pdfaProperty:description>{}</pdfaProperty:description></rdf:li>",
            escaped(name),
            escaped(description)
        );
    }
    xml + "</rdf:Seq></pdfaSchema:property></rdf:li>"
}

/// What a schema's properties say.
fn stated(schema: &Schema) -> String {
    let Schema { prefix, namespace, properties, .. } = schema;
    let mut xml = format!("<rdf:Description rdf:about=\"\" xmlns:{prefix}=\"{}\">", escaped(namespace));
    for Property { name, value, description: _ } in properties {
        let _ = write!(xml, "<{prefix}:{name}>{}</{prefix}:{name}>", escaped(value));
    }
    xml + "</rdf:Description>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pdf_of_ours_is_an_error_and_no_panic() {
        let schema = Schema { name: "N".into(), namespace: "n#".into(), prefix: "n".into(), properties: Vec::new() };
        for wrong in ["", "%PDF-1.7", "startxref\n9999999\n%%EOF", "xref\n0 1\nstartxref\n0\n%%EOF", "startxref\n0"] {
            assert!(claim(wrong.into(), std::slice::from_ref(&schema)).is_err(), "{wrong:?}");
        }
        assert_eq!(claim(b"as it is".to_vec(), &[]).unwrap(), b"as it is");
    }
}
