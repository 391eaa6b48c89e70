//! News of a company's books: who waits for what happens next is woken, without a look of its own at the
//! shelves. What this process writes is told at once; what others write is found by one look for all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use billing::ids::CompanyId;
use tokio::sync::watch;

use crate::{App, Error};

/// Who waits for news, by company.
#[derive(Default)]
pub(crate) struct News(Mutex<HashMap<CompanyId, Heard>>);

struct Heard {
    /// How far the log had come at the last look.
    sequence: i64,
    bell: watch::Sender<()>,
}

impl News {
    /// Hears of a company from now on.
    pub(crate) fn of(&self, company_id: CompanyId) -> watch::Receiver<()> {
        let mut companies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Heard { sequence: 0, bell: watch::Sender::new(()) };
        companies.entry(company_id).or_insert_with(new).bell.subscribe()
    }

    /// Says that something happened.
    pub(crate) fn tell(&self, company_id: CompanyId) {
        if let Some(heard) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&company_id) {
            heard.bell.send_replace(());
        }
    }

    /// Whom anybody waits for; who waits for nobody any more is forgotten.
    fn waited_for(&self) -> Vec<CompanyId> {
        let mut companies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        companies.retain(|_, heard| heard.bell.receiver_count() > 0);
        companies.keys().copied().collect()
    }

    /// Looks whether other processes wrote something.
    ///
    /// # Errors
    /// When the shelves can't be read.
    pub(crate) async fn look(&self, app: &App) -> Result<(), Error> {
        let ids = self.waited_for();
        if ids.is_empty() {
            return Ok(());
        }
        let found = app.db.read(move |tx| Ok::<_, Error>(store::events::last_of_each(tx, &ids)?)).await?;
        let mut companies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (company_id, sequence) in found {
            if let Some(heard) = companies.get_mut(&company_id).filter(|heard| heard.sequence != sequence) {
                heard.sequence = sequence;
                heard.bell.send_replace(());
            }
        }
        Ok(())
    }
}
