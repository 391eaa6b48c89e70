//! Routes that print while they are answered: a trial before a write, and a preview that writes nothing.

use std::sync::Arc;

use app::archive::File;
use app::{App, Caller, Error};
use billing::ids::Key;
use billing::scope::Scope;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::route::{Answer, PDF, PNG, Route, Run, body_of, id_of, input, read_input};

/// What is tried out before a write takes its turn.
type Trial<I> = fn(&Arc<App>, &Caller, I) -> Result<(), Error>;

impl Route {
    /// The same after a trial of its body, on a thread that may wait: in its lane it would hold up all others.
    #[must_use]
    pub(crate) fn after<I>(self, trial: Trial<I>) -> Route
    where
        I: DeserializeOwned + Send + 'static,
    {
        let run = Arc::new(self.run);
        let tried: Run = Box::new(move |call| {
            let run = run.clone();
            Box::pin(async move {
                let asked: I = read_input(body_of(&call))?;
                let (app, by) = (call.app.clone(), call.by.clone());
                let tried = tokio::task::spawn_blocking(move || trial(&app, &by, asked)).await;
                tried.map_err(|fault| Error::Broken(fault.to_string()))??;
                run(call).await
            })
        });
        Route { run: tried, ..self }
    }
}

/// Makes a file in one of a route's media types.
type Sketch<K, I> = fn(&Arc<App>, &Caller, K, I, &str) -> Result<File, Error>;

/// `POST` that shows something and writes nothing: a PDF or a picture.
pub(crate) fn sketch<K, I>(path: &'static str, scope: Scope, summary: &'static str, verb: Sketch<K, I>) -> Route
where
    K: Key,
    I: DeserializeOwned + JsonSchema + Send + 'static,
{
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let (id, asked): (K, I) = (id_of(&call)?, read_input(body_of(&call))?);
            let span = tracing::Span::current();
            let verb = move || span.in_scope(|| verb(&call.app, &call.by, id, asked, call.media));
            let made = tokio::task::spawn_blocking(verb).await;
            made.map_err(|fault| Error::Broken(fault.to_string()))?.map(Answer::File)
        })
    });
    Route { input: input::<I>(), offers: &[PDF, PNG], ..Route::new("POST", path, scope, summary, run) }
}
