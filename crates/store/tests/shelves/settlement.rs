//! What settles comes back as it was shelved, in its own company only, and what is taken back stays so.

use billing::ids::{CompanyId, DocumentId};
use billing::money::Money;
use billing::payments::Split;
use billing::settlement::Reversal;
use billing::vat::VatCategory;
use billing::write_offs::{Loss, Taxed};
use jiff::civil::date;
use store::payments::{self, Payment};
use store::refunds::{self, Refund};
use store::write_offs::{self, Part, Recovery, WriteOff};

use crate::house::{TestHouse, at, new_id, on_both};
use crate::stock::{FULL, Stock};

fn payment(stock: &Stock) -> Payment {
    Payment {
        id: new_id(),
        invoice_id: stock.invoice.id,
        customer_id: stock.item.customer_id,
        date: date(2026, 6, 11),
        currency: stock.invoice.currency,
        amount: 1_000,
        split: Split { settled: 500, recovered: 300, fees: 100, credit: 100 },
        settled_base: 4_470,
        credit_item: Some(new_id()),
        reference: Some("+71<".to_owned()),
        method: Some("cash".to_owned()),
        entry_id: new_id(),
        created_at: at("2026-06-11T08:00:00.001Z"),
        reversal: None,
    }
}

fn write_off(stock: &Stock) -> WriteOff {
    let loss = |minor, base, vat| Loss {
        account_id: new_id(),
        amount: Money::new(minor, stock.invoice.currency),
        base: Money::new(base, stock.company.currency),
        vat,
        customer_id: stock.item.customer_id,
        document_id: stock.invoice.id,
    };
    let vat = Taxed { code_id: new_id(), category: VatCategory::S, rate: rust_decimal::Decimal::from(25) };
    WriteOff {
        id: new_id(),
        invoice_id: stock.invoice.id,
        customer_id: stock.item.customer_id,
        date: date(2026, 6, 12),
        amount: Money::new(500, stock.invoice.currency),
        item_base: 3_725,
        reason: "Bankruptcy".to_owned(),
        vat_relief: true,
        evidence: Some("SKS 1-234/2026".to_owned()),
        entry_id: new_id(),
        created_at: at("2026-06-12T08:00:00.001Z"),
        reversal: None,
        parts: vec![
            Part { loss: loss(400, 2_980, None), recovered: (0, 0) },
            Part { loss: loss(100, 745, Some(vat)), recovered: (0, 0) },
        ],
    }
}

on_both! {
    fn what_settles_comes_back_and_stays_taken_back(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let (own, base): (CompanyId, _) = (stock.company.id, stock.company.currency);
        let invoice: DocumentId = stock.invoice.id;
        let (paid, lost) = (payment(&stock), write_off(&stock));
        let refund = Refund {
            id: new_id(),
            item_id: stock.item.id,
            document_id: None,
            customer_id: stock.item.customer_id,
            date: date(2026, 6, 13),
            amount: Money::new(5, stock.invoice.currency),
            item_base: 37,
            reference: "4711".to_owned(),
            entry_id: new_id(),
            created_at: at("2026-06-13T08:00:00.001Z"),
            reversal: None,
        };
        let recovery = Recovery { write_off_id: lost.id, position: 1, amount: 60, base: 447 };
        let reversal = Reversal { at: at("2026-06-14T08:00:00.001Z"), entry_id: new_id() };
        let (shelved, p, w, r) = (stock.clone(), paid.clone(), lost.clone(), refund.clone());
        house
            .write(own, move |tx| {
                shelved.shelve(tx)?;
                payments::insert(tx, own, &p)?;
                write_offs::insert(tx, own, &w)?;
                write_offs::recover(tx, own, p.id, &recovery)?;
                refunds::insert(tx, own, &r)
            })
            .unwrap();
        let (p, r, mut w) = (paid.clone(), refund.clone(), lost.clone());
        w.parts[1].recovered = (60, 447);
        house
            .read(move |tx| {
                assert_eq!(payments::get(tx, own, invoice, p.id)?.as_ref(), Some(&p));
                assert_eq!(payments::of_invoice(tx, own, invoice)?, std::slice::from_ref(&p));
                assert_eq!(write_offs::of_invoice(tx, own, invoice, base)?, [w]);
                assert_eq!(refunds::get(tx, own, r.item_id, r.id)?.as_ref(), Some(&r));
                assert_eq!(refunds::of_item(tx, own, r.item_id)?, std::slice::from_ref(&r));
                let stranger = new_id();
                assert_eq!(payments::get(tx, stranger, invoice, p.id)?, None);
                assert_eq!(write_offs::of_invoice(tx, stranger, invoice, base)?, []);
                assert_eq!(refunds::get(tx, stranger, r.item_id, r.id)?, None);
                Ok(())
            })
            .unwrap();
        let (p, w, r) = (paid.id, lost.id, refund.id);
        house
            .write(own, move |tx| {
                write_offs::lose_again(tx, own, p)?;
                payments::reverse(tx, own, p, reversal)?;
                write_offs::reverse(tx, own, w, reversal)?;
                refunds::reverse(tx, own, r, reversal)
            })
            .unwrap();
        house
            .read(move |tx| {
                let some = Some(reversal);
                assert_eq!(payments::of_invoice(tx, own, invoice)?, [Payment { reversal: some, ..paid }]);
                assert_eq!(write_offs::of_invoice(tx, own, invoice, base)?, [WriteOff { reversal: some, ..lost }]);
                assert_eq!(refunds::of_item(tx, own, refund.item_id)?, [Refund { reversal: some, ..refund }]);
                Ok(())
            })
            .unwrap();
    }
}
