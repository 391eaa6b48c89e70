//! Who asks: the credential behind a deed, kept with every event it makes.

use billing::ids::{CompanyId, KeyId};
use billing::scope::Scope;

/// Who acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    /// An API key.
    Key(KeyId),
    /// The operator at the command line.
    Operator,
    /// The program itself: workers.
    System,
}

impl Actor {
    /// How the actor is named in events: its kind and, where there is one, its id.
    pub fn named(self) -> (&'static str, Option<String>) {
        match self {
            Actor::Key(id) => ("api_key", Some(id.to_string())),
            Actor::Operator => ("operator", None),
            Actor::System => ("system", None),
        }
    }
}

/// Through which door a deed came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The HTTP API.
    Api,
    /// The command line.
    Console,
    /// A worker.
    System,
}

/// One caller of one request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The tenant the credential carries.
    pub company_id: CompanyId,
    /// Who acts.
    pub actor: Actor,
    /// Through which door.
    pub origin: Origin,
    /// What the credential may do.
    pub scopes: Vec<Scope>,
    /// When the credential ends, if it does.
    pub expires_at: Option<jiff::Timestamp>,
    /// The request, as in `X-Request-Id`.
    pub request_id: String,
    /// The client's address.
    pub remote_address: Option<String>,
    /// The client's `User-Agent`.
    pub agent: Option<String>,
}

impl Caller {
    /// The operator at the command line, or a worker, for one company.
    pub fn inside(company_id: CompanyId, actor: Actor) -> Caller {
        let origin = if actor == Actor::Operator { Origin::Console } else { Origin::System };
        Caller {
            company_id,
            actor,
            origin,
            scopes: Scope::ALL.to_vec(),
            expires_at: None,
            request_id: String::new(),
            remote_address: None,
            agent: None,
        }
    }

    /// Whether the caller holds the scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}
