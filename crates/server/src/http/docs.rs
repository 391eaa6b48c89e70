//! The contract to read and to try: `/api/openapi.json` and the page at `/api/docs`,
//! served by the program itself, no outside host.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use axum::response::Redirect;
use axum::routing::get;

use super::openapi;

const PAGE: &str = include_str!("../../assets/docs.html");
const START: &str = include_str!("../../assets/docs.js");
const STYLE: &[u8] = include_bytes!("../../assets/swagger-ui.css.gz");
const SCRIPT: &[u8] = include_bytes!("../../assets/swagger-ui-bundle.js.gz");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static CONTRACT: LazyLock<String> = LazyLock::new(|| openapi::document().to_string());

fn text(media: &'static str, body: &'static str) -> Response<Body> {
    let response = Response::builder()
        .header(header::CONTENT_TYPE, media)
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::from(body));
    response.unwrap_or_default()
}

fn packed(media: &'static str, body: &'static [u8]) -> Response<Body> {
    let response = Response::builder()
        .header(header::CONTENT_TYPE, media)
        .header(header::CONTENT_ENCODING, "gzip")
        .header(header::CACHE_CONTROL, "public, max-age=86400")
        .body(Body::from(body));
    response.unwrap_or_default()
}

/// Adds the contract and its page.
pub(super) fn add(router: Router) -> Router {
    let page = || async { text("text/html; charset=utf-8", PAGE) };
    router
        .route("/", get(|| async { Redirect::temporary("/api/docs") }))
        .route("/api", get(|| async { Redirect::temporary("/api/docs") }))
        .route("/api/openapi.json", get(|| async { text("application/json; charset=utf-8", CONTRACT.as_str()) }))
        .route("/api/docs", get(page))
        .route("/api/docs/start.js", get(|| async { text("text/javascript; charset=utf-8", START) }))
        .route("/api/docs/swagger-ui.css", get(|| async { packed("text/css; charset=utf-8", STYLE) }))
        .route("/api/docs/swagger-ui-bundle.js", get(|| async { packed("text/javascript; charset=utf-8", SCRIPT) }))
}
