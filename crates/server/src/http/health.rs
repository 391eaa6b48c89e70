//! `/healthz`: the process is alive. `/readyz`: its books answer, and it is not about to end. For
//! those who watch it or put it behind a balancer: no key, and nothing of any company.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::routing::get;

/// How long the books may take to answer.
const WITHIN: Duration = Duration::from_secs(2);

/// Adds both.
pub(super) fn add(router: Router, app: Arc<App>, is_ending: Arc<AtomicBool>) -> Router {
    let ready = move || {
        let (app, is_ending) = (app.clone(), is_ending.load(Ordering::Relaxed));
        async move { if is_ending { answer(StatusCode::SERVICE_UNAVAILABLE, "ending") } else { readiness(&app).await } }
    };
    router.route("/healthz", get(|| async { answer(StatusCode::OK, "ok") })).route("/readyz", get(ready))
}

async fn readiness(app: &App) -> Response<Body> {
    let cause = match tokio::time::timeout(WITHIN, app.look()).await {
        Ok(Ok(())) => return answer(StatusCode::OK, "ok"),
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => format!("no answer within {} s", WITHIN.as_secs()),
    };
    // The cause may name hosts and folders: for the log only.
    tracing::warn!(cause, "not ready: the books do not answer");
    answer(StatusCode::SERVICE_UNAVAILABLE, "the books do not answer")
}

fn answer(status: StatusCode, word: &'static str) -> Response<Body> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from(format!("{{\"status\":\"{word}\"}}")));
    response.unwrap_or_default()
}
