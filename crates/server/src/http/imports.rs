//! Imports: a table (CSV) or lines of JSON, checked row by row as one request would be, and made in
//! chunks. What becomes of each row is answered as soon as its chunk is done, so that the answer is the
//! progress too; whoever stops reading it stops the import after the chunk that runs.

use std::sync::Arc;
use std::time::Duration;

use app::answers::{Answered, Done, Intent, Key, Terms};
use app::imports::{self, ATOMIC, CHUNK, LookAhead, Row};
use app::{App, Caller, Error, Work};
use axum::body::{Body, Bytes};
use billing::csv;
use billing::input::imports::ImportQuery;
use billing::refusal::{Faults, Refusal};
use billing::scope::Scope;
use futures_util::stream::{self, StreamExt as _};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::contract;
use super::error::Fault;
use super::route::{Answer, CSV, Call, Input, JSON, LINES, Route, Run, Takes, input, read_input};

/// What an import takes.
const ROWS: Takes =
    Takes { media: &[CSV, LINES, "application/jsonl"], largest: 64 * 1024 * 1024, within: Duration::from_secs(600) };
/// How many refused rows a refusal of all names.
const NAMED: usize = 100;

/// Makes one of a row, after a look at what many will ask for.
struct Verb<I, O> {
    look_ahead: LookAhead<I>,
    make: fn(&mut Work<'_>, I) -> Result<O, Error>,
}

impl<I, O> Clone for Verb<I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Verb<I, O> {}

/// `POST` of many of what `make` makes one of; `told` says what of it the report tells.
pub(crate) fn import<I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    look_ahead: LookAhead<I>,
    make: fn(&mut Work<'_>, I) -> Result<O, Error>,
    told: fn(&O) -> Value,
) -> Route
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Send + 'static,
{
    let shape: Arc<Input> = Arc::new(input::<I>().expect("an input has a shape"));
    let verb = Verb { look_ahead, make };
    let run: Run = Box::new(move |call| {
        let shape = shape.clone();
        Box::pin(async move { answer(call, shape, verb, told).await })
    });
    let route = Route::new("POST", path, scope, summary, run);
    Route { query: input::<ImportQuery>(), takes: ROWS, offers: &[LINES, JSON], ..route }
}

async fn answer<I, O>(call: Call, shape: Arc<Input>, verb: Verb<I, O>, told: fn(&O) -> Value) -> Result<Answer, Error>
where
    I: DeserializeOwned + Send + 'static,
    O: Send + 'static,
{
    let Call { app, by, body, taken, room, query, terms, .. } = call;
    let asked: ImportQuery = read_input(&query)?;
    let rows = Rows::begin(body, taken, shape)?;
    let is_atomic = asked.atomic == Some(true);
    if is_atomic || terms.intent == Intent::Preview {
        return as_one(app, by, terms, rows, is_atomic, verb, told).await;
    }
    let Terms { key, precondition, intent: _ } = terms;
    let mut import = Import { app, by, key, rows, chunk: 0, counts: (0, 0), _room: room };
    // The first chunk is done before anything is answered: what is wrong as a whole is then said by the status.
    let first = import.chunk(precondition, verb, told).await?;
    let done = first.as_ref().map_or(Done::Now, |(_, done)| *done);
    let first_lines = first.map(|(lines, _)| lines);
    let is_over = first_lines.is_none();
    let begin = stream::once(async move { Ok::<_, Error>(Bytes::from(first_lines.unwrap_or_default())) });
    let rest = stream::unfold((import, is_over), move |(mut import, is_over)| async move {
        if is_over {
            let (rows, created) = import.counts;
            let last = json!({ "done": true, "rows": rows, "created": created, "failed": rows - created });
            return (import.chunk != usize::MAX).then(|| {
                import.chunk = usize::MAX;
                (Ok(Bytes::from(format!("{last}\n"))), (import, true))
            });
        }
        match import.chunk(None, verb, told).await {
            Ok(Some((lines, _))) => Some((Ok(Bytes::from(lines)), (import, false))),
            Ok(None) => Some((Ok(Bytes::new()), (import, true))),
            Err(fault) => {
                tracing::error!(request_id = import.by.request_id, %fault, "an import was broken off");
                let fault = Fault::from(fault);
                let last = json!({ "done": false, "code": fault.code, "message": fault.message });
                import.chunk = usize::MAX;
                Some((Ok(Bytes::from(format!("{last}\n"))), (import, true)))
            }
        }
    });
    Ok(Answer::Lines(Body::from_stream(begin.chain(rest)), done))
}

/// All rows in one transaction: shown, or done where none is refused.
async fn as_one<I, O>(
    app: Arc<App>,
    by: Caller,
    terms: Terms,
    mut rows: Rows,
    is_atomic: bool,
    verb: Verb<I, O>,
    told: fn(&O) -> Value,
) -> Result<Answer, Error>
where
    I: DeserializeOwned + Send + 'static,
    O: Send + 'static,
{
    let read = rows.take::<I>(ATOMIC + 1);
    if read.len() > ATOMIC {
        let message = format!("An import as one takes at most {ATOMIC} rows; leave atomic and dryRun out for more.");
        return Err(Refusal::new("IMPORT_TOO_LARGE_FOR_ATOMIC", message).with(json!({ "most": ATOMIC })).into());
    }
    let is_preview = terms.intent == Intent::Preview;
    let answered = app.answer(by, terms, move |work| {
        let became = imports::rows(work, read, verb.look_ahead, verb.make)?;
        let count = became.len();
        let lines: Vec<Value> = became.into_iter().map(|row| line(row, told)).collect();
        let refused: Vec<&Value> = lines.iter().filter(|line| line["status"] == "failed").collect();
        if is_atomic && !refused.is_empty() {
            let message = format!("{} of {count} rows are refused, so none is imported.", refused.len());
            let details = json!({ "rows": &refused[..refused.len().min(NAMED)] });
            return Err(Refusal::new("IMPORT_REFUSED", message).with(details).into());
        }
        let failed = refused.len();
        let last = json!({ "done": true, "rows": count, "created": count - failed, "failed": failed });
        let body = if is_preview {
            json!({ "rows": lines }).to_string()
        } else {
            let lines = lines.iter().chain([&last]).map(|line| format!("{line}\n"));
            lines.collect()
        };
        Ok(Answered { status: 200, body: Some(body), done: Done::Now })
    });
    let answered = answered.await?;
    if answered.done == Done::Never {
        return Ok(Answer::Written(answered));
    }
    Ok(Answer::Lines(Body::from(answered.body.unwrap_or_default()), answered.done))
}

/// An import on its way.
struct Import {
    app: Arc<App>,
    by: Caller,
    key: Option<Key>,
    rows: Rows,
    /// How many chunks are done.
    chunk: usize,
    /// How many rows were met, and how many of them made something.
    counts: (usize, usize),
    _room: Option<OwnedSemaphorePermit>,
}

impl Import {
    /// Makes the next chunk; its lines of the report, none at the end. Under an idempotency key each chunk is
    /// stored with its effect, so that an import that comes again goes on where it was broken off.
    async fn chunk<I, O>(
        &mut self,
        precondition: Option<app::answers::Precondition>,
        verb: Verb<I, O>,
        told: fn(&O) -> Value,
    ) -> Result<Option<(String, Done)>, Error>
    where
        I: DeserializeOwned + Send + 'static,
        O: Send + 'static,
    {
        let read = self.rows.take::<I>(CHUNK);
        let count = read.len();
        if count == 0 {
            return Ok(None);
        }
        // The first chunk takes the key itself. No key of a caller's holds a line's end: none is another chunk's.
        let chunk = self.chunk;
        let text = |key: &Key| if chunk == 0 { key.text.clone() } else { format!("{}\n{chunk}", key.text) };
        let key = self.key.clone().map(|key| Key { text: text(&key), ..key });
        let terms = Terms { key, precondition, intent: Intent::Do };
        let answered = self.app.answer(self.by.clone(), terms, move |work| {
            let became = imports::rows(work, read, verb.look_ahead, verb.make)?;
            let lines = became.into_iter().map(|row| format!("{}\n", line(row, told)));
            Ok(Answered { status: 200, body: Some(lines.collect()), done: Done::Now })
        });
        let answered = answered.await?;
        let lines = answered.body.unwrap_or_default();
        self.chunk += 1;
        // A quote within a text is escaped: only the field itself reads so.
        let created = lines.matches("\"status\":\"created\"").count();
        self.counts = (self.counts.0 + count, self.counts.1 + created);
        Ok(Some((lines, answered.done)))
    }
}

/// A row of the report.
fn line<O>((row, made): Row<O>, told: fn(&O) -> Value) -> Value {
    let mut line = match made {
        Ok(made) => {
            let mut line = told(&made);
            line["status"] = json!("created");
            line
        }
        Err(fault) => {
            let fault = Fault::from(fault);
            json!({ "status": "failed", "code": fault.code, "message": fault.message, "details": fault.details })
        }
    };
    line["row"] = json!(row);
    line
}

/// The rows of a body, read as they are wanted.
struct Rows {
    body: String,
    /// Where the next row begins.
    at: usize,
    /// The columns of a table, and what separates its cells; none of lines of JSON.
    table: Option<(Vec<String>, char)>,
    /// How many rows were read.
    count: u64,
    shape: Arc<Input>,
}

impl Rows {
    /// At the first row. A table names its columns before it.
    fn begin(body: String, media: &str, shape: Arc<Input>) -> Result<Rows, Error> {
        let mut at = if body.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut table = None;
        if media == CSV {
            let separator = csv::separator(&body[at..]);
            let columns = csv::next(&body, &mut at, separator).and_then(Result::ok).unwrap_or_default();
            let columns: Vec<String> = columns.into_iter().map(|name| name.trim().to_owned()).collect();
            let mut faults = Faults::default();
            for (place, name) in columns.iter().enumerate() {
                let field = if name.starts_with("metadata.") { "metadata" } else { name.as_str() };
                if columns[..place].contains(name) {
                    faults.add(name.as_str(), "isDuplicate", format!("column {name} should not be repeated"));
                } else if shape.schema["properties"].get(field).is_none() {
                    faults.add(name.as_str(), "whitelistValidation", format!("column {name} should not exist"));
                }
            }
            if !faults.is_empty() {
                return Err(faults.into());
            }
            table = Some((columns, separator));
        }
        Ok(Rows { body, at, table, count: 0, shape })
    }

    /// The next rows, at most so many; none at the end.
    fn take<I: DeserializeOwned>(&mut self, most: usize) -> Vec<Row<I>> {
        let mut rows = Vec::new();
        while rows.len() < most
            && let Some(text) = self.next()
        {
            self.count += 1;
            rows.push((self.count, text.and_then(|text| self.checked(&text))));
        }
        rows
    }

    /// The JSON of the next row; empty lines are none.
    fn next(&mut self) -> Option<Result<String, Error>> {
        loop {
            let Some((columns, separator)) = &self.table else {
                let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
                let line = rest.split_inclusive('\n').next().unwrap_or(rest);
                self.at += line.len();
                if line.trim().is_empty() {
                    continue;
                }
                return Some(Ok(line.trim().to_owned()));
            };
            return Some(match csv::next(&self.body, &mut self.at, *separator)? {
                Ok(cells) if cells.iter().all(String::is_empty) => continue,
                Ok(cells) if cells.len() != columns.len() => {
                    let message = format!("The row has {} cells, the table {} columns.", cells.len(), columns.len());
                    Err(Refusal::new("IMPORT_ROW_MALFORMED", message).into())
                }
                Ok(cells) => Ok(object(&self.shape.schema, columns, cells).to_string()),
                Err(bad) => Err(Refusal::new("IMPORT_ROW_MALFORMED", format!("The row can't be read: {bad}.")).into()),
            });
        }
    }

    /// A row as one request of its own would be checked.
    fn checked<I: DeserializeOwned>(&self, text: &str) -> Result<I, Error> {
        let faults = contract::check(&self.shape.shape, text).map_err(|fault| {
            Error::from(Refusal::new("IMPORT_ROW_MALFORMED", format!("The row is not JSON: {}.", fault.message)))
        })?;
        if faults.is_empty() { read_input(text) } else { Err(faults.into()) }
    }
}

/// The object of a table's row: an empty cell says nothing; flags and counts are read as such, lists are parted
/// by blanks.
fn object(schema: &Value, columns: &[String], cells: Vec<String>) -> Value {
    let (mut fields, mut pairs) = (Map::new(), Map::new());
    for (column, cell) in columns.iter().zip(cells) {
        if cell.is_empty() {
            continue;
        }
        if let Some(key) = column.strip_prefix("metadata.") {
            pairs.insert(key.to_owned(), json!(cell));
            continue;
        }
        let types = &schema["properties"][column]["type"];
        let is = |name: &str| types == name || types.as_array().is_some_and(|all| all.iter().any(|own| own == name));
        let value = match cell.as_str() {
            "true" | "false" if is("boolean") => json!(cell == "true"),
            _ if is("integer") => cell.parse::<i64>().map_or_else(|_| json!(cell), |count| json!(count)),
            _ if is("array") => json!(cell.split_whitespace().collect::<Vec<_>>()),
            _ => json!(cell),
        };
        fields.insert(column.clone(), value);
    }
    if !pairs.is_empty() {
        fields.insert("metadata".to_owned(), Value::Object(pairs));
    }
    Value::Object(fields)
}
