//! Whose books were written to, told after the commit to whoever waits for what is new.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use billing::ids::CompanyId;
use tokio::sync::Notify;

/// The companies whose books were written to since somebody last asked.
#[derive(Default)]
pub struct Written {
    companies: Mutex<HashSet<CompanyId>>,
    bell: Notify,
}

impl Written {
    /// Says that a write of a company's is committed.
    pub(crate) fn tell(&self, company_id: CompanyId) {
        let is_new = self.companies.lock().unwrap_or_else(PoisonError::into_inner).insert(company_id);
        if is_new {
            self.bell.notify_one();
        }
    }

    /// Waits until there is something to take; one waits at most.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }

    /// Takes what there is.
    pub fn take(&self) -> HashSet<CompanyId> {
        std::mem::take(&mut *self.companies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
