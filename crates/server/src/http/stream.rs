//! A company's log of events as it goes on: server-sent events (WHATWG HTML, 9.2) that a client takes up again
//! where it left off.

use axum::body::{Body, Bytes};
use billing::input::events::StreamQuery;
use billing::scope::Scope;
use futures_util::stream;

use super::route::{Answer, Route, Run, input, read_input};

/// What is answered line by line.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// `GET` of what happens, as it happens.
pub(crate) fn follow(path: &'static str, scope: Scope, summary: &'static str) -> Route {
    let run: Run = Box::new(move |call| {
        Box::pin(async move {
            let mut asked: StreamQuery = read_input(&call.query)?;
            // Whoever comes again says what it has; what is no sequence of ours says nothing.
            let seen = call.last_event_id.as_deref().and_then(|id| id.parse().ok()).filter(|id| *id >= 0);
            asked.after = seen.or(asked.after);
            let follower = call.app.follow(call.by, asked).await?;
            let lines = stream::unfold(Some(follower), |follower| async move {
                let mut follower = follower?;
                match follower.next().await {
                    Ok(Some(line)) => Some((Ok::<_, app::Error>(Bytes::from(line)), Some(follower))),
                    Ok(None) => None,
                    Err(fault) => {
                        // The answer has begun: ending it is all that can still be said, and the client comes again.
                        tracing::warn!(%fault, "a stream of events was ended");
                        None
                    }
                }
            });
            // At once, so that the client knows that it is heard.
            let begun = stream::once(async { Ok::<_, app::Error>(Bytes::from_static(b"retry: 1000\n\n")) });
            Ok(Answer::Stream(Body::from_stream(stream::StreamExt::chain(begun, lines))))
        })
    });
    Route { query: input::<StreamQuery>(), offers: &[EVENT_STREAM], ..Route::new("GET", path, scope, summary, run) }
}
