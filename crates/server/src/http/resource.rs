//! One resource: what `ETag` is made of and `If-Match` is held against, and which writes are about it.

use std::sync::Arc;

use app::{Error, View};
use uuid::Uuid;

use super::route::Route;

/// Reads the published JSON of one resource: what its tag is made of.
pub(crate) type Resource = Arc<dyn Fn(&mut View<'_>, &[Uuid]) -> Result<String, Error> + Send + Sync>;

impl Route {
    /// The same where what it makes may stand elsewhere, as its JSON tells.
    #[must_use]
    pub(crate) fn or_at(self, place: fn(&str) -> Option<&'static str>) -> Route {
        Route { or_at: Some(place), ..self }
    }
}

/// Tells each write which resource it is about: that of its own path or of the one above it, as
/// `/v1/invoices/{id}` of `/v1/invoices/{id}/send`; and whether that is what it answers.
pub(crate) fn tie(mut routes: Vec<Route>) -> Vec<Route> {
    let read = |route: &Route| (route.path, route.resource.clone(), route.output.clone());
    let reads: Vec<_> = routes.iter().filter(|route| route.resource.is_some()).map(read).collect();
    for route in routes.iter_mut().filter(|route| route.is_write()) {
        let above = route.path.rsplit_once('/').map_or("", |(above, _)| above);
        let named = reads.iter().find(|(path, ..)| *path == route.path);
        let named = named.or_else(|| reads.iter().find(|(path, ..)| *path == above && path.ends_with('}')));
        let place = route.made_at.unwrap_or(route.path);
        let made = reads
            .iter()
            .find(|(path, ..)| path.rsplit_once('/').is_some_and(|(of, one)| of == place && one.starts_with('{')));
        route.resource = named.and_then(|(_, resource, _)| resource.clone());
        let answered = if route.status == 201 { made } else { named };
        route.is_tagged = answered.is_some_and(|(.., output)| route.output.is_some() && *output == route.output);
    }
    routes
}
