//! Companies share nothing: rows of one are never seen, listed or changed by another,
//! not even where both have rows of the same id.

use billing::ids::CompanyId;
use store::db::params;
use store::{
    Error, accounts, contacts, credits, customer_groups, customers, deliveries, departments, documents, exchange_rates,
    files, jobs, keys, ledger, lines, oss_rates, prices, pricing, product_groups, products, series, templates,
    vat_codes,
};

use crate::house::{TestHouse, at, new_id, on_both};
use crate::stock::{BARE, FULL, Flavour, Stock, TODAY};

const OTHER: Flavour = Flavour { mark: "other", twist: 7, is_full: true };

on_both! {
    /// Two companies with the same ids everywhere, each changed once.
    fn twins_never_see_each_other(house: &TestHouse) {
        let (own, other) = (Stock::new(new_id(), FULL), Stock::new(new_id(), OTHER));
        for stock in [&own, &other] {
            let stock = stock.clone();
            house.write(stock.company.id, move |tx| stock.shelve(tx)).unwrap();
        }
        let check = |stocks: [&Stock; 2]| {
            let stocks = stocks.map(Clone::clone);
            house.read(move |tx| stocks.iter().try_for_each(|stock| stock.check(tx))).unwrap();
        };
        check([&own, &other]);
        let changed = other.changed(BARE);
        let written = changed.clone();
        house.write(changed.company.id, move |tx| written.update(tx)).unwrap();
        check([&own, &changed]);
    }

    fn a_company_without_rows_finds_nothing_of_anothers(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let shelved = stock.clone();
        house.write(stock.company.id, move |tx| shelved.shelve(tx)).unwrap();
        let stranger = Stock::new(new_id(), OTHER).company;
        let founded = stranger.clone();
        house.write(stranger.id, move |tx| store::companies::insert(tx, &founded)).unwrap();
        let s = stock.clone();
        house
            .read(move |tx| {
                let b: CompanyId = stranger.id;
                let invoice = &s.invoice;
                assert_eq!(accounts::get(tx, b, s.accounts[0].id)?, None);
                assert_eq!(accounts::by_number(tx, b, s.accounts[0].account_number)?, None);
                assert_eq!(accounts::list(tx, b)?, []);
                assert!(!accounts::is_posted_on(tx, b, s.accounts[0].id)?);
                assert!(!store::companies::has_bookings(tx, b)?);
                assert_eq!(vat_codes::get(tx, b, s.vat_code.id, TODAY)?, None);
                assert_eq!(vat_codes::list(tx, b, TODAY)?, []);
                assert_eq!(vat_codes::id_of(tx, b, &s.vat_code.vat_code)?, None);
                assert_eq!(vat_codes::last_used_on(tx, b, s.vat_code.id)?, None);
                assert_eq!(oss_rates::list(tx, b)?, []);
                for rate in s.oss_rates() {
                    assert_eq!(oss_rates::at(tx, b, &rate.country, rate.valid_from)?, None);
                    assert_eq!(oss_rates::on(tx, b, &rate.country, TODAY)?, None);
                    assert_eq!(oss_rates::code(tx, b, &rate.country, rate.account_id)?, None);
                    assert_eq!(oss_rates::last_used_on(tx, b, &rate.country)?, None);
                }
                assert_eq!(series::get(tx, b, "invoice"), Err(Error::NotFound));
                assert_eq!(templates::get(tx, b, s.template.id)?, None);
                assert_eq!(templates::list(tx, b)?, []);
                assert_eq!(templates::look(tx, b, s.template.id, s.template.version)?, None);
                assert_eq!(templates::customers_with(tx, b, s.template.id)?, 0);
                assert_eq!(templates::default_of(tx, b, s.template.document_type.as_str())?, None);
                assert_eq!(keys::get(tx, b, s.key.id)?, None);
                assert_eq!(keys::list(tx, b)?, []);
                let rate = &s.rates[0];
                assert_eq!(exchange_rates::on(tx, b, rate.currency, rate.date)?, None);
                assert_eq!(exchange_rates::latest(tx, b, rate.currency, TODAY)?, None);
                assert_eq!(exchange_rates::quoted(tx, b, TODAY)?, []);
                assert_eq!(customer_groups::get(tx, b, s.customer_group.id)?, None);
                assert_eq!(customer_groups::list(tx, b)?, []);
                assert_eq!(customer_groups::by_number(tx, b, &s.customer_group.number)?, None);
                assert_eq!(pricing::receivables(tx, b, s.customer_group.id), Err(Error::NotFound));
                assert_eq!(customers::get(tx, b, s.customer.id)?, None);
                assert_eq!(customers::all(tx, b, &Default::default())?, []);
                let (number, other) = (s.customer.customer_number.as_str(), s.customer.external_system_id.as_deref().unwrap());
                assert_eq!(customers::is_taken(tx, b, Some(number), Some(other))?, (false, false));
                assert_eq!(customers::taken(tx, b, &[number], &[other])?, Default::default());
                assert_eq!(customers::parents(tx, b, &[s.customer.id].into())?, Default::default());
                assert_eq!(customer_groups::several(tx, b, &[s.customer_group.id].into())?, Default::default());
                assert_eq!(product_groups::there(tx, b, &[s.product_group.id].into())?, Default::default());
                assert_eq!(customers::parent(tx, b, s.customer.id)?, None);
                assert_eq!(contacts::get(tx, b, s.contact.id)?, None);
                assert_eq!(departments::get(tx, b, s.department.id)?, None);
                assert_eq!(contacts::of_customer(tx, b, s.customer.id)?, []);
                assert_eq!(departments::of_customer(tx, b, s.customer.id)?, []);
                assert_eq!(customers::invoice_email(tx, b, &s.customer)?, s.customer.email);
                assert_eq!(product_groups::get(tx, b, s.product_group.id)?, None);
                assert_eq!(product_groups::by_number(tx, b, &s.product_group.number)?, None);
                assert_eq!(product_groups::account(tx, b, s.accounts[0].id)?, None);
                assert_eq!(products::get(tx, b, s.product.id)?, None);
                let (number, other) = (s.product.number.as_str(), s.product.external_system_id.as_deref().unwrap());
                assert_eq!(products::is_taken(tx, b, Some(number), Some(other))?, (false, false));
                assert_eq!(products::taken(tx, b, &[number], &[other])?, Default::default());
                assert_eq!(prices::get(tx, &stranger, TODAY, s.price.id)?, None);
                assert_eq!(prices::of_product(tx, &stranger, TODAY, s.product.id)?, []);
                assert!(pricing::items(tx, b, [s.price.id].into_iter(), s.customer.vat_zone, TODAY)?.is_empty());
                assert_eq!(documents::get(tx, b, invoice.id)?, None);
                let number = &invoice.number.as_ref().unwrap().text;
                assert_eq!(documents::by_number(tx, b, invoice.kind, number)?, None);
                assert!(!documents::any_booked(tx, b)?);
                assert_eq!(lines::document_of(tx, b, invoice.lines[0].id)?, None);
                assert!(credits::invoice_lines(tx, b, invoice)?.iter().all(|line| line.state.credited_net == 0));
                assert_eq!(credits::linked(tx, b, &s.note)?, []);
                assert_eq!(store::open_items::of_document(tx, b, invoice.id)?, None);
                assert_eq!(ledger::vat_account(tx, b, s.vat_code.id)?, None);
                assert_eq!(ledger::role(tx, b, "ExchangeDifference")?, None);
                assert_eq!(deliveries::get(tx, b, s.delivery.id)?, None);
                assert_eq!(deliveries::of(tx, b, invoice.id)?, []);
                assert_eq!(deliveries::attempts_of(tx, b, invoice.id)?, []);
                assert_eq!(files::snapshot(tx, b, invoice.id)?, None);
                assert_eq!(files::get(tx, b, invoice.id, "pdf")?, None);
                Ok(())
            })
            .unwrap();
    }

    /// Nor does it change or delete them, by any statement that takes an id.
    fn a_company_without_rows_changes_nothing_of_anothers(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let shelved = stock.clone();
        house.write(stock.company.id, move |tx| shelved.shelve(tx)).unwrap();
        let stranger = Stock::new(new_id(), BARE).company;
        let changed = stock.changed(BARE);
        house
            .write(stranger.id, move |tx| {
                let (b, now) = (stranger.id, at("2026-06-10T12:00:00Z"));
                store::companies::insert(tx, &stranger)?;
                accounts::update(tx, b, &changed.accounts[1], now)?;
                keys::revoke(tx, b, changed.key.id, now)?;
                exchange_rates::clear(tx, b)?;
                for rate in changed.oss_rates() {
                    oss_rates::delete(tx, b, &rate)?;
                }
                customer_groups::update(tx, b, &changed.customer_group, now)?;
                customers::update(tx, b, &changed.customer)?;
                contacts::update(tx, b, &changed.contact, now)?;
                contacts::delete(tx, b, changed.contact.id)?;
                departments::update(tx, b, &changed.department, now)?;
                departments::delete(tx, b, changed.department.id)?;
                product_groups::update(tx, b, &changed.product_group)?;
                product_groups::delete(tx, b, changed.product_group.id)?;
                products::update(tx, b, &changed.product)?;
                products::delete(tx, b, changed.product.id)?;
                prices::update(tx, b, &changed.price)?;
                prices::lock(tx, b, changed.price.id)?;
                prices::delete(tx, b, changed.price.id)?;
                documents::set_facts(tx, b, &changed.invoice)?;
                store::open_items::set_open(tx, b, &changed.item)?;
                deliveries::update(tx, b, &changed.delivery)?;
                jobs::later(tx, b, changed.job.0, now)?;
                jobs::delete(tx, b, changed.job.0)
            })
            .unwrap();
        let whose = stock.company.id;
        house.read(move |tx| stock.check(tx)).unwrap();
        let jobs = house
            .read(move |tx| Ok(tx.all("select id from jobs where company_id = $1", params![whose])?.len()))
            .unwrap();
        assert_eq!(jobs, 1);
    }
}
