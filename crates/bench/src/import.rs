//! Importing customers and products, beside others who read and write.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::Postgres;

use crate::client::{Client, Load, closed_loop};
use crate::company::{Company, Place, address};
use crate::table::{Table, milliseconds, per_second, seconds};
use crate::{Bench, Failed};

/// Within this they are to be there.
const TARGET: f64 = 60.0;
/// How many clients make credit notes meanwhile.
const OTHERS: usize = 8;
/// How long a load lasts between two looks at whether the import is done.
const LOOK: Duration = Duration::from_millis(500);

/// Measures on both engines.
pub fn measure(bench: &Bench, table: &mut Table) -> Result<(), Failed> {
    one(bench, table, "SQLite", None)?;
    let postgres = Postgres::start(&["fsync=on", "synchronous_commit=on"]);
    one(bench, table, "PostgreSQL", Some(postgres.fresh_database()))
}

fn one(bench: &Bench, table: &mut Table, engine: &str, database_url: Option<String>) -> Result<(), Failed> {
    let place = Place::new(&bench.program()?, database_url);
    let server = place.serve();
    let (company, address) = (Company::found(&place, &server)?, address(&server));
    let mut client = Client::connect(address)?;
    let (customers, products) = (company.customer_group(&mut client)?, company.product_group(&mut client)?);
    drop(client);
    let customer = |n: u32| {
        json!({
            "customerNumber": format!("I-{n}"), "customerType": "business", "name": format!("Kunde {n} ApS"),
            "countryCode": "DK", "vatZone": "domestic", "customerGroupId": customers,
            "email": format!("kunde{n}@example.dk"), "address": "Torvet 3", "postalCode": "8000", "city": "Aarhus C",
            "externalSystemId": format!("crm-{n}"), "metadata": { "segment": "b2b" },
        })
    };
    let product = |n: u32| {
        json!({
            "number": format!("V-{n}"), "name": format!("Vare {n}"), "productGroupId": products, "unit": "H87",
            "isGoods": true, "description": "Leveres i kasser", "externalSystemId": format!("erp-{n}"),
            "metadata": { "shelf": "B4" },
        })
    };
    import(bench, table, engine, &company, address, "customers", &customer)?;
    import(bench, table, engine, &company, address, "products", &product)
}

/// Imports as many as are asked for, while others make credit notes for the same company.
fn import(
    bench: &Bench,
    table: &mut Table,
    engine: &str,
    company: &Company,
    address: &str,
    what: &str,
    row: &dyn Fn(u32) -> Value,
) -> Result<(), Failed> {
    let body: String = (0..bench.rows).map(|n| format!("{}\n", row(n))).collect();
    let is_done = AtomicBool::new(false);
    let (took, others) = std::thread::scope(|scope| {
        let importing = scope.spawn(|| {
            let begun = Instant::now();
            let last = report(company, address, what, &body);
            is_done.store(true, Ordering::Relaxed);
            last.map(|last| (begun.elapsed(), last))
        });
        let mut others = Load::default();
        while !is_done.load(Ordering::Relaxed) {
            others = others.and(closed_loop(address, &vec![company.credit_note(); OTHERS], LOOK)?);
        }
        let (took, last) = importing.join().map_err(|_| "the import panicked")??;
        let created = format!("\"created\":{}", bench.rows);
        if !last.contains(&created) {
            return Err(Failed::from(format!("the import ended with {last}")));
        }
        Ok((took, others))
    })?;
    let name = format!("{engine}, {} {what} imported beside {OTHERS} clients", bench.rows);
    table.at_most(name, took.as_secs_f64(), TARGET, seconds);
    table.shown(format!("{engine}, … {what} a second"), f64::from(bench.rows) / took.as_secs_f64(), per_second);
    table.shown(format!("{engine}, … credit notes meanwhile"), others.per_second(), per_second);
    table.shown(format!("{engine}, … p99 of them"), others.quantile(0.99), milliseconds);
    Ok(())
}

/// Imports, and reads the report to its last line.
fn report(company: &Company, address: &str, what: &str, body: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(&company.import(what, body))?;
    let mut last = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.contains("\"done\"") {
            last = line;
            break;
        }
    }
    Ok(last)
}
