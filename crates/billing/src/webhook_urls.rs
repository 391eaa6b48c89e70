//! Where a webhook may go: which URLs are taken, and which addresses are the public internet's.
//! What is no plain public address is refused, whatever it is dressed up as (OWASP SSRF).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How long a URL may be.
pub const LONGEST: usize = 2_048;

/// Which receivers are reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// Public ones over HTTPS.
    Public,
    /// Any, over HTTP too: for development.
    Anywhere,
}

/// A URL taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Whether over TLS.
    pub is_secure: bool,
    /// Whom.
    pub host: Host,
    /// At which port.
    pub port: u16,
    /// Path and query, as they are sent.
    pub path: String,
}

/// A receiver by name or by address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// To be resolved, in lower case.
    Name(String),
    /// As it stands.
    Address(IpAddr),
}

/// Why a URL is not taken: a word for programs and a sentence for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotTaken {
    /// As `private_address`.
    pub reason: &'static str,
    /// What to do about it.
    pub sentence: &'static str,
}

const NO_URL: NotTaken =
    NotTaken { reason: "malformed", sentence: "url must be an absolute URL as https://hooks.example.com/ledgerbee" };
const NOT_HTTPS: NotTaken = NotTaken { reason: "not_https", sentence: "url must begin with https://" };
const USER: NotTaken = NotTaken { reason: "userinfo", sentence: "url must hold no user name or password" };
const PORT: NotTaken = NotTaken { reason: "port", sentence: "url must name port 443 or one from 1024 on" };
const PRIVATE_NAME: NotTaken =
    NotTaken { reason: "private_name", sentence: "url must name a host of the public internet" };
/// What a name that resolves to such an address is answered with, too.
pub const PRIVATE_ADDRESS: NotTaken =
    NotTaken { reason: "private_address", sentence: "url must lead to an address of the public internet" };

impl Target {
    /// Takes a URL apart, strictly: whatever two parsers could read in two ways is refused.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn parse(url: &str, reach: Reach) -> Result<Target, NotTaken> {
        // Only what RFC 3986 allows in a URL, without a fragment; no backslash, no space, no controls.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !br#"\"<>^`{|}#"#.contains(&byte);
        if url.len() > LONGEST || !url.bytes().all(is_plain) {
            return Err(NO_URL);
        }
        let (scheme, rest) = url.split_once("://").ok_or(NO_URL)?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" if reach == Reach::Anywhere => false,
            "http" => return Err(NOT_HTTPS),
            _ => return Err(NOT_HTTPS),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(USER);
        }
        let (host, port) = parted(authority)?;
        let port = match port {
            None if is_secure => 443,
            None => 80,
            Some(digits) => port_of(digits)?,
        };
        let host = Host::parse(host)?;
        if reach == Reach::Public {
            if port != 443 && port < 1_024 {
                return Err(PORT);
            }
            match &host {
                Host::Name(name) if !is_public_name(name) => return Err(PRIVATE_NAME),
                Host::Address(address) if !is_public(*address) => return Err(PRIVATE_ADDRESS),
                _ => {}
            }
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Target { is_secure, host, port, path })
    }

    /// Host and port as the `Host` header has them.
    pub fn authority(&self) -> String {
        let host = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(IpAddr::V4(address)) => address.to_string(),
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        };
        match (self.is_secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// Host and port of an authority; the host of an IPv6 address with its brackets.
fn parted(authority: &str) -> Result<(&str, Option<&str>), NotTaken> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(NO_URL)? + 1;
        let (host, rest) = authority.split_at(end);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(NO_URL),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(NO_URL),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn port_of(digits: &str) -> Result<u16, NotTaken> {
    let is_plain = !digits.is_empty() && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().map_err(|_| NO_URL) } else { Err(NO_URL) }
}

impl Host {
    fn parse(text: &str) -> Result<Host, NotTaken> {
        if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            // A zone id (`%eth0`) is no part of an address that is anyone's but ours.
            return inner.parse::<Ipv6Addr>().map(|address| Host::Address(address.into())).map_err(|_| NO_URL);
        }
        // Four decimal numbers without leading zeros, as Rust reads them, and no other way to write one.
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Address(address.into()));
        }
        let labels: Vec<&str> = text.split('.').collect();
        let is_label = |label: &&str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = labels.last().copied().unwrap_or_default();
        // What ends in a number is an address to some resolvers: `0x7f.1`, `127.1`, `2130706433`, `0177.0.0.1`.
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || last
                .to_ascii_lowercase()
                .strip_prefix("0x")
                .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
        if text.len() > 253 || !labels.iter().all(is_label) || is_number {
            return Err(NO_URL);
        }
        Ok(Host::Name(text.to_ascii_lowercase()))
    }
}

/// Whether a name may be one of the public internet's: those that stand for a machine or a network of one's
/// own are not (RFC 6761, 6762, 8375; ICANN's `internal`), nor is a name without a dot.
fn is_public_name(name: &str) -> bool {
    const OWN: [&str; 8] = ["localhost", "local", "internal", "localdomain", "lan", "home", "corp", "home.arpa"];
    let is_below = |own: &&str| name == *own || name.strip_suffix(own).is_some_and(|rest| rest.ends_with('.'));
    name.contains('.') && !OWN.iter().any(is_below)
}

/// Whether an address is one of the public internet's (IANA's registries of special-purpose addresses). An
/// IPv4 address inside an IPv6 one is judged by itself.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback, link-local with the metadata services.
        (0 | 10 | 127, ..) | (172, 16..=31, _) | (192, 168, _) | (169, 254, _)
        // Carriers' own (RFC 6598); protocol assignments, documentation, the old relay of 6to4.
        | (100, 64..=127, _) | (192, 0, 0 | 2) | (192, 88, 99)
        // Benchmarks (RFC 2544), documentation.
        | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113)
        // Multicast, reserved, broadcast.
        | (224..=255, ..)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = Ipv4Addr::from((u32::from(g) << 16) | u32::from(h));
    match [a, b, c, d, e, f] {
        // IPv4 as IPv6 writes it, and as NAT64 carries it (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => return is_public_v4(inner),
        _ => {}
    }
    // Only 2000::/3 is handed out to the world; in it, protocols of all kinds (2001::/23, Teredo among
    // them), documentation (2001:db8::/32, 3fff::/20) and 6to4 (2002::/16), which leads anywhere.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> &'static str {
        Target::parse(url, Reach::Public).map_or_else(|not| not.reason, |_| "taken")
    }

    #[test]
    fn a_public_https_url_is_taken() {
        let target = Target::parse("https://Hooks.Example.com/in?a=b", Reach::Public).unwrap();
        let host = Host::Name("hooks.example.com".to_owned());
        assert_eq!(target, Target { is_secure: true, host, port: 443, path: "/in?a=b".to_owned() });
        assert_eq!(target.authority(), "hooks.example.com");
        for (url, authority, path) in [
            ("https://hooks.example.com", "hooks.example.com", "/"),
            ("https://hooks.example.com?x", "hooks.example.com", "/?x"),
            ("https://hooks.example.com:8443/a", "hooks.example.com:8443", "/a"),
            ("https://8.8.8.8/", "8.8.8.8", "/"),
            ("https://[2606:4700::1111]:8443/", "[2606:4700::1111]:8443", "/"),
            ("https://xn--fdevarer-v1a.example/%C3%A6", "xn--fdevarer-v1a.example", "/%C3%A6"),
        ] {
            let target = Target::parse(url, Reach::Public).unwrap();
            assert_eq!((target.authority().as_str(), target.path.as_str()), (authority, path), "{url}");
        }
    }

    #[test]
    fn every_other_is_refused_with_its_reason() {
        for (url, expected) in [
            ("http://hooks.example.com/", "not_https"),
            ("ftp://hooks.example.com/", "not_https"),
            ("file:///etc/passwd", "not_https"),
            ("gopher://hooks.example.com/", "not_https"),
            ("hooks.example.com", "malformed"),
            ("//hooks.example.com/", "malformed"),
            ("https:hooks.example.com", "malformed"),
            ("https://", "malformed"),
            ("https:///path", "malformed"),
            // Whose host is it? Two parsers say two things.
            ("https://hooks.example.com@127.0.0.1/", "userinfo"),
            ("https://user:secret@hooks.example.com/", "userinfo"),
            ("https://hooks.example.com\\@127.0.0.1/", "malformed"),
            ("https://hooks.example.com\\.evil.example/", "malformed"),
            ("https://hooks.example.com#@127.0.0.1/", "malformed"),
            ("https://127.0.0.1#@hooks.example.com/", "malformed"),
            ("https://hooks.example.com/ HTTP/1.1\r\nx: y", "malformed"),
            ("https://hooks.exämple.com/", "malformed"),
            ("https://hooks%2eexample.com/", "malformed"),
            ("https://hooks.example.com./", "malformed"),
            ("https://localhost./", "malformed"),
            ("https://hooks..example.com/", "malformed"),
            ("https://-hooks.example.com/", "malformed"),
            // Names that are one's own.
            ("https://localhost/", "private_name"),
            ("https://a.localhost/", "private_name"),
            ("https://intranet/", "private_name"),
            ("https://printer.local/", "private_name"),
            ("https://metadata.google.internal/", "private_name"),
            ("https://router.home.arpa/", "private_name"),
            // Addresses, dressed up.
            ("https://127.0.0.1/", "private_address"),
            ("https://127.1/", "malformed"),
            ("https://2130706433/", "malformed"),
            ("https://0x7f000001/", "malformed"),
            ("https://0x7f.0.0.1/", "malformed"),
            ("https://0177.0.0.1/", "malformed"),
            ("https://127.0.0.0x1/", "malformed"),
            ("https://127.0.0.1.:443/", "malformed"),
            ("https://[::1]/", "private_address"),
            ("https://[::]/", "private_address"),
            ("https://[::ffff:127.0.0.1]/", "private_address"),
            ("https://[::ffff:7f00:1]/", "private_address"),
            ("https://[::127.0.0.1]/", "private_address"),
            ("https://[64:ff9b::7f00:1]/", "private_address"),
            ("https://[2002:7f00:1::]/", "private_address"),
            ("https://[fe80::1%25eth0]/", "malformed"),
            ("https://[fe80::1%eth0]/", "malformed"),
            ("https://[::1/", "malformed"),
            ("https://[::1]x/", "malformed"),
            ("https://169.254.169.254/latest/meta-data", "private_address"),
            // Ports.
            ("https://hooks.example.com:22/", "port"),
            ("https://hooks.example.com:80/", "port"),
            ("https://hooks.example.com:0/", "malformed"),
            ("https://hooks.example.com:0443/", "malformed"),
            ("https://hooks.example.com:65536/", "malformed"),
            ("https://hooks.example.com:/", "malformed"),
            ("https://hooks.example.com:4:4/", "malformed"),
            ("https://hooks.example.com:+443/", "malformed"),
        ] {
            assert_eq!(reason(url), expected, "{url}");
        }
        assert_eq!(reason(&format!("https://hooks.example.com/{}", "a".repeat(LONGEST))), "malformed");
    }

    #[test]
    fn in_development_anything_may_be_reached_but_nothing_ambiguous() {
        let parse = |url| Target::parse(url, Reach::Anywhere);
        assert_eq!(parse("http://127.0.0.1:8099/x").unwrap().authority(), "127.0.0.1:8099");
        assert_eq!(parse("http://localhost/").unwrap().port, 80);
        for url in ["http://a@b/", "http://0x7f.1/", "http://b\\c/", "ftp://localhost/"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    /// IANA's special-purpose registries: the first and last address of each block that is not public, and
    /// those just outside.
    #[test]
    fn an_address_is_public_or_it_is_not() {
        let blocks = [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "::1"),
            ("::ffff:10.0.0.0", "::ffff:10.255.255.255"),
            ("64:ff9b::a00:0", "64:ff9b::aff:ffff"),
            ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
            ("100::", "100::ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ];
        for (first, last) in blocks {
            assert!(!is_public(first.parse().unwrap()), "{first}");
            assert!(!is_public(last.parse().unwrap()), "{last}");
        }
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::",
            "2001:db7:ffff::",
            "2001:db9::",
            "2003::",
            "2606:4700::1111",
            "3ffe:ffff::",
            "3fff:1000::",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
