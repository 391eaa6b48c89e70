//! The HTTP doors: the router, the listener and how it is shut.

mod connections;
pub mod contract;
mod docs;
mod door;
mod error;
mod examples;
mod health;
mod imports;
pub mod metrics;
pub mod openapi;
mod resource;
pub mod route;
pub mod routes;
mod rows;
mod stream;
mod terms;
mod trial;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::{App, Error};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::routing::MethodRouter;
use billing::keys::Network;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) use connections::make_room;
use connections::{Connections, Patient, Turns};
use door::Door;
use error::Fault;
use metrics::Meter;
use route::Route;

/// The largest head of a request: its line and its headers.
const LARGEST_HEAD: usize = 32 * 1024;

/// How a server that is told to stop ends.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// How long it says that it is going, and still takes what comes.
    pub notice: Duration,
    /// How long what runs then may take.
    pub within: Duration,
}

/// What a server's doors are opened with.
pub struct Doors {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<Network>,
    /// How many clients may be connected.
    pub most_connections: usize,
    /// How it ends.
    pub ending: Ending,
    /// What `/metrics` answers here; none when it stands elsewhere or nowhere.
    pub meter: Option<Meter>,
}

/// The router over the one table of routes.
fn router(app: Arc<App>, doors: Doors, is_ending: Arc<AtomicBool>) -> Router {
    let Doors { proxies, meter, .. } = doors;
    let door = Arc::new(Door::new(app.clone(), proxies));
    let mut by_path: Vec<(&'static str, Vec<Route>)> = Vec::new();
    for route in routes::routes() {
        match by_path.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => routes.push(route),
            None => by_path.push((route.path, vec![route])),
        }
    }
    let mut router = Router::new();
    for (path, routes) in by_path {
        router = router.route(&format!("/api{path}"), any(door.clone(), routes));
    }
    let router = match meter {
        Some(meter) => metrics::add(router, app.clone(), meter),
        None => router,
    };
    health::add(docs::add(router), app, is_ending).fallback_service(any(door, Vec::new()))
}

/// Hands every request to the door, with the routes of its path.
fn any(door: Arc<Door>, routes: Vec<Route>) -> MethodRouter {
    let routes: Arc<[Route]> = routes.into();
    let handler = move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request<Body>| {
        door::handle(door.clone(), routes.clone(), peer, request)
    };
    axum::routing::any(handler)
}

/// Serves until `stop` is done. Then `/readyz` says no at once, new connections are refused
/// after the notice, and what runs is finished.
pub async fn serve(listener: TcpListener, app: Arc<App>, doors: Doors, stop: impl Future<Output = ()>) {
    let ending = doors.ending;
    let is_ending = Arc::new(AtomicBool::new(false));
    let connections = Connections::new(doors.most_connections, doors.proxies.clone());
    let router = router(app.clone(), doors, is_ending.clone());
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(async {
        stop.await;
        is_ending.store(true, Ordering::Relaxed);
        tokio::time::sleep(ending.notice).await;
    });
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(fault) => {
                    // Out of file descriptors: what is open must end before more can come.
                    tracing::warn!(%fault, "a connection can't be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Some(admitted) = connections.admit(peer.ip()) else {
            connections.turn_away(stream, peer.ip(), no_room(&app));
            continue;
        };
        // A small answer must not wait for the next packet.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let turns = Arc::new(Turns::default());
        let stream = Patient::new(stream, turns.clone());
        let service = tower::service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let (mut router, turns) = (router.clone(), turns.clone());
            async move { turns.count(tower::Service::call(&mut router, request.map(Body::new))).await }
        });
        let mut builder = Builder::new();
        // The stream itself ends when its client is late.
        builder.header_read_timeout(None).max_header_size(LARGEST_HEAD).max_buf_size(2 * LARGEST_HEAD);
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let watched = graceful.watch(connection);
        let open = metrics::OpenConnection::begin();
        tokio::spawn(async move {
            let _held = (admitted, open);
            // A client that breaks off ends its own connection and nothing else.
            let _ = watched.await;
        });
    }
    drop(listener);
    // Else they would outlast the time to end; who follows comes again, elsewhere.
    app.end_streams();
    if tokio::time::timeout(ending.within, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// What one is told for whom there is no place: nothing of its request is read.
fn no_room(app: &App) -> String {
    let body = Fault::from(Error::Busy(String::new())).body(app.now(), "/");
    let (id, length) = (Uuid::new_v4(), body.len());
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\nretry-after: 1\r\n\
         x-request-id: {id}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
