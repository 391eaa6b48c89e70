//! The doctor: reads the books from end to end and tells what does not hold. It writes
//! nothing, may run beside servers, and holds a page of rows in memory at most. Each check
//! sees one moment of the books.

mod webhooks;

use std::path::Path;
use std::sync::mpsc::sync_channel;

use billing::company::Company;
use billing::ids::CompanyId;
use billing::json::instant_text;
use billing::postings::{self, FIRST_HASH, sha256};
use billing::refusal::Refusal;
use jiff::{SignedDuration, Timestamp};
use store::db::Tx;
use store::examination::{self as shelf, Comparison, Difference};
use store::{Config, Database, companies, deliveries, reminders, series};

use crate::archive::sha256_of;
use crate::webhooks::secrets;
use crate::{Clock, Error, KeyFile};

/// How many rows are held at once.
const PAGE: i64 = 500;
/// How many archived copies are held at once.
const FILES: i64 = 8;
/// How far apart two clocks may be.
const CLOCKS_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// A job that was claimed so often fails for a reason of ours.
const TRIED_TOO_OFTEN: i64 = 10;
/// A job that is due so long is worked by nobody.
const DUE_TOO_LONG: SignedDuration = SignedDuration::from_hours(1);
/// Less than this is not enough to write on for long.
const LEAST_FREE: u64 = 1 << 30;

/// What the doctor says while it looks.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// A check begins; what follows is of it.
    Begun {
        /// Of which company; none of the house.
        company_id: Option<CompanyId>,
        /// Its name, as `entries`.
        check: &'static str,
        /// What must hold.
        about: &'static str,
        /// How much there is to look at, where that is known.
        of: Option<u64>,
    },
    /// So many more have been looked at.
    Walked(u64),
    /// What does not hold, for people.
    Wrong(String),
    /// The check is done.
    Ended,
}

type Tell<'t> = &'t mut dyn FnMut(Told);

/// One check of a company's books.
struct Check {
    name: &'static str,
    about: &'static str,
    of: fn(&mut dyn Tx, &Company) -> Result<u64, store::Error>,
    look: fn(&mut dyn Tx, &Company, Tell<'_>) -> Result<(), store::Error>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "entries",
        about: "every journal entry balances and is chained to the one before it by its hash",
        of: |tx, company| Ok(length(shelf::counters(tx, company.id)?.entries)),
        look: entries,
    },
    Check {
        name: "events",
        about: "no event is missing",
        of: |tx, company| Ok(length(shelf::counters(tx, company.id)?.events)),
        look: events,
    },
    Check {
        name: "numbers",
        about: "every series counts from 1 without a gap but what was skipped on purpose, and forward in time",
        of: |tx, company| Ok(length(series::given(tx, company.id)?)),
        look: numbers,
    },
    Check {
        name: "totals",
        about: "lines add up to VAT groups, groups to totals, in both currencies",
        of: documents,
        look: |tx, company, tell| compare(tx, company, shelf::TOTALS, tell),
    },
    Check {
        name: "credit",
        about: "what is credited is the sum of its shares and never more than was invoiced",
        of: documents,
        look: |tx, company, tell| compare(tx, company, shelf::CREDITING, tell),
    },
    Check {
        name: "conversions",
        about: "an offer and what was made of it name each other, once",
        of: documents,
        look: |tx, company, tell| compare(tx, company, shelf::CONVERSIONS, tell),
    },
    Check {
        name: "settlement",
        about: "what is open of a document and of its fees follows from what settles them",
        of: documents,
        look: |tx, company, tell| compare(tx, company, shelf::SETTLEMENT, tell),
    },
    Check {
        name: "open items",
        about: "every open item is what was posted on it",
        of: |_, _| Ok(0),
        look: |tx, company, tell| compare_whole(tx, company, shelf::OPEN_ITEMS, tell),
    },
    Check {
        name: "receivables",
        about: "every receivables account is the sum of its open items",
        of: |_, _| Ok(0),
        look: |tx, company, tell| compare_whole(tx, company, shelf::CONTROL_ACCOUNTS, tell),
    },
    Check {
        name: "snapshots",
        about: "every booked document has the snapshot that its entry names, every sent offer its own",
        of: documents,
        look: snapshots,
    },
    Check {
        name: "papers",
        about: "every booked document and sent offer has its PDF, or the job that prints it",
        of: documents,
        look: papers,
    },
    Check {
        name: "deliveries",
        about: "every delivery and reminder that is to be sent has the job that sends it",
        of: documents,
        look: undelivered,
    },
    Check {
        name: "files",
        about: "every archived copy has the bytes it was archived with",
        of: |tx, company| shelf::file_count(tx, company.id),
        look: files,
    },
];

/// Examines the house and each company, or one of them, and tells what is found as it goes.
/// `folder` is where the server writes: its disk is looked at. `key_file` is where the key of webhook secrets may be.
///
/// # Errors
/// When nothing could be examined: no books, no company of that id, or the database is away.
/// What is wrong is told, not answered here.
pub fn examine(
    books: &Config,
    folder: &Path,
    key_file: Option<&KeyFile>,
    only: Option<CompanyId>,
    clock: &Clock,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let db = Database::open_to_read(books)?;
    if !house(&db, folder, key_file, clock, tell)? {
        return Ok(());
    }
    let all = db.read(companies::list).wait()?;
    if let Some(id) = only.filter(|id| all.iter().all(|company| company.id != *id)) {
        return Err(Refusal::missing("COMPANY_NOT_FOUND", format!("There is no company {id}.")).into());
    }
    for company in all.into_iter().filter(|company| only.is_none_or(|id| id == company.id)) {
        of_company(&db, &company, key_file, clock, tell)?;
    }
    Ok(())
}

/// Looks at what all companies share; whether the tables are those the other checks know.
fn house(
    db: &Database,
    folder: &Path,
    key_file: Option<&KeyFile>,
    clock: &Clock,
    tell: Tell<'_>,
) -> Result<bool, Error> {
    let begin = |tell: Tell<'_>, check, about| tell(Told::Begun { company_id: None, check, about, of: None });
    begin(tell, "migrations", "the tables are those this program works with");
    let difference = store::migrate::difference(&db.read(shelf::applied).wait()?);
    let is_known = difference.is_none();
    tell_all(difference, tell);

    begin(tell, "storage", "the embedded database's file is whole");
    tell_all(db.damage()?, tell);

    begin(tell, "disk", "the data folder may be written and has room");
    tell_all(disk(folder), tell);
    if !is_known {
        return Ok(false);
    }

    begin(tell, "jobs", "no job is left undone");
    let now = clock.now();
    let stuck = db.read(move |tx| shelf::stuck_jobs(tx, TRIED_TOO_OFTEN, now - DUE_TOO_LONG)).wait();
    let stuck = stuck.map_err(|fault: store::Error| Error::from(fault))?.into_iter().map(|job| {
        let shelf::StuckJob { company_id, id, kind, attempts, due_at } = job;
        let due_at = instant_text(due_at);
        format!("job {id} ({kind}, company {company_id}) was tried {attempts} times and is due since or at {due_at}")
    });
    tell_all(stuck, tell);

    begin(tell, "secret key", "the key that webhook secrets are sealed with can be read, where it is");
    tell_all(secrets::at_hand(key_file).err(), tell);

    begin(tell, "clock", "this machine and the database server tell the same time");
    let apart = db.server_clock()?.map(|theirs| (theirs, clock.now()));
    let apart = apart.filter(|(theirs, ours)| theirs.duration_since(*ours).abs() > CLOCKS_WITHIN);
    tell_all(apart.map(|(theirs, ours)| format!("here it is {ours}, at PostgreSQL's server {theirs}")), tell);
    Ok(true)
}

fn tell_all(wrong: impl IntoIterator<Item = String>, tell: Tell<'_>) {
    wrong.into_iter().for_each(|what| tell(Told::Wrong(what)));
    tell(Told::Ended);
}

fn disk(folder: &Path) -> Vec<String> {
    let place = folder.display();
    if !folder.exists() {
        // With the books in PostgreSQL it is made by the first mail or lock.
        return Vec::new();
    }
    let mut wrong = Vec::new();
    if let Err(fault) = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK) {
        wrong.push(format!("{place} can't be written: {fault}"));
    }
    match rustix::fs::statvfs(folder) {
        Ok(of) if of.f_bavail.saturating_mul(of.f_frsize) < LEAST_FREE => {
            wrong.push(format!("{place} has {} MiB left", of.f_bavail.saturating_mul(of.f_frsize) >> 20));
        }
        Ok(_) => {}
        Err(fault) => wrong.push(format!("{place}: {fault}")),
    }
    wrong
}

fn of_company(
    db: &Database,
    company: &Company,
    key_file: Option<&KeyFile>,
    clock: &Clock,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let (id, now) = (company.id, clock.now());
    let about = "nothing in the books is later than now";
    tell(Told::Begun { company_id: Some(id), check: "clock", about, of: None });
    let newest: Option<Timestamp> = db.read(move |tx| shelf::newest(tx, id)).wait().map_err(of_shelf)?;
    let ahead = newest.filter(|newest| newest.duration_since(now) > CLOCKS_WITHIN);
    tell_all(
        ahead.map(|newest| format!("the clock has gone back: it is {now}, but something was done at {newest}")),
        tell,
    );
    for &Check { name, about, of, look } in CHECKS {
        run(db, company, name, about, of, look, tell)?;
    }
    let about = "every webhook endpoint is sent what happens, and its secrets can be opened";
    // A key that can't be read was told of above.
    let means = webhooks::Means { now, key: secrets::at_hand(key_file).unwrap_or_default() };
    let of = |tx: &mut dyn Tx, company: &Company| store::webhooks::count(tx, company.id);
    let look = move |tx: &mut dyn Tx, company: &Company, tell: Tell<'_>| webhooks::look(tx, company, &means, tell);
    run(db, company, "webhooks", about, of, look, tell)
}

fn of_shelf(fault: store::Error) -> Error {
    fault.into()
}

/// Runs one check on a reader's thread and tells here what it finds there.
fn run(
    db: &Database,
    company: &Company,
    name: &'static str,
    about: &'static str,
    of: fn(&mut dyn Tx, &Company) -> Result<u64, store::Error>,
    look: impl FnOnce(&mut dyn Tx, &Company, Tell<'_>) -> Result<(), store::Error> + Send + 'static,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let (say, heard) = sync_channel::<Told>(64);
    let company = company.clone();
    let pending = db.read(move |tx| {
        let mut say = |told| {
            // Nobody listens any more when the program is ending.
            let _ = say.send(told);
        };
        let of = of(tx, &company)?;
        say(Told::Begun { company_id: Some(company.id), check: name, about, of: (of > 0).then_some(of) });
        look(tx, &company, &mut say)
    });
    heard.into_iter().for_each(&mut *tell);
    match pending.wait() {
        Ok(()) => {}
        // Rows that can't be read are a finding; a database that is away is none.
        Err(store::Error::Busy(why)) => return Err(Error::Busy(why)),
        Err(fault) => tell(Told::Wrong(format!("it can't be read: {fault}"))),
    }
    tell(Told::Ended);
    Ok(())
}

fn length(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn documents(tx: &mut dyn Tx, company: &Company) -> Result<u64, store::Error> {
    shelf::document_count(tx, company.id)
}

fn differs(comparison: &Comparison, difference: Difference) -> Told {
    let Difference { name, stated, found } = difference;
    Told::Wrong(format!("{name}: {} {stated}, {} {found}", comparison.stated, comparison.found))
}

fn compare(tx: &mut dyn Tx, company: &Company, comparisons: &[Comparison], tell: Tell<'_>) -> Result<(), store::Error> {
    let mut after = String::new();
    while let Some((to, count)) = shelf::page_end(tx, company.id, &after, PAGE)? {
        for comparison in comparisons {
            for difference in shelf::compare_range(tx, company.id, comparison, &after, &to)? {
                tell(differs(comparison, difference));
            }
        }
        tell(Told::Walked(count));
        after = to;
    }
    Ok(())
}

fn compare_whole(
    tx: &mut dyn Tx,
    company: &Company,
    comparisons: &[Comparison],
    tell: Tell<'_>,
) -> Result<(), store::Error> {
    for comparison in comparisons {
        for difference in shelf::compare_all(tx, company.id, comparison)? {
            tell(differs(comparison, difference));
        }
    }
    Ok(())
}

/// Says that what would come between two counts is missing.
fn tell_gap(what: &str, expected: i64, found: i64, tell: Tell<'_>) {
    match found - expected {
        ..1 => {}
        1 => tell(Told::Wrong(format!("{what} {expected} is missing"))),
        _ => tell(Told::Wrong(format!("{what} {expected} is missing, and all up to {}", found - 1))),
    }
}

/// Says that a walk did not end where it was said to.
fn tell_end(what: &str, next: i64, said: i64, tell: Tell<'_>) {
    tell_gap(what, next, said, tell);
    if next > said {
        tell(Told::Wrong(format!("{what} {} is there, but {} is said to be the last", next - 1, said - 1)));
    }
}

fn entries(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let counters = shelf::counters(tx, company.id)?;
    let (mut next, mut previous) = (1, FIRST_HASH.to_owned());
    loop {
        let page = shelf::entries(tx, company, next - 1, PAGE)?;
        if page.is_empty() {
            break;
        }
        let count = page.len() as u64;
        for chained in page {
            let shelf::Chained { sequence, entry, previous_hash, hash } = chained;
            let mut wrong = |what: &str| tell(Told::Wrong(format!("entry {sequence} ({}): {what}", entry.description)));
            if previous_hash != previous {
                wrong("it names another predecessor than the entry before it");
            }
            let sum = |of: fn(&postings::Posting) -> i64| entry.postings.iter().map(of).map(i128::from).sum::<i128>();
            let amount = sum(|posting| posting.amount.minor());
            if amount != 0 || entry.postings.iter().any(|posting| posting.amount.currency() != entry.currency) {
                wrong(&format!("its postings do not balance, they come to {amount} minor units"));
            }
            let base = sum(|posting| posting.base_amount.minor());
            if base != 0 {
                wrong(&format!("its base amounts do not balance, they come to {base} minor units"));
            }
            if postings::hash(company.id, sequence, &entry, &previous_hash) != hash {
                wrong("it is not what was written: its hash is another");
            }
            tell_gap("entry", next, sequence, tell);
            (next, previous) = (sequence + 1, hash);
        }
        tell(Told::Walked(count));
    }
    tell_end("entry", next, counters.entries + 1, tell);
    if previous != counters.last_hash {
        tell(Told::Wrong("the last entry's hash is not the one that the company keeps".to_owned()));
    }
    for id in shelf::stray_postings(tx, company.id)? {
        tell(Told::Wrong(format!("there are postings of entry {id}, which is not there")));
    }
    Ok(())
}

fn events(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let last = shelf::counters(tx, company.id)?.events;
    let mut next = 1;
    loop {
        let page = shelf::events(tx, company.id, next - 1, PAGE)?;
        if page.is_empty() {
            break;
        }
        for sequence in &page {
            tell_gap("event", next, *sequence, tell);
            next = sequence + 1;
        }
        tell(Told::Walked(page.len() as u64));
    }
    tell_end("event", next, last + 1, tell);
    Ok(())
}

fn numbers(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    for series in shelf::series(tx, company.id)? {
        let what = format!("{} number", series.1);
        let (mut next, mut earlier) = (1, None);
        let skips = series::skips(tx, company.id, series.0, series.2)?;
        let mut skips = skips.iter().peekable();
        let mut over_skips = |next: i64, reached: i64| {
            let mut next = next;
            while let Some(skip) = skips.next_if(|skip| skip.from <= next && skip.to < reached) {
                next = next.max(skip.to + 1);
            }
            next
        };
        loop {
            let page = shelf::numbers(tx, company.id, &series, next - 1, PAGE)?;
            if page.is_empty() {
                break;
            }
            let count = page.len() as u64;
            for (sequence, number, at) in page {
                tell_gap(&what, over_skips(next, sequence), sequence, tell);
                if at < earlier {
                    let number = number.unwrap_or_default();
                    tell(Told::Wrong(format!("{number} was given before the number that precedes it")));
                }
                (next, earlier) = (sequence + 1, at.max(earlier));
            }
            tell(Told::Walked(count));
        }
        tell_end(&what, over_skips(next, series.3), series.3, tell);
    }
    Ok(())
}

fn snapshots(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let mut after = String::new();
    loop {
        let page = shelf::snapshots(tx, company.id, &after, PAGE / 5)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        tell(Told::Walked(page.len() as u64));
        for pinned in page {
            let shelf::Pinned { id, number, hashes: [document, snapshot, entry], json } = pinned;
            let name = number.unwrap_or(id);
            let mut wrong = |what: &str| tell(Told::Wrong(format!("{name}: {what}")));
            match (&json, &snapshot) {
                (Some(json), Some(hash)) if sha256(&[json]) != *hash => {
                    wrong("its snapshot is not what was booked: its hash is another");
                }
                (Some(_), Some(_)) => {}
                _ => wrong("it has no snapshot"),
            }
            if document != snapshot {
                wrong("it names another snapshot than it has");
            }
            if entry != document {
                wrong("its journal entry is missing or names another snapshot");
            }
        }
    }
}

fn papers(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let mut after = String::new();
    while let Some((to, count)) = shelf::page_end(tx, company.id, &after, PAGE)? {
        for number in shelf::paperless(tx, company.id, &after, &to)? {
            tell(Told::Wrong(format!("{number}: it has neither its PDF nor the job that prints it")));
        }
        tell(Told::Walked(count));
        after = to;
    }
    Ok(())
}

fn undelivered(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let mut after = String::new();
    while let Some((to, count)) = shelf::page_end(tx, company.id, &after, PAGE)? {
        for (name, status) in deliveries::undone(tx, company.id, &after, &to)? {
            tell(Told::Wrong(format!("{name}: its delivery is {status}, and no job sees to it")));
        }
        for name in deliveries::unasked(tx, company.id, &after, &to)? {
            tell(Told::Wrong(format!("{name}: it is scheduled, and no delivery waits")));
        }
        for number in reminders::undone(tx, company.id, &after, &to)? {
            tell(Told::Wrong(format!("{number}: a reminder is to be sent, and no job sees to it")));
        }
        tell(Told::Walked(count));
        after = to;
    }
    Ok(())
}

fn files(tx: &mut dyn Tx, company: &Company, tell: Tell<'_>) -> Result<(), store::Error> {
    let mut after = (String::new(), String::new());
    loop {
        let page = shelf::files(tx, company.id, &after, FILES)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.place);
        tell(Told::Walked(page.len() as u64));
        for file in page {
            let shelf::Archived { place: (document, kind), number, sha256, bytes } = file;
            if sha256_of(&bytes) != sha256 {
                let name = number.unwrap_or(document);
                tell(Told::Wrong(format!("{name}: its {kind} is not what was archived: its hash is another")));
            }
        }
    }
}
