//! The key that webhook secrets are sealed with at rest: 32 bytes in a file that is no part of the books, so
//! that a copy of the books alone gives no secret away.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use billing::ids::{CompanyId, EndpointId};
use billing::refusal::Refusal;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::KeyFile;
use crate::Error;

const KEY_BYTES: usize = 32;

/// The key of a house, read when it is first needed.
pub(crate) struct Keys {
    file: Option<KeyFile>,
    key: OnceLock<SealingKey>,
}

impl Keys {
    pub(crate) fn new(file: Option<KeyFile>) -> Keys {
        Keys { file, key: OnceLock::new() }
    }

    /// The key.
    ///
    /// # Errors
    /// `Busy` when there is none, or it can't be read.
    pub(crate) fn key(&self) -> Result<&SealingKey, Error> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let path = self.path().ok_or_else(|| Error::Busy("no --secret-key-file is given".to_owned()))?;
        let key = read(path).map_err(|why| Error::Busy(format!("{}: {why}", path.display())))?;
        Ok(self.key.get_or_init(|| key))
    }

    /// The key to seal more with; made where it may be and nothing was ever sealed. A second key beside
    /// secrets that only the lost one opens would hide the loss.
    ///
    /// # Errors
    /// `WEBHOOK_SECRET_KEY_MISSING`; `Busy` when the file can't be read or written.
    pub(crate) fn key_for_more(
        &self,
        is_any_sealed: impl FnOnce() -> Result<bool, Error>,
    ) -> Result<&SealingKey, Error> {
        if self.key.get().is_none() {
            let missing = |message: &str| Refusal::new("WEBHOOK_SECRET_KEY_MISSING", message);
            match &self.file {
                None => {
                    return Err(missing("This server was given no --secret-key-file, so it keeps no secrets.").into());
                }
                Some(KeyFile::Own(path)) if !path.exists() => {
                    if is_any_sealed()? {
                        return Err(missing("The file of --secret-key-file is gone; put it back from its copy.").into());
                    }
                    make(path).map_err(|fault| Error::Busy(format!("{}: {fault}", path.display())))?;
                }
                Some(_) => {}
            }
        }
        self.key()
    }

    fn path(&self) -> Option<&PathBuf> {
        match &self.file {
            Some(KeyFile::Given(path) | KeyFile::Own(path)) => Some(path),
            None => None,
        }
    }
}

/// Reads a key that must be there: at the start of a server that was given one.
///
/// # Errors
/// `Broken` with what is wrong with the file.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    read(path).map(drop).map_err(|why| Error::Broken(format!("{}: {why}", path.display())))
}

/// The key where it is at hand: one of our own that is not there may never have been needed, or stays elsewhere.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn at_hand(file: Option<&KeyFile>) -> Result<Option<SealingKey>, String> {
    let path = match file {
        None => return Ok(None),
        Some(KeyFile::Own(path)) if !path.exists() => return Ok(None),
        Some(KeyFile::Own(path) | KeyFile::Given(path)) => path,
    };
    read(path).map(Some).map_err(|why| format!("{}: {why}", path.display()))
}

fn read(path: &Path) -> Result<SealingKey, String> {
    let text = fs::read_to_string(path).map_err(|fault| fault.to_string())?;
    let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
    bytes.map(SealingKey::new).ok_or_else(|| format!("it must hold {KEY_BYTES} random bytes in base64"))
}

/// Makes a key; one that came meanwhile stays.
fn make(path: &Path) -> std::io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|cause| std::io::Error::other(cause.to_string()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}", std::process::id()));
    let partial = PathBuf::from(partial);
    let _ = fs::remove_file(&partial);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        writeln!(file, "{}", STANDARD.encode(key))?;
        file.sync_all()?;
        match fs::hard_link(&partial, path) {
            Err(fault) if fault.kind() != std::io::ErrorKind::AlreadyExists => Err(fault),
            _ => File::open(folder)?.sync_all(),
        }
    })();
    let _ = fs::remove_file(&partial);
    written
}

/// Whose secret it is; a sealed one is of no use elsewhere.
pub(crate) fn of(company_id: CompanyId, endpoint_id: EndpointId) -> String {
    format!("{company_id} {endpoint_id}")
}

/// Seals and opens (ChaCha20-Poly1305): a fresh nonce, then the sealed bytes with their tag.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    fn new(bytes: [u8; KEY_BYTES]) -> SealingKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).expect("a key of 32 bytes fits");
        SealingKey(LessSafeKey::new(key))
    }

    pub(crate) fn seal(&self, whose: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|cause| Error::Broken(format!("no random bytes: {cause}")))?;
        let mut sealed = secret.to_vec();
        let whose = Aad::from(whose.as_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), whose, &mut sealed);
        done.map_err(|_| Error::Broken("a secret can't be sealed".to_owned()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(crate) fn open(&self, whose: &str, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let wrong = || Error::Broken("a secret was sealed with another key than --secret-key-file has".to_owned());
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut rest = rest.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(whose.as_bytes()), &mut rest).map_err(|_| wrong())?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_endpoint_only() {
        let (key, other) = (SealingKey::new([7; 32]), SealingKey::new([8; 32]));
        let sealed = key.seal("a b", b"secret").unwrap();
        assert_eq!(key.open("a b", &sealed).unwrap(), b"secret");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(key.seal("a b", b"secret").unwrap(), sealed, "each has a nonce of its own");
        assert!(other.open("a b", &sealed).is_err());
        assert!(key.open("a c", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(key.open("a b", &bent).is_err(), "byte {at}");
        }
        assert!(key.open("a b", &sealed[..5]).is_err());
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_never_beside_what_another_sealed() {
        let folder = testkit::Folder::new();
        let path = folder.path().join("secret.key");
        let keys = || Keys::new(Some(KeyFile::Own(path.clone())));
        let lost = keys().key_for_more(|| Ok(true)).map(drop);
        assert!(matches!(lost, Err(Error::Refused(refusal)) if refusal.code == "WEBHOOK_SECRET_KEY_MISSING"));
        assert!(!path.exists());
        let sealed = keys().key_for_more(|| Ok(false)).unwrap().seal("x", b"s").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        // Others that start later read the same one.
        assert_eq!(keys().key_for_more(|| Ok(true)).unwrap().open("x", &sealed).unwrap(), b"s");
        make(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "short").unwrap();
        assert!(check(&path).is_err() && matches!(keys().key(), Err(Error::Busy(_))));
        let none = Keys::new(None).key_for_more(|| Ok(false)).map(drop);
        assert!(matches!(none, Err(Error::Refused(refusal)) if refusal.code == "WEBHOOK_SECRET_KEY_MISSING"));
        let given = Keys::new(Some(KeyFile::Given(folder.path().join("other"))));
        assert!(matches!(given.key_for_more(|| Ok(false)), Err(Error::Busy(_))), "what was given is not made");
    }
}
