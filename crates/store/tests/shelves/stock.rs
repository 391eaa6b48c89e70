//! One of everything that is shelved. Two companies' stocks share all their ids,
//! so that a statement which forgets to name the company finds the other's row.

use billing::accounts::{Account, AccountClassification, ControlAccountType, LedgerType};
use billing::catalogue::{
    BillingInterval, BillingPeriodType, Price, PriceStatus, PricingModel, Product, ProductGroup, VatRatesByZone,
    available_currencies,
};
use billing::company::{Company, CompanyMode};
use billing::credit::{LineState, Mode, Share};
use billing::crediting::{AskMode, InvoiceLine, NoteShare};
use billing::customers::{
    BillingRelationship, Contact, Customer, CustomerGroup, CustomerType, DeliveryType, Department, InvoicingMode,
    VatZone,
};
use billing::document::{Booking, Document, Head, Number, Pinned, Reason, Source, VatGroup};
use billing::exchange_rates::{ExchangeRate, RateSource};
use billing::formats::Format;
use billing::ids::{
    AccountId, CompanyId, ContactId, CustomerId, DepartmentId, DocumentId, EntryId, Id, JobId, OpenItemId, TagId,
    TemplateId, VatCodeId,
};
use billing::input::Metadata;
use billing::input::customers::Language;
use billing::keys::ApiKey;
use billing::kind::Kind;
use billing::lines::{Line, LineBody, Particulars, ProductLine};
use billing::money::{Currency, LARGEST, Money};
use billing::oss_rates::{Charged, OssRate};
use billing::parties;
use billing::postings::{NewEntry, Posting};
use billing::scope::Scope;
use billing::series::Series;
use billing::status::{DeliveryState, Facts};
use billing::templates::{Design, Logo, LogoType, Look, Template, TemplateSettings, TemplateType};
use billing::tiers::Tier;
use billing::vat::VatCategory;
use billing::vat_codes::{Principle, VatCode, VatRate, VatType, rate_on};
use jiff::civil::Date;
use rust_decimal::Decimal;
use store::allocations::{self, Allocation};
use store::db::{Tx, params};
use store::deliveries::{Attempt, Delivery};
use store::events::{EventOrigin, NewEvent};
use store::journal_categories::JournalCategory;
use store::open_items::{self, OpenItem, Origin};
use store::{
    Error, accounts, companies, contacts, credits, customer_groups, customers, deliveries, departments, documents,
    events, exchange_rates, files, jobs, journal_categories, keys, ledger, oss_rates, prices, pricing, product_groups,
    products, series, templates, vat_codes,
};
use uuid::Uuid;

use crate::house::{at, day, decimal};

/// What sets one stock apart from another of the same ids.
#[derive(Clone, Copy)]
pub struct Flavour {
    /// Ends every text.
    pub mark: &'static str,
    /// Moves every number.
    pub twist: i64,
    /// Whether what may be null is there.
    pub is_full: bool,
}

/// Texts that escaping, quoting or another encoding would spoil.
pub const FULL: Flavour = Flavour { mark: "'; -- \"Sød\" 蜂蜜 🐝 \\ % _ $1 ? {}\r\n\t", twist: 1, is_full: true };
/// Nothing that may be left out.
pub const BARE: Flavour = Flavour { mark: "b", twist: 2, is_full: false };

impl Flavour {
    fn some<T>(&self, value: T) -> Option<T> {
        self.is_full.then_some(value)
    }

    fn text(&self, what: &str) -> String {
        format!("{what} {}", self.mark)
    }

    fn words(&self, what: &str) -> Option<String> {
        self.some(self.text(what))
    }

    fn metadata(&self) -> Metadata {
        let pairs = [("plain", self.mark.to_owned()), (self.mark, String::new()), ("∅", "NULL".to_owned())];
        Metadata(if self.is_full {
            pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
        } else {
            Default::default()
        })
    }

    /// A count of ten decimal places.
    fn amount(&self) -> Decimal {
        Decimal::new(12_345_678_901_234 + self.twist, 10)
    }

    /// About the largest amount there may be.
    fn minor(&self) -> i64 {
        LARGEST - self.twist
    }
}

/// The n-th id of any kind: the same in every stock.
pub fn id<T: Id>(n: u128) -> T {
    T::from(Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub const TODAY: Date = Date::constant(2026, 6, 10);

/// One of everything, of one company.
#[derive(Clone)]
pub struct Stock {
    pub company: Company,
    pub vat_code: VatCode,
    pub accounts: Vec<Account>,
    pub series: Vec<Series>,
    pub template: Template,
    pub look: Look,
    pub key: ApiKey,
    pub key_hash: String,
    pub rates: Vec<ExchangeRate>,
    pub category: JournalCategory,
    pub customer_group: CustomerGroup,
    pub customer: Customer,
    pub contact: Contact,
    pub department: Department,
    pub product_group: ProductGroup,
    pub product: Product,
    pub price: Price,
    pub invoice: Document,
    pub note: Document,
    pub shares: Vec<NoteShare>,
    pub entry: NewEntry,
    pub item: OpenItem,
    pub allocation: Allocation,
    pub delivery: Delivery,
    pub attempt: Attempt,
    pub event: NewEvent,
    pub snapshot: String,
    pub file: Vec<u8>,
    pub job: (JobId, String),
}

const SALES: u128 = 20;
const RECEIVABLES: u128 = 21;

impl Stock {
    pub fn new(company_id: CompanyId, f: Flavour) -> Stock {
        let company = company(company_id, &f);
        let accounts = accounts_of(&f);
        let vat_code = vat_code(&f, &accounts);
        let rates = rates(&f);
        let customer_group = CustomerGroup {
            id: id(30),
            number: f.text("group"),
            name: f.text("Everybody"),
            discount: f.some(f.amount()),
            account_id: accounts[1].id,
            account_number: accounts[1].account_number,
            account_name: accounts[1].name.clone(),
            metadata: f.metadata(),
        };
        let customer = customer(&f, &customer_group);
        let product_group = product_group(&f, &accounts);
        let product = product(&f);
        let price = price(&f, &company, &vat_code, &rates);
        let invoice = document(&f, Kind::Invoice, &company, &customer);
        let note = document(&f, Kind::CreditNote, &company, &customer);
        let (delivery, attempt) = delivery(&f, invoice.id);
        Stock {
            vat_code,
            series: ["invoice", "creditNote"].into_iter().zip(0..).map(|(kind, n)| numbering(&f, kind, n)).collect(),
            template: template(&f),
            look: look(&f),
            key: key(&f),
            key_hash: f.text("hash"),
            rates,
            category: JournalCategory {
                id: id(9),
                name: f.text("Invoices"),
                is_default: f.is_full,
                allowed_journal_types: if f.is_full { vec!["CUSTOMER_INVOICE", "JOURNAL_ENTRY"] } else { vec![] },
            },
            contact: Contact {
                id: id(31),
                customer_id: customer.id,
                name: f.text("Jens"),
                email: f.words("jens"),
                phone: f.words("+45"),
                is_default: f.is_full,
                receives_invoices: f.is_full,
            },
            department: Department {
                id: id(32),
                customer_id: customer.id,
                name: f.text("Lager"),
                is_default: f.is_full,
                is_active: !f.is_full,
                ean_number: f.words("ean"),
                address: f.words("address"),
                city: f.words("city"),
                postal_code: f.words("8000"),
                country_code: f.words("DK"),
                email: f.words("lager"),
            },
            shares: vec![NoteShare {
                note_line_id: id(60),
                invoice_id: invoice.id,
                invoice_line_id: invoice.lines[0].id,
                mode: AskMode::Amount,
                share: Share { line: 0, net: f.minor(), vat: 2, base_net: 3, base_vat: 4, quantity: f.amount() },
            }],
            entry: entry(&f, &company, &invoice),
            item: OpenItem {
                id: id(70),
                customer_id: customer.id,
                account_id: id(RECEIVABLES),
                origin: Origin::Document(invoice.id),
                open: Money::new(f.minor(), invoice.currency),
                base_open: -f.minor(),
                exchange_rate: f.some(f.amount()),
            },
            allocation: Allocation {
                id: id(71),
                credit: (id(72), Some(note.id)),
                debit: (id(70), invoice.id),
                reminder: None,
                amount: f.minor(),
                credit_base: 5,
                debit_base: 6,
                entry_id: id(73),
                date: TODAY,
                created_at: at("2026-06-10T08:00:00.001Z"),
                reversal: None,
            },
            event: NewEvent {
                id: id(80),
                kind: "invoice.created",
                resource_type: "invoice",
                resource_id: invoice.id.0,
                data: f.text("{}"),
                before: f.words("{}"),
            },
            snapshot: f.text("{}"),
            file: if f.is_full { (0..=255).cycle().take(100_000).collect() } else { vec![] },
            job: (id(81), f.text("archive")),
            company,
            accounts,
            customer_group,
            customer,
            product_group,
            product,
            price,
            invoice,
            note,
            delivery,
            attempt,
        }
    }

    /// Shelves all of it.
    pub fn shelve(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        self.shelve_books(tx)?;
        self.shelve_documents(tx)
    }

    /// Shelves what documents are made from.
    pub fn shelve_books(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let (own, made_at) = (self.company.id, self.company.created_at);
        companies::insert(tx, &self.company)?;
        vat_codes::insert(tx, own, &self.vat_code, made_at)?;
        for account in &self.accounts {
            accounts::insert(tx, own, account, made_at)?;
        }
        for one in &self.series {
            series::insert(tx, own, one, made_at)?;
        }
        templates::insert(tx, own, &self.template, &self.look)?;
        keys::insert(tx, own, &self.key, &self.key_hash)?;
        for rate in &self.rates {
            exchange_rates::set(tx, own, rate)?;
        }
        for rate in &self.oss_rates() {
            oss_rates::set(tx, own, rate)?;
        }
        journal_categories::insert(tx, own, &self.category)?;
        customer_groups::insert(tx, own, &self.customer_group, made_at)?;
        customers::insert(tx, own, &self.customer)?;
        contacts::insert(tx, own, &self.contact, made_at)?;
        departments::insert(tx, own, &self.department, made_at)?;
        product_groups::insert(tx, own, &self.product_group)?;
        products::insert(tx, own, &self.product)?;
        prices::insert(tx, own, &self.price)
    }

    fn shelve_documents(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let (own, made_at) = (self.company.id, self.company.created_at);
        documents::insert(tx, own, &self.invoice, "invoice")?;
        documents::insert(tx, own, &self.note, "note")?;
        credits::set_state(tx, own, self.invoice.id, &self.credited_line())?;
        credits::insert_shares(tx, own, self.note.id, &self.shares)?;
        credits::insert(tx, own, self.note.id, self.invoice.id, self.invoice.amount)?;
        ledger::append(tx, own, &self.entry)?;
        open_items::insert(tx, own, &self.item, self.entry.id, (TODAY, self.invoice.due_date), made_at)?;
        allocations::insert(tx, own, &self.allocation)?;
        deliveries::insert(tx, own, &self.delivery)?;
        deliveries::insert_attempt(tx, own, &self.attempt)?;
        events::append(tx, own, &self.origin(), std::slice::from_ref(&self.event))?;
        files::insert_snapshot(tx, own, self.invoice.id, "sha", &self.snapshot)?;
        assert!(files::archive(tx, own, self.invoice.id, "pdf", &self.company.name, &self.file, made_at)?);
        jobs::insert(tx, own, self.job.0, &self.job.1, self.invoice.id.0, made_at)
    }

    /// Where the event comes from.
    pub fn origin(&self) -> EventOrigin<'_> {
        EventOrigin {
            occurred_at: self.company.created_at,
            actor_type: "api_key",
            actor_id: self.company.email.clone(),
            request_id: &self.company.name,
            remote_address: self.company.phone.as_deref(),
            agent: self.company.city.as_deref(),
        }
    }

    /// The invoice's first line with something credited.
    fn credited_line(&self) -> InvoiceLine {
        let line = self.invoice.lines[0].product().expect("the first line has amounts").clone();
        let base = |money: Option<Money>, own: Money| money.unwrap_or(own).minor();
        let state = LineState {
            net: line.total.minor(),
            vat: line.vat.minor(),
            base_net: base(line.base_total, line.total),
            base_vat: base(line.base_vat, line.vat),
            credited_net: self.item.open.minor(),
            credited_vat: 2,
            credited_base_net: 3,
            credited_base_vat: 4,
            epoch_net: 5,
            epoch_quantity: line.quantity,
            quantity_left: Decimal::new(1, 10),
        };
        InvoiceLine { id: self.invoice.lines[0].id, line, state }
    }

    /// The same rows with other values in all that may change.
    pub fn changed(&self, f: Flavour) -> Stock {
        let other = Stock::new(self.company.id, f);
        let (from, made_at) = (self.clone(), self.company.created_at);
        let accounts: Vec<Account> = (other.accounts.into_iter().zip(&self.accounts))
            .map(|(account, before)| Account {
                ledger_type: before.ledger_type,
                control_account_type: before.control_account_type,
                role: before.role.clone(),
                ..account
            })
            .collect();
        let vat_code = VatCode {
            vat_code: from.vat_code.vat_code,
            vat_type: from.vat_code.vat_type,
            principle: from.vat_code.principle,
            country_code: from.vat_code.country_code,
            ..other.vat_code
        };
        let rates = (other.rates.into_iter().zip(from.rates)).map(|(rate, before)| ExchangeRate {
            rate: rate.rate,
            source: rate.source,
            ..before
        });
        let price = Price { created_at: from.price.created_at, is_locked: from.price.is_locked, ..other.price };
        let delivery = Delivery { message: from.delivery.message, ..other.delivery };
        let facts = |document: Document, facts: Facts| Document { facts, updated_at: made_at, ..document };
        Stock {
            company: Company { created_at: made_at, ..other.company },
            accounts,
            vat_code,
            key: ApiKey { revoked_at: Some(at("2026-06-10T10:00:00.010Z")), ..from.key },
            rates: rates.collect(),
            series: other.series,
            customer_group: other.customer_group,
            customer: Customer { created_at: from.customer.created_at, ..other.customer },
            contact: other.contact,
            department: other.department,
            product_group: ProductGroup { created_at: from.product_group.created_at, ..other.product_group },
            product: Product { created_at: from.product.created_at, ..other.product },
            price,
            invoice: facts(from.invoice, other.invoice.facts),
            note: facts(from.note, other.note.facts),
            item: OpenItem {
                open: Money::new(other.item.open.minor(), from.item.open.currency()),
                base_open: other.item.base_open,
                ..from.item
            },
            delivery,
            ..self.clone()
        }
    }

    /// The rates of its VAT code, where that is another country's.
    pub fn oss_rates(&self) -> Vec<OssRate> {
        let VatCode { country_code: Some(country), account_to_book_id: Some(account), rates, .. } = &self.vat_code
        else {
            return Vec::new();
        };
        let account = self.accounts.iter().find(|own| own.id == *account).unwrap();
        let rate = |(n, rate): (u128, &VatRate)| OssRate {
            id: id(200 + n),
            country: country.clone(),
            rate: rate.vat_rate,
            account_id: account.id,
            account_number: account.account_number,
            account_name: account.name.clone(),
            valid_from: rate.valid_from,
            vat_code_id: self.vat_code.id,
            vat_code: self.vat_code.vat_code.clone(),
        };
        (0..).zip(rates).map(rate).collect()
    }

    /// Writes all that may change.
    pub fn update(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let (own, changed_at) = (self.company.id, self.company.updated_at);
        companies::update(tx, &self.company)?;
        for account in &self.accounts {
            accounts::update(tx, own, account, changed_at)?;
        }
        vat_codes::update(tx, own, &self.vat_code, changed_at)?;
        for one in &self.series {
            series::update(tx, own, one, changed_at)?;
        }
        keys::revoke(tx, own, self.key.id, at("2026-06-10T10:00:00.010Z"))?;
        for rate in &self.rates {
            exchange_rates::set(tx, own, rate)?;
        }
        customer_groups::update(tx, own, &self.customer_group, changed_at)?;
        customers::update(tx, own, &self.customer)?;
        contacts::update(tx, own, &self.contact, changed_at)?;
        departments::update(tx, own, &self.department, changed_at)?;
        product_groups::update(tx, own, &self.product_group)?;
        products::update(tx, own, &self.product)?;
        prices::update(tx, own, &self.price)?;
        documents::set_facts(tx, own, &self.invoice)?;
        documents::set_facts(tx, own, &self.note)?;
        credits::set_state(tx, own, self.invoice.id, &self.credited_line())?;
        open_items::set_open(tx, own, &self.item)?;
        deliveries::update(tx, own, &self.delivery)
    }

    /// All of it comes back as it was shelved, by every way that reads it, and nothing else with it.
    pub fn check(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        self.check_books(tx)?;
        self.check_catalogue(tx)?;
        self.check_documents(tx)?;
        self.check_outbox(tx)
    }

    fn check_books(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let own = self.company.id;
        assert_eq!(companies::get(tx, own)?, self.company);
        assert!(companies::list(tx)?.contains(&self.company));
        assert_eq!(vat_codes::get(tx, own, self.vat_code.id, TODAY)?.as_ref(), Some(&self.vat_code));
        assert_eq!(vat_codes::list(tx, own, TODAY)?, std::slice::from_ref(&self.vat_code));
        assert_eq!(vat_codes::id_of(tx, own, &self.vat_code.vat_code)?, Some(self.vat_code.id));
        let oss = self.oss_rates();
        assert_eq!(oss_rates::list(tx, own)?, oss);
        for rate in &oss {
            let (country, account) = (rate.country.as_str(), rate.account_id);
            assert_eq!(oss_rates::at(tx, own, country, rate.valid_from)?.as_ref(), Some(rate));
            let charged = Charged { country: rate.country.clone(), rate: rate.rate, vat_code_id: rate.vat_code_id };
            assert_eq!(oss_rates::on(tx, own, country, rate.valid_from)?, Some(charged));
            assert_eq!(oss_rates::code(tx, own, country, account)?, Some(self.vat_code.id));
            // Each of its lines credits an invoice line, and that is no use of today's rate.
            assert_eq!(oss_rates::last_used_on(tx, own, country)?, None);
        }
        assert_eq!(accounts::list(tx, own)?, self.accounts);
        for account in &self.accounts {
            assert_eq!(accounts::get(tx, own, account.id)?.as_ref(), Some(account));
            assert_eq!(accounts::by_number(tx, own, account.account_number)?.as_ref(), Some(account));
        }
        for one in &self.series {
            assert_eq!(&series::get(tx, own, &one.document_kind)?, one);
            assert_eq!(series::by_id(tx, own, one.id)?.as_ref(), Some(one));
            assert!(series::prefixes(tx, own, one.id)?.contains(&(one.prefix.clone(), one.per_fiscal_year)));
        }
        assert_eq!(templates::get(tx, own, self.template.id)?.as_ref(), Some(&self.template));
        assert_eq!(templates::list(tx, own)?, std::slice::from_ref(&self.template));
        let version = self.template.version;
        assert_eq!(templates::look(tx, own, self.template.id, version)?.as_ref(), Some(&self.look));
        assert_eq!(templates::look(tx, own, self.template.id, version - 1)?, None);
        let named = i64::from(self.customer.document_template_ids.contains(&self.template.id));
        assert_eq!(templates::customers_with(tx, own, self.template.id)?, named);
        let default = templates::default_of(tx, own, self.template.document_type.as_str())?;
        assert_eq!(default, self.template.is_default.then(|| self.template.clone()));
        assert_eq!(keys::get(tx, own, self.key.id)?.as_ref(), Some(&self.key));
        assert_eq!(keys::list(tx, own)?, std::slice::from_ref(&self.key));
        assert_eq!(keys::by_hash(tx, &self.key_hash)?, Some((own, self.key.clone())));
        for rate in &self.rates {
            assert_eq!(exchange_rates::on(tx, own, rate.currency, rate.date)?.as_ref(), Some(rate));
            assert_eq!(exchange_rates::latest(tx, own, rate.currency, TODAY)?, Some(rate.rate));
        }
        assert_eq!(exchange_rates::quoted(tx, own, TODAY)?, currencies(&self.rates));
        let category = "select name, is_default, allowed_journal_types from journal_categories where company_id = $1";
        let mut rows = tx.all(category, params![own])?;
        assert_eq!(rows.len(), 1);
        let (name, is_default, types): (String, bool, String) = (rows[0].next()?, rows[0].next()?, rows[0].next()?);
        let types: Vec<&str> = types.split_whitespace().collect();
        let JournalCategory { id: _, name: own_name, is_default: own_default, allowed_journal_types } = &self.category;
        assert_eq!((&name, is_default, &types), (own_name, *own_default, allowed_journal_types));
        Ok(())
    }

    fn check_catalogue(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let own = self.company.id;
        let group = &self.customer_group;
        assert_eq!(customer_groups::get(tx, own, group.id)?.as_ref(), Some(group));
        assert_eq!(customer_groups::list(tx, own)?, std::slice::from_ref(group));
        assert_eq!(customer_groups::by_number(tx, own, &group.number)?, Some(group.id));
        assert_eq!(pricing::receivables(tx, own, group.id)?, group.account_id);
        let customer = &self.customer;
        assert_eq!(customers::get(tx, own, customer.id)?.as_ref(), Some(customer));
        assert_eq!(customers::all(tx, own, &Default::default())?, std::slice::from_ref(customer));
        let (number, other) = (customer.customer_number.as_str(), customer.external_system_id.as_deref());
        for (number, is_taken) in [(Some(number), true), (Some("none"), false), (None, false)] {
            assert_eq!(customers::is_taken(tx, own, number, other)?, (is_taken, other.is_some()));
            assert_eq!(customers::is_taken(tx, own, number, Some("none"))?, (is_taken, false));
        }
        let ids: Vec<&str> = other.into_iter().chain(["none"]).collect();
        let taken = customers::taken(tx, own, &["none", number], &ids)?;
        assert_eq!(taken, ([number.to_owned()].into(), other.map(str::to_owned).into_iter().collect()));
        let parents = customers::parents(tx, own, &[customer.id, id(99)].into())?;
        assert_eq!(parents, [(customer.id, customer.parent_customer_id)].into());
        let groups = customer_groups::several(tx, own, &[self.customer_group.id, id(99)].into())?;
        assert_eq!(groups, [(self.customer_group.id, self.customer_group.clone())].into());
        assert_eq!(customers::parent(tx, own, customer.id)?, Some(customer.parent_customer_id));
        let (contact, department) = (&self.contact, &self.department);
        assert_eq!(contacts::get(tx, own, contact.id)?.as_ref(), Some(contact));
        assert_eq!(contacts::of_customer(tx, own, customer.id)?, std::slice::from_ref(contact));
        assert_eq!(departments::get(tx, own, department.id)?.as_ref(), Some(department));
        assert_eq!(departments::of_customer(tx, own, customer.id)?, std::slice::from_ref(department));
        let receiver = self.contact.email.clone().filter(|_| self.contact.receives_invoices);
        assert_eq!(customers::invoice_email(tx, own, customer)?, receiver.or(customer.email.clone()));
        let group = &self.product_group;
        assert_eq!(product_groups::get(tx, own, group.id)?.as_ref(), Some(group));
        assert_eq!(product_groups::by_number(tx, own, &group.number)?, Some(group.id));
        let sales = product_groups::account(tx, own, id(SALES))?.expect("sales are booked somewhere");
        assert_eq!((sales.number, &sales.name), (self.accounts[0].account_number, &self.accounts[0].name));
        assert_eq!(sales.vat_type, self.accounts[0].vat_code_id.map(|_| self.vat_code.vat_type));
        let product = &self.product;
        assert_eq!(products::get(tx, own, product.id)?.as_ref(), Some(product));
        let (number, other) = (product.number.as_str(), product.external_system_id.as_deref());
        for (number, is_taken) in [(Some(number), true), (Some("none"), false), (None, false)] {
            assert_eq!(products::is_taken(tx, own, number, other)?, (is_taken, other.is_some()));
            assert_eq!(products::is_taken(tx, own, number, Some("none"))?, (is_taken, false));
        }
        let ids: Vec<&str> = other.into_iter().chain(["none"]).collect();
        let taken = products::taken(tx, own, &["none", number], &ids)?;
        assert_eq!(taken, ([number.to_owned()].into(), other.map(str::to_owned).into_iter().collect()));
        assert_eq!(product_groups::there(tx, own, &[group.id, id(99)].into())?, [group.id].into());
        assert_eq!(prices::get(tx, &self.company, TODAY, self.price.id)?.as_ref(), Some(&self.price));
        let prices = prices::of_product(tx, &self.company, TODAY, product.id)?;
        assert_eq!(prices, std::slice::from_ref(&self.price));
        for zone in [VatZone::Domestic, VatZone::Eu, VatZone::Abroad, VatZone::DomesticWithoutVat] {
            self.check_item(tx, zone)?;
        }
        Ok(())
    }

    fn check_item(&self, tx: &mut dyn Tx, zone: VatZone) -> Result<(), Error> {
        let items = pricing::items(tx, self.company.id, [self.price.id, id(99)].into_iter(), zone, TODAY)?;
        assert_eq!(items.len(), 1);
        let item = &items[&self.price.id];
        let group = &self.product_group;
        let account_id = match zone {
            VatZone::Domestic => group.domestic_account_id,
            VatZone::Eu => group.eu_account_id,
            VatZone::Abroad => group.abroad_account_id,
            VatZone::DomesticWithoutVat => group.domestic_without_vat_account_id,
        };
        let account = self.accounts.iter().find(|account| account.id == account_id).expect("it is shelved");
        let code = account.vat_code_id.map(|_| &self.vat_code);
        assert_eq!((item.account_id, item.vat_code_id), (account_id, account.vat_code_id));
        assert_eq!(item.vat_rate, code.map_or(Decimal::ZERO, |code| code.vat_rate));
        assert_eq!(item.vat_category, code.and_then(|code| code.vat_category));
        assert_eq!(item.vat_account_id, code.and_then(|code| code.account_to_book_id));
        assert_eq!(item.exemption_reason, code.and_then(|code| code.exemption_reason.clone()));
        assert_eq!(item.exemption_reason_code, code.and_then(|code| code.exemption_reason_code.clone()));
        assert_eq!((item.product_id, &item.product_number), (self.product.id, &self.product.number));
        assert_eq!((&item.product_name, &item.unit), (&self.product.name, &self.product.unit));
        assert_eq!((item.is_goods, item.product_is_active), (self.product.is_goods, self.product.is_active));
        assert_eq!((item.price_status, item.pricing_model), (self.price.status, self.price.pricing_model));
        assert_eq!((item.currency, item.unit_amount), (self.price.currency, self.price.unit_amount));
        assert_eq!(item.tiers, self.price.tiers);
        Ok(())
    }

    fn check_documents(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let own = self.company.id;
        for document in [&self.invoice, &self.note] {
            assert_eq!(documents::get(tx, own, document.id)?.as_ref(), Some(document));
            for line in &document.lines {
                assert_eq!(store::lines::document_of(tx, own, line.id)?, Some(document.id));
            }
            if let Some(number) = &document.number {
                // Both have the same number: the kind tells them apart.
                let found = documents::by_number(tx, own, document.kind, &number.text)?;
                assert_eq!(found.as_ref(), Some(document));
                assert_eq!(documents::by_number(tx, own, Kind::Quote, &number.text)?, None);
            }
        }
        assert_eq!(documents::any_booked(tx, own)?, self.invoice.is_booked());
        let used = self.invoice.is_booked() && self.invoice.products().any(|line| line.vat_code_id.is_some());
        assert_eq!(vat_codes::last_used_on(tx, own, self.vat_code.id)?, used.then(|| self.invoice.tax_point()));

        let states = credits::invoice_lines(tx, own, &self.invoice)?;
        let credited = self.credited_line();
        let fresh = states.iter().skip(1).all(|line| line.state.credited_net == 0);
        assert!(fresh && states.len() == self.invoice.products().count());
        assert_eq!((states[0].id, &states[0].line), (credited.id, &credited.line));
        assert_eq!(states[0].state, credited.state);
        let linked = |other: &Document, own: &Document| {
            let number = other.number.as_ref().map(|number| number.text.clone());
            (other.id, number, other.date, Money::new(self.invoice.amount.minor(), own.currency))
        };
        assert_eq!(credits::linked(tx, own, &self.note)?, [linked(&self.invoice, &self.note)]);
        let notes = credits::linked(tx, own, &self.invoice)?;
        let is_shown = self.invoice.facts.credit_notes > 0 && self.note.facts.voided_at.is_none();
        assert_eq!(notes, if is_shown { vec![linked(&self.note, &self.invoice)] } else { vec![] });
        self.check_shares(tx)?;
        let reverses = |document: &&Document| document.reverses.is_some() && document.facts.cancelled_at.is_none();
        let reversing = [&self.invoice, &self.note].into_iter().find(reverses);
        let reversing = reversing.map(|document| (document.id, document.number.as_ref().map(|n| n.text.clone())));
        assert_eq!(documents::reversing(tx, own, id(51))?, reversing);

        assert_eq!(open_items::of_document(tx, own, self.invoice.id)?.as_ref(), Some(&self.item));
        assert_eq!(open_items::of_document(tx, own, self.note.id)?, None);
        assert_eq!(open_items::get(tx, own, self.item.id)?.as_ref(), Some(&self.item));
        let number = self.invoice.number.as_ref().map(|number| number.text.clone());
        let allocated = allocations::of_item(tx, own, self.allocation.credit.0)?;
        assert_eq!(allocated, [(self.allocation.clone(), number)]);
        let entry = ledger::entry(tx, own, self.entry.id, self.company.currency)?.expect("it was appended");
        assert_eq!((entry.postings, entry.date), (self.entry.postings.clone(), self.entry.date));
        assert_eq!(ledger::vat_account(tx, own, self.vat_code.id)?, self.vat_code.account_to_book_id);
        let role = self.accounts.iter().find(|account| account.role.is_some()).map(|account| account.id);
        assert_eq!(ledger::role(tx, own, "ExchangeDifference")?, role);
        assert!(accounts::is_posted_on(tx, own, id(RECEIVABLES))?);
        assert!(!accounts::is_posted_on(tx, own, id(99))?);
        assert!(companies::has_bookings(tx, own)?);
        Ok(())
    }

    fn check_shares(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let shares = credits::shares(tx, self.company.id, self.note.id)?;
        assert_eq!(shares, self.shares);
        assert_eq!(credits::shares(tx, self.company.id, self.invoice.id)?, []);
        Ok(())
    }

    fn check_outbox(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let own = self.company.id;
        assert_eq!(deliveries::get(tx, own, self.delivery.id)?.as_ref(), Some(&self.delivery));
        assert_eq!(deliveries::of(tx, own, self.invoice.id)?, std::slice::from_ref(&self.delivery));
        assert_eq!(deliveries::attempts_of(tx, own, self.invoice.id)?, std::slice::from_ref(&self.attempt));
        assert_eq!(files::snapshot(tx, own, self.invoice.id)?.as_ref(), Some(&self.snapshot));
        let (sha256, bytes) = files::get(tx, own, self.invoice.id, "pdf")?.expect("it is archived");
        assert!(bytes == self.file, "{} bytes came back as {}", self.file.len(), bytes.len());
        assert!(!sha256.is_empty());
        assert_eq!(files::get(tx, own, self.invoice.id, "xml")?, None);
        let mut rows = tx.all(
            "select sequence, id, type, occurred_at, resource_type, resource_id, actor_type, actor_id, request_id, \
                remote_address, agent, data, before from events where company_id = $1",
            params![own],
        )?;
        assert_eq!(rows.len(), 1);
        let (row, event) = (&mut rows[0], &self.event);
        assert_eq!(row.next::<i64>()?, 1);
        assert_eq!((row.id::<billing::ids::EventId>()?, row.next::<String>()?.as_str()), (event.id, event.kind));
        assert_eq!(row.next::<jiff::Timestamp>()?, self.company.created_at);
        assert_eq!((row.next::<String>()?.as_str(), row.parse()?), (event.resource_type, event.resource_id));
        assert_eq!(row.next::<String>()?, "api_key");
        let _origin: (Option<String>, String) = (row.next()?, row.next()?);
        let _origin: (Option<String>, Option<String>) = (row.next()?, row.next()?);
        assert_eq!((row.next::<String>()?, row.next::<Option<String>>()?), (event.data.clone(), event.before.clone()));
        Ok(())
    }
}

fn currencies(rates: &[ExchangeRate]) -> Vec<Currency> {
    let mut all: Vec<Currency> = rates.iter().map(|rate| rate.currency).collect();
    all.sort();
    all
}

fn company(company_id: CompanyId, f: &Flavour) -> Company {
    Company {
        id: company_id,
        name: f.text("Bi ApS"),
        country_code: if f.is_full { "DK" } else { "JP" }.to_owned(),
        currency: Currency::DKK,
        preferred_language: if f.is_full { "da" } else { "en" }.to_owned(),
        time_zone: if f.is_full { "Europe/Copenhagen" } else { "UTC" }.to_owned(),
        mode: if f.is_full { CompanyMode::Live } else { CompanyMode::Test },
        is_vat_registered: true,
        address: f.words("Havnegade 1"),
        postal_code: f.words("8000"),
        city: f.words("Aarhus"),
        email: f.words("bi"),
        billing_email: f.words("regning"),
        phone: f.words("+45"),
        vat: f.words("DK"),
        registration_number: f.words("12345674"),
        contact_person_first_name: f.words("Bodil"),
        contact_person_last_name: f.words("Bi"),
        iban: f.words("DK50"),
        bic: f.words("DABA"),
        bank_account: f.words("1234"),
        ean_number: f.words("579"),
        peppol_endpoint: f.words("0184:1"),
        fiscal_year_start: if f.is_full { 12 } else { 1 },
        locked_through: f.some(day("2025-12-31")),
        sender_email: f.words("afsender"),
        reply_to_email: f.words("svar"),
        created_at: at("2026-01-01T00:00:00.001Z"),
        updated_at: at(if f.is_full { "2026-06-10T00:00:00.999Z" } else { "2026-01-01T00:00:00Z" }),
    }
}

/// Sales with VAT, receivables, VAT, sales without VAT: by number.
fn accounts_of(f: &Flavour) -> Vec<Account> {
    let account = |n: u128, name: &str, number: i64| Account {
        id: id(n),
        name: f.text(name),
        account_number: number + f.twist,
        public_account_id: number * 1_000_000_000 + f.twist,
        ledger_type: LedgerType::BalanceSheet,
        account_classification: f.some(AccountClassification::Asset),
        control_account_type: None,
        vat_code_id: None,
        role: None,
    };
    vec![
        Account {
            ledger_type: LedgerType::ProfitAndLoss,
            account_classification: f.some(AccountClassification::Revenue),
            vat_code_id: f.some(id(10)),
            ..account(SALES, "Sales", 1000)
        },
        Account {
            control_account_type: f.some(ControlAccountType::AccountsReceivable),
            ..account(RECEIVABLES, "Receivables", 5600)
        },
        account(22, "VAT", 6900),
        Account {
            role: f.words("ExchangeDifference").map(|_| "ExchangeDifference".to_owned()),
            ..account(23, "Rates", 9000)
        },
    ]
}

fn vat_code(f: &Flavour, accounts: &[Account]) -> VatCode {
    let rates = vec![
        VatRate { valid_from: day("1900-01-01"), vat_rate: decimal("0.0000000001") },
        VatRate { valid_from: day("2026-01-01"), vat_rate: Decimal::from(24 + f.twist) },
        VatRate { valid_from: day("2027-01-01"), vat_rate: Decimal::from(50 + f.twist) },
    ];
    let account = f.some(&accounts[2]);
    let contra = f.some(&accounts[3]);
    VatCode {
        id: id(10),
        vat_code: f.text("S25"),
        name: f.text("Salgsmoms"),
        vat_rate: rate_on(&rates, TODAY),
        vat_type: if f.is_full { VatType::Sales } else { VatType::Purchase },
        principle: if f.is_full { Principle::Net } else { Principle::Gross },
        account_to_book_id: account.map(|account| account.id),
        account_to_book_number: account.map(|account| account.account_number),
        account_to_book_name: account.map(|account| account.name.clone()),
        contra_account_to_book_id: contra.map(|account| account.id),
        contra_account_to_book_number: contra.map(|account| account.account_number),
        contra_account_to_book_name: contra.map(|account| account.name.clone()),
        vat_category: f.some(VatCategory::AE),
        exemption_reason: f.words("Reverse charge"),
        exemption_reason_code: f.words("VATEX"),
        country_code: f.words("NL"),
        rates,
    }
}

fn rates(f: &Flavour) -> Vec<ExchangeRate> {
    let rate = |n: u128, currency: &str| ExchangeRate {
        id: id(n),
        currency: currency.parse().unwrap(),
        date: TODAY,
        rate: f.amount(),
        source: if f.is_full { RateSource::Ecb } else { RateSource::Manual },
        created_at: at("2026-06-10T15:00:00Z"),
    };
    vec![rate(11, "USD"), rate(12, "EUR")]
}

fn numbering(f: &Flavour, kind: &str, n: u128) -> Series {
    Series {
        id: id(14 + n),
        document_kind: kind.to_owned(),
        prefix: f.text("{year}"),
        padding: if f.is_full { 12 } else { 0 },
        per_fiscal_year: f.is_full,
    }
}

fn template(f: &Flavour) -> Template {
    Template {
        id: id(16),
        name: f.text("Standard"),
        document_type: if f.is_full { TemplateType::Invoice } else { TemplateType::OrderConfirmation },
        is_default: f.is_full,
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-02T00:00:00Z"),
        version: i64::MAX - f.twist,
    }
}

fn look(f: &Flavour) -> Look {
    let settings = TemplateSettings {
        design: f.some(Design::Compact),
        logo: f.some(Logo { media_type: LogoType::Svg, data: "PHN2Zy8+".to_owned() }),
        accent_colour: f.some("#1c4a5e".to_owned()),
        text_colour: f.some("#000000".to_owned()),
        font: f.words("Inter"),
        language: f.some(Language::Nb),
        payment_text: f.words("Pay soon."),
        footer: f.words("Bank"),
    };
    Look { source: f.words("#let page"), settings }
}

fn key(f: &Flavour) -> ApiKey {
    let networks = ["192.0.2.0/24", "2001:db8::1"].map(|network| network.parse().unwrap());
    ApiKey {
        id: id(17),
        name: f.text("shop"),
        prefix: f.text("lb_live_"),
        scopes: if f.is_full { Scope::ALL.to_vec() } else { vec![] },
        ip_allowlist: if f.is_full { networks.to_vec() } else { vec![] },
        expires_at: f.some(at("9999-12-30T00:00:00Z")),
        revoked_at: None,
        created_at: at("2026-01-01T00:00:00.123Z"),
    }
}

fn customer(f: &Flavour, group: &CustomerGroup) -> Customer {
    Customer {
        id: id(33),
        customer_number: f.text("1"),
        customer_type: if f.is_full { CustomerType::Public } else { CustomerType::Private },
        name: f.text("Humle"),
        vat_zone: if f.is_full { VatZone::DomesticWithoutVat } else { VatZone::Abroad },
        customer_group_id: group.id,
        is_active: f.is_full,
        billing_relationship: if f.is_full { BillingRelationship::ParentPays } else { BillingRelationship::SelfPays },
        parent_customer_id: f.some(id(34)),
        invoicing_mode: if f.is_full { InvoicingMode::PerChild } else { InvoicingMode::SingleInvoice },
        include_child_details_pdf: f.is_full,
        customer_group_number: group.number.clone(),
        customer_group_name: group.name.clone(),
        group_discount: group.discount,
        email: f.words("humle"),
        phone: f.words("+45"),
        address: f.words("Mosen 1"),
        city: f.words("Ry"),
        postal_code: f.words("8680"),
        country_code: f.text("DK"),
        vat_number: f.words("DK"),
        registration_number: f.words("1"),
        website: f.words("https"),
        external_system_id: f.words("other"),
        ean_number: f.words("579"),
        peppol_endpoint: f.words("0088:1"),
        currency: if f.is_full { Currency::EUR } else { Currency::DKK },
        payment_terms: if f.is_full { u32::MAX } else { 0 },
        language: if f.is_full { "da" } else { "en" }.to_owned(),
        delivery_type: f.some(DeliveryType::Sproom),
        document_template_ids: if f.is_full { vec![id(16), id(98)] } else { vec![] },
        metadata: f.metadata(),
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-03T00:00:00Z"),
        erased_at: f.some(at("2026-01-04T00:00:00Z")),
    }
}

fn product_group(f: &Flavour, accounts: &[Account]) -> ProductGroup {
    let [sales, _, vat, plain] = accounts else { panic!("there are four accounts") };
    let eu = if f.is_full { vat } else { plain };
    ProductGroup {
        id: id(40),
        number: f.text("1"),
        name: f.text("Honning"),
        description: f.words("Alt sødt"),
        domestic_account_id: sales.id,
        domestic_account_number: sales.account_number,
        domestic_account_name: sales.name.clone(),
        eu_account_id: eu.id,
        eu_account_number: eu.account_number,
        eu_account_name: eu.name.clone(),
        abroad_account_id: plain.id,
        abroad_account_number: plain.account_number,
        abroad_account_name: plain.name.clone(),
        domestic_without_vat_account_id: sales.id,
        domestic_without_vat_account_number: sales.account_number,
        domestic_without_vat_account_name: sales.name.clone(),
        product_count: 1,
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-04T00:00:00Z"),
    }
}

fn product(f: &Flavour) -> Product {
    Product {
        id: id(41),
        number: f.text("P1"),
        name: f.text("Lynghonning"),
        product_group_id: id(40),
        description: f.words("Fra heden"),
        unit: f.words("glas"),
        is_goods: f.is_full,
        external_system_id: f.words("other"),
        metadata: f.metadata(),
        is_active: !f.is_full,
        prices: None,
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-05T00:00:00Z"),
    }
}

/// Two tiers: the first with all it may have, the last with none of it.
fn tiers() -> Vec<Tier> {
    let first = Tier {
        up_to: Some(decimal("10.5")),
        unit_amount: decimal("0.000001"),
        flat_amount: Some(decimal("999999999.999999")),
        package_size: Some(decimal("12")),
    };
    vec![first, Tier { up_to: None, unit_amount: Decimal::ZERO, flat_amount: None, package_size: None }]
}

fn price(f: &Flavour, company: &Company, code: &VatCode, rates: &[ExchangeRate]) -> Price {
    let currency = if f.is_full { Currency::EUR } else { Currency::DKK };
    let sales = f.some(code.vat_rate).unwrap_or_default();
    Price {
        id: id(42),
        product_id: id(41),
        billing_period_type: if f.is_full { BillingPeriodType::Usage } else { BillingPeriodType::OneTime },
        pricing_model: if f.is_full { PricingModel::Graduated } else { PricingModel::FlatRate },
        nickname: f.words("Årlig"),
        unit_amount: f.some(f.amount()),
        billing_interval: f.some(BillingInterval::Year),
        billing_interval_count: f.some(u32::MAX),
        currency,
        meter_id: f.words("meter"),
        tiers: if f.is_full { tiers() } else { Vec::new() },
        base_currency: company.currency,
        status: if f.is_full { PriceStatus::Archived } else { PriceStatus::Draft },
        is_default: f.is_full,
        is_locked: f.is_full,
        vat_rates_by_zone: VatRatesByZone { domestic: sales, domestic_without_vat: sales, ..Default::default() },
        available_currencies: available_currencies(currency, company.currency, &currencies(rates)),
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-06T00:00:00Z"),
    }
}

/// A document with one of every line; of a credit note the amounts are below zero.
pub fn document(f: &Flavour, kind: Kind, company: &Company, customer: &Customer) -> Document {
    let n: u128 = if kind == Kind::Invoice { 50 } else { 60 };
    let (currency, base) = (if f.is_full { Currency::EUR } else { Currency::DKK }, company.currency);
    let money = |minor: i64| Money::new(kind.sign() * minor, currency);
    let base_money = |minor: i64| f.some(Money::new(kind.sign() * minor, base));
    let product = ProductLine {
        price_id: f.some(id(42)),
        product_id: f.some(id(41)),
        product_number: f.words("P1"),
        description: f.text("Lynghonning"),
        quantity: f.amount(),
        unit: f.words("glas"),
        unit_price: decimal("0.0000000001"),
        discount_percent: decimal("99.9999999999"),
        total: money(f.minor()),
        vat_rate: decimal("25.0000000001"),
        vat_category: VatCategory::S,
        vat_country: f.words("NL"),
        vat: money(f.minor() / 4),
        exemption_reason: f.words("Reverse charge"),
        exemption_reason_code: f.words("VATEX"),
        account_id: id(SALES),
        vat_code_id: f.some(id(10)),
        is_goods: f.is_full,
        base_total: base_money(f.minor()),
        base_vat: base_money(f.minor() / 5),
        particulars: Particulars {
            period_start: f.some(day("2026-01-01")),
            period_end: f.some(day("9999-12-31")),
            tag_ids: if f.is_full { vec![id::<TagId>(1), id(2)] } else { vec![] },
            metadata: f.metadata(),
        },
        invoice_line_id: f.some(id(51)),
    };
    let second = ProductLine { total: money(-1), vat: money(0), quantity: decimal("1"), ..product.clone() };
    let line = |at: u128, body: LineBody| Line { id: id(n + at), body };
    Document {
        id: id(n),
        kind,
        number: f.some(Number {
            series_id: id(if kind == Kind::Invoice { 14 } else { 15 }),
            year: 2026,
            sequence: i64::MAX - f.twist,
            text: f.text("2026-1"),
        }),
        numbered_at: f.some(at("2026-06-10T09:00:00.001Z")),
        date: TODAY,
        due_date: f.some(day("2026-07-10")),
        currency,
        head: Head {
            customer_id: customer.id,
            payment_terms: f.some(30),
            customer_department_id: f.some(id::<DepartmentId>(32)),
            customer_contact_id: f.some(id::<ContactId>(31)),
            reference: f.words("PO"),
            our_reference: f.words("BB"),
            description: f.words("Juni"),
            notes: f.words("Tak"),
            document_template_id: f.some(id::<TemplateId>(16)),
            delivery_date: f.some(day("2026-06-09")),
            delivery_country_code: f.words("DE"),
            period_start: f.some(day("2026-06-01")),
            period_end: f.some(day("2026-06-30")),
            tax_point_date: f.some(day("2026-05-31")),
            valid_until: f.some(day("2026-07-31")),
            external_invoice: f.some((f.text("EXT"), day("2020-02-29"))),
            credited_period: f.some((day("2026-01-01"), day("2026-03-31"))),
            reason: f.some(Reason::VolumeBonus),
            metadata: f.metadata(),
        },
        invoice: f.some((f.text("2026-1"), id::<DocumentId>(50))),
        reverses: f.some((f.text("CN-1"), id::<DocumentId>(51))),
        converted_from: f.some(Source { kind: Kind::Quote, id: id::<DocumentId>(52), number: f.text("Q-1") }),
        lines: vec![
            line(1, LineBody::Product(Box::new(product))),
            line(2, LineBody::Text(f.text("Rabat"))),
            line(3, LineBody::Separator),
            line(4, LineBody::Product(Box::new(second))),
        ],
        groups: vec![
            VatGroup {
                category: VatCategory::S,
                rate: decimal("25.0000000001"),
                country: f.words("NL"),
                taxable: money(f.minor()),
                vat: money(f.minor() / 4),
                exemption_reason: None,
                exemption_reason_code: None,
                mode: Mode::Line,
            },
            VatGroup {
                category: VatCategory::O,
                rate: Decimal::ZERO,
                country: None,
                taxable: money(-1),
                vat: money(0),
                exemption_reason: f.words("None"),
                exemption_reason_code: f.words("VATEX"),
                mode: Mode::Group,
            },
        ],
        subtotal: money(f.minor()),
        vat: money(f.minor() / 4),
        amount: money(f.minor()),
        base_currency: base,
        exchange_rate: f.some(f.amount()),
        base_amount: base_money(f.minor()),
        base_vat: base_money(f.minor() / 5),
        origin: "api".to_owned(),
        language: f.some("da".to_owned()),
        pinned: f.some(Pinned {
            booking: f.some(Booking { at: at("2026-06-10T09:00:00.002Z"), entry_id: id::<EntryId>(73) }),
            seller: parties::seller(company),
            buyer: parties::buyer(customer, None, None),
            template_version: 3,
            snapshot_sha256: f.text("sha"),
        }),
        facts: Facts {
            scheduled_at: f.some(at("2026-06-10T09:00:00Z")),
            sent_at: f.some(at("2026-06-10T09:00:00.003Z")),
            cancelled_at: None,
            voided_at: None,
            void_reason: f.words("Fejl"),
            credited: f.minor(),
            pending_credit: f.minor(),
            credit_notes: i64::from(kind == Kind::Invoice && f.is_full),
            paid: f.minor(),
            allocated: f.minor(),
            written_off: f.minor(),
            delivery: if f.is_full { DeliveryState::Failed } else { DeliveryState::None },
            accepted_at: f.some(at("2026-06-10T09:00:00.005Z")),
            rejected_at: f.some(at("2026-06-10T09:00:00.006Z")),
            converted_to: f.some((Kind::Invoice, id::<DocumentId>(53))),
        },
        created_at: at("2026-06-10T08:00:00.001Z"),
        updated_at: at("2026-06-10T09:00:00.004Z"),
    }
}

fn entry(f: &Flavour, company: &Company, invoice: &Document) -> NewEntry {
    let (amount, base) = (Money::new(f.minor(), invoice.currency), Money::new(f.minor() / 7, company.currency));
    let receivable = Posting {
        open_item_id: f.some(id::<OpenItemId>(70)),
        ..Posting::plain(id::<AccountId>(RECEIVABLES), amount, base)
    };
    let sales = Posting {
        vat_code_id: f.some(id::<VatCodeId>(10)),
        vat_category: f.some(VatCategory::S),
        vat_rate: f.some(f.amount()),
        is_goods: f.some(true),
        customer_id: f.some(id::<CustomerId>(33)),
        document_id: f.some(invoice.id),
        tag_ids: if f.is_full { vec![id(1), id(2)] } else { vec![] },
        ..Posting::plain(id::<AccountId>(SALES), -amount, -base)
    };
    NewEntry {
        id: id(73),
        entry_type: "CUSTOMER_INVOICE",
        date: TODAY,
        currency: invoice.currency,
        description: f.text("Faktura"),
        reference: f.words("2026-1"),
        document_id: f.some(invoice.id),
        customer_id: f.some(id(33)),
        document_sha256: f.words("sha"),
        reverses: None,
        postings: vec![receivable, sales],
        created_at: at("2026-06-10T09:00:00.002Z"),
    }
}

fn delivery(f: &Flavour, document_id: DocumentId) -> (Delivery, Attempt) {
    let delivery = Delivery {
        id: id(74),
        document_id,
        delivery_type: if f.is_full { DeliveryType::Sproom } else { DeliveryType::Email },
        recipient: f.words("humle"),
        message: f.words("Hej"),
        language: "da".to_owned(),
        status: if f.is_full { "failed" } else { "pending" }.to_owned(),
        attempt_count: f.minor(),
        first_attempt_at: f.some(at("2026-06-10T09:00:01Z")),
        last_attempt_at: f.some(at("2026-06-10T09:00:02Z")),
        delivered_at: f.some(at("2026-06-10T09:00:03Z")),
        next_attempt_at: f.some(at("2026-06-10T09:00:04Z")),
        last_error: f.some((f.text("code"), f.text("It failed."))),
        provider_document_id: f.words("provider"),
        format: f.some(Format::Oioubl21),
        ean_number: f.words("ean"),
        scheduled_at: f.some(at("2026-06-10T08:59:59Z")),
        asked: f.words("{}"),
        created_at: at("2026-06-10T09:00:00Z"),
    };
    let attempt = Attempt {
        id: id(75),
        delivery_id: delivery.id,
        document_id,
        attempt: f.minor(),
        delivery_type: delivery.delivery_type,
        recipient: f.words("humle"),
        status: "failed".to_owned(),
        started_at: at("2026-06-10T09:00:01Z"),
        finished_at: f.some(at("2026-06-10T09:00:02Z")),
        provider_message_id: f.words("message"),
        error: f.some((f.text("code"), f.text("It failed."))),
    };
    (delivery, attempt)
}
