//! A list as a table: pages of a thousand by cursor, each a short read of its own, made when
//! the client has taken the one before. Whoever reads slowly holds no thread and no connection.

use std::sync::Arc;

use app::{App, Caller, Error, View};
use axum::body::{Body, Bytes};
use billing::csv::{self, Column};
use billing::input::document_lists::Whole;
use billing::page::Page;
use futures_util::stream;
use serde::Serialize;

type Verb<Q, T> = fn(&mut View<'_>, Q) -> Result<Page<T>, Error>;

/// The whole of a list as CSV. Its first page is read before anything is answered.
pub(crate) async fn body<Q, T>(
    app: Arc<App>,
    by: Caller,
    asked: Q,
    verb: Verb<Q, T>,
    columns: &'static [Column],
) -> Result<Body, Error>
where
    Q: Whole + Send + Sync + 'static,
    T: Serialize + Send + 'static,
{
    let asked = Arc::new(asked);
    let mut first = String::new();
    csv::row(&mut first, columns.iter().map(|(name, _)| *name));
    let next = page(&app, &by, asked.part("")?, verb, columns, &mut first).await?;
    let rest = stream::try_unfold(next, move |cursor| {
        let (app, by, asked) = (app.clone(), by.clone(), asked.clone());
        async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let mut text = String::new();
            let read = async { page(&app, &by, asked.part(&cursor)?, verb, columns, &mut text).await };
            match read.await {
                Ok(next) => Ok(Some((Bytes::from(text), next))),
                Err(fault) => {
                    // The answer has begun: breaking it off is all that can still be said.
                    tracing::error!(request_id = by.request_id, %fault, "a table was broken off");
                    Err(fault)
                }
            }
        }
    });
    let first = stream::once(async move { Ok::<_, Error>(Bytes::from(first)) });
    Ok(Body::from_stream(stream::StreamExt::chain(first, rest)))
}

/// Adds a page's rows; the cursor of the next one.
async fn page<Q, T>(
    app: &App,
    by: &Caller,
    asked: Q,
    verb: Verb<Q, T>,
    columns: &'static [Column],
    text: &mut String,
) -> Result<Option<String>, Error>
where
    Q: Send + 'static,
    T: Serialize + Send + 'static,
{
    let (rows, next) = app
        .read(by.clone(), move |view| {
            let page = verb(view, asked)?;
            let mut rows = String::new();
            for resource in &page.data {
                let value = serde_json::to_value(resource).map_err(|fault| Error::Broken(fault.to_string()))?;
                csv::of(&mut rows, columns, &value);
            }
            Ok::<_, Error>((rows, page.next_cursor))
        })
        .await?;
    text.push_str(&rows);
    Ok(next)
}
