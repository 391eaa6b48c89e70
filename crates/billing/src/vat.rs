//! VAT treatment: which category a line falls under, and under what conditions.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;

use crate::company::Company;
use crate::customers::{Customer, CustomerType, VatZone};
use crate::document::CatalogueItem;
use crate::oss_rates::Charged;
use crate::refusal::Refusal;
use crate::status::statuses;

statuses! {
    /// EN 16931 VAT category codes (UNCL 5305).
    VatCategory {
        /// Standard or reduced rate.
        S "S"
        /// Zero rated.
        Z "Z"
        /// Exempt.
        E "E"
        /// Reverse charge.
        AE "AE"
        /// Intra-Community supply of goods.
        K "K"
        /// Export outside the EU.
        G "G"
        /// Outside the scope of VAT.
        O "O"
    }
}

impl VatCategory {
    /// The reason printed and exported where the VAT code names none (EN 16931 BR-AE-10, BR-IC-10, BR-G-10, BR-O-10).
    fn default_reason(self) -> Option<(&'static str, &'static str)> {
        match self {
            VatCategory::AE => Some(("Reverse charge", "VATEX-EU-AE")),
            VatCategory::K => Some(("Intra-Community supply", "VATEX-EU-IC")),
            VatCategory::G => Some(("Export outside the EU", "VATEX-EU-G")),
            VatCategory::O => Some(("Not subject to VAT", "VATEX-EU-O")),
            VatCategory::S | VatCategory::Z | VatCategory::E => None,
        }
    }
}

/// How a line is taxed.
#[derive(Clone, PartialEq, Debug)]
pub struct Treatment {
    /// Its category.
    pub category: VatCategory,
    /// Its rate in percent.
    pub rate: Decimal,
    /// Why no VAT is charged.
    pub reason: Option<String>,
    /// The code of that reason (VATEX).
    pub reason_code: Option<String>,
    /// Whose VAT it is, where it is another country's.
    pub abroad: Option<Charged>,
}

/// Where and when a document's goods or services are delivered.
#[derive(Clone, Copy, Debug)]
pub struct Supply<'a> {
    /// The delivery's country, the buyer's when not said otherwise.
    pub country: &'a str,
    /// The delivery's date, or the document's.
    pub date: Date,
    /// What the company charges there by its OSS rates.
    pub oss: Option<&'a Charged>,
}

/// The zone a supply is taxed in: within the EU to a buyer without a VAT number, delivered in the seller's own
/// country, it is a sale at home (VAT Directive 2006/112/EC art. 31, 32).
pub fn zone(company: &Company, customer: &Customer, country: &str) -> VatZone {
    let at_home = customer.vat_number.is_none() && country == company.country_code;
    if customer.vat_zone == VatZone::Eu && at_home { VatZone::Domestic } else { customer.vat_zone }
}

fn conflict(property: &str, message: impl Into<String>) -> Refusal {
    Refusal::new("VAT_ZONE_CONFLICT", message).with(json!({ "property": property }))
}

/// The treatment of an item sold to a customer.
///
/// # Errors
/// `CUSTOMER_VAT_NUMBER_REQUIRED` in zone `eu` without a VAT number and without an OSS rate;
/// `VAT_ZONE_CONFLICT` naming the field whose condition is not met.
pub fn treat(
    company: &Company,
    customer: &Customer,
    item: &CatalogueItem,
    supply: Supply<'_>,
) -> Result<Treatment, Refusal> {
    if !company.is_vat_registered {
        return Ok(treatment(VatCategory::O, Decimal::ZERO, None, None));
    }
    let zone = zone(company, customer, supply.country);
    if zone == VatZone::Eu && customer.vat_number.is_none() {
        // A buyer without a VAT number counts as a consumer, whatever its type (VAT Directive art. 33, 59c).
        let charged = supply.oss.ok_or_else(|| vat_number_required(supply.country))?;
        let treatment = treatment(VatCategory::S, charged.rate, None, None);
        return Ok(Treatment { abroad: Some(charged.clone()), ..treatment });
    }
    if item.vat_rate > Decimal::ZERO {
        return Ok(treatment(VatCategory::S, item.vat_rate, None, None));
    }
    let category = item.vat_category.unwrap_or(match zone {
        VatZone::Domestic if item.exemption_reason.is_some() => VatCategory::E,
        VatZone::Domestic => VatCategory::Z,
        VatZone::Eu if item.is_goods => VatCategory::K,
        VatZone::Eu => VatCategory::AE,
        VatZone::Abroad => VatCategory::G,
        VatZone::DomesticWithoutVat => VatCategory::E,
    });
    match category {
        VatCategory::AE if zone == VatZone::Domestic => {
            if customer.customer_type == CustomerType::Private {
                return Err(conflict("customer.customerType", "Domestic reverse charge is not for private customers."));
            }
            if customer.registration_number.is_none() {
                let message = "Domestic reverse charge needs the customer's registration number (CVR).";
                return Err(conflict("customer.registrationNumber", message));
            }
        }
        VatCategory::K if supply.country == company.country_code => {
            let message = "Goods sold within the EU without VAT are delivered to another country than the seller's.";
            return Err(conflict("deliveryCountryCode", message));
        }
        VatCategory::E if item.exemption_reason.is_none() && item.exemption_reason_code.is_none() => {
            let message = "A sale exempt from VAT needs the reason: set it on the VAT code.";
            return Err(conflict("vatCode.exemptionReason", message));
        }
        _ => {}
    }
    let reason = item.exemption_reason.clone();
    Ok(treatment(category, Decimal::ZERO, reason, item.exemption_reason_code.clone()))
}

fn treatment(category: VatCategory, rate: Decimal, reason: Option<String>, reason_code: Option<String>) -> Treatment {
    let (text, code) = category.default_reason().unzip();
    // EN 16931 BR-S-10 and BR-Z-10: a standard or zero rate names no reason.
    let keeps_reason = !matches!(category, VatCategory::S | VatCategory::Z);
    Treatment {
        category,
        rate,
        reason: reason.or(text.map(str::to_owned)).filter(|_| keeps_reason),
        reason_code: reason_code.or(code.map(str::to_owned)).filter(|_| keeps_reason),
        abroad: None,
    }
}

fn vat_number_required(country: &str) -> Refusal {
    let message = format!(
        "A customer in zone eu needs a VAT number, or the company an OSS rate for {country} on the tax point; \
         use zone domestic for private buyers where your own VAT is charged."
    );
    let details = json!({ "property": "customer.vatNumber", "country": country });
    Refusal::new("CUSTOMER_VAT_NUMBER_REQUIRED", message).with(details)
}

/// Outside the scope of VAT stands alone in a document (EN 16931 BR-O-11 to BR-O-14).
///
/// # Errors
/// `VAT_ZONE_CONFLICT` when it does not.
pub fn check_together(categories: impl Iterator<Item = VatCategory> + Clone) -> Result<(), Refusal> {
    let outside = categories.clone().any(|c| c == VatCategory::O);
    if outside && categories.clone().any(|c| c != VatCategory::O) {
        return Err(conflict("lines", "Lines outside the scope of VAT stand alone in a document."));
    }
    Ok(())
}
