//! The formats: what a document of each calls itself, and the rules it is held against.

use billing::formats::Format;
use en16931::Profile;
use en16931::profiles::{EN16931, PEPPOL_BIS_3, XRECHNUNG};

/// The rules that the model is held against.
pub(crate) fn profile(format: Format) -> &'static Profile {
    match format {
        Format::PeppolBis3 => &PEPPOL_BIS_3,
        Format::Xrechnung => &XRECHNUNG,
        Format::Oioubl21 | Format::En16931Ubl | Format::En16931Cii => &EN16931,
    }
}

/// What the document calls itself (BT-24).
pub(crate) fn specification(format: Format) -> &'static str {
    match format {
        Format::Oioubl21 => "OIOUBL-2.1",
        other => profile(other).specification_id,
    }
}

/// The business process (BT-23), where the format asks for one.
pub(crate) fn process(format: Format) -> Option<&'static str> {
    match format {
        // XRechnung leaves the process open, and takes Peppol's.
        Format::PeppolBis3 | Format::Xrechnung => Some("urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"),
        // The wire value of the official example: billing between seller and buyer.
        Format::Oioubl21 => Some("urn:www.nesubl.eu:profiles:profile5:ver2.0"),
        Format::En16931Ubl | Format::En16931Cii => None,
    }
}
