//! Requests that no client library would send, written byte by byte.

use serde_json::Value;

use super::{Wire, answers};
use crate::house::{self, Company};

/// A request of these lines; the last one ends the connection.
fn head(lines: &[&str]) -> Vec<u8> {
    let mut text = lines.join("\r\n");
    text.push_str("\r\nconnection: close\r\n\r\n");
    text.into_bytes()
}

/// Sends it on a connection of its own; checks that nothing is a fault of the server, that each
/// refusal is in the envelope where our code and not the HTTP library wrote it, and that the next
/// request is a good one. Answers the statuses; none where the connection was just closed.
fn told(company: &Company, name: &str, request: &[u8]) -> Vec<u16> {
    let mut wire = Wire::open(&company.house.server.root);
    wire.write(request);
    let all = wire.rest();
    let answers = answers(&all);
    for (status, body) in &answers {
        assert!(*status < 500, "{name}: {}", String::from_utf8_lossy(&all));
        if *status >= 400 && !body.is_empty() {
            let body: Value = serde_json::from_slice(body).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert_eq!(body["statusCode"], *status, "{name}: {body}");
            assert!(body["code"].is_string(), "{name}: {body}");
        }
        // What can't be read as a request is answered by the HTTP library, without a body.
        assert!(!body.is_empty() || [200, 204, 400, 414, 431].contains(status), "{name}: {status} without a body");
    }
    company.api.get("/v1/company").is(200);
    answers.into_iter().map(|(status, _)| status).collect()
}

fn check(company: &Company, cases: Vec<(&str, Vec<u8>, &[u16])>) {
    for (name, request, wanted) in cases {
        assert_eq!(told(company, name, &request), wanted, "{name}");
    }
}

#[test]
fn what_is_no_http_is_refused_or_hung_up_on() {
    let company = house::sqlite().company();
    let long = |count: usize| "a".repeat(count);
    check(
        &company,
        vec![
            ("nothing at all", b"\0\0\0\0\r\n\r\n".to_vec(), &[400]),
            ("no version: HTTP/0.9", b"GET /api/v1/company\r\n\r\n".to_vec(), &[400]),
            ("a version to come", head(&["GET /api/v1/company HTTP/3.0", "host: x"]), &[400]),
            ("HTTP/2 without notice", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[]),
            ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[400]),
            ("spaces in the line", head(&["GET /api/v1 /company HTTP/1.1", "host: x"]), &[400]),
            ("a NUL in the path", head(&["GET /api/v1/\0company HTTP/1.1", "host: x"]), &[400]),
            ("a NUL in a header", head(&["GET /api/v1/company HTTP/1.1", "host: x", "x-note: a\0b"]), &[400]),
            ("a header without a colon", head(&["GET /api/v1/company HTTP/1.1", "host: x", "nonsense"]), &[400]),
            ("a space before the colon", head(&["GET /api/v1/company HTTP/1.1", "host : x"]), &[400]),
            ("a folded header", head(&["GET /api/v1/company HTTP/1.1", "host: x", "x-note: a", " b"]), &[400]),
            ("a header without a name", head(&["GET /api/v1/company HTTP/1.1", "host: x", ": b"]), &[400]),
            (
                "too large a header",
                head(&["GET /api/v1/company HTTP/1.1", "host: x", &format!("x-note: {}", long(40_000))]),
                &[431],
            ),
            (
                "too many headers",
                head(&["GET /api/v1/company HTTP/1.1", "host: x", "x: y\r\n".repeat(200).trim_end()]),
                &[431],
            ),
            ("too long a path", head(&[&format!("GET /api/{} HTTP/1.1", long(70_000)), "host: x"]), &[431]),
        ],
    );
    let mut wire = Wire::open(&company.house.server.root);
    wire.write(b"GET /api/v1/company HT");
    wire.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(wire.rest(), b"", "half a head is no request");
}

#[test]
fn hosts_and_methods_that_mislead_are_refused() {
    let company = house::sqlite().company();
    let key = format!("x-api-key: {}", company.api.key);
    let get = "GET /api/v1/company HTTP/1.1";
    check(
        &company,
        vec![
            ("no host", head(&[get, &key]), &[400]),
            ("two hosts", head(&[get, "host: a", "host: b", &key]), &[400]),
            ("HTTP/1.0 needs no host", head(&["GET /api/v1/company HTTP/1.0", &key]), &[200]),
            (
                "a whole address",
                head(&["GET http://elsewhere.example/api/v1/company HTTP/1.1", "host: x", &key]),
                &[200],
            ),
            ("two keys", head(&[get, "host: x", &key, "x-api-key: other"]), &[401]),
            ("a key in other letters", head(&[get, "host: x", "x-api-key: \u{fc}\u{df}"]), &[401]),
            ("TRACE", head(&["TRACE /api/v1/company HTTP/1.1", "host: x", &key]), &[405]),
            ("CONNECT", head(&["CONNECT elsewhere.example:443 HTTP/1.1", "host: x", &key]), &[404]),
            ("OPTIONS of all", head(&["OPTIONS * HTTP/1.1", "host: x", &key]), &[404]),
            ("OPTIONS", head(&["OPTIONS /api/v1/company HTTP/1.1", "host: x", &key]), &[405]),
            ("a method of one's own", head(&["BREW /api/v1/company HTTP/1.1", "host: x", &key]), &[405]),
            ("an upgrade", head(&[get, "host: x", "upgrade: websocket", &key]), &[200]),
            (
                "HTTP/2 by upgrade",
                head(&[get, "host: x", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__", &key]),
                &[200],
            ),
        ],
    );
}

#[test]
fn paths_and_queries_that_mislead_name_nothing() {
    let company = house::sqlite().company();
    let key = format!("x-api-key: {}", company.api.key);
    let id = "0190a1b2-0000-7000-8000-000000000001";
    let cases = [
        ("//api/v1/company", 404),
        ("/api//v1/company", 404),
        ("/api/v1/company/", 404),
        ("/api/v1/./company", 404),
        ("/api/v1/customers/../company", 404),
        ("/api/v1/%2e%2e/company", 404),
        ("/api/v1%2fcompany", 404),
        ("/api/v1/company%00", 404),
        ("/api/v1/comp%61ny", 404),
        ("/API/v1/company", 404),
        ("/api/v1/company;x=1", 404),
        ("/api/v1/customers/%00", 404),
        ("/api/v1/customers/..%2f..%2fetc%2fpasswd", 404),
        ("/api/v1/customers/%ff%fe", 404),
        ("/api/v1/customers/%", 404),
        (&format!("/api/v1/customers/{{{id}}}"), 404),
        (&format!("/api/v1/customers/{id}%20"), 404),
        (&format!("/api/v1/customers/{id}/pdf"), 404),
        (&format!("/api/v1/customers/{}", "a".repeat(20_000)), 404),
        ("/api/v1/customers?%", 400),
        ("/api/v1/customers?page=%00", 400),
        ("/api/v1/customers?page=1&page=1", 400),
        ("/api/v1/customers?page[]=1", 400),
        ("/api/v1/customers?page%5b%5d=1", 400),
        ("/api/v1/customers?page=99999999999999999999", 400),
        ("/api/v1/customers?page=-1", 400),
        ("/api/v1/customers?page=1e9", 400),
        ("/api/v1/customers?%ff=%fe", 400),
        ("/api/v1/customers?page=9223372036854775807", 400),
        ("/api/v1/invoices?cursor=%00%ff", 400),
        ("/api/v1/customers?&&&", 200),
        ("/api/v1/customers?x-api-key=other", 401),
        ("/api/v1/invoices?metadata[a]=%00", 400),
        (&format!("/api/v1/customers?{}", "a=1&".repeat(5_000)), 400),
    ];
    for (path, wanted) in cases {
        let request = head(&[&format!("GET {path} HTTP/1.1"), "host: x", &key]);
        assert_eq!(told(&company, path, &request), [wanted], "{path}");
    }
}

#[test]
fn bodies_whose_length_misleads_are_refused_and_nothing_is_read_twice() {
    let company = house::sqlite().company();
    let key = format!("x-api-key: {}", company.api.key);
    let post = |headers: &[&str], body: &str| {
        let mut lines =
            vec!["POST /api/v1/customer-groups HTTP/1.1", "host: x", "content-type: application/json", &key];
        lines.extend(headers);
        let mut request = head(&lines);
        request.extend(body.as_bytes());
        request
    };
    let before = company.house.books.state(&company.id);
    let smuggled = "GET /api/v1/company HTTP/1.1\r\nhost: x\r\n\r\n";
    check(
        &company,
        vec![
            ("two lengths", post(&["content-length: 2", "content-length: 3"], "{}x"), &[400]),
            ("a length that is none", post(&["content-length: two"], "{}"), &[400]),
            ("a negative length", post(&["content-length: -2"], "{}"), &[400]),
            ("a signed length", post(&["content-length: +2"], "{}"), &[400]),
            ("a length beyond counting", post(&["content-length: 99999999999999999999999"], "{}"), &[400]),
            ("a length beyond all memory", post(&["content-length: 9000000000000000000"], "{}"), &[413]),
            ("a coding that is unknown", post(&["transfer-encoding: gzip"], "{}"), &[400]),
            ("chunked not last", post(&["transfer-encoding: chunked, gzip"], "0\r\n\r\n"), &[400]),
            ("a chunk size that is none", post(&["transfer-encoding: chunked"], "zz\r\n{}\r\n0\r\n\r\n"), &[400]),
            (
                "a chunk size beyond counting",
                post(&["transfer-encoding: chunked"], "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
                &[400],
            ),
            ("a chunk longer than it says", post(&["transfer-encoding: chunked"], "1\r\n{}\r\n0\r\n\r\n"), &[400]),
            (
                "endless notes to a chunk",
                post(&["transfer-encoding: chunked"], &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(100_000))),
                &[400],
            ),
            // The chunks hold, whatever the length says; on a connection that ends, what follows is nobody's request.
            (
                "a length beside chunks",
                post(&["content-length: 5", "transfer-encoding: chunked"], &format!("0\r\n\r\n{smuggled}")),
                &[400],
            ),
            (
                "chunks beside a length",
                post(&["transfer-encoding: chunked", "content-length: 5"], &format!("0\r\n\r\n{smuggled}")),
                &[400],
            ),
        ],
    );
    assert_eq!(company.house.books.state(&company.id), before);
}

#[test]
fn requests_sent_together_are_answered_in_their_order() {
    let company = house::sqlite().company();
    let key = format!("x-api-key: {}", company.api.key);
    let first = format!("GET /api/v1/company HTTP/1.1\r\nhost: x\r\n{key}\r\n\r\n");
    let second = format!("HEAD /api/v1/company HTTP/1.1\r\nhost: x\r\n{key}\r\n\r\n");
    let mut together = first.into_bytes();
    together.extend(head(&["GET /api/v1/nonsense HTTP/1.1", "host: x", &key]));
    assert_eq!(told(&company, "two at once", &together), [200, 404]);
    let mut wire = Wire::open(&company.house.server.root);
    wire.write(second.as_bytes());
    let told = wire.until("\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 200 ") && told.contains("content-length: "), "{told}");
    // A body after the answer to HEAD would be taken for the next answer.
    wire.write(&head(&["GET /api/v1/nonsense HTTP/1.1", "host: x", &key]));
    assert!(wire.rest().starts_with(b"HTTP/1.1 404 "));
}

#[test]
fn who_asks_before_sending_a_body_is_told() {
    let company = house::sqlite().company();
    let request = format!(
        "POST /api/v1/customer-groups HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        company.api.key
    );
    let mut wire = Wire::open(&company.house.server.root);
    wire.write(request.as_bytes());
    assert!(wire.until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
    wire.write(b"{}");
    let answers = answers(&wire.rest());
    assert_eq!(answers.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [400]);
}
