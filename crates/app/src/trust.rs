//! Who vouches for receivers of webhooks: the authorities of the world, and one of the operator's own; and what is said
//! of who shows a certificate that is not taken, in words for people.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

/// How TLS is spoken, with the world's authorities and those of `more` (PEM).
///
/// # Errors
/// What is wrong with `more`.
pub(crate) fn trusting(more: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let world = roots.len();
    for certificate in more.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        let certificate = certificate.map_err(|fault| format!("it is no PEM: {fault}"))?;
        roots.add(certificate).map_err(|fault| format!("one of its certificates can't be read: {fault}"))?;
    }
    if more.is_some() && roots.len() == world {
        return Err("there is no certificate (PEM) in it".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has all versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Whom a greeting by TLS was meant for.
#[derive(Clone, Copy)]
pub(crate) struct Greeted<'a> {
    /// As `receiver`.
    pub(crate) who: &'static str,
    /// What it is called.
    pub(crate) name: &'a str,
    /// The option that names an authority of one's own.
    pub(crate) option: &'static str,
}

/// Why a greeting failed, for people; none where that had nothing to do with TLS.
pub(crate) fn told(fault: &(dyn std::error::Error + 'static), greeted: Greeted<'_>) -> Option<String> {
    let who = greeted.who;
    match cause(fault)? {
        Error::InvalidCertificate(fault) => Some(of_certificate(fault, greeted)),
        Error::InvalidMessage(_) => Some(format!("the {who} does not speak TLS")),
        other => Some(other.to_string()),
    }
}

fn cause<'e>(fault: &'e (dyn std::error::Error + 'static)) -> Option<&'e Error> {
    if let Some(found) = fault.downcast_ref::<Error>() {
        return Some(found);
    }
    // What an error of the system holds is not among its sources.
    match fault.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => cause(held),
        None => cause(fault.source()?),
    }
}

fn of_certificate(fault: &CertificateError, Greeted { who, name, option }: Greeted<'_>) -> String {
    match fault {
        CertificateError::UnknownIssuer => format!(
            "no authority that is trusted here vouches for the {who}'s certificate; {option} names one of your own"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the {who}'s certificate is not for {name}")
        }
        CertificateError::Expired => format!("the {who}'s certificate has expired"),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the {who}'s certificate has expired on {}", day(*not_after))
        }
        CertificateError::NotValidYet => format!("the {who}'s certificate is not valid yet"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the {who}'s certificate is not valid before {}", day(*not_before))
        }
        // Made with `openssl req -x509`, as is often done, it is an authority's own.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            format!("the {who} shows an authority's certificate (CA:TRUE) as its own")
        }
        other => format!("the {who}'s certificate is not taken: {other}"),
    }
}

fn day(at: UnixTime) -> String {
    let at = i64::try_from(at.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(String::new, |at| at.strftime("%F").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        assert!(trusting(None).is_ok());
        for wrong in ["", "MII", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(trusting(Some(wrong.as_bytes())).is_err(), "{wrong:?}");
        }
        let own = std::fs::read(testkit::Authority::new().path()).unwrap();
        assert!(trusting(Some(&own)).is_ok());
    }
}
