//! E-invoices: what writing and checking one costs, over the documents that the tests of the
//! crate make; in this process, without a server.

use std::hint::black_box;
use std::time::Instant;

use einvoice::Format;

use crate::table::{Table, microseconds};
use crate::{Bench, Failed};

#[allow(dead_code, reason = "the tests that these documents are made for use more of them")]
#[path = "../../einvoice/tests/standards/documents.rs"]
mod documents;

const ROUNDS: u32 = 20;

/// Measures each format, and the check before a booking, per document.
pub fn measure(_: &Bench, table: &mut Table) -> Result<(), Failed> {
    let documents = documents::all();
    for format in Format::ALL {
        let good: Vec<_> = documents.iter().filter(|made| einvoice::write(made.source(), format).is_ok()).collect();
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            for made in &good {
                black_box(einvoice::write(black_box(made.source()), format)).map_err(|_| "a document was refused")?;
            }
        }
        let each = begun.elapsed().as_secs_f64() / f64::from(ROUNDS) / good.len() as f64;
        table.at_most(format!("e-invoice written and checked, {format}"), each, 0.000_200, microseconds);
    }
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for made in &documents {
            black_box(einvoice::check_booking(black_box(made.source())));
        }
    }
    let each = begun.elapsed().as_secs_f64() / f64::from(ROUNDS) / documents.len() as f64;
    table.shown("e-invoice: the check before a booking", each, microseconds);
    Ok(())
}
