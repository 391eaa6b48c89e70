//! `ledgerbee health`: asks a running server how it is, for those who watch it by running a program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Failed;

/// How long the server may take: longer than it gives its books.
const WITHIN: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(super) struct Health {
    /// Where the server listens
    #[arg(long, env = "LEDGERBEE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Ask also whether its books answer
    #[arg(long)]
    ready: bool,
}

impl Health {
    pub(super) fn run(self) -> Result<(), Failed> {
        let path = if self.ready { "readyz" } else { "healthz" };
        let address = within_reach(self.listen);
        let failed = |why: String| Failed(format!("the server at {address}: {why}"));
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(WITHIN));
        let mut answer = config
            .build()
            .new_agent()
            .get(format!("http://{address}/{path}"))
            .call()
            .map_err(|fault| failed(fault.to_string()))?;
        let body = answer.body_mut().read_to_string().map_err(|fault| failed(fault.to_string()))?;
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        match (answer.status().as_u16(), said["status"].as_str()) {
            (200, Some(word)) => {
                println!("{word}");
                Ok(())
            }
            (_, Some(word)) => Err(failed(word.to_owned())),
            (status, None) => Err(failed(format!("it answered {status}, and is no ledgerbee"))),
        }
    }
}

/// Where a server that listens on every address is reached from its own machine.
fn within_reach(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
