//! UBL 2.1 as EN 16931 binds it, for Peppol, XRechnung and no network: elements in the
//! order of the OASIS schema, invoices and credit notes where they differ.

use en16931::invoice::{
    DocumentKind, InvoiceLine, LineAllowanceCharge, LineVat, Party, PaymentInstructions, PaymentMeans, Period,
    PostalAddress, VatBreakdown,
};
use en16931::{Identifier, Invoice, InvoiceAmount};

use crate::xml::Xml;

const COMMON: [(&str, &str); 2] = [
    ("xmlns:cac", "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"),
    ("xmlns:cbc", "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"),
];

/// What sets the two roots apart.
pub(crate) struct Root {
    pub(crate) name: &'static str,
    pub(crate) line: &'static str,
    pub(crate) quantity: &'static str,
    namespace: &'static str,
}

/// The root of a document.
pub(crate) fn root(invoice: &Invoice) -> Root {
    match invoice.kind {
        DocumentKind::Invoice => Root {
            name: "Invoice",
            line: "cac:InvoiceLine",
            quantity: "cbc:InvoicedQuantity",
            namespace: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
        },
        DocumentKind::CreditNote => Root {
            name: "CreditNote",
            line: "cac:CreditNoteLine",
            quantity: "cbc:CreditedQuantity",
            namespace: "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
        },
    }
}

/// A document of a root.
pub(crate) fn document(root: &Root, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::new();
    let attributes = [("xmlns", root.namespace), COMMON[0], COMMON[1]];
    xml.element_with(root.name, &attributes, inside);
    xml.finish()
}

/// The document as UBL.
pub(crate) fn write(invoice: &Invoice) -> String {
    let root = root(invoice);
    let currency = invoice.currency.as_ref().map_or("", |code| code.as_str());
    document(&root, |xml| {
        head(xml, invoice);
        xml.element("cac:AccountingSupplierParty", |xml| party(xml, &invoice.seller));
        xml.element("cac:AccountingCustomerParty", |xml| party(xml, &invoice.buyer));
        if let Some(delivery) = &invoice.delivery {
            xml.element("cac:Delivery", |xml| {
                xml.maybe("cbc:ActualDeliveryDate", delivery.date.map(|day| day.to_string()));
                if let Some(address) = &delivery.address {
                    xml.element("cac:DeliveryLocation", |xml| postal_address(xml, "cac:Address", address));
                }
            });
        }
        if let Some(payment) = &invoice.payment {
            payment_means(xml, payment);
        }
        if let Some(terms) = &invoice.payment_terms {
            xml.element("cac:PaymentTerms", |xml| xml.text("cbc:Note", terms));
        }
        tax_totals(xml, invoice, currency);
        xml.element("cac:LegalMonetaryTotal", |xml| {
            let totals = &invoice.totals;
            amount(xml, "cbc:LineExtensionAmount", totals.line_total, currency);
            amount(xml, "cbc:TaxExclusiveAmount", totals.taxable_total, currency);
            amount(xml, "cbc:TaxInclusiveAmount", totals.gross_total, currency);
            amount(xml, "cbc:PayableAmount", totals.due, currency);
        });
        for of_line in &invoice.lines {
            xml.element(root.line, |xml| line(xml, of_line, &root, currency));
        }
    })
}

fn head(xml: &mut Xml, invoice: &Invoice) {
    let is_invoice = invoice.kind == DocumentKind::Invoice;
    let tax_point = invoice.vat_point_date.map(|day| day.to_string());
    xml.maybe("cbc:CustomizationID", invoice.specification_id.as_ref());
    xml.maybe("cbc:ProfileID", invoice.business_process.as_ref());
    xml.maybe("cbc:ID", invoice.number.as_ref());
    xml.maybe("cbc:IssueDate", invoice.issue_date.map(|day| day.to_string()));
    let code = invoice.type_code.as_ref().map(|code| code.as_str());
    if is_invoice {
        xml.maybe("cbc:DueDate", invoice.due_date.map(|day| day.to_string()));
        xml.maybe("cbc:InvoiceTypeCode", code);
    } else {
        // A credit note of UBL has no due date, and its tax point comes first.
        xml.maybe("cbc:TaxPointDate", tax_point.as_ref());
        xml.maybe("cbc:CreditNoteTypeCode", code);
    }
    for note in &invoice.notes {
        xml.maybe("cbc:Note", note.note.as_ref());
    }
    if is_invoice {
        xml.maybe("cbc:TaxPointDate", tax_point.as_ref());
    }
    xml.maybe("cbc:DocumentCurrencyCode", invoice.currency.as_ref().map(|code| code.as_str()));
    xml.maybe("cbc:TaxCurrencyCode", invoice.vat_accounting_currency.as_ref().map(|code| code.as_str()));
    xml.maybe("cbc:BuyerReference", invoice.buyer_reference.as_ref());
    references(xml, invoice);
}

/// Period, order and the documents that this one amends.
pub(crate) fn references(xml: &mut Xml, invoice: &Invoice) {
    if let Some(of_document) = &invoice.invoicing_period {
        period(xml, of_document);
    }
    if let Some(order) = &invoice.purchase_order_reference {
        xml.element("cac:OrderReference", |xml| xml.text("cbc:ID", order.as_str()));
    }
    for preceding in &invoice.preceding_invoices {
        xml.element("cac:BillingReference", |xml| {
            xml.element("cac:InvoiceDocumentReference", |xml| {
                xml.text("cbc:ID", preceding.reference.as_str());
                xml.maybe("cbc:IssueDate", preceding.issue_date.map(|day| day.to_string()));
            });
        });
    }
}

/// A span of days.
pub(crate) fn period(xml: &mut Xml, period: &Period) {
    xml.element("cac:InvoicePeriod", |xml| {
        xml.maybe("cbc:StartDate", period.start.map(|day| day.to_string()));
        xml.maybe("cbc:EndDate", period.end.map(|day| day.to_string()));
    });
}

fn identifier(xml: &mut Xml, name: &str, identifier: &Identifier) {
    match identifier.scheme() {
        Some(scheme) => xml.text_with(name, &[("schemeID", scheme)], identifier.content()),
        None => xml.text(name, identifier.content()),
    }
}

fn party(xml: &mut Xml, party: &Party) {
    xml.element("cac:Party", |xml| {
        if let Some(address) = &party.electronic_address {
            identifier(xml, "cbc:EndpointID", address);
        }
        for other in &party.identifiers {
            xml.element("cac:PartyIdentification", |xml| identifier(xml, "cbc:ID", other));
        }
        postal_address(xml, "cac:PostalAddress", &party.address);
        if let Some(number) = &party.vat_identifier {
            xml.element("cac:PartyTaxScheme", |xml| {
                xml.text("cbc:CompanyID", number);
                tax_scheme(xml);
            });
        }
        xml.element("cac:PartyLegalEntity", |xml| {
            xml.maybe("cbc:RegistrationName", party.name.as_ref());
            if let Some(number) = &party.legal_registration {
                identifier(xml, "cbc:CompanyID", number);
            }
        });
        let contact = &party.contact;
        if contact.name.is_some() || contact.phone.is_some() || contact.email.is_some() {
            xml.element("cac:Contact", |xml| {
                xml.maybe("cbc:Name", contact.name.as_ref());
                xml.maybe("cbc:Telephone", contact.phone.as_ref());
                xml.maybe("cbc:ElectronicMail", contact.email.as_ref());
            });
        }
    });
}

fn tax_scheme(xml: &mut Xml) {
    xml.element("cac:TaxScheme", |xml| xml.text("cbc:ID", "VAT"));
}

fn postal_address(xml: &mut Xml, name: &str, address: &PostalAddress) {
    xml.element(name, |xml| {
        xml.maybe("cbc:StreetName", address.line1.as_ref());
        xml.maybe("cbc:AdditionalStreetName", address.line2.as_ref());
        xml.maybe("cbc:CityName", address.city.as_ref());
        xml.maybe("cbc:PostalZone", address.post_code.as_ref());
        if let Some(country) = &address.country {
            xml.element("cac:Country", |xml| xml.text("cbc:IdentificationCode", country.as_str()));
        }
    });
}

fn payment_means(xml: &mut Xml, payment: &PaymentInstructions) {
    let accounts = match &payment.means {
        Some(PaymentMeans::CreditTransfer(accounts)) => accounts.as_slice(),
        _ => &[],
    };
    xml.element("cac:PaymentMeans", |xml| {
        xml.maybe("cbc:PaymentMeansCode", payment.means_code.as_ref().map(|code| code.as_str()));
        xml.maybe("cbc:PaymentID", payment.remittance_information.as_ref());
        for account in accounts {
            xml.element("cac:PayeeFinancialAccount", |xml| {
                xml.maybe("cbc:ID", account.account_identifier.as_ref());
                if let Some(bank) = &account.provider_identifier {
                    xml.element("cac:FinancialInstitutionBranch", |xml| xml.text("cbc:ID", bank));
                }
            });
        }
    });
}

/// An amount with its currency.
pub(crate) fn amount(xml: &mut Xml, name: &str, amount: InvoiceAmount, currency: &str) {
    xml.text_with(name, &[("currencyID", currency)], amount.to_string());
}

fn tax_totals(xml: &mut Xml, invoice: &Invoice, currency: &str) {
    xml.element("cac:TaxTotal", |xml| {
        amount(xml, "cbc:TaxAmount", invoice.totals.vat_total.unwrap_or(InvoiceAmount::ZERO), currency);
        for group in &invoice.vat_breakdown {
            tax_subtotal(xml, group, currency);
        }
    });
    if let (Some(total), Some(of)) = (invoice.totals.vat_total_accounting, &invoice.vat_accounting_currency) {
        xml.element("cac:TaxTotal", |xml| amount(xml, "cbc:TaxAmount", total, of.as_str()));
    }
}

fn tax_subtotal(xml: &mut Xml, group: &VatBreakdown, currency: &str) {
    xml.element("cac:TaxSubtotal", |xml| {
        amount(xml, "cbc:TaxableAmount", group.taxable_amount, currency);
        amount(xml, "cbc:TaxAmount", group.tax_amount, currency);
        xml.element("cac:TaxCategory", |xml| {
            xml.text("cbc:ID", group.category.as_str());
            xml.maybe("cbc:Percent", group.rate.map(|rate| rate.to_string()));
            xml.maybe("cbc:TaxExemptionReasonCode", group.exemption_reason_code.as_ref().map(|code| code.as_str()));
            xml.maybe("cbc:TaxExemptionReason", group.exemption_reason.as_ref());
            tax_scheme(xml);
        });
    });
}

fn line(xml: &mut Xml, line: &InvoiceLine, root: &Root, currency: &str) {
    xml.text("cbc:ID", &line.id);
    xml.maybe("cbc:Note", line.note.as_ref());
    xml.text_with(root.quantity, &[("unitCode", line.unit_code.as_str())], line.quantity.to_string());
    amount(xml, "cbc:LineExtensionAmount", line.net_amount, currency);
    if let Some(of_line) = &line.period {
        period(xml, of_line);
    }
    for allowance in &line.allowances {
        let code = allowance.reason_code.as_ref().map(|code| code.as_str());
        let factor = allowance.percentage.map(|percent| percent.to_string());
        allowance_charge(xml, allowance, code, factor, currency);
    }
    xml.element("cac:Item", |xml| {
        xml.maybe("cbc:Name", line.item.name.as_ref());
        if let Some(number) = &line.item.seller_identifier {
            xml.element("cac:SellersItemIdentification", |xml| xml.text("cbc:ID", number));
        }
        xml.element("cac:ClassifiedTaxCategory", |xml| tax_category(xml, &line.vat));
    });
    xml.element("cac:Price", |xml| {
        let price = &line.price;
        xml.text_with("cbc:PriceAmount", &[("currencyID", currency)], price.net_price.to_string());
        if let Some(quantity) = price.base_quantity {
            let unit = price.base_quantity_code.as_ref().map_or("", |code| code.as_str());
            xml.text_with("cbc:BaseQuantity", &[("unitCode", unit)], quantity.to_string());
        }
    });
}

/// A discount of a line.
pub(crate) fn allowance_charge(
    xml: &mut Xml,
    allowance: &LineAllowanceCharge,
    code: Option<&str>,
    factor: Option<String>,
    currency: &str,
) {
    xml.element("cac:AllowanceCharge", |xml| {
        xml.text("cbc:ChargeIndicator", "false");
        xml.maybe("cbc:AllowanceChargeReasonCode", code);
        xml.maybe("cbc:AllowanceChargeReason", allowance.reason.as_ref());
        xml.maybe("cbc:MultiplierFactorNumeric", factor);
        amount(xml, "cbc:Amount", allowance.amount, currency);
        if let Some(base) = allowance.base_amount {
            amount(xml, "cbc:BaseAmount", base, currency);
        }
    });
}

fn tax_category(xml: &mut Xml, vat: &LineVat) {
    xml.text("cbc:ID", vat.category.as_str());
    xml.maybe("cbc:Percent", vat.rate.map(|rate| rate.to_string()));
    tax_scheme(xml);
}
