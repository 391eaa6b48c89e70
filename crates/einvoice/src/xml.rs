//! Writing XML: elements with their text, none of them empty (Peppol R008).

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// XML being written.
pub(crate) struct Xml {
    out: Writer<Vec<u8>>,
}

impl Xml {
    /// A document begun.
    pub(crate) fn new() -> Xml {
        let mut xml = Xml { out: Writer::new_with_indent(Vec::with_capacity(8192), b' ', 1) };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn event(&mut self, event: Event<'_>) {
        self.out.write_event(event).expect("a vector takes every byte");
    }

    /// An element with what `inside` writes.
    pub(crate) fn element(&mut self, name: &str, inside: impl FnOnce(&mut Xml)) {
        self.element_with(name, &[], inside);
    }

    /// The same with attributes.
    pub(crate) fn element_with(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Xml)) {
        let mut start = BytesStart::new(name);
        start.extend_attributes(attributes.iter().copied());
        self.event(Event::Start(start));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with a text.
    pub(crate) fn text(&mut self, name: &str, text: impl AsRef<str>) {
        self.text_with(name, &[], text);
    }

    /// The same with attributes.
    pub(crate) fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: impl AsRef<str>) {
        self.element_with(name, attributes, |xml| xml.event(Event::Text(BytesText::new(text.as_ref()))));
    }

    /// The same where there is a text.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element that the schema wants even when it is empty.
    pub(crate) fn empty(&mut self, name: &str) {
        self.event(Event::Empty(BytesStart::new(name)));
    }

    /// The document ended.
    pub(crate) fn finish(self) -> String {
        String::from_utf8(self.out.into_inner()).expect("only text was written")
    }
}

/// A text as XML 1.0 can hold it: no control characters, no blanks around it; none when nothing is left.
pub(crate) fn plain(text: &str) -> Option<String> {
    let held = |c: &char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(held).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_left_out() {
        let mut xml = Xml::new();
        let text = plain(" a\u{0}\u{b} <b> & \"c\" ]]>\r\nd\u{ffff} ").unwrap();
        xml.element_with("a", &[("n", "x<\"&")], |xml| xml.text("b", &text));
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a n=\"x&lt;&quot;&amp;\">\n \
                        <b>a &lt;b&gt; &amp; &quot;c&quot; ]]&gt;\nd</b>\n</a>";
        assert_eq!(xml.finish(), expected);
        assert_eq!(plain(" \u{1}\n"), None);
    }
}
