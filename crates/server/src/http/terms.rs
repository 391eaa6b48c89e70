//! What a request's headers ask besides its input: the idempotency key of a write, the tags of
//! `If-Match` and `If-None-Match`; and the tag of what is answered.

use app::Error;
use app::answers::{Intent, Key, Precondition, Terms};
use axum::http::{HeaderMap, HeaderName, header};
use billing::postings::sha256;
use billing::refusal::Faults;
use uuid::Uuid;

use super::route::{Route, read_input};

const KEY: &str = "x-api-idempotency-key";
const KEY_ALIAS: &str = "idempotency-key";
/// How long a key is at most.
const LONGEST_KEY: usize = 255;

/// The terms of a write; a read has none. `input` is its query, as JSON, and its body.
///
/// # Errors
/// `Invalid` for a key that is none, or two that differ.
pub(crate) fn of(
    route: &Route,
    path: &str,
    headers: &HeaderMap,
    ids: &[Uuid],
    input: (&str, &str),
) -> Result<Terms, Error> {
    if !route.is_write() {
        return Ok(Terms::default());
    }
    let (query, body) = input;
    let asked: Asked = read_input(query)?;
    let intent = if asked.dry_run == Some(true) { Intent::Preview } else { Intent::Do };
    // No part holds a zero byte, so that no two requests are taken for one.
    let fingerprint = || sha256(&[route.method, "\0", path, "\0", query, "\0", body]);
    let key = key(headers)?.map(|text| Key { text, request_sha256: fingerprint() });
    Ok(Terms { key, precondition: precondition(route, headers, ids), intent })
}

/// What every write's query may ask, whatever else it asks.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    dry_run: Option<bool>,
}

/// The key, from either header.
fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut faults = Faults::default();
    let mut found: Option<String> = None;
    for value in headers.get_all(KEY).iter().chain(headers.get_all(KEY_ALIAS)) {
        let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
        if !(1..=LONGEST_KEY).contains(&text.chars().count()) || text.chars().any(char::is_control) {
            faults.add(KEY, "isLength", format!("{KEY} must be 1 to {LONGEST_KEY} printable characters"));
            break;
        }
        if found.as_deref().is_some_and(|found| found != text) {
            faults.add(KEY, "isDuplicate", format!("{KEY} should not be repeated with another value"));
            break;
        }
        found = Some(text.to_owned());
    }
    if faults.is_empty() { Ok(found) } else { Err(Error::Invalid(faults)) }
}

/// Holds `If-Match` against the resource as it is when the write's turn has come.
fn precondition(route: &Route, headers: &HeaderMap, ids: &[Uuid]) -> Option<Precondition> {
    let tags = Tags::of(headers, &header::IF_MATCH)?;
    let (resource, ids) = (route.resource.clone(), ids.to_vec());
    Some(Box::new(move |view| {
        let Some(resource) = resource else { return Ok(tags == Tags::Any) };
        let now = tag(&resource(view, &ids)?);
        Ok(match tags {
            Tags::Any => true,
            Tags::These(known) => known.iter().any(|known| !known.is_weak && known.text == now),
        })
    }))
}

/// The tag of a resource: a hash of its published JSON.
pub(crate) fn tag(body: &str) -> String {
    format!("\"{}\"", sha256(&[body]))
}

/// Whether the caller says by `If-None-Match` that it has what has this tag.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    match Tags::of(headers, &header::IF_NONE_MATCH) {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(known)) => known.iter().any(|known| known.text == tag),
    }
}

/// What `If-Match` or `If-None-Match` names.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// One of these.
    These(Vec<Tag>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Tag {
    is_weak: bool,
    /// With its quotes.
    text: String,
}

impl Tags {
    /// None where the header is not there; what is no tag in it names nothing.
    fn of(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
        let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        if values.is_empty() {
            return None;
        }
        let whole = values.join(",");
        if whole.trim() == "*" {
            return Some(Tags::Any);
        }
        let mut tags = Vec::new();
        let mut rest = whole.as_str();
        while let Some(start) = rest.find('"') {
            let Some(length) = rest[start + 1..].find('"') else { break };
            let end = start + length + 2;
            tags.push(Tag { is_weak: rest[..start].ends_with("W/"), text: rest[start..end].to_owned() });
            rest = &rest[end..];
        }
        Some(Tags::These(tags))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn tags_are_read_as_http_writes_them() {
        let read = |value: &str| match Tags::of(&headers(&[("if-match", value)]), &header::IF_MATCH).unwrap() {
            Tags::Any => vec!["*".to_owned()],
            Tags::These(tags) => {
                tags.into_iter().map(|tag| format!("{}{}", if tag.is_weak { "W/" } else { "" }, tag.text)).collect()
            }
        };
        assert_eq!(read(" * "), ["*"]);
        assert_eq!(read("\"a\""), ["\"a\""]);
        assert_eq!(read("W/\"a\", \"b,c\",\"\""), ["W/\"a\"", "\"b,c\"", "\"\""]);
        assert_eq!(read("a"), [""; 0]);
        assert_eq!(read("\"a"), [""; 0]);
        assert_eq!(Tags::of(&HeaderMap::new(), &header::IF_MATCH), None);
    }

    #[test]
    fn a_key_is_one_and_printable() {
        let long = "ø".repeat(255);
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(key(&headers(&[(KEY, "a b~")])).unwrap().as_deref(), Some("a b~"));
        assert_eq!(key(&headers(&[(KEY_ALIAS, &long)])).unwrap().as_deref(), Some(long.as_str()));
        assert_eq!(key(&headers(&[(KEY, "a"), (KEY_ALIAS, "a")])).unwrap().as_deref(), Some("a"));
        for wrong in [&[(KEY, "a"), (KEY_ALIAS, "b")][..], &[(KEY, "")], &[(KEY, "a\tb")], &[(KEY, &(long + "x"))]] {
            assert!(matches!(key(&headers(wrong)), Err(Error::Invalid(_))), "{wrong:?}");
        }
    }
}
