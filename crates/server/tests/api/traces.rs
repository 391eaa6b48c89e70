//! Traces, as a collector receives them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::json;
use testkit::{Folder, shared_postgres};

use crate::house::{House, PROGRAM, line, text};

/// A collector that takes all: its address, and the path and body of each batch.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    let (say, batches) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, say) = (stream.unwrap(), say.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 0) {
                    if !head.ends_with("\r\n\r\n") {
                        continue;
                    }
                    let lower = head.to_lowercase();
                    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                    let mut body = vec![0; length.trim().parse().unwrap()];
                    reader.read_exact(&mut body).unwrap();
                    // The test may have ended.
                    let _ = say.send((head.split(' ').nth(1).unwrap().to_owned(), body));
                    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    head.clear();
                }
            });
        }
    });
    (root, batches)
}

fn count(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).filter(|window| *window == wanted).count()
}

fn traces(database_url: Option<&str>) {
    let ((root, batches), folder) = (collector(), Folder::new());
    let house = House::serve(PROGRAM, folder.path(), database_url, &["--otlp-endpoint", &root]);
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let trace_id: [u8; 16] = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({ "customerId": customer, "lines": [line(&price, "1")] }).to_string();
    let headers = [("content-type", "application/json"), ("traceparent", traceparent)];
    let draft = company.api.raw("POST", "/v1/invoices", &headers, body.as_bytes()).is(201);
    company.sent("invoices", &draft);
    company.settle();
    let place = format!("/v1/invoices/{}", text(&draft["id"]));
    company.api.raw("GET", &format!("{place}/pdf"), &[], b"");
    let (id, key) = (company.id.clone(), company.api.key.clone());
    drop(company);
    house.server.terminate();
    let batches: Vec<_> = batches.try_iter().collect();
    assert!(!batches.is_empty() && batches.iter().all(|(path, _)| path == "/v1/traces"));
    let all: Vec<u8> = batches.into_iter().flat_map(|(_, body)| body).collect();
    // As protobuf writes a string or bytes: the length and what it is.
    let holds = |what: &[u8]| count(&all, &[&[u8::try_from(what.len()).unwrap()], what].concat());
    for name in ["service.name", "ledgerbee", "http.route", "/v1/invoices/{id}/send", "job archive", "print", "commit"]
    {
        assert!(holds(name.as_bytes()) > 0, "{name}");
    }
    assert!(holds(b"POST /v1/invoices") > 0);
    // The request, its key looked up (wait, read), its deed (wait, write, commit).
    assert_eq!(holds(&trace_id), 6);
    assert_eq!(holds(b"\x00\xf0\x67\xaa\x0b\xa9\x02\xb7"), 1, "the request's parent is the caller's span");
    assert_eq!((count(&all, id.as_bytes()), count(&all, key.as_bytes())), (0, 0), "nothing of a company");
}

#[test]
fn a_request_is_traced_through_lane_and_worker_on_sqlite() {
    traces(None);
}

#[test]
fn a_request_is_traced_through_lane_and_worker_on_postgres() {
    traces(Some(&shared_postgres().fresh_database()));
}

#[test]
fn a_collector_that_is_away_harms_nobody() {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), None, &["--otlp-endpoint", "http://127.0.0.1:1"]);
    house.company().api.get("/v1/company").is(200);
    assert_eq!(
        {
            house.server.signal("TERM");
            house.server.exit_code()
        },
        0
    );
}
