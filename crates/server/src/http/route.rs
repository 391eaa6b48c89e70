//! The types of the one route table: a row names method, path, scope, a sentence and
//! a verb; routing, checks, OpenAPI and the list of what tests must cover are read from it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use app::answers::{Answered, Done, Terms};
use app::archive::File;
use app::{App, Caller, Error, View, Work};
use axum::body::Body;
use billing::csv;
use billing::ids::Key;
use billing::input::document_lists::Whole;
use billing::page::Page;
use billing::scope::Scope;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::contract::{self, Shape};
use super::resource::Resource;
use super::rows;

/// What is answered in JSON.
pub(crate) const JSON: &str = "application/json";
/// What is answered on paper.
pub(crate) const PDF: &str = "application/pdf";
/// What is answered as a picture.
pub(crate) const PNG: &str = "image/png";
/// What is answered as an e-invoice.
pub(crate) const XML: &str = "application/xml";
/// What is answered line by line, each of them JSON.
pub(crate) const LINES: &str = "application/x-ndjson";
/// What is answered as a table.
pub(crate) const CSV: &str = "text/csv";

/// What a handler is given: everything is checked by now.
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) by: Caller,
    /// The ids of the path, in their order.
    pub(crate) ids: Vec<Uuid>,
    pub(crate) body: String,
    /// Which of the route's media types the body is of.
    pub(crate) taken: &'static str,
    /// The room that a large body takes, for as long as it is held.
    pub(crate) room: Option<OwnedSemaphorePermit>,
    pub(crate) query: String,
    /// The one of the route's media types that the client likes best.
    pub(crate) media: &'static str,
    pub(crate) terms: Terms,
    /// What whoever takes up a stream again has heard last.
    pub(crate) last_event_id: Option<String>,
}

/// What a handler answers.
pub(crate) enum Answer {
    /// The JSON of what was read.
    Read(String),
    /// What a write answers.
    Written(Answered),
    /// A file.
    File(File),
    /// A table, row by row as it is read.
    Rows(Body),
    /// What becomes of the rows of an import, line by line as it is done; and when the first was.
    Lines(Body, Done),
    /// What happens, as it happens.
    Stream(Body),
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;
pub(crate) type Run = Box<dyn Fn(Call) -> Running + Send + Sync>;

/// An input with the shape it is checked by.
pub struct Input {
    /// The published schema.
    pub schema: Value,
    /// The schema compiled.
    pub shape: Shape,
}

/// What a route takes for a body.
#[derive(Clone, Copy)]
pub(crate) struct Takes {
    /// Of which media types.
    pub(crate) media: &'static [&'static str],
    /// How large at most, in bytes.
    pub(crate) largest: usize,
    /// How long it may take to arrive.
    pub(crate) within: Duration,
}

/// The body of most routes.
pub(crate) const ONE: Takes = Takes { media: &[JSON], largest: 1024 * 1024, within: Duration::from_secs(30) };

/// One row of the table.
pub struct Route {
    /// `GET POST PATCH PUT DELETE`.
    pub method: &'static str,
    /// As `/v1/customers/{id}`, below `/api`.
    pub path: &'static str,
    /// What the key must hold; none for what every key may do.
    pub scope: Option<Scope>,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its body.
    pub input: Option<Input>,
    /// What its body is.
    pub(crate) takes: Takes,
    /// Its query parameters.
    pub query: Option<Input>,
    /// The schema of its answer; none for nothing and files.
    pub output: Option<Value>,
    /// The status of success.
    pub status: u16,
    /// Where what it makes stands when that is not below its own path, as `/v1/credit-notes`.
    pub made_at: Option<&'static str>,
    /// Where it stands instead, by its JSON, where it makes now one and now another.
    pub(crate) or_at: Option<fn(&str) -> Option<&'static str>>,
    /// The media types it answers in; the first where the client takes any.
    pub offers: &'static [&'static str],
    /// What it reads or writes, where that is one resource: `If-Match` and `ETag` speak of it.
    pub(crate) resource: Option<Resource>,
    /// Whether its answer is that resource.
    pub(crate) is_tagged: bool,
    pub(crate) run: Run,
}

/// The schema of a type as published: of what is taken in, or of what is given out.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    say_more(&mut schema);
    schema
}

/// Says in plain JSON Schema what a type or a format of ours means: how large an integer may be (what
/// the walk lets through must fit), and how a code or a decimal is written.
fn say_more(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let most = match fields.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(u64::from(u8::MAX)),
                Some("uint16") => Some(u64::from(u16::MAX)),
                Some("uint32") => Some(u64::from(u32::MAX)),
                Some("int32") => Some(i32::MAX as u64),
                _ => None,
            };
            if let Some(most) = most {
                fields.entry("maximum").or_insert_with(|| most.into());
            }
            let pattern = match fields.get("format").and_then(Value::as_str) {
                _ if fields.contains_key("x-decimal") => Some(r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"),
                Some("country") => Some("^[A-Z]{2}$"),
                Some("currency") => Some("^[A-Z]{3}$"),
                Some("gln") => Some("^[0-9]{13}$"),
                Some("colour") => Some("^#[0-9a-fA-F]{6}$"),
                _ => None,
            };
            if let Some(pattern) = pattern {
                fields.entry("pattern").or_insert_with(|| pattern.into());
            }
            fields.values_mut().for_each(say_more);
        }
        Value::Array(items) => items.iter_mut().for_each(say_more),
        _ => {}
    }
}

pub(crate) fn input<T: JsonSchema>() -> Option<Input> {
    let schema = schema::<T>(SchemaSettings::draft2020_12());
    Some(Input { shape: Shape::compile(&schema), schema })
}

pub(crate) fn output<T: JsonSchema>() -> Option<Value> {
    Some(schema::<T>(SchemaSettings::draft2020_12().for_serialize()))
}

fn text<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|fault| Error::Broken(fault.to_string()))
}

fn json<T: Serialize>(value: &T) -> Result<Answer, Error> {
    text(value).map(Answer::Read)
}

/// The query parameters of every write.
#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct WriteQuery {
    /// `true` shows what would be answered, posted and told, and does nothing.
    pub(crate) dry_run: Option<bool>,
}

/// Runs a verb that writes on the terms of its call. The JSON is made in the lane, where it is stored
/// under the request's key.
async fn write<O: Serialize>(
    call: Call,
    status: u16,
    verb: impl FnOnce(&mut Work<'_>) -> Result<O, Error> + Send + 'static,
) -> Result<Answer, Error> {
    let answered = call.app.answer(call.by, call.terms, move |work| {
        let made = verb(work)?;
        let body = if status == 204 { None } else { Some(text(&made)?) };
        Ok(Answered { status, body, done: Done::Now })
    });
    Ok(Answer::Written(answered.await?))
}

pub(crate) fn read_input<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    // The walk has checked it: what does not fit here is a fault of the contract.
    serde_json::from_str(text).map_err(|fault| Error::Broken(format!("a checked input does not fit: {fault}")))
}

/// An input that comes by another door than HTTP (the command line), checked by the same walk.
///
/// # Errors
/// `Invalid` with all faults at once.
pub(crate) fn checked<T: DeserializeOwned + JsonSchema>(value: &Value) -> Result<T, Error> {
    let shape = Shape::compile(&schema::<T>(SchemaSettings::draft2020_12()));
    let text = value.to_string();
    match contract::check(&shape, &text) {
        Ok(faults) if faults.is_empty() => read_input(&text),
        Ok(faults) => Err(Error::Invalid(faults)),
        Err(fault) => Err(Error::Broken(fault.message)),
    }
}

pub(crate) fn body_of(call: &Call) -> &str {
    if call.body.is_empty() { "{}" } else { &call.body }
}

pub(crate) fn id_of<K: Key>(call: &Call) -> Result<K, Error> {
    key_of(&call.ids)
}

fn key_of<K: Key>(ids: &[Uuid]) -> Result<K, Error> {
    K::of(ids).ok_or_else(|| Error::Broken("a path has other ids than its verb takes".to_owned()))
}

impl Route {
    pub(crate) fn new(
        method: &'static str,
        path: &'static str,
        scope: Scope,
        summary: &'static str,
        run: Run,
    ) -> Route {
        Route {
            method,
            path,
            scope: Some(scope),
            summary,
            input: None,
            takes: ONE,
            query: None,
            output: None,
            status: 200,
            made_at: None,
            or_at: None,
            offers: &[JSON],
            resource: None,
            is_tagged: false,
            run,
        }
    }

    fn writing(method: &'static str, path: &'static str, scope: Scope, summary: &'static str, run: Run) -> Route {
        Route { query: input::<WriteQuery>(), ..Route::new(method, path, scope, summary, run) }
    }

    /// Whether it answers a file, archived once.
    pub fn is_file(&self) -> bool {
        matches!(self.offers, [PDF] | [XML])
    }

    /// Whether it writes. What answers in files alone only shows something.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && self.offers.contains(&JSON)
    }

    /// The same for every key, whatever its scopes.
    #[must_use]
    pub(crate) fn for_every_key(self) -> Route {
        Route { scope: None, ..self }
    }

    /// The names in braces of its path, in their order: each stands for an id.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The operation's name: its method and path in words.
    pub fn operation(&self) -> String {
        let mut name = self.method.to_lowercase();
        for part in self.path.split(['/', '-']).filter(|part| !part.is_empty() && *part != "v1") {
            let part = if part.starts_with('{') { "one" } else { part };
            let mut letters = part.chars();
            if let Some(first) = letters.next() {
                name.extend(first.to_uppercase());
                name.push_str(letters.as_str());
            }
        }
        name
    }
}

/// `POST`: makes a resource. 201, with its place.
pub(crate) fn create<I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, I) -> Result<O, Error>,
) -> Route
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let asked: I = read_input(body_of(&call))?;
            write(call, 201, move |work| verb(work, asked)).await
        })
    });
    Route {
        input: input::<I>(),
        output: output::<O>(),
        status: 201,
        ..Route::writing("POST", path, scope, summary, run)
    }
}

/// The id in the JSON of something made.
pub(crate) fn id_in(json: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Made {
        id: Option<String>,
    }
    serde_json::from_str::<Made>(json).ok()?.id
}

fn writing<K, I, O>(
    method: &'static str,
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, I) = (id_of(&call)?, read_input(body_of(&call))?);
            write(call, 200, move |work| verb(work, id, asked)).await
        })
    });
    Route { input: input::<I>(), output: output::<O>(), ..Route::writing(method, path, scope, summary, run) }
}

/// `POST` of an action on one resource that makes another, which stands at `made_at`. 201.
pub(crate) fn make<K, I, O>(
    path: &'static str,
    made_at: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, I) = (id_of(&call)?, read_input(body_of(&call))?);
            write(call, 201, move |work| verb(work, id, asked)).await
        })
    });
    let route = Route::writing("POST", path, scope, summary, run);
    Route { input: input::<I>(), output: output::<O>(), status: 201, made_at: Some(made_at), ..route }
}

/// `PATCH` of one resource.
pub(crate) fn change<K, I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    writing("PATCH", path, scope, summary, verb)
}

/// `PUT` of one resource.
pub(crate) fn replace<K, I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    writing("PUT", path, scope, summary, verb)
}

/// `POST` of an action on one resource, with a body.
pub(crate) fn act<K, I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    writing("POST", path, scope, summary, verb)
}

/// `POST` that makes something below one resource. 201, with its place.
pub(crate) fn add<K, I, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K, I) -> Result<O, Error>,
) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, I) = (id_of(&call)?, read_input(body_of(&call))?);
            write(call, 201, move |work| verb(work, id, asked)).await
        })
    });
    Route {
        input: input::<I>(),
        output: output::<O>(),
        status: 201,
        ..Route::writing("POST", path, scope, summary, run)
    }
}

/// `POST` of an action on one resource that takes nothing.
pub(crate) fn order<K, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K) -> Result<O, Error>,
) -> Route
where
    K: Key,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let id: K = id_of(&call)?;
            write(call, 200, move |work| verb(work, id)).await
        })
    });
    Route { input: input::<Nothing>(), output: output::<O>(), ..Route::writing("POST", path, scope, summary, run) }
}

/// A body without fields.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `PATCH` or `PUT` of something there is one of.
pub(crate) fn set<I, O>(
    method: &'static str,
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, I) -> Result<O, Error>,
) -> Route
where
    I: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let asked: I = read_input(body_of(&call))?;
            write(call, 200, move |work| verb(work, asked)).await
        })
    });
    Route { input: input::<I>(), output: output::<O>(), ..Route::writing(method, path, scope, summary, run) }
}

/// `DELETE` of one resource. 204.
pub(crate) fn remove<K: Key>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K) -> Result<(), Error>,
) -> Route {
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let id: K = id_of(&call)?;
            write(call, 204, move |work| verb(work, id)).await
        })
    });
    Route { status: 204, ..Route::writing("DELETE", path, scope, summary, run) }
}

/// `POST` of what ends a resource, and answers nothing: there is none any more.
pub(crate) fn end<K: Key>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut Work<'_>, K) -> Result<(), Error>,
) -> Route {
    Route { method: "POST", input: input::<Nothing>(), ..remove(path, scope, summary, verb) }
}

/// `GET` of one resource.
pub(crate) fn read<K, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut View<'_>, K) -> Result<O, Error>,
) -> Route
where
    K: Key,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let id: K = id_of(&call)?;
            json(&call.app.read(call.by, move |view| verb(view, id)).await?)
        })
    });
    let resource: Resource = Arc::new(move |view, ids| text(&verb(view, key_of(ids)?)?));
    Route {
        output: output::<O>(),
        resource: Some(resource),
        is_tagged: true,
        ..Route::new("GET", path, scope, summary, run)
    }
}

/// `GET` of many, by query parameters.
pub(crate) fn list<Q, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut View<'_>, Q) -> Result<O, Error>,
) -> Route
where
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let asked: Q = read_input(&call.query)?;
            json(&call.app.read(call.by, move |view| verb(view, asked)).await?)
        })
    });
    Route { query: input::<Q>(), output: output::<O>(), ..Route::new("GET", path, scope, summary, run) }
}

/// `GET` of what stands below one resource, by query parameters.
pub(crate) fn list_of<K, Q, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut View<'_>, K, Q) -> Result<O, Error>,
) -> Route
where
    K: Key,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, Q) = (id_of(&call)?, read_input(&call.query)?);
            json(&call.app.read(call.by, move |view| verb(view, id, asked)).await?)
        })
    });
    Route { query: input::<Q>(), output: output::<O>(), ..Route::new("GET", path, scope, summary, run) }
}

/// `GET` of a list that is also a table: all of it, read as it is taken.
pub(crate) fn table<Q, T>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut View<'_>, Q) -> Result<Page<T>, Error>,
    columns: &'static [csv::Column],
) -> Route
where
    Q: Whole + DeserializeOwned + JsonSchema + Send + Sync + 'static,
    T: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let asked: Q = read_input(&call.query)?;
            if call.media == CSV {
                return Ok(Answer::Rows(rows::body(call.app, call.by, asked, verb, columns).await?));
            }
            json(&call.app.read(call.by, move |view| verb(view, asked)).await?)
        })
    });
    let route = Route::new("GET", path, scope, summary, run);
    Route { query: input::<Q>(), output: output::<Page<T>>(), offers: &[JSON, CSV], ..route }
}

/// Makes a file in one of a route's media types.
type InForm<K, Q> = fn(&Arc<App>, &Caller, K, Q, &str) -> Result<File, Error>;

/// `GET` of something below one resource as data, as a table or on paper: as `format` says, else `Accept`.
pub(crate) fn forms<K, Q, O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    format: fn(&Q) -> Option<&'static str>,
    data: fn(&mut View<'_>, K, Q) -> Result<O, Error>,
    file: InForm<K, Q>,
) -> Route
where
    K: Key,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, Q) = (id_of(&call)?, read_input(&call.query)?);
            let media = format(&asked).unwrap_or(call.media);
            if media == JSON {
                return json(&call.app.read(call.by, move |view| data(view, id, asked)).await?);
            }
            let made = tokio::task::spawn_blocking(move || file(&call.app, &call.by, id, asked, media)).await;
            made.map_err(|fault| Error::Broken(fault.to_string()))?.map(Answer::File)
        })
    });
    let route = Route::new("GET", path, scope, summary, run);
    Route { query: input::<Q>(), output: output::<O>(), offers: &[JSON, CSV, PDF], ..route }
}

/// `GET` of something there is one of.
pub(crate) fn show<O>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&mut View<'_>) -> Result<O, Error>,
) -> Route
where
    O: Serialize + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| Box::pin(async move { json(&call.app.read(call.by, verb).await?) }));
    let resource: Resource = Arc::new(move |view, _| text(&verb(view)?));
    Route {
        output: output::<O>(),
        resource: Some(resource),
        is_tagged: true,
        ..Route::new("GET", path, scope, summary, run)
    }
}

/// `GET` of a file, which may take milliseconds to make.
pub(crate) fn file<K, Q>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&Arc<App>, &Caller, K, Q) -> Result<File, Error>,
) -> Route
where
    K: Key,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, Q) = (id_of(&call)?, read_input(&call.query)?);
            let span = tracing::Span::current();
            let verb = move || span.in_scope(|| verb(&call.app, &call.by, id, asked));
            let made = tokio::task::spawn_blocking(verb).await;
            made.map_err(|fault| Error::Broken(fault.to_string()))?.map(Answer::File)
        })
    });
    Route { query: input::<Q>(), offers: &[PDF], ..Route::new("GET", path, scope, summary, run) }
}

/// The same where the file is XML.
pub(crate) fn xml<K, Q>(
    path: &'static str,
    scope: Scope,
    summary: &'static str,
    verb: fn(&Arc<App>, &Caller, K, Q) -> Result<File, Error>,
) -> Route
where
    K: Key,
    Q: DeserializeOwned + JsonSchema + Send + 'static,
{
    Route { offers: &[XML], ..file(path, scope, summary, verb) }
}
