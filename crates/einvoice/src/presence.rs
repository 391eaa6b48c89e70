//! Rules of EN 16931 that ask whether something is there, looked for in the XML itself: a model whose types
//! hold each figure reads one that is left out as 0, and a group that is empty as none.

use roxmltree::{Document, Node};

use crate::finding::{Finding, Severity};

/// Where something must be: the rules of one group of business terms.
struct Group {
    /// As `BG-22`.
    term: &'static str,
    /// The elements of the group: steps from the root, `|` between names that mean the same.
    ubl: &'static str,
    cii: &'static str,
    /// Which of the elements are meant, where allowances and charges share a name.
    is_charge: Option<bool>,
    needs: &'static [Need],
}

/// What must be there, in each element of a group: one of the paths.
struct Need {
    rule: &'static str,
    term: &'static str,
    ubl: &'static [&'static str],
    cii: &'static [&'static str],
    sentence: &'static str,
}

/// The groups; none has an element of the syntax where its path is empty.
const GROUPS: &[Group] = &[
    Group {
        term: "",
        ubl: ".",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement",
        is_charge: None,
        needs: &[
            Need {
                rule: "BR-08",
                term: "BG-5",
                ubl: &["AccountingSupplierParty/Party/PostalAddress"],
                cii: &["SellerTradeParty/PostalTradeAddress"],
                sentence: "An Invoice shall contain the Seller postal address.",
            },
            Need {
                rule: "BR-10",
                term: "BG-8",
                ubl: &["AccountingCustomerParty/Party/PostalAddress"],
                cii: &["BuyerTradeParty/PostalTradeAddress"],
                sentence: "An Invoice shall contain the Buyer postal address (BG-8).",
            },
        ],
    },
    Group {
        term: "BG-11",
        ubl: "TaxRepresentativeParty",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement/SellerTaxRepresentativeTradeParty",
        is_charge: None,
        needs: &[Need {
            rule: "BR-19",
            term: "BG-12",
            ubl: &["PostalAddress"],
            cii: &["PostalTradeAddress"],
            sentence: "The Seller tax representative postal address (BG-12) shall be provided in the Invoice, if the \
                       Seller (BG-4) has a Seller tax representative party (BG-11).",
        }],
    },
    Group {
        term: "BG-3",
        ubl: "BillingReference",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/InvoiceReferencedDocument",
        is_charge: None,
        needs: &[Need {
            rule: "BR-55",
            term: "BT-25",
            ubl: &["InvoiceDocumentReference/ID"],
            cii: &["IssuerAssignedID"],
            sentence: "Each Preceding Invoice reference (BG-3) shall contain a Preceding Invoice reference (BT-25).",
        }],
    },
    Group {
        term: "BG-14",
        ubl: "InvoicePeriod",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/BillingSpecifiedPeriod",
        is_charge: None,
        needs: &[Need {
            rule: "BR-CO-19",
            term: "BT-73",
            ubl: &["StartDate", "EndDate", "DescriptionCode"],
            cii: &["StartDateTime", "EndDateTime"],
            sentence: "If Invoicing period (BG-14) is used, the Invoicing period start date (BT-73) or the Invoicing \
                       period end date (BT-74) shall be filled, or both.",
        }],
    },
    Group {
        term: "BG-22",
        ubl: "LegalMonetaryTotal",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeSettlementHeaderMonetarySummation",
        is_charge: None,
        needs: &[
            Need {
                rule: "BR-12",
                term: "BT-106",
                ubl: &["LineExtensionAmount"],
                cii: &["LineTotalAmount"],
                sentence: "An Invoice shall have the Sum of Invoice line net amount (BT-106).",
            },
            Need {
                rule: "BR-13",
                term: "BT-109",
                ubl: &["TaxExclusiveAmount"],
                cii: &["TaxBasisTotalAmount"],
                sentence: "An Invoice shall have the Invoice total amount without VAT (BT-109).",
            },
            Need {
                rule: "BR-14",
                term: "BT-112",
                ubl: &["TaxInclusiveAmount"],
                cii: &["GrandTotalAmount"],
                sentence: "An Invoice shall have the Invoice total amount with VAT (BT-112).",
            },
            Need {
                rule: "BR-15",
                term: "BT-115",
                ubl: &["PayableAmount"],
                cii: &["DuePayableAmount"],
                sentence: "An Invoice shall have the Amount due for payment (BT-115).",
            },
        ],
    },
    Group {
        term: "BG-20",
        ubl: "AllowanceCharge",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeAllowanceCharge",
        is_charge: Some(false),
        needs: &[
            Need {
                rule: "BR-31",
                term: "BT-92",
                ubl: &["Amount"],
                cii: &["ActualAmount"],
                sentence: "Each Document level allowance (BG-20) shall have a Document level allowance amount (BT-92).",
            },
            Need {
                rule: "BR-32",
                term: "BT-95",
                ubl: &["TaxCategory/ID"],
                cii: &["CategoryTradeTax/CategoryCode"],
                sentence: "Each Document level allowance (BG-20) shall have a Document level allowance VAT category \
                           code (BT-95).",
            },
        ],
    },
    Group {
        term: "BG-21",
        ubl: "AllowanceCharge",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeAllowanceCharge",
        is_charge: Some(true),
        needs: &[
            Need {
                rule: "BR-36",
                term: "BT-99",
                ubl: &["Amount"],
                cii: &["ActualAmount"],
                sentence: "Each Document level charge (BG-21) shall have a Document level charge amount (BT-99).",
            },
            Need {
                rule: "BR-37",
                term: "BT-102",
                ubl: &["TaxCategory/ID"],
                cii: &["CategoryTradeTax/CategoryCode"],
                sentence: "Each Document level charge (BG-21) shall have a Document level charge VAT category code \
                           (BT-102).",
            },
        ],
    },
    Group {
        term: "BG-23",
        ubl: "TaxTotal/TaxSubtotal",
        cii: "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/ApplicableTradeTax",
        is_charge: None,
        needs: &[
            Need {
                rule: "BR-45",
                term: "BT-116",
                ubl: &["TaxableAmount"],
                cii: &["BasisAmount"],
                sentence: "Each VAT breakdown (BG-23) shall have a VAT category taxable amount (BT-116).",
            },
            Need {
                rule: "BR-46",
                term: "BT-117",
                ubl: &["TaxAmount"],
                cii: &["CalculatedAmount"],
                sentence: "Each VAT breakdown (BG-23) shall have a VAT category tax amount (BT-117).",
            },
        ],
    },
    Group {
        term: "BG-25",
        ubl: "InvoiceLine|CreditNoteLine",
        cii: "SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem",
        is_charge: None,
        needs: &[
            Need {
                rule: "BR-22",
                term: "BT-129",
                ubl: &["InvoicedQuantity", "CreditedQuantity"],
                cii: &["SpecifiedLineTradeDelivery/BilledQuantity"],
                sentence: "Each Invoice line (BG-25) shall have an Invoiced quantity (BT-129).",
            },
            Need {
                rule: "BR-24",
                term: "BT-131",
                ubl: &["LineExtensionAmount"],
                cii: &["SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount"],
                sentence: "Each Invoice line (BG-25) shall have an Invoice line net amount (BT-131).",
            },
            Need {
                rule: "BR-26",
                term: "BT-146",
                ubl: &["Price/PriceAmount"],
                cii: &["SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount"],
                sentence: "Each Invoice line (BG-25) shall contain the Item net price (BT-146).",
            },
        ],
    },
    Group {
        term: "BG-27",
        ubl: "InvoiceLine|CreditNoteLine/AllowanceCharge",
        cii: "SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem/SpecifiedLineTradeSettlement/\
              SpecifiedTradeAllowanceCharge",
        is_charge: Some(false),
        needs: &[Need {
            rule: "BR-41",
            term: "BT-136",
            ubl: &["Amount"],
            cii: &["ActualAmount"],
            sentence: "Each Invoice line allowance (BG-27) shall have an Invoice line allowance amount (BT-136).",
        }],
    },
    Group {
        term: "BG-28",
        ubl: "InvoiceLine|CreditNoteLine/AllowanceCharge",
        cii: "SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem/SpecifiedLineTradeSettlement/\
              SpecifiedTradeAllowanceCharge",
        is_charge: Some(true),
        needs: &[Need {
            rule: "BR-43",
            term: "BT-141",
            ubl: &["Amount"],
            cii: &["ActualAmount"],
            sentence: "Each Invoice line charge (BG-28) shall have an Invoice line charge amount (BT-141).",
        }],
    },
];

/// Has these rules speak by the XML alone, in the place of what the engine found of them in its model.
pub(crate) fn put_right(xml: &str, findings: &mut Vec<Finding>) {
    let Ok(document) = Document::parse(xml) else { return };
    let root = document.root_element();
    let is_cii = root.tag_name().name() == "CrossIndustryInvoice";
    findings.retain(|finding| !GROUPS.iter().flat_map(|group| group.needs).any(|need| need.rule == finding.rule));
    findings.extend(two_totals(root, is_cii));
    for group in GROUPS {
        let elements = under(root, if is_cii { group.cii } else { group.ubl });
        let meant =
            elements.into_iter().filter(|element| group.is_charge.is_none_or(|kind| kind == is_charge(*element)));
        for (at, element) in meant.enumerate() {
            for need in group.needs {
                let paths = if is_cii { need.cii } else { need.ubl };
                if paths.iter().any(|path| !under(element, path).is_empty()) {
                    continue;
                }
                let path = match group.term {
                    "" => need.term.to_owned(),
                    term => format!("{term}[{at}]/{}", need.term),
                };
                findings.push(Finding {
                    rule: need.rule.to_owned(),
                    severity: Severity::Fatal,
                    path,
                    message: need.sentence.to_owned(),
                    field: None,
                });
            }
        }
    }
}

/// Two different totals of VAT in one currency: no sum can hold with both (BR-CO-15), and a model holds one.
fn two_totals(root: Node<'_, '_>, is_cii: bool) -> Option<Finding> {
    let path = if is_cii {
        "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeSettlementHeaderMonetarySummation/\
         TaxTotalAmount"
    } else {
        "TaxTotal/TaxAmount"
    };
    let totals: Vec<(Option<&str>, &str)> = under(root, path)
        .iter()
        .map(|total| (total.attribute("currencyID"), total.text().unwrap_or_default().trim()))
        .collect();
    let differs = |(at, total): (usize, &(Option<&str>, &str))| {
        totals[..at].iter().any(|earlier| earlier.0 == total.0 && earlier.1 != total.1)
    };
    totals.iter().enumerate().any(differs).then(|| Finding {
        rule: "BR-CO-15".to_owned(),
        severity: Severity::Fatal,
        path: "BG-22/BT-110".to_owned(),
        message: "Invoice total amount with VAT (BT-112) = Invoice total amount without VAT (BT-109) + Invoice total \
                  VAT amount (BT-110): there are two different totals of VAT in one currency."
            .to_owned(),
        field: None,
    })
}

/// The elements at the end of a path, by their local names.
fn under<'a, 'x>(from: Node<'a, 'x>, path: &str) -> Vec<Node<'a, 'x>> {
    let mut found = vec![from];
    for step in path.split('/').filter(|step| *step != ".") {
        let is_meant =
            |node: &Node<'_, '_>| node.is_element() && step.split('|').any(|name| node.tag_name().name() == name);
        found = found.into_iter().flat_map(|node| node.children().filter(is_meant).collect::<Vec<_>>()).collect();
    }
    found
}

/// What `ChargeIndicator` says of an allowance or charge, in UBL or one level deeper in CII; without it, it is an
/// allowance.
fn is_charge(element: Node<'_, '_>) -> bool {
    let said = under(element, "ChargeIndicator").first().map(|said| {
        let text: String = said.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
        matches!(text.trim(), "true" | "1")
    });
    said.unwrap_or(false)
}
