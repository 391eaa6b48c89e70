//! The post office: sees which endpoints have something to be sent, takes them by lease, and has a courier for
//! each. On threads of its own, which are all that webhooks cost the rest of the house.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use billing::ids::CompanyId;
use jiff::SignedDuration;
use store::webhook_deliveries as deliveries;
use store::webhooks::{self as shelf, Which};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::courier::{Courier, LATEST, LEASE, Shared};
use super::sending::resolver;
use crate::{App, Error};

/// How often the shelves are looked at when nobody tells of anything.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long news is gathered before anybody is woken.
const GATHER: Duration = Duration::from_millis(2);
/// How many endpoints are sent to at once, and how many requests are under way in all.
const COURIERS: usize = 512;
const REQUESTS: usize = 1_024;
/// By how much the clocks of processes that share their shelves may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
/// How long it is kept what became of a delivery, how often that is looked at, and how many at once.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
const SWEEP: i64 = 500;

/// Sends webhooks and tells news until it is over; then what is on its way is waited for.
pub(crate) fn work(app: &Arc<App>, is_over: &dyn Fn() -> bool) {
    match Builder::new_multi_thread().worker_threads(2).thread_name("webhooks").enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(run(app, is_over));
            runtime.shutdown_background();
        }
        Err(fault) => tracing::error!(%fault, "webhooks can't be sent"),
    }
}

struct Office {
    shared: Shared,
    couriers: JoinSet<()>,
    /// The endpoints that have a courier: it lands what it sent before another one takes over.
    at_work: Arc<Mutex<HashSet<Which>>>,
    /// The companies that have endpoints.
    companies: HashSet<CompanyId>,
}

async fn run(app: &Arc<App>, is_over: &dyn Fn() -> bool) {
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(REQUESTS));
    let shared = Shared { app: app.clone(), places, resolve: resolver(), stopped };
    let mut office = Office { shared, couriers: JoinSet::new(), at_work: Arc::default(), companies: HashSet::new() };
    let written = app.db.written();
    let (mut looked, mut swept): (Option<Instant>, Option<Instant>) = (None, None);
    let mut is_well = true;
    while !is_over() {
        let _ = tokio::time::timeout(LOOK_EVERY, written.wait()).await;
        let changed = written.take();
        changed.iter().for_each(|company_id| app.news.tell(*company_id));
        let is_time = looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        let done = async {
            if is_time {
                looked = Some(Instant::now());
                office.look().await?;
            }
            if is_time || changed.iter().any(|company_id| office.companies.contains(company_id)) {
                office.take_up().await?;
            }
            if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                swept = Some(Instant::now());
                office.sweep().await?;
            }
            Ok::<(), Error>(())
        };
        let done = done.await;
        match &done {
            Err(fault) if is_well => tracing::warn!(%fault, "webhooks can't be sent"),
            Ok(()) if !is_well => tracing::info!("webhooks are sent again"),
            _ => {}
        }
        is_well = done.is_ok();
        tokio::time::sleep(GATHER).await;
    }
    stop.send_replace(true);
    while office.couriers.join_next().await.is_some() {}
}

impl Office {
    /// Looks at what other processes wrote, and who has endpoints.
    async fn look(&mut self) -> Result<(), Error> {
        let app = &self.shared.app;
        app.news.look(app).await?;
        self.companies = app.db.read(|tx| Ok::<_, Error>(shelf::companies(tx)?)).await?.into_iter().collect();
        Ok(())
    }

    /// Takes up the endpoints that have something to be sent.
    async fn take_up(&mut self) -> Result<(), Error> {
        while self.couriers.try_join_next().is_some() {}
        let free = COURIERS.saturating_sub(self.couriers.len());
        let app = self.shared.app.clone();
        let now = app.now();
        // What is later than that was set by a clock that was ahead.
        let [latest, latest_due] = [now + LEASE + CLOCKS_DIFFER, now + LATEST];
        if free == 0 || self.companies.is_empty() {
            return Ok(());
        }
        // Those at work here hold their lease; most looks find nothing.
        let due =
            app.db.read(move |tx| Ok::<_, Error>(shelf::due(tx, now, [latest, latest_due], free as i64)?)).await?;
        for which in due {
            if self.lock().contains(&which) {
                continue;
            }
            let lease_id = Uuid::now_v7();
            let times = [now, now + LEASE, latest];
            let leased = app.db.claim(move |tx| Ok::<_, Error>(shelf::lease(tx, which, lease_id, times)?)).await?;
            let Some(place) = leased else { continue };
            self.lock().insert(which);
            let (courier, at_work) = (Courier::new(self.shared.clone(), which, lease_id, place), self.at_work.clone());
            self.couriers.spawn(async move {
                let _ends = Ends(at_work, which);
                courier.work().await;
            });
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Which>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what became of deliveries long ago.
    async fn sweep(&self) -> Result<(), Error> {
        let app = &self.shared.app;
        let before = app.now() - KEPT_FOR;
        for (company_id, id) in app.db.read(|tx| Ok::<_, Error>(shelf::all(tx)?)).await? {
            let some =
                move || app.db.claim(move |tx| Ok::<_, Error>(deliveries::sweep(tx, company_id, id, before, SWEEP)?));
            while some().await? > 0 {}
        }
        Ok(())
    }
}

/// Says that an endpoint has no courier any more, however that ended.
struct Ends(Arc<Mutex<HashSet<Which>>>, Which);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
