//! scratch
use billing::company::*; use billing::ids::*; use billing::money::Currency; use billing::page::*;
use store::*; use store::db::Tx;
use billing::accounts::*; use billing::vat_codes::*; use billing::exchange_rates::*; use billing::templates::*; use billing::keys::*; use billing::scope::Scope; use billing::series::Series;
fn id<T: From<uuid::Uuid>>() -> T { T::from(uuid::Uuid::now_v7()) }
#[test]
fn all() {
    let folder = std::env::temp_dir().join(format!("lb-scratch-{}", std::process::id()));
    let db = Database::open(&Config::Sqlite{folder: folder.clone()}).unwrap();
    let at: jiff::Timestamp = "2026-06-10T12:00:00.123Z".parse().unwrap();
    let c = Company { id: id(), name: "Bi".into(), country_code: "DK".into(), currency: Currency::DKK, preferred_language: "da".into(), time_zone: "Europe/Copenhagen".into(), mode: CompanyMode::Test, is_vat_registered: true, address: None, postal_code: None, city: None, email: Some("a@b.dk".into()), billing_email: None, phone: None, vat: None, registration_number: None, contact_person_first_name: None, contact_person_last_name: None, iban: None, bic: None, bank_account: None, ean_number: None, peppol_endpoint: None, fiscal_year_start: 1, locked_through: None, created_at: at, updated_at: at };
    let cid = c.id;
    db.write::<(), Error, _>(cid, move |tx: &mut dyn Tx| {
        companies::insert(tx, &c)?;
        assert_eq!(companies::get(tx, cid)?, c);
        assert_eq!(companies::list(tx)?.len(), 1);
        let c2 = Company { locked_through: Some("2026-01-01".parse().unwrap()), name: "Bo".into(), ..c.clone() };
        companies::update(tx, &c2)?;
        assert_eq!(companies::get(tx, cid)?, c2);
        assert!(!companies::has_bookings(tx, cid)?);
        let o = events::EventOrigin { occurred_at: at, actor_type: "operator", actor_id: None, request_id: "", remote_address: None, agent: None };
        let e = || events::NewEvent { id: id(), kind: "a.b", resource_type: "a", resource_id: uuid::Uuid::now_v7(), data: "{}".into(), before: None };
        events::append(tx, cid, &o, &[e(), e()])?;
        events::append(tx, cid, &o, &[e()])?;
        let mut seqs = vec![];
        for mut r in tx.all("select sequence from events order by sequence", &[])? { seqs.push(r.next::<i64>()?); }
        assert_eq!(seqs, [1,2,3]);
        let s = Series { id: id(), document_kind: "invoice".into(), prefix: "INV-".into(), padding: 5, per_fiscal_year: false };
        series::insert(tx, cid, &s, at)?;
        assert_eq!(series::get(tx, cid, "invoice")?, s);
        assert!(matches!(series::get(tx, cid, "quote"), Err(Error::NotFound)));
        assert_eq!(series::next(tx, cid, s.id, 0, at)?.0, 1);
        assert_eq!(series::next(tx, cid, s.id, 0, at)?.0, 2);
        assert_eq!(series::next(tx, cid, s.id, 2027, at)?.0, 1);
        let mut k = ApiKey { id: id(), name: "k".into(), prefix: "lb".into(), scopes: vec![Scope::AccountsRead, Scope::CompanyRead], ip_allowlist: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()], expires_at: Some(at), revoked_at: None, created_at: at };
        keys::insert(tx, cid, &k, "hash")?;
        assert_eq!(keys::by_hash(tx, "hash")?, Some((cid, k.clone())));
        assert_eq!(keys::by_hash(tx, "no")?, None);
        keys::revoke(tx, cid, k.id, at)?; k.revoked_at = Some(at);
        assert_eq!(keys::get(tx, cid, k.id)?, Some(k.clone())); assert_eq!(keys::list(tx, cid)?, [k]);
        let a = Account { id: id(), name: "VAT".into(), account_number: 7000, public_account_id: 7000, ledger_type: LedgerType::BalanceSheet, account_classification: Some(AccountClassification::Liability), control_account_type: None, vat_code_id: None, role: Some("x".into()) };
        accounts::insert(tx, cid, &a, at)?;
        assert_eq!(accounts::by_number(tx, cid, 7000)?, Some(a.clone())); 
        let a2 = Account { name: "V".into(), ..a.clone() }; accounts::update(tx, cid, &a2, at)?;
        assert_eq!(accounts::get(tx, cid, a.id)?, Some(a2.clone())); assert_eq!(accounts::list(tx, cid)?, [a2]);
        assert!(!accounts::is_posted_on(tx, cid, a.id)?);
        let today = "2026-06-10".parse().unwrap();
        let v = VatCode { id: id(), vat_code: "S25".into(), name: "n".into(), vat_rate: 25.into(), vat_type: VatType::Sales, principle: Principle::Net, account_to_book_id: Some(a.id), account_to_book_number: Some(7000), account_to_book_name: Some("V".into()), contra_account_to_book_id: None, contra_account_to_book_number: None, contra_account_to_book_name: None, vat_category: None, exemption_reason: None, exemption_reason_code: None, rates: vec![VatRate { valid_from: FROM_THE_BEGINNING, vat_rate: 25.into() }] };
        vat_codes::insert(tx, cid, &v, at)?;
        assert_eq!(vat_codes::get(tx, cid, v.id, today)?, Some(v.clone()));
        assert_eq!(vat_codes::list(tx, cid, today)?, [v.clone()]);
        assert_eq!(vat_codes::id_of(tx, cid, "S25")?, Some(v.id)); assert!(vat_codes::exists(tx, cid, v.id)?);
        assert_eq!(vat_codes::last_used_on(tx, cid, v.id)?, None);
        let mut v2 = v.clone(); v2.rates.push(VatRate { valid_from: "2027-01-01".parse().unwrap(), vat_rate: 20.into() }); vat_codes::update(tx, cid, &v2, at)?;
        assert_eq!(vat_codes::get(tx, cid, v.id, today)?, Some(v2));
        let usd = Currency::parse("USD").unwrap();
        let mut rates = vec![];
        for (cur, day) in [(Currency::EUR, "2026-06-01"), (usd, "2026-06-01"), (Currency::EUR, "2026-06-02")] {
            let r = ExchangeRate { id: id(), currency: cur, date: day.parse().unwrap(), rate: "7.46".parse().unwrap(), source: RateSource::Ecb, created_at: at };
            exchange_rates::set(tx, cid, &r)?; exchange_rates::set(tx, cid, &r)?; rates.push(r);
        }
        assert_eq!(exchange_rates::latest(tx, cid, Currency::EUR, today)?.unwrap().to_string(), "7.46");
        assert_eq!(exchange_rates::latest(tx, cid, usd, "2026-05-31".parse().unwrap())?, None);
        assert_eq!(exchange_rates::quoted(tx, cid, today)?, [Currency::EUR, usd]);
        let f = exchange_rates::Filter::default();
        let p: Part<exchange_rates::RateKey> = Part::asked(None, Some(2), None).unwrap();
        let (got, total) = exchange_rates::list(tx, cid, &f, &p)?;
        let page = p.page(got, total, |r: &ExchangeRate| (r.date.to_string(), r.currency.code()));
        assert_eq!(page.total, Some(3)); assert_eq!(page.data, [rates[2].clone(), rates[0].clone()]);
        let p: Part<exchange_rates::RateKey> = Part::asked(None, Some(2), page.next_cursor.as_deref()).unwrap();
        let (got, total) = exchange_rates::list(tx, cid, &f, &p)?;
        assert_eq!((got, total), (vec![rates[1].clone()], None));
        let f = exchange_rates::Filter { currency: Some("EUR".into()), from_date: Some(today), to_date: Some(today) };
        assert_eq!(exchange_rates::list(tx, cid, &f, &Part::asked(None, None, None).unwrap())?, (vec![], Some(0)));
        exchange_rates::clear(tx, cid)?;
        let t = Template { id: id(), name: "Standard".into(), document_type: TemplateType::Invoice, is_default: true, created_at: at, updated_at: at, version: 1, source: None, settings: "{}".into() };
        templates::insert(tx, cid, &t)?;
        assert_eq!(templates::get(tx, cid, t.id)?, Some(t.clone())); assert_eq!(templates::default_of(tx, cid, "invoice-template")?, Some(t.clone())); assert_eq!(templates::list(tx, cid)?, [t]);
        let j = journal_categories::JournalCategory { id: id(), name: "G".into(), is_default: true, allowed_journal_types: vec!["A", "B"] };
        journal_categories::insert(tx, cid, &j)?;
        Ok(())
    }).wait().unwrap();
    drop(db);
    std::fs::remove_dir_all(folder).unwrap();
}
