//! CII, UN/CEFACT Cross Industry Invoice D16B, as EN 16931 binds it: what Factur-X embeds.
//! One root for invoices and credit notes, told apart by the type code; no currency on
//! amounts but on the VAT total (CII-DT-031).

use en16931::invoice::{InvoiceLine, Party, PaymentMeans, Period, PostalAddress, PrecedingInvoice};
use en16931::{Date, Identifier, Invoice, InvoiceAmount};

use crate::xml::Xml;

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    ("xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
];

/// The document as CII.
pub(crate) fn write(invoice: &Invoice) -> String {
    let mut xml = Xml::new();
    xml.element_with("rsm:CrossIndustryInvoice", &NAMESPACES, |xml| {
        xml.element("rsm:ExchangedDocumentContext", |xml| {
            if let Some(process) = &invoice.business_process {
                within(xml, "ram:BusinessProcessSpecifiedDocumentContextParameter", "ram:ID", process);
            }
            if let Some(id) = &invoice.specification_id {
                within(xml, "ram:GuidelineSpecifiedDocumentContextParameter", "ram:ID", id);
            }
        });
        xml.element("rsm:ExchangedDocument", |xml| {
            xml.maybe("ram:ID", invoice.number.as_ref());
            xml.maybe("ram:TypeCode", invoice.type_code.as_ref().map(|code| code.as_str()));
            if let Some(day) = invoice.issue_date {
                date(xml, "ram:IssueDateTime", day);
            }
            let notes = invoice.notes.iter().filter_map(|note| note.note.clone());
            for note in notes.chain(further_references(&invoice.preceding_invoices)) {
                within(xml, "ram:IncludedNote", "ram:Content", &note);
            }
        });
        xml.element("rsm:SupplyChainTradeTransaction", |xml| {
            for of_line in &invoice.lines {
                xml.element("ram:IncludedSupplyChainTradeLineItem", |xml| line(xml, of_line));
            }
            xml.element("ram:ApplicableHeaderTradeAgreement", |xml| agreement(xml, invoice));
            delivery(xml, invoice);
            xml.element("ram:ApplicableHeaderTradeSettlement", |xml| settlement(xml, invoice));
        });
    });
    xml.finish()
}

fn within(xml: &mut Xml, name: &str, inner: &str, text: &str) {
    xml.element(name, |xml| xml.text(inner, text));
}

/// D16B has room for one document that is amended; more of them are named in a note.
fn further_references(preceding: &[PrecedingInvoice]) -> Option<String> {
    let further = preceding.get(1..).filter(|further| !further.is_empty())?;
    let names = further.iter().map(|one| match one.issue_date {
        Some(day) => format!("{} ({day})", one.reference.as_str()),
        None => one.reference.as_str().to_owned(),
    });
    Some(format!("BG-3: {}", names.collect::<Vec<_>>().join(", ")))
}

fn day(xml: &mut Xml, name: &str, day: Date) {
    let text = day.to_string().replace('-', "");
    xml.text_with(name, &[("format", "102")], text);
}

fn date(xml: &mut Xml, name: &str, of: Date) {
    xml.element(name, |xml| day(xml, "udt:DateTimeString", of));
}

fn identifier(xml: &mut Xml, name: &str, identifier: &Identifier) {
    match identifier.scheme() {
        Some(scheme) => xml.text_with(name, &[("schemeID", scheme)], identifier.content()),
        None => xml.text(name, identifier.content()),
    }
}

fn period(xml: &mut Xml, period: &Period) {
    xml.element("ram:BillingSpecifiedPeriod", |xml| {
        if let Some(start) = period.start {
            date(xml, "ram:StartDateTime", start);
        }
        if let Some(end) = period.end {
            date(xml, "ram:EndDateTime", end);
        }
    });
}

fn line(xml: &mut Xml, line: &InvoiceLine) {
    let unit = [("unitCode", line.unit_code.as_str())];
    xml.element("ram:AssociatedDocumentLineDocument", |xml| {
        xml.text("ram:LineID", &line.id);
        if let Some(note) = &line.note {
            within(xml, "ram:IncludedNote", "ram:Content", note);
        }
    });
    xml.element("ram:SpecifiedTradeProduct", |xml| {
        xml.maybe("ram:SellerAssignedID", line.item.seller_identifier.as_ref());
        xml.maybe("ram:Name", line.item.name.as_ref());
    });
    xml.element("ram:SpecifiedLineTradeAgreement", |xml| {
        xml.element("ram:NetPriceProductTradePrice", |xml| {
            xml.text("ram:ChargeAmount", line.price.net_price.to_string());
            if let Some(quantity) = line.price.base_quantity {
                xml.text_with("ram:BasisQuantity", &unit, quantity.to_string());
            }
        });
    });
    xml.element("ram:SpecifiedLineTradeDelivery", |xml| {
        xml.text_with("ram:BilledQuantity", &unit, line.quantity.to_string());
    });
    xml.element("ram:SpecifiedLineTradeSettlement", |xml| {
        xml.element("ram:ApplicableTradeTax", |xml| {
            xml.text("ram:TypeCode", "VAT");
            xml.text("ram:CategoryCode", line.vat.category.as_str());
            xml.maybe("ram:RateApplicablePercent", line.vat.rate.map(|rate| rate.to_string()));
        });
        if let Some(of_line) = &line.period {
            period(xml, of_line);
        }
        for allowance in &line.allowances {
            xml.element("ram:SpecifiedTradeAllowanceCharge", |xml| {
                within(xml, "ram:ChargeIndicator", "udt:Indicator", "false");
                xml.maybe("ram:CalculationPercent", allowance.percentage.map(|percent| percent.to_string()));
                xml.maybe("ram:BasisAmount", allowance.base_amount.map(|base| base.to_string()));
                xml.text("ram:ActualAmount", allowance.amount.to_string());
                xml.maybe("ram:ReasonCode", allowance.reason_code.as_ref().map(|code| code.as_str()));
                xml.maybe("ram:Reason", allowance.reason.as_ref());
            });
        }
        xml.element("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
            xml.text("ram:LineTotalAmount", line.net_amount.to_string());
        });
    });
}

fn agreement(xml: &mut Xml, invoice: &Invoice) {
    xml.maybe("ram:BuyerReference", invoice.buyer_reference.as_ref());
    xml.element("ram:SellerTradeParty", |xml| party(xml, &invoice.seller));
    xml.element("ram:BuyerTradeParty", |xml| party(xml, &invoice.buyer));
    if let Some(order) = &invoice.purchase_order_reference {
        within(xml, "ram:BuyerOrderReferencedDocument", "ram:IssuerAssignedID", order.as_str());
    }
}

fn party(xml: &mut Xml, party: &Party) {
    for other in &party.identifiers {
        identifier(xml, if other.scheme().is_some() { "ram:GlobalID" } else { "ram:ID" }, other);
    }
    xml.maybe("ram:Name", party.name.as_ref());
    if let Some(number) = &party.legal_registration {
        xml.element("ram:SpecifiedLegalOrganization", |xml| identifier(xml, "ram:ID", number));
    }
    let contact = &party.contact;
    if contact.name.is_some() || contact.phone.is_some() || contact.email.is_some() {
        xml.element("ram:DefinedTradeContact", |xml| {
            xml.maybe("ram:PersonName", contact.name.as_ref());
            if let Some(phone) = &contact.phone {
                within(xml, "ram:TelephoneUniversalCommunication", "ram:CompleteNumber", phone);
            }
            if let Some(email) = &contact.email {
                within(xml, "ram:EmailURIUniversalCommunication", "ram:URIID", email);
            }
        });
    }
    postal_address(xml, &party.address);
    if let Some(address) = &party.electronic_address {
        xml.element("ram:URIUniversalCommunication", |xml| identifier(xml, "ram:URIID", address));
    }
    if let Some(number) = &party.vat_identifier {
        xml.element("ram:SpecifiedTaxRegistration", |xml| xml.text_with("ram:ID", &[("schemeID", "VA")], number));
    }
}

fn postal_address(xml: &mut Xml, address: &PostalAddress) {
    xml.element("ram:PostalTradeAddress", |xml| {
        xml.maybe("ram:PostcodeCode", address.post_code.as_ref());
        xml.maybe("ram:LineOne", address.line1.as_ref());
        xml.maybe("ram:LineTwo", address.line2.as_ref());
        xml.maybe("ram:CityName", address.city.as_ref());
        xml.maybe("ram:CountryID", address.country.as_ref().map(|country| country.as_str()));
    });
}

fn delivery(xml: &mut Xml, invoice: &Invoice) {
    let name = "ram:ApplicableHeaderTradeDelivery";
    let Some(delivery) = &invoice.delivery else { return xml.empty(name) };
    xml.element(name, |xml| {
        if let Some(address) = &delivery.address {
            xml.element("ram:ShipToTradeParty", |xml| postal_address(xml, address));
        }
        if let Some(day) = delivery.date {
            xml.element("ram:ActualDeliverySupplyChainEvent", |xml| date(xml, "ram:OccurrenceDateTime", day));
        }
    });
}

fn settlement(xml: &mut Xml, invoice: &Invoice) {
    let payment = invoice.payment.as_ref();
    xml.maybe("ram:PaymentReference", payment.and_then(|payment| payment.remittance_information.as_ref()));
    xml.maybe("ram:TaxCurrencyCode", invoice.vat_accounting_currency.as_ref().map(|code| code.as_str()));
    xml.maybe("ram:InvoiceCurrencyCode", invoice.currency.as_ref().map(|code| code.as_str()));
    payment_means(xml, invoice);
    for (at, group) in invoice.vat_breakdown.iter().enumerate() {
        xml.element("ram:ApplicableTradeTax", |xml| {
            xml.text("ram:CalculatedAmount", group.tax_amount.to_string());
            xml.text("ram:TypeCode", "VAT");
            xml.maybe("ram:ExemptionReason", group.exemption_reason.as_ref());
            xml.text("ram:BasisAmount", group.taxable_amount.to_string());
            xml.text("ram:CategoryCode", group.category.as_str());
            xml.maybe("ram:ExemptionReasonCode", group.exemption_reason_code.as_ref().map(|code| code.as_str()));
            // The tax point is the document's, and stands with the first group alone.
            if let Some(tax_point) = invoice.vat_point_date.filter(|_| at == 0) {
                xml.element("ram:TaxPointDate", |xml| day(xml, "udt:DateString", tax_point));
            }
            xml.maybe("ram:RateApplicablePercent", group.rate.map(|rate| rate.to_string()));
        });
    }
    if let Some(of_document) = &invoice.invoicing_period {
        period(xml, of_document);
    }
    if invoice.due_date.is_some() || invoice.payment_terms.is_some() {
        xml.element("ram:SpecifiedTradePaymentTerms", |xml| {
            xml.maybe("ram:Description", invoice.payment_terms.as_ref());
            if let Some(day) = invoice.due_date {
                date(xml, "ram:DueDateDateTime", day);
            }
        });
    }
    summation(xml, invoice);
    if let Some(preceding) = invoice.preceding_invoices.first() {
        xml.element("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", preceding.reference.as_str());
            if let Some(issued) = preceding.issue_date {
                xml.element("ram:FormattedIssueDateTime", |xml| day(xml, "qdt:DateTimeString", issued));
            }
        });
    }
}

fn payment_means(xml: &mut Xml, invoice: &Invoice) {
    let Some(payment) = &invoice.payment else { return };
    let account = match &payment.means {
        Some(PaymentMeans::CreditTransfer(accounts)) => accounts.first(),
        _ => None,
    };
    xml.element("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
        xml.maybe("ram:TypeCode", payment.means_code.as_ref().map(|code| code.as_str()));
        let Some(account) = account else { return };
        if let Some(number) = &account.account_identifier {
            let is_iban = number.starts_with(|c: char| c.is_ascii_uppercase());
            let name = if is_iban { "ram:IBANID" } else { "ram:ProprietaryID" };
            within(xml, "ram:PayeePartyCreditorFinancialAccount", name, number);
        }
        if let Some(bank) = &account.provider_identifier {
            within(xml, "ram:PayeeSpecifiedCreditorFinancialInstitution", "ram:BICID", bank);
        }
    });
}

fn summation(xml: &mut Xml, invoice: &Invoice) {
    let totals = &invoice.totals;
    let tax = |xml: &mut Xml, amount: Option<InvoiceAmount>, currency: Option<&str>| {
        if let (Some(amount), Some(currency)) = (amount, currency) {
            xml.text_with("ram:TaxTotalAmount", &[("currencyID", currency)], amount.to_string());
        }
    };
    xml.element("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
        xml.text("ram:LineTotalAmount", totals.line_total.to_string());
        xml.text("ram:TaxBasisTotalAmount", totals.taxable_total.to_string());
        tax(xml, totals.vat_total, invoice.currency.as_ref().map(|code| code.as_str()));
        tax(xml, totals.vat_total_accounting, invoice.vat_accounting_currency.as_ref().map(|code| code.as_str()));
        xml.text("ram:GrandTotalAmount", totals.gross_total.to_string());
        xml.text("ram:DuePayableAmount", totals.due.to_string());
    });
}
