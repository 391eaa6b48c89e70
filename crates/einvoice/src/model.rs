//! From a document to the one model that every writer reads: the business terms of
//! EN 16931. The sign of a credit note is turned back here.

use billing::document::{Document, VatGroup};
use billing::lines::LineBody;
use billing::money::Money;
use billing::vat::VatCategory;
use en16931::invoice::{
    Code, Delivery, DocumentKind, DocumentTotals, InvoiceNote, Period, PostalAddress, PrecedingInvoice, VatBreakdown,
};
use en16931::{Date, DocumentReference, Invoice, InvoiceAmount, Percentage};

use crate::xml::plain;
use crate::{Finding, Format, Source, lines, parties, profiles};

/// The business terms of a document, with what the standard has no term for.
pub(crate) struct Model {
    /// The business terms.
    pub(crate) invoice: Invoice,
    /// For each line where it stands among the document's, text lines counted too.
    pub(crate) places: Vec<usize>,
    /// For each line its share of the VAT (OIOUBL alone).
    pub(crate) line_vat: Vec<InvoiceAmount>,
    /// Our customer number (OIOUBL).
    pub(crate) customer_number: String,
}

/// The model of a document in a format.
///
/// # Errors
/// What the standard has no form for: amounts with more than two decimals.
pub(crate) fn model(source: Source<'_>, format: Format) -> Result<Model, Vec<Finding>> {
    let Source { document, seller, buyer, preceding } = source;
    let signed = Signed { sign: document.kind.sign() };
    let mut findings = Vec::new();
    let mut amount = |money: Money, rule: &str, path: &str, field: &str| {
        signed.amount(money).unwrap_or_else(|| {
            findings.push(too_fine(money, rule, path, field));
            InvoiceAmount::ZERO
        })
    };
    let subtotal = amount(document.subtotal, "BR-DEC-12", "BG-22/BT-109", "subtotal");
    let vat = amount(document.vat, "BR-DEC-13", "BG-22/BT-110", "vat");
    let gross = amount(document.amount, "BR-DEC-14", "BG-22/BT-112", "amount");
    // What the VAT comes to where it is declared (BT-111; VAT Directive 2006/112/EC art. 230).
    let accounting = document
        .base_vat
        .filter(|base| document.currency != document.base_currency && !base.is_zero())
        .map(|base| amount(base, "BR-DEC-15", "BG-22/BT-111", "baseVat"));

    let mut breakdown = Vec::new();
    for (at, group) in groups(document).iter().enumerate() {
        let path = |term: &str| format!("BG-23[{at}]/{term}");
        breakdown.push(VatBreakdown {
            taxable_amount: amount(group.taxable, "BR-DEC-19", &path("BT-116"), "vatBreakdown"),
            tax_amount: amount(group.vat, "BR-DEC-20", &path("BT-117"), "vatBreakdown"),
            category: Code::new(group.category.as_str()),
            rate: breakdown_rate(group.category, group.rate, format),
            exemption_reason: group.exemption_reason.as_deref().and_then(plain),
            exemption_reason_code: group.exemption_reason_code.as_deref().and_then(plain).map(Code::new),
        });
    }

    let texts = texts(document);
    let mut model_lines = Vec::new();
    let (mut places, mut line_vat) = (Vec::new(), Vec::new());
    for (place, line) in document.lines.iter().enumerate() {
        let Some(product) = line.product() else { continue };
        let field = |name: &str| format!("lines.{place}.{name}");
        let path = format!("BG-25[{}]/BT-131", places.len());
        let net = amount(product.total, "BR-DEC-23", &path, &field("totalPrice"));
        if format == Format::Oioubl21 {
            line_vat.push(amount(product.vat, "F-LIB263", &path, &field("vatAmount")));
        }
        model_lines.push(lines::line(places.len() + 1, product, net, texts.below(place)));
        places.push(place);
    }
    if !findings.is_empty() {
        return Err(findings);
    }

    let head = &document.head;
    let is_outside = document.groups.iter().any(|group| group.category == VatCategory::O);
    let mut invoice = Invoice::default();
    invoice.kind = if document.kind.sign() < 0 { DocumentKind::CreditNote } else { DocumentKind::Invoice };
    invoice.specification_id = Some(profiles::specification(format).to_owned());
    invoice.business_process = profiles::process(format).map(str::to_owned);
    // A draft has no number yet; its form is that of any other.
    let number = document.number.as_ref().map_or("0", |number| number.text.as_str());
    invoice.number = plain(number);
    invoice.issue_date = date(document.date);
    invoice.type_code = Some(Code::new(if document.kind.sign() < 0 { "381" } else { "380" }));
    invoice.currency = Some(Code::new(document.currency.code()));
    invoice.vat_accounting_currency = accounting.map(|_| Code::new(document.base_currency.code()));
    invoice.vat_point_date = head.tax_point_date.filter(|day| *day != document.date).and_then(date);
    invoice.due_date = document.due_date.and_then(date);
    let reference = head.reference.as_deref().and_then(plain);
    invoice.buyer_reference = reference.clone().or_else(|| buyer.contact_name.as_deref().and_then(plain));
    invoice.purchase_order_reference = reference.map(DocumentReference::new);
    invoice.notes = texts.above.map(InvoiceNote::new).into_iter().collect();
    invoice.preceding_invoices = preceding_invoices(source, preceding);
    invoice.seller = parties::seller(seller, head.our_reference.as_deref(), is_outside);
    invoice.buyer = parties::buyer(buyer, is_outside, format);
    invoice.lines = model_lines;
    invoice.invoicing_period = period(document, &invoice.lines);
    invoice.delivery = delivery(document, &invoice, format);
    invoice.payment = parties::payment(seller, buyer, document, format);
    invoice.vat_breakdown = breakdown;
    invoice.totals = DocumentTotals {
        line_total: subtotal,
        taxable_total: subtotal,
        vat_total: Some(vat),
        vat_total_accounting: accounting,
        gross_total: gross,
        due: gross,
        ..DocumentTotals::default()
    };
    let customer_number = plain(&buyer.customer_number).unwrap_or_else(|| "-".to_owned());
    Ok(Model { invoice, places, line_vat, customer_number })
}

/// The VAT groups as the standard knows them: it has no country for a rate, so what two countries charge at one
/// rate is one group (BR-S-08).
fn groups(document: &Document) -> Vec<VatGroup> {
    let mut groups: Vec<VatGroup> = Vec::new();
    for group in &document.groups {
        match groups.iter_mut().find(|other| other.category == group.category && other.rate == group.rate) {
            Some(other) => {
                other.taxable += group.taxable;
                other.vat += group.vat;
            }
            None => groups.push(group.clone()),
        }
    }
    groups
}

/// The sign that turns a credit note's amounts positive.
#[derive(Clone, Copy)]
struct Signed {
    sign: i64,
}

impl Signed {
    /// An amount as the standard writes it: two decimals, whatever the currency (BR-DEC-*).
    fn amount(self, money: Money) -> Option<InvoiceAmount> {
        let minor = money.minor().checked_mul(self.sign)?;
        let cents = match money.currency().exponent() {
            exponent @ 0..=2 => minor.checked_mul(10_i64.pow(2 - exponent))?,
            exponent => {
                let finer = 10_i64.pow(exponent - 2);
                (minor % finer == 0).then_some(minor / finer)?
            }
        };
        Some(InvoiceAmount::from_minor_units(cents))
    }
}

fn too_fine(money: Money, rule: &str, path: &str, field: &str) -> Finding {
    let currency = money.currency();
    let message = format!("An e-invoice knows two decimals, and {money} {currency} has more.");
    Finding::fatal(rule, path, &message, field)
}

/// BT-119: none outside the scope of VAT (BR-48), but for XRechnung, which always wants one (BR-DE-14).
fn breakdown_rate(category: VatCategory, rate: rust_decimal::Decimal, format: Format) -> Option<Percentage> {
    (category != VatCategory::O || format == Format::Xrechnung).then(|| Percentage::new(rate.normalize()))
}

/// A day as the standard writes it; years have four digits.
pub(crate) fn date(day: jiff::civil::Date) -> Option<Date> {
    let (month, day_of_month) = (u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?);
    Date::new(i32::from(day.year()), month, day_of_month).ok()
}

/// The texts of a document: those of its head, and its text lines, each with the line above it.
struct Texts {
    above: Option<String>,
    lines: Vec<(usize, String)>,
}

impl Texts {
    fn below(&self, place: usize) -> Option<&str> {
        self.lines.iter().find(|(above, _)| *above == place).map(|(_, text)| text.as_str())
    }
}

fn texts(document: &Document) -> Texts {
    let head = &document.head;
    let mut above: Vec<String> =
        [&head.description, &head.notes].into_iter().flatten().filter_map(|text| plain(text)).collect();
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut product = None;
    for (place, line) in document.lines.iter().enumerate() {
        let text = match &line.body {
            LineBody::Product(_) => {
                product = Some(place);
                None
            }
            LineBody::Text(text) => plain(text),
            LineBody::Separator => None,
        };
        match (text, product, lines.last_mut()) {
            (None, ..) => {}
            (Some(text), None, _) => above.push(text),
            (Some(text), Some(place), Some((above, texts))) if *above == place => {
                texts.push('\n');
                texts.push_str(&text);
            }
            (Some(text), Some(place), _) => lines.push((place, text)),
        }
    }
    // Peppol takes one note (R002), so all of them are one.
    Texts { above: (!above.is_empty()).then(|| above.join("\n")), lines }
}

/// Every document that this one amends (BG-3), those of other systems too: momsbekendtgørelsen
/// § 58 (2) and VAT Directive art. 219 ask for it, though no validator does.
fn preceding_invoices(source: Source<'_>, preceding: &[crate::Preceding]) -> Vec<PrecedingInvoice> {
    let external = source.document.head.external_invoice.iter().map(|(number, day)| (number, Some(*day)));
    let own = preceding.iter().map(|preceding| (&preceding.number, preceding.date));
    own.chain(external)
        .filter_map(|(number, day)| {
            let reference = DocumentReference::new(plain(number)?);
            Some(PrecedingInvoice { reference, issue_date: day.and_then(date) })
        })
        .collect()
}

/// BG-14: the document's period, else that of a bonus. Left out where a line's lies outside
/// of it (Peppol R110, R111): the lines then say theirs.
fn period(document: &Document, lines: &[en16931::InvoiceLine]) -> Option<Period> {
    let head = &document.head;
    let (start, end) = match (head.period_start, head.period_end, head.credited_period) {
        (None, None, Some((from, to))) => (date(from), date(to)),
        (start, end, _) => (start.and_then(date), end.and_then(date)),
    };
    let outside = lines.iter().filter_map(|line| line.period.as_ref()).any(|of_line| {
        let too_early = start.zip(of_line.start).is_some_and(|(document, line)| line < document);
        let too_late = end.zip(of_line.end).is_some_and(|(document, line)| line > document);
        too_early || too_late
    });
    ((start.is_some() || end.is_some()) && !outside).then_some(Period { start, end })
}

/// BG-13. Goods sold within the EU name day and country (BR-IC-11, BR-IC-12), German bodies ask
/// for the day (BR-DE-TMP-32): what is not said is the document's day and the buyer's country,
/// by which the VAT was decided.
fn delivery(document: &Document, invoice: &Invoice, format: Format) -> Option<Delivery> {
    let (head, buyer) = (&document.head, &invoice.buyer.address);
    let within_eu = document.groups.iter().any(|group| group.category == VatCategory::K);
    // Whose VAT is charged is told by where it is delivered alone.
    let of_buyers = document.groups.iter().any(|group| group.country.is_some());
    let by_line = invoice.lines.iter().all(|line| line.period.is_some());
    let asks = invoice.invoicing_period.is_none() && (within_eu || format == Format::Xrechnung && !by_line);
    let day = head.delivery_date.or(asks.then_some(document.date)).and_then(date);
    let country = head.delivery_country_code.as_deref().map(Code::new);
    let country = country.or_else(|| buyer.country.clone().filter(|_| within_eu || of_buyers));
    // Delivered in the buyer's country is delivered to the buyer (BR-DE-10, BR-DE-11).
    let is_buyers = country == buyer.country;
    let address = country.map(|country| PostalAddress {
        city: buyer.city.clone().filter(|_| is_buyers),
        post_code: buyer.post_code.clone().filter(|_| is_buyers),
        country: Some(country),
        ..PostalAddress::default()
    });
    (day.is_some() || address.is_some()).then(|| Delivery { date: day, address, ..Delivery::default() })
}
