//! Documents of every VAT category, currency and kind of party, invoices and credit notes,
//! priced and taxed by `billing` as the program does it.

use billing::base;
use billing::document::{Booking, Buyer, Document, Head, Number, Pinned, Reason, Seller, total};
use billing::input::Metadata;
use billing::kind::Kind;
use billing::lines::{Line, LineBody, Particulars, ProductLine, share_vat};
use billing::money::{Currency, line_total};
use billing::status::Facts;
use billing::vat::VatCategory;
use einvoice::{Preceding, Source};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use uuid::Uuid;

/// A document with its parties.
pub struct Made {
    pub name: String,
    pub document: Document,
    pub seller: Seller,
    pub buyer: Buyer,
    pub preceding: Vec<Preceding>,
}

impl Made {
    pub fn source(&self) -> Source<'_> {
        Source { document: &self.document, seller: &self.seller, buyer: &self.buyer, preceding: &self.preceding }
    }

    pub fn is_note(&self) -> bool {
        self.document.kind == Kind::CreditNote
    }
}

/// Who sells.
pub const SELLERS: [&str; 3] = ["danish", "danish-iban", "german"];

/// Who buys, with the categories that can be sold to it.
pub const BUYERS: [(&str, &[&str]); 8] = [
    ("danish-company", &["S", "S+Z", "E", "AE", "O", "S+AE+E"]),
    ("danish-public", &["S", "E", "S+S"]),
    ("danish-private", &["S", "Z", "O"]),
    ("german-company", &["AE", "K", "K+AE", "S"]),
    ("german-public", &["S", "AE"]),
    ("swedish-company", &["K", "AE", "S+Z"]),
    ("norwegian-company", &["G", "O"]),
    ("american-company", &["G", "Z"]),
];

const CURRENCIES: [&str; 7] = ["DKK", "EUR", "SEK", "USD", "JPY", "KWD", "HUF"];

/// A sequence that looks random, the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Every pair of buyer and categories, in turn in every currency, as invoice and as credit note.
pub fn all() -> Vec<Made> {
    let mut made = Vec::new();
    let mut seed = 0;
    for (buyer, sets) in BUYERS {
        for categories in sets {
            for currency in CURRENCIES {
                for kind in [Kind::Invoice, Kind::CreditNote] {
                    let seller = SELLERS[usize::try_from(seed % 3).unwrap()];
                    // What is outside the scope of VAT is sold by who is not registered for it.
                    let seller = if *categories == "O" { "unregistered" } else { seller };
                    // Within Germany a German seller charges VAT.
                    let is_german = buyer.starts_with("german") && *categories != "S";
                    let seller = if seller == "german" && is_german { "danish" } else { seller };
                    made.push(document(seed, kind, seller, buyer, categories, currency));
                    seed += 1;
                }
            }
        }
    }
    made
}

pub fn seller(kind: &str) -> Seller {
    let danish = Seller {
        name: "Bi & Søn ApS <Honning>".to_owned(),
        address: Some("Ådalsvej 11".to_owned()),
        postal_code: Some("2970".to_owned()),
        city: Some("Hørsholm".to_owned()),
        country_code: "DK".to_owned(),
        vat_number: Some("DK24256790".to_owned()),
        registration_number: Some("24256790".to_owned()),
        email: Some("faktura@bi.example".to_owned()),
        phone: Some("+45 33 12 34 56".to_owned()),
        iban: Some("DK50 0040 0440 1162 43".to_owned()),
        bic: Some("DABADKKK".to_owned()),
        bank_account: Some("0040 0440116243".to_owned()),
        ean_number: None,
        peppol_endpoint: None,
    };
    match kind {
        "danish" => danish,
        "unregistered" => Seller { vat_number: None, ..danish },
        "danish-iban" => Seller {
            registration_number: None,
            bic: None,
            bank_account: None,
            peppol_endpoint: Some("0184:24256790".to_owned()),
            ..danish
        },
        "german" => Seller {
            name: "Imkerei Müller GmbH".to_owned(),
            address: Some("Hauptstraße 1".to_owned()),
            postal_code: Some("10115".to_owned()),
            city: Some("Berlin".to_owned()),
            country_code: "DE".to_owned(),
            vat_number: Some("DE136695976".to_owned()),
            registration_number: Some("HRB 12345".to_owned()),
            iban: Some("DE89370400440532013000".to_owned()),
            bic: None,
            bank_account: None,
            peppol_endpoint: Some("9930:DE136695976".to_owned()),
            ..danish
        },
        other => panic!("no seller {other}"),
    }
}

pub fn buyer(kind: &str) -> Buyer {
    let text = |text: &str| Some(text.to_owned());
    let danish = Buyer {
        customer_number: "10042".to_owned(),
        name: "Kunde A/S".to_owned(),
        department_name: None,
        contact_name: None,
        address: text("Strøget 1"),
        postal_code: text("1000"),
        city: text("København K"),
        country_code: "DK".to_owned(),
        vat_number: text("DK19552101"),
        registration_number: text("19552101"),
        ean_number: None,
        peppol_endpoint: None,
        email: text("bogholderi@kunde.example"),
    };
    let abroad = |name: &str, country: &str, vat: &str, endpoint: Option<&str>| Buyer {
        name: name.to_owned(),
        address: text("Main Street 5"),
        postal_code: text("12345"),
        city: text("City"),
        country_code: country.to_owned(),
        vat_number: text(vat),
        registration_number: None,
        peppol_endpoint: endpoint.map(str::to_owned),
        ..danish.clone()
    };
    match kind {
        "danish-company" => danish,
        "danish-public" => Buyer {
            name: "Den Lille Skole".to_owned(),
            department_name: text("Økonomi"),
            contact_name: text("Hans Hansen"),
            vat_number: None,
            registration_number: None,
            ean_number: text("5798009811578"),
            ..danish
        },
        "danish-private" => Buyer {
            name: "Ane Andersen".to_owned(),
            address: text("Åvej"),
            vat_number: None,
            registration_number: None,
            email: None,
            ..danish
        },
        "german-company" => abroad("Kunde GmbH", "DE", "DE811907980", Some("9930:DE811907980")),
        "german-public" => {
            Buyer { vat_number: text("DE811907980"), ..abroad("Amt", "DE", "", Some("0204:991-01484-64")) }
        }
        "swedish-company" => abroad("Kund AB", "SE", "SE556188840401", Some("0007:5561888404")),
        "norwegian-company" => abroad("Kunde AS", "NO", "NO974760673MVA", Some("0192:974760673")),
        "american-company" => abroad("Customer Inc.", "US", "12-3456789", None),
        other => panic!("no buyer {other}"),
    }
}

/// A document of lines in the categories named, as `S+Z`.
pub fn document(seed: u64, kind: Kind, seller_kind: &str, buyer_kind: &str, categories: &str, code: &str) -> Made {
    let mut random = Random(seed);
    let currency: Currency = code.parse().unwrap();
    let seller = seller(seller_kind);
    let base_currency: Currency = if seller.country_code == "DE" { "EUR" } else { "DKK" }.parse().unwrap();
    let mut lines = Vec::new();
    // `S+S` are two rates of the same category.
    for (nth, category) in categories.split('+').enumerate() {
        let category: VatCategory = category.parse().unwrap();
        let rate = match category {
            VatCategory::S if nth > 0 => number("12.5"),
            VatCategory::S => number(if seller.country_code == "DE" { "19" } else { "25" }),
            _ => Decimal::ZERO,
        };
        for _ in 0..1 + random.below(3) {
            lines.push(product(&mut random, lines.len(), kind, category, rate, currency));
        }
        if random.below(3) == 0 {
            lines.push(line(LineBody::Text("Tak for ordren — \"med\" <venlig> & hilsen".to_owned())));
            lines.push(line(LineBody::Separator));
        }
    }
    share_vat(&mut lines, |_| true);
    let (groups, subtotal, vat, amount) = total(&lines, currency);
    let is_note = kind == Kind::CreditNote;
    let text = format!("{}-{:05}", if is_note { "CN" } else { "INV" }, seed + 1);
    let buyer = buyer(buyer_kind);
    let mut document = Document {
        id: Uuid::nil().into(),
        kind,
        number: Some(Number { series_id: Uuid::nil().into(), year: 0, sequence: 1, text }),
        numbered_at: Some(Timestamp::UNIX_EPOCH),
        date: day("2026-06-15"),
        due_date: (!is_note).then(|| day("2026-07-15")),
        currency,
        head: head(&mut random, is_note),
        invoice: None,
        reverses: None,
        converted_from: None,
        lines,
        groups,
        subtotal,
        vat,
        amount,
        base_currency,
        exchange_rate: None,
        base_amount: None,
        base_vat: None,
        origin: "api".to_owned(),
        language: Some("da".to_owned()),
        pinned: Some(Pinned {
            booking: Some(Booking { at: Timestamp::UNIX_EPOCH, entry_id: Uuid::nil().into() }),
            seller: seller.clone(),
            buyer: buyer.clone(),
            template_version: 1,
            snapshot_sha256: String::new(),
        }),
        facts: Facts::default(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    base::pin(&mut document, number("7.4605")).unwrap();
    // One invoice, several, or none but one of another system.
    let several = is_note && random.below(4) == 0;
    let preceding = match (is_note, document.head.external_invoice.is_some()) {
        (true, false) => (0..if several { 3 } else { 1 })
            .map(|n| Preceding { number: format!("INV-{n:05}"), date: Some(day("2026-05-01")) })
            .collect(),
        _ => Vec::new(),
    };
    let name = format!("{seed:03}-{kind}-{seller_kind}-{buyer_kind}-{categories}-{code}");
    Made { name, document, seller, buyer, preceding }
}

fn head(random: &mut Random, is_note: bool) -> Head {
    let some = |random: &mut Random, text: &str| (random.below(2) == 0).then(|| text.to_owned());
    let delivery_date = (random.below(3) == 0).then(|| day("2026-06-10"));
    let has_period = random.below(3) == 0;
    Head {
        customer_id: Uuid::nil().into(),
        payment_terms: (!is_note).then_some(30),
        customer_department_id: None,
        customer_contact_id: None,
        reference: Some("PO-7781".to_owned()),
        our_reference: some(random, "Anna"),
        description: some(random, "Abonnement, juni"),
        notes: some(random, "Tak\r\nfor handlen"),
        document_template_id: None,
        delivery_date,
        delivery_country_code: None,
        period_start: has_period.then(|| day("2026-06-01")),
        period_end: has_period.then(|| day("2026-06-30")),
        tax_point_date: (random.below(4) == 0).then(|| day("2026-06-12")),
        valid_until: None,
        external_invoice: (is_note && random.below(5) == 0).then(|| ("OLD-77".to_owned(), day("2025-12-31"))),
        credited_period: None,
        reason: is_note.then_some(Reason::PriceAdjustment),
        metadata: Metadata::default(),
    }
}

pub fn line(body: LineBody) -> Line {
    Line { id: Uuid::nil().into(), body }
}

/// Prices of one, of fractions, with discounts, and of tiers: those have no price that gives their total.
fn product(
    random: &mut Random,
    at: usize,
    kind: Kind,
    category: VatCategory,
    rate: Decimal,
    currency: Currency,
) -> Line {
    let whole = currency.exponent() != 2;
    let quantity =
        number(if whole { random.pick(&["1", "4", "20"]) } else { random.pick(&["1", "3", "0.333333", "1000"]) });
    let unit_price =
        number(if whole { random.pick(&["400", "1200"]) } else { random.pick(&["300", "33.33", "0.0125"]) });
    let discount_percent = number(if whole { "0" } else { random.pick(&["0", "0", "10", "33.3333", "100"]) });
    let mut net = line_total(quantity, unit_price, discount_percent, currency).unwrap();
    if random.below(4) == 0 && !net.is_zero() && currency.exponent() < 3 {
        // A tier's total is lower than quantity × the price shown.
        net = billing::money::Money::new(net.minor() / 2 / 400 * 400 + 400, currency);
    }
    let (reason, reason_code) = reason(category);
    let has_period = random.below(3) == 0;
    line(LineBody::Product(Box::new(ProductLine {
        price_id: None,
        product_id: None,
        product_number: at.is_multiple_of(2).then(|| format!("P-{at}")),
        description: format!("Honning nr. {at}, økologisk & \"rå\""),
        quantity,
        unit: random
            .pick(&[None, Some("måned"), Some("stk"), Some("GB"), Some("km"), Some("palle")])
            .map(str::to_owned),
        unit_price,
        discount_percent,
        total: if kind.sign() < 0 { -net } else { net },
        vat_rate: rate,
        vat_category: category,
        vat_country: None,
        vat: billing::money::Money::zero(currency),
        exemption_reason: reason.map(str::to_owned),
        exemption_reason_code: reason_code.map(str::to_owned),
        account_id: Uuid::nil().into(),
        vat_code_id: None,
        is_goods: category == VatCategory::K,
        base_total: None,
        base_vat: None,
        particulars: Particulars {
            period_start: has_period.then(|| day("2026-06-01")),
            period_end: has_period.then(|| day("2026-06-30")),
            ..Particulars::default()
        },
        invoice_line_id: None,
    })))
}

fn reason(category: VatCategory) -> (Option<&'static str>, Option<&'static str>) {
    match category {
        VatCategory::S | VatCategory::Z => (None, None),
        VatCategory::E => (Some("Undervisning, momsloven § 13"), Some("VATEX-EU-132-1I")),
        VatCategory::AE => (Some("Reverse charge"), Some("VATEX-EU-AE")),
        VatCategory::K => (Some("Intra-Community supply"), Some("VATEX-EU-IC")),
        VatCategory::G => (Some("Export outside the EU"), Some("VATEX-EU-G")),
        VatCategory::O => (Some("Not subject to VAT"), Some("VATEX-EU-O")),
    }
}
