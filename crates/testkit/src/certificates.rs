//! Certificates of the test's own: an authority that nobody else knows, and what it vouches for. Made with `openssl`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Folder;

/// Who vouches for certificates; its files end with it.
#[derive(Debug)]
pub struct Authority {
    folder: Folder,
}

/// A certificate with its key, as files (PEM).
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub path: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When there is no `openssl`: a failed run, never a silent skip.
    #[must_use]
    pub fn new() -> Authority {
        let own = Authority { folder: Folder::new() };
        // Each has a name of its own: two of one name would be taken for each other.
        let name = own.folder.path().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        openssl(
            own.folder.path(),
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "30",
                "-subj",
                &format!("/CN=The authority of {name}"),
                "-addext",
                "keyUsage=critical,keyCertSign",
                "-keyout",
                "authority.key",
                "-out",
                "authority.pem",
            ],
        );
        own
    }

    /// Its own certificate.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Vouches for these names, as `DNS:localhost,IP:127.0.0.1`, for two days.
    ///
    /// # Panics
    /// When `openssl` does not.
    #[must_use]
    pub fn vouch(&self, names: &str) -> Certificate {
        let folder = self.folder.path();
        let name: String = names.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = |end: &str| folder.join(format!("{name}.{end}"));
        let (request, certificate, key) = (path("csr"), path("pem"), path("key"));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        openssl(
            folder,
            &[
                "req",
                "-new",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                "/CN=A receiver",
                "-keyout",
                &text(&key),
                "-addext",
                &format!("subjectAltName={names}"),
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-out",
                &text(&request),
            ],
        );
        openssl(
            folder,
            &[
                "x509",
                "-req",
                "-in",
                &text(&request),
                "-CA",
                "authority.pem",
                "-CAkey",
                "authority.key",
                "-CAcreateserial",
                "-days",
                "2",
                "-copy_extensions",
                "copy",
                "-out",
                &text(&certificate),
            ],
        );
        Certificate { path: certificate, key }
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let made = Command::new("openssl").args(arguments).current_dir(folder).output();
    let made = made.expect("openssl (apt-get install openssl)");
    assert!(made.status.success(), "openssl: {}", String::from_utf8_lossy(&made.stderr));
}
