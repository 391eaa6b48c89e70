//! Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, `v1,` and base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac::{HMAC_SHA256, Key, sign};

use crate::Error;

const SECRET_BYTES: usize = 32;

/// A new secret.
pub(super) fn new_secret() -> Result<[u8; SECRET_BYTES], Error> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|cause| Error::Broken(format!("no random bytes: {cause}")))?;
    Ok(secret)
}

/// A secret as it is handed out: `whsec_` and base64.
pub(super) fn secret_text(secret: &[u8]) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

/// What signs: the secret, and for a day the one before it.
pub(super) struct Signer {
    keys: Vec<(Key, Option<Timestamp>)>,
}

impl Signer {
    pub(super) fn new(secret: &[u8], old: Option<(&[u8], Timestamp)>) -> Signer {
        let key = |secret: &[u8]| Key::new(HMAC_SHA256, secret);
        let mut keys = vec![(key(secret), None)];
        keys.extend(old.map(|(secret, until)| (key(secret), Some(until))));
        Signer { keys }
    }

    /// The header `webhook-signature`.
    pub(super) fn signature(&self, id: &str, now: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", now.as_second());
        let good = self.keys.iter().filter(|(_, until)| until.is_none_or(|until| now < until));
        let parts = good.map(|(key, _)| format!("v1,{}", STANDARD.encode(sign(key, signed.as_bytes()))));
        parts.collect::<Vec<String>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standardwebhooks.com, test vectors of the reference libraries).
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signer = Signer::new(&secret, None);
        let signature = signer.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_old_secret_signs_until_its_day_is_over() {
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signer = Signer::new(b"new", Some((b"old", at)));
        let before = signer.signature("i", at - jiff::SignedDuration::from_secs(1), "{}");
        assert_eq!(before.split(' ').count(), 2);
        let [new, old] = ["new", "old"].map(|secret| {
            Signer::new(secret.as_bytes(), None).signature("i", at - jiff::SignedDuration::from_secs(1), "{}")
        });
        assert_eq!(before, format!("{new} {old}"));
        assert_eq!(signer.signature("i", at, "{}"), Signer::new(b"new", None).signature("i", at, "{}"));
    }
}
