//! `ledgerbee key …`: API keys, made, listed and ended by the operator.

use app::keys::{self, NewKey};
use billing::ids::{CompanyId, KeyId};
use billing::keys::Network;
use billing::scope::Scope;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::{Failed, Place};

#[derive(Subcommand)]
pub(super) enum Key {
    /// Make a key; its text is printed this once only
    Create(Create),
    /// List a company's keys, ended ones too
    List {
        /// The company's id
        #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
        company: CompanyId,
        /// Print JSON
        #[arg(long, env = "LEDGERBEE_JSON")]
        json: bool,
    },
    /// End a key, at once and for good
    Revoke {
        /// The company's id
        #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
        company: CompanyId,
        /// The key's id, see `key list`
        #[arg(value_name = "KEY-ID")]
        key: KeyId,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// The company's id
    #[arg(long, env = "LEDGERBEE_COMPANY", value_name = "ID")]
    company: CompanyId,
    /// What you call it
    #[arg(long, env = "LEDGERBEE_KEY_NAME", default_value = "API key")]
    name: String,
    /// What it may do: scopes as invoices-read,invoices-write, or all
    #[arg(long, env = "LEDGERBEE_SCOPES", value_delimiter = ',', required = true)]
    scopes: Vec<String>,
    /// When it ends by itself, as 2027-01-01T00:00:00Z
    #[arg(long, env = "LEDGERBEE_EXPIRES", value_name = "INSTANT")]
    expires: Option<Timestamp>,
    /// An address or network it may come from; may be repeated
    #[arg(long, env = "LEDGERBEE_ALLOW", value_delimiter = ',', value_name = "CIDR")]
    allow: Vec<Network>,
    /// Print JSON
    #[arg(long, env = "LEDGERBEE_JSON")]
    json: bool,
}

impl Key {
    pub(super) fn run(self, place: &Place) -> Result<(), Failed> {
        match self {
            Key::Create(create) => create.run(place),
            Key::List { company, json } => list(place, company, json),
            Key::Revoke { company, key } => {
                let ended = keys::revoke(&*place.open_quietly()?, company, key).wait()?;
                println!("revoked  {}  {}", ended.id, ended.name);
                Ok(())
            }
        }
    }
}

impl Create {
    fn run(self, place: &Place) -> Result<(), Failed> {
        let Create { company, name, scopes, expires, allow, json: as_json } = self;
        if name.trim().is_empty() || name.chars().count() > 200 {
            return Err(Failed::of("a key's name is 1 to 200 characters"));
        }
        let scopes = scopes_of(&scopes)?;
        let key = NewKey { name, scopes, expires_at: expires, allowlist: allow };
        let made = keys::create(&*place.open_quietly()?, company, key).wait()?;
        if as_json {
            println!("{:#}", json!(made));
        } else {
            println!("key id   {}", made.id);
            println!("API key  {}", made.key);
            println!("It is shown this once only: keep it safe.");
        }
        Ok(())
    }
}

fn scopes_of(names: &[String]) -> Result<Vec<Scope>, Failed> {
    if names == ["all"] {
        return Ok(Scope::ALL.to_vec());
    }
    names.iter().map(|name| name.parse().map_err(Failed::of)).collect()
}

fn list(place: &Place, company: CompanyId, as_json: bool) -> Result<(), Failed> {
    let keys = keys::list(&*place.open_quietly()?, company).wait()?;
    if as_json {
        println!("{:#}", json!(keys));
        return Ok(());
    }
    for key in keys {
        let ends = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("expires {at}"),
            (None, None) => "no end".to_owned(),
        };
        println!("{}  {}…  {ends}  {} scopes  {}", key.id, key.prefix, key.scopes.len(), key.name);
    }
    Ok(())
}
