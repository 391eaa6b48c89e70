//! The press of the house: Typst in child processes of this very program.

use std::io;

use app::{Press, PressError, Print};

/// Prints with `ledgerbee press` children.
pub(crate) struct Typst(pdf::Press);

impl Typst {
    /// A press that starts its children when they are needed.
    ///
    /// # Errors
    /// When the program's own file can't be named.
    pub(crate) fn new() -> io::Result<Typst> {
        Ok(Typst(pdf::Press::new(pdf::PressConfig::new(std::env::current_exe()?))))
    }
}

impl Press for Typst {
    fn print(&self, print: &Print) -> Result<Vec<u8>, PressError> {
        let day = print.date;
        // A calendar's month and day are always positive and small.
        let date = (i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs());
        let Print { source, data, identifier, .. } = print;
        let (source, data, identifier) = (source.clone(), data.clone(), identifier.clone());
        let job = pdf::Job { source, data, date, identifier, ..pdf::Job::default() };
        self.0.render(&job).map_err(|fault| PressError(fault.to_string()))
    }
}
