//! The formats that a booked document is handed out in as an e-invoice, as they are asked for.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::status::statuses;

statuses! {
    /// A format of e-invoices.
    Format {
        /// Peppol BIS Billing 3: UBL for the Peppol network.
        PeppolBis3 "peppol-bis-3"
        /// OIOUBL 2.1: UBL for NemHandel.
        Oioubl21 "oioubl-2.1"
        /// EN 16931 in UBL, of no network.
        En16931Ubl "en16931-ubl"
        /// EN 16931 in CII, of no network: what Factur-X embeds.
        En16931Cii "en16931-cii"
        /// XRechnung 3: UBL for German public bodies.
        Xrechnung "xrechnung"
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 5] =
        [Format::PeppolBis3, Format::Oioubl21, Format::En16931Ubl, Format::En16931Cii, Format::Xrechnung];
}

/// How an e-invoice is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct XmlQuery {
    /// The format; `peppol-bis-3` when left out.
    pub format: Option<Format>,
}
