//! API keys: what they may do, from where, and how their text is made. The text
//! itself is shown once and kept nowhere; its hash finds the key again.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::company::CompanyMode;
use crate::ids::KeyId;
use crate::json;
use crate::postings::sha256;
use crate::scope::Scope;

/// How many random bytes a key is made of.
pub const SECRET_BYTES: usize = 32;

/// How many characters those bytes have in base 62: 62^43 is just above 2^256.
const SECRET_DIGITS: usize = 43;

/// An API key as kept, without its secret.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// What the operator calls it.
    pub name: String,
    /// The first characters of its text, to tell keys apart by.
    pub prefix: String,
    /// What it may do.
    #[serde(serialize_with = "scopes")]
    pub scopes: Vec<Scope>,
    /// Where it may come from; from anywhere when empty.
    pub ip_allowlist: Vec<Network>,
    /// When it ends by itself.
    #[serde(serialize_with = "json::opt_instant")]
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    #[serde(serialize_with = "json::opt_instant")]
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    #[serde(serialize_with = "json::instant")]
    pub created_at: Timestamp,
}

/// Why a key does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closed {
    /// It is expired or revoked.
    Ended,
    /// It is good, but not from this address.
    WrongAddress,
}

impl ApiKey {
    /// Whether the key opens at this time, from this address.
    ///
    /// # Errors
    /// Why it does not.
    pub fn opens(&self, now: Timestamp, from: IpAddr) -> Result<(), Closed> {
        if self.revoked_at.is_some() || self.expires_at.is_some_and(|end| end <= now) {
            return Err(Closed::Ended);
        }
        if self.ip_allowlist.is_empty() || self.ip_allowlist.iter().any(|network| network.contains(from)) {
            Ok(())
        } else {
            Err(Closed::WrongAddress)
        }
    }
}

/// An API key as it sees itself.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicKey {
    /// Its quotas; none when it is not limited.
    pub rate_limit_tiers: Vec<RateLimitTier>,
    /// When it ends by itself.
    #[serde(serialize_with = "json::opt_instant")]
    #[schemars(with = "Option<json::Instant>")]
    pub expires_at: Option<Timestamp>,
    /// Addresses and networks it may come from; null when from anywhere.
    #[schemars(with = "Option<Vec<String>>")]
    pub ip_whitelist: Option<Vec<Network>>,
    /// What it may do.
    #[serde(serialize_with = "scopes")]
    #[schemars(with = "Vec<String>")]
    pub scopes: Vec<Scope>,
}

/// How many requests a key may make in a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitTier {
    /// Its name.
    pub name: String,
    /// The time, in milliseconds; 0 for none.
    pub ttl: u64,
    /// How many requests; -1 for any number.
    pub limit: i64,
}

impl From<ApiKey> for PublicKey {
    fn from(key: ApiKey) -> PublicKey {
        PublicKey {
            rate_limit_tiers: Vec::new(),
            expires_at: key.expires_at,
            ip_whitelist: (!key.ip_allowlist.is_empty()).then_some(key.ip_allowlist),
            scopes: key.scopes,
        }
    }
}

/// A key just made: the only time its text is seen.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKey {
    /// Its id.
    pub id: KeyId,
    /// Its text: the secret.
    pub key: String,
    /// What it may do.
    #[serde(serialize_with = "scopes")]
    pub scopes: Vec<Scope>,
}

/// Scopes under their published names.
///
/// # Errors
/// What the serializer says.
pub fn scopes<S: Serializer>(scopes: &[Scope], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(scopes.iter().map(|scope| scope.as_str()))
}

/// The text of a key: what it is for, and its random bytes in base 62.
pub fn key_text(mode: CompanyMode, secret: [u8; SECRET_BYTES]) -> String {
    format!("lb_{mode}_{}", base62(secret))
}

/// What of a key's text is kept to tell it apart: the first four of its characters.
pub fn prefix_of(key: &str) -> String {
    key.chars().take("lb_live_".len() + 4).collect()
}

/// What a key is found by: the SHA-256 of its text. Its entropy needs no slow hash.
pub fn hash_of(key: &str) -> String {
    sha256(&[key])
}

fn base62(mut bytes: [u8; SECRET_BYTES]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; SECRET_DIGITS];
    for place in text.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in &mut bytes {
            let part = (remainder << 8) | u16::from(*byte);
            *byte = u8::try_from(part / 62).expect("the remainder is below 62, so the quotient is below 256");
            remainder = part % 62;
        }
        *place = DIGITS[usize::from(remainder)];
    }
    text.iter().map(|digit| char::from(*digit)).collect()
}

/// One address, or a network of them as `192.0.2.0/24` or `2001:db8::/32`. IPv4
/// addresses written the IPv6 way (`::ffff:192.0.2.1`) are IPv4 addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether the address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                own.to_bits().checked_shr(32 - self.bits) == other.to_bits().checked_shr(32 - self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                own.to_bits().checked_shr(128 - self.bits) == other.to_bits().checked_shr(128 - self.bits)
            }
            _ => false,
        }
    }
}

/// A text that is neither an address nor a network.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} is neither an IP address nor a network as 192.0.2.0/24")]
pub struct NoNetwork(pub String);

impl FromStr for Network {
    type Err = NoNetwork;
    fn from_str(text: &str) -> Result<Network, NoNetwork> {
        let none = || NoNetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| none())?;
        let width = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().map_err(|_| none())?,
            Some(_) => return Err(none()),
            None => width(written),
        };
        if bits > width(written) {
            return Err(none());
        }
        let address = written.to_canonical();
        // A mapped network narrower than all of IPv4 is an IPv4 network.
        match bits.checked_sub(width(written) - width(address)) {
            Some(bits) => Ok(Network { address, bits }),
            None => Ok(Network { address: written, bits }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == width { write!(f, "{}", self.address) } else { write!(f, "{}/{}", self.address, self.bits) }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_text_says_what_it_is_for() {
        for (mode, byte, text) in [
            (CompanyMode::Live, 0, "lb_live_0000000000000000000000000000000000000000000"),
            (CompanyMode::Test, 255, "lb_test_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1"),
        ] {
            let key = key_text(mode, [byte; SECRET_BYTES]);
            assert_eq!(key, text);
            assert_eq!(prefix_of(&key), key[..12]);
        }
        let mut one = [0; SECRET_BYTES];
        one[SECRET_BYTES - 1] = 62;
        assert!(key_text(CompanyMode::Live, one).ends_with("0010"));
    }

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, address, holds) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.0/120", "192.0.2.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
            ("2001:db8::1", "2001:db8::1", true),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), holds, "{address} in {network}");
        }
        for wrong in ["", "localhost", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/+8", "::/129", "1.2.3"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("192.0.2.7/32".parse::<Network>().unwrap().to_string(), "192.0.2.7");
        assert_eq!("192.0.2.0/24".parse::<Network>().unwrap().to_string(), "192.0.2.0/24");
    }

    #[test]
    fn a_key_opens_until_it_ends_and_only_from_where_it_may() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let key = ApiKey {
            id: KeyId(uuid::Uuid::nil()),
            name: "shop".to_owned(),
            prefix: "lb_live_abcd".to_owned(),
            scopes: Scope::ALL.to_vec(),
            ip_allowlist: vec!["192.0.2.0/24".parse().unwrap()],
            expires_at: Some(at("2026-06-11T00:00:00Z")),
            revoked_at: None,
            created_at: at("2026-06-01T00:00:00Z"),
        };
        let (inside, outside): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "203.0.113.1".parse().unwrap());
        let before = at("2026-06-10T23:59:59Z");
        assert_eq!(key.opens(before, inside), Ok(()));
        assert_eq!(key.opens(before, outside), Err(Closed::WrongAddress));
        assert_eq!(key.opens(at("2026-06-11T00:00:00Z"), inside), Err(Closed::Ended));
        let revoked = ApiKey { revoked_at: Some(before), expires_at: None, ..key.clone() };
        assert_eq!(revoked.opens(before, inside), Err(Closed::Ended));
        let anywhere = ApiKey { ip_allowlist: vec![], ..key };
        assert_eq!(anywhere.opens(before, outside), Ok(()));
    }
}
