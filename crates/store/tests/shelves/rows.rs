//! What is shelved comes back equal: everything filled with odd values, and
//! everything null that may be.

use crate::house::{TestHouse, new_id, on_both};
use crate::stock::{BARE, FULL, Stock};

on_both! {
    fn rows_full_of_odd_values_come_back_equal(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let shelved = stock.clone();
        house.write(stock.company.id, move |tx| shelved.shelve(tx)).unwrap();
        house.read(move |tx| stock.check(tx)).unwrap();
    }

    fn rows_of_nulls_come_back_equal(house: &TestHouse) {
        let stock = Stock::new(new_id(), BARE);
        let shelved = stock.clone();
        house.write(stock.company.id, move |tx| shelved.shelve(tx)).unwrap();
        house.read(move |tx| stock.check(tx)).unwrap();
    }

    fn full_rows_are_changed_to_nulls_and_back(house: &TestHouse) {
        let stock = Stock::new(new_id(), FULL);
        let shelved = stock.clone();
        house.write(stock.company.id, move |tx| shelved.shelve(tx)).unwrap();
        let mut before = stock;
        for flavour in [BARE, FULL] {
            let changed = before.changed(flavour);
            let written = changed.clone();
            house.write(changed.company.id, move |tx| written.update(tx)).unwrap();
            let read = changed.clone();
            house.read(move |tx| read.check(tx)).unwrap();
            before = changed;
        }
    }
}
