//! OIOUBL 2.1, the UBL of NemHandel: where it differs from EN 16931's UBL. `TaxExclusiveAmount`
//! is the VAT total (F-INV127, F-CRN073), every line has its own VAT (F-INV138, F-CRN081), and a
//! line's total is checked without its discounts (F-INV340, F-CRN210), which stand with the price.

use en16931::invoice::{
    CreditTransfer, DocumentKind, InvoiceLine, LineAllowanceCharge, Party, PaymentMeans, PostalAddress,
};
use en16931::{Identifier, InvoiceAmount};

use crate::model::Model;
use crate::ubl::{self, Root};
use crate::units;
use crate::xml::Xml;

const AGENCY: (&str, &str) = ("schemeAgencyID", "320");

/// The scheme that NemHandel knows an electronic address by, and the address in its form.
/// `None` for schemes it does not know (F-LIB179).
pub(crate) fn endpoint_scheme(address: &Identifier) -> Option<(&'static str, String)> {
    let number = address.content();
    let bare = number.trim_start_matches("DK");
    Some(match address.scheme()? {
        "0088" => ("GLN", number.to_owned()),
        "0184" => ("DK:CVR", format!("DK{bare}")),
        "0198" => ("DK:SE", format!("DK{bare}")),
        "0096" => ("DK:P", number.to_owned()),
        "0060" => ("DUNS", number.to_owned()),
        "0007" => ("SE:ORGNR", number.to_owned()),
        "0037" => ("FI:OVT", number.to_owned()),
        "0192" => ("NO:ORGNR", number.to_owned()),
        "9930" => ("DE:VAT", number.to_owned()),
        _ => return None,
    })
}

/// The categories: beside the standard rate and reverse charge everything is zero rated, with its reason.
fn category(code: &str) -> &'static str {
    match code {
        "S" => "StandardRated",
        "AE" => "ReverseCharge",
        _ => "ZeroRated",
    }
}

/// The document as OIOUBL 2.1.
pub(crate) fn write(model: &Model) -> String {
    let invoice = &model.invoice;
    let root = ubl::root(invoice);
    let currency = invoice.currency.as_ref().map_or("", |code| code.as_str());
    ubl::document(&root, |xml| {
        head(xml, model);
        ubl::references(xml, invoice);
        xml.element("cac:AccountingSupplierParty", |xml| seller(xml, &invoice.seller));
        xml.element("cac:AccountingCustomerParty", |xml| buyer(xml, model));
        delivery(xml, model);
        if invoice.kind == DocumentKind::Invoice {
            payment_means(xml, model);
        }
        tax_total(xml, model, currency);
        xml.element("cac:LegalMonetaryTotal", |xml| {
            let totals = &invoice.totals;
            ubl::amount(xml, "cbc:LineExtensionAmount", totals.line_total, currency);
            ubl::amount(xml, "cbc:TaxExclusiveAmount", totals.vat_total.unwrap_or(InvoiceAmount::ZERO), currency);
            ubl::amount(xml, "cbc:TaxInclusiveAmount", totals.gross_total, currency);
            ubl::amount(xml, "cbc:PayableAmount", totals.due, currency);
        });
        for (of_line, vat) in invoice.lines.iter().zip(&model.line_vat) {
            xml.element(root.line, |xml| line(xml, of_line, *vat, &root, currency));
        }
    })
}

/// The VAT in the currency of the books: OIOUBL takes kroner and euro (F-INV016), and only with a standard rate.
fn accounting(model: &Model) -> Option<(InvoiceAmount, &str)> {
    let currency = model.invoice.vat_accounting_currency.as_ref()?.as_str();
    let has_rate = model.invoice.vat_breakdown.iter().any(|group| group.category.as_str() == "S");
    let total = model.invoice.totals.vat_total_accounting?;
    (matches!(currency, "DKK" | "EUR") && has_rate).then_some((total, currency))
}

fn head(xml: &mut Xml, model: &Model) {
    let invoice = &model.invoice;
    let is_invoice = invoice.kind == DocumentKind::Invoice;
    let tax_point = invoice.vat_point_date.map(|day| day.to_string());
    xml.text("cbc:UBLVersionID", "2.1");
    xml.maybe("cbc:CustomizationID", invoice.specification_id.as_ref());
    if let Some(process) = &invoice.business_process {
        xml.text_with("cbc:ProfileID", &[AGENCY, ("schemeID", "urn:oioubl:id:profileid-1.2")], process);
    }
    xml.maybe("cbc:ID", invoice.number.as_ref());
    xml.text("cbc:CopyIndicator", "false");
    xml.maybe("cbc:IssueDate", invoice.issue_date.map(|day| day.to_string()));
    if is_invoice {
        let list = [("listAgencyID", "320"), ("listID", "urn:oioubl:codelist:invoicetypecode-1.1")];
        xml.text_with("cbc:InvoiceTypeCode", &list, "380");
    } else {
        xml.maybe("cbc:TaxPointDate", tax_point.as_ref());
    }
    for note in &invoice.notes {
        xml.maybe("cbc:Note", note.note.as_ref());
    }
    if is_invoice {
        xml.maybe("cbc:TaxPointDate", tax_point.as_ref());
    }
    xml.maybe("cbc:DocumentCurrencyCode", invoice.currency.as_ref().map(|code| code.as_str()));
    xml.maybe("cbc:TaxCurrencyCode", accounting(model).map(|(_, currency)| currency));
}

fn seller(xml: &mut Xml, party: &Party) {
    xml.element("cac:Party", |xml| {
        party_head(xml, party);
        legal_entity(xml, party);
        let contact = &party.contact;
        if let Some(name) = &contact.name {
            xml.element("cac:Contact", |xml| {
                xml.text("cbc:ID", name);
                xml.text("cbc:Name", name);
                xml.maybe("cbc:Telephone", contact.phone.as_ref());
                xml.maybe("cbc:ElectronicMail", contact.email.as_ref());
            });
        }
    });
}

/// A buyer always has a contact, known by an id (F-INV046, F-INV051): the person, else the
/// reference, else our customer number.
fn buyer(xml: &mut Xml, model: &Model) {
    let party = &model.invoice.buyer;
    let contact = &party.contact;
    let id = contact.name.as_ref().or(model.invoice.buyer_reference.as_ref()).unwrap_or(&model.customer_number);
    xml.element("cac:Party", |xml| {
        party_head(xml, party);
        if party.legal_registration.is_some() {
            legal_entity(xml, party);
        }
        xml.element("cac:Contact", |xml| {
            xml.text("cbc:ID", id);
            xml.maybe("cbc:Name", contact.name.as_ref());
            xml.maybe("cbc:ElectronicMail", contact.email.as_ref());
        });
    });
}

fn party_head(xml: &mut Xml, party: &Party) {
    if let Some((scheme, number)) = party.electronic_address.as_ref().and_then(endpoint_scheme) {
        let gln = [("schemeAgencyID", "9"), ("schemeID", "GLN")];
        let other = [("schemeID", scheme)];
        xml.text_with("cbc:EndpointID", if scheme == "GLN" { &gln[..] } else { &other[..] }, number);
    }
    if let Some(name) = &party.name {
        xml.element("cac:PartyName", |xml| xml.text("cbc:Name", name));
    }
    postal_address(xml, &party.address);
    if let Some(number) = &party.vat_identifier {
        xml.element("cac:PartyTaxScheme", |xml| {
            let is_danish = number.starts_with("DK") && number.len() == 10;
            xml.text_with("cbc:CompanyID", &[("schemeID", if is_danish { "DK:SE" } else { "ZZZ" })], number);
            tax_scheme(xml);
        });
    }
}

fn legal_entity(xml: &mut Xml, party: &Party) {
    xml.element("cac:PartyLegalEntity", |xml| {
        xml.maybe("cbc:RegistrationName", party.name.as_ref());
        if let Some(number) = &party.legal_registration {
            let (scheme, text) = match number.scheme() {
                Some("0184") => ("DK:CVR", format!("DK{}", number.content())),
                _ => ("ZZZ", number.content().to_owned()),
            };
            xml.text_with("cbc:CompanyID", &[("schemeID", scheme)], text);
        }
    });
}

fn address_format(xml: &mut Xml, format: &str) {
    let list = [("listAgencyID", "320"), ("listID", "urn:oioubl:codelist:addressformatcode-1.1")];
    xml.text_with("cbc:AddressFormatCode", &list, format);
}

/// A Danish address with street, house number and postal code is told apart (`StructuredDK`,
/// F-LIB033 to F-LIB035); any other stands as it is.
fn postal_address(xml: &mut Xml, address: &PostalAddress) {
    let is_danish = address.country.as_ref().is_some_and(|country| country.as_str() == "DK");
    let house = address.line1.as_deref().filter(|_| is_danish && address.post_code.is_some()).and_then(house_number);
    xml.element("cac:PostalAddress", |xml| {
        address_format(xml, if house.is_some() { "StructuredDK" } else { "StructuredLax" });
        match house {
            Some((street, _)) => xml.text("cbc:StreetName", street),
            None => xml.maybe("cbc:StreetName", address.line1.as_ref()),
        }
        xml.maybe("cbc:AdditionalStreetName", address.line2.as_ref());
        xml.maybe("cbc:BuildingNumber", house.map(|(_, number)| number));
        xml.maybe("cbc:CityName", address.city.as_ref());
        xml.maybe("cbc:PostalZone", address.post_code.as_ref());
        country(xml, address);
    });
}

fn country(xml: &mut Xml, address: &PostalAddress) {
    if let Some(country) = &address.country {
        xml.element("cac:Country", |xml| xml.text("cbc:IdentificationCode", country.as_str()));
    }
}

/// Street and house number of one line: what stands before and from the last word that begins with a digit.
fn house_number(line: &str) -> Option<(&str, &str)> {
    let (street, number) = line.rsplit_once(' ')?;
    (number.starts_with(|c: char| c.is_ascii_digit()) && !street.trim().is_empty()).then_some((street.trim(), number))
}

fn delivery(xml: &mut Xml, model: &Model) {
    let Some(delivery) = &model.invoice.delivery else { return };
    xml.element("cac:Delivery", |xml| {
        xml.maybe("cbc:ActualDeliveryDate", delivery.date.map(|day| day.to_string()));
        if let Some(address) = &delivery.address {
            xml.element("cac:DeliveryLocation", |xml| {
                xml.element("cac:Address", |xml| {
                    address_format(xml, "StructuredRegion");
                    country(xml, address);
                });
            });
        }
    });
}

/// Codes 42, 31 and 58 with their channels, else 1 (not defined): each carries the due date.
fn payment_means(xml: &mut Xml, model: &Model) {
    let invoice = &model.invoice;
    let payment = invoice.payment.as_ref();
    let account = match payment.and_then(|payment| payment.means.as_ref()) {
        Some(PaymentMeans::CreditTransfer(accounts)) => accounts.first(),
        _ => None,
    };
    let due = invoice.due_date.map(|day| day.to_string());
    if account.is_none() && due.is_none() {
        return;
    }
    let is_iban = |account: &CreditTransfer| {
        account.account_identifier.as_ref().is_some_and(|number| number.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    let channel = match account {
        Some(account) if is_danish(account) => Some("DK:BANK"),
        Some(account) if is_iban(account) => Some("IBAN"),
        _ => None,
    };
    xml.element("cac:PaymentMeans", |xml| {
        xml.text("cbc:ID", "1");
        let code = match channel {
            Some("DK:BANK") => "42",
            // 31 names the bank too (F-LIB113); 58 is content with the IBAN.
            Some(_) if account.is_some_and(|account| account.provider_identifier.is_some()) => "31",
            Some(_) => "58",
            None => "1",
        };
        xml.text("cbc:PaymentMeansCode", code);
        xml.maybe("cbc:PaymentDueDate", due);
        let (Some(channel), Some(account)) = (channel, account) else { return };
        let list = [("listAgencyID", "320"), ("listID", "urn:oioubl:codelist:paymentchannelcode-1.1")];
        xml.text_with("cbc:PaymentChannelCode", &list, channel);
        xml.element("cac:PayeeFinancialAccount", |xml| {
            xml.maybe("cbc:ID", account.account_identifier.as_ref());
            // At most 20 characters (F-LIB111).
            let note = payment.and_then(|payment| payment.remittance_information.as_ref());
            xml.maybe("cbc:PaymentNote", note.map(|note| note.chars().take(20).collect::<String>()));
            let Some(bank) = &account.provider_identifier else { return };
            xml.element("cac:FinancialInstitutionBranch", |xml| {
                if channel == "IBAN" {
                    xml.element("cac:FinancialInstitution", |xml| xml.text("cbc:ID", bank));
                } else {
                    xml.text("cbc:ID", bank);
                }
            });
        });
    });
}

fn is_danish(account: &CreditTransfer) -> bool {
    let digits = |text: &Option<String>, length: usize| {
        text.as_ref().is_some_and(|text| text.len() == length && text.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(&account.provider_identifier, 4) && digits(&account.account_identifier, 10)
}

fn tax_scheme(xml: &mut Xml) {
    xml.element("cac:TaxScheme", |xml| {
        xml.text_with("cbc:ID", &[AGENCY, ("schemeID", "urn:oioubl:id:taxschemeid-1.1")], "63");
        xml.text("cbc:Name", "Moms");
    });
}

/// The VAT of one category of OIOUBL.
struct Subtotal<'a> {
    category: &'static str,
    taxable: InvoiceAmount,
    tax: InvoiceAmount,
    rate: Option<String>,
    reason: Option<String>,
    accounting: Option<(InvoiceAmount, &'a str)>,
}

fn tax_subtotal(xml: &mut Xml, subtotal: &Subtotal<'_>, currency: &str) {
    xml.element("cac:TaxSubtotal", |xml| {
        ubl::amount(xml, "cbc:TaxableAmount", subtotal.taxable, currency);
        ubl::amount(xml, "cbc:TaxAmount", subtotal.tax, currency);
        if let Some((amount, currency)) = subtotal.accounting {
            ubl::amount(xml, "cbc:TransactionCurrencyTaxAmount", amount, currency);
        }
        xml.element("cac:TaxCategory", |xml| {
            xml.text_with("cbc:ID", &[AGENCY, ("schemeID", "urn:oioubl:id:taxcategoryid-1.1")], subtotal.category);
            xml.text("cbc:Percent", subtotal.rate.as_deref().unwrap_or("0"));
            xml.maybe("cbc:TaxExemptionReason", subtotal.reason.as_ref());
            tax_scheme(xml);
        });
    });
}

/// The groups by OIOUBL's categories, of which each stands once (F-LIB315).
fn tax_total(xml: &mut Xml, model: &Model, currency: &str) {
    let invoice = &model.invoice;
    let mut subtotals: Vec<Subtotal<'_>> = Vec::new();
    for group in &invoice.vat_breakdown {
        let category = category(group.category.as_str());
        let reason = group.exemption_reason.clone();
        let Some(known) = subtotals.iter_mut().find(|known| known.category == category && category == "ZeroRated")
        else {
            subtotals.push(Subtotal {
                category,
                taxable: group.taxable_amount,
                tax: group.tax_amount,
                rate: group.rate.map(|rate| rate.to_string()),
                reason,
                accounting: accounting(model).filter(|_| category == "StandardRated"),
            });
            continue;
        };
        let sum = |a: InvoiceAmount, b| a.checked_add(b).expect("parts of a total that is held");
        known.taxable = sum(known.taxable, group.taxable_amount);
        known.tax = sum(known.tax, group.tax_amount);
        known.reason = match (known.reason.take(), reason) {
            (Some(one), Some(other)) if one != other => Some(format!("{one}; {other}")),
            (one, other) => one.or(other),
        };
    }
    xml.element("cac:TaxTotal", |xml| {
        ubl::amount(xml, "cbc:TaxAmount", invoice.totals.vat_total.unwrap_or(InvoiceAmount::ZERO), currency);
        for subtotal in &subtotals {
            tax_subtotal(xml, subtotal, currency);
        }
    });
}

fn line(xml: &mut Xml, line: &InvoiceLine, vat: InvoiceAmount, root: &Root, currency: &str) {
    let code = line.unit_code.as_str();
    let is_known = !units::UNKNOWN_TO_OIOUBL.contains(&code);
    let unit = [("unitCode", if is_known { code } else { units::ONE })];
    let discount = line.allowances.first();
    let tax = |xml: &mut Xml| {
        xml.element("cac:TaxTotal", |xml| {
            ubl::amount(xml, "cbc:TaxAmount", vat, currency);
            let subtotal = Subtotal {
                category: category(line.vat.category.as_str()),
                taxable: line.net_amount,
                tax: vat,
                rate: line.vat.rate.map(|rate| rate.to_string()),
                reason: None,
                accounting: None,
            };
            tax_subtotal(xml, &subtotal, currency);
        });
    };
    xml.text("cbc:ID", &line.id);
    match (&line.note, is_known) {
        (note, true) => xml.maybe("cbc:Note", note.as_ref()),
        // A unit that the list of OIOUBL lacks is said beside the quantity.
        (Some(note), false) => xml.text("cbc:Note", format!("{code}\n{note}")),
        (None, false) => xml.text("cbc:Note", code),
    }
    xml.text_with(root.quantity, &unit, line.quantity.to_string());
    ubl::amount(xml, "cbc:LineExtensionAmount", line.net_amount, currency);
    if let Some(of_line) = &line.period {
        ubl::period(xml, of_line);
    }
    tax(xml);
    xml.element("cac:Item", |xml| {
        xml.maybe("cbc:Description", line.item.name.as_ref());
        // A name is one line of 40 characters at most; all of it is the description.
        let name = line.item.name.as_deref().and_then(|name| name.lines().next());
        xml.maybe("cbc:Name", name.map(|name| name.chars().take(40).collect::<String>()));
        if let Some(number) = &line.item.seller_identifier {
            xml.element("cac:SellersItemIdentification", |xml| xml.text("cbc:ID", number));
        }
    });
    xml.element("cac:Price", |xml| {
        // The price after the discount: of the whole quantity where there is one.
        let quantity = line.quantity.into_decimal().abs();
        let (price, per) = match discount {
            Some(_) => (line.net_amount.into_decimal().abs().to_string(), quantity.to_string()),
            None => {
                let per = line.price.base_quantity.map_or_else(|| "1".to_owned(), |quantity| quantity.to_string());
                (line.price.net_price.to_string(), per)
            }
        };
        xml.text_with("cbc:PriceAmount", &[("currencyID", currency)], price);
        xml.text_with("cbc:BaseQuantity", &unit, per);
        xml.text("cbc:OrderableUnitFactorRate", "1");
        if let Some(discount) = discount {
            price_discount(xml, discount, currency);
        }
    });
}

/// The discount as a factor of the base (F-LIB228).
fn price_discount(xml: &mut Xml, discount: &LineAllowanceCharge, currency: &str) {
    let factor = discount.percentage.map(|percent| percent.as_fraction().normalize().to_string());
    ubl::allowance_charge(xml, discount, None, factor, currency);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_house_number_is_the_last_word_that_begins_with_a_digit() {
        for (line, expected) in [
            ("Ådalsvej 11", Some(("Ådalsvej", "11"))),
            ("Gl. Kongevej 74A", Some(("Gl. Kongevej", "74A"))),
            ("Havnegade", None),
            ("Havnegade 5, 2. tv", None),
            ("12", None),
        ] {
            assert_eq!(house_number(line), expected, "{line}");
        }
    }
}
