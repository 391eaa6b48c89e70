//! A server that is told to stop: it says so, takes nothing new, finishes what runs and ends with 0;
//! told twice it ends at once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use testkit::house::Company;
use testkit::{Folder, shared_postgres, wait_for};

use crate::house::{Api, House, PROGRAM, line, text};
use crate::post::Post;

fn address(house: &House) -> &str {
    house.server.root.strip_prefix("http://").unwrap()
}

/// A request whose body has begun and not ended.
struct Halfway {
    stream: TcpStream,
    rest: String,
}

impl Halfway {
    /// Begins a credit note.
    fn begin(company: &Company, body: &Value) -> Halfway {
        let body = body.to_string();
        let (first, rest) = body.split_at(body.len() / 2);
        let mut stream = TcpStream::connect(address(company.house)).unwrap();
        let (key, length) = (&company.api.key, body.len());
        // The server says that it wants the body once it has the request in hand.
        write!(
            stream,
            "POST /api/v1/credit-notes HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        )
        .unwrap();
        let mut said = [0; 25];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(said, *b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(first.as_bytes()).unwrap();
        Halfway { stream, rest: rest.to_owned() }
    }

    /// Ends it: what it is answered.
    fn end(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

fn drains(database_url: Option<&str>) {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), database_url, &["--drain-notice", "3"]);
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let note = json!({ "customerId": customer, "lines": [line(&price, "1")] });
    let halfway = Halfway::begin(&company, &note);
    house.server.signal("TERM");
    let beside = Api::new(&house.server.root, "").at("");
    let said = wait_for("the notice", || Some(beside.get("/readyz")).filter(|answer| answer.status == 503));
    assert_eq!(said.json(), json!({ "status": "ending" }));
    // Who has not read it yet is still served.
    beside.get("/healthz").is(200);
    wait_for("the door to close", || TcpStream::connect(address(&house)).is_err().then_some(()));
    let answer = halfway.end();
    drop(company);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n") && answer.contains("\"CN-00001\""), "{answer}");
    assert_eq!(house.server.exit_code(), 0);
}

#[test]
fn what_runs_is_answered_on_sqlite() {
    drains(None);
}

#[test]
fn what_runs_is_answered_on_postgres() {
    drains(Some(&shared_postgres().fresh_database()));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), None, &["--drain-notice", "3600"]);
    let company = house.company();
    let _halfway = Halfway::begin(&company, &json!({ "lines": [] }));
    house.server.signal("TERM");
    let beside = Api::new(&house.server.root, "").at("");
    wait_for("the notice", || (beside.get("/readyz").status == 503).then_some(()));
    house.server.signal("INT");
    drop(company);
    assert_eq!(house.server.exit_code(), 1);
}

fn serve_with(post: &Post, folder: &Folder, seconds: &str) -> House {
    let url = format!("smtp://127.0.0.1:{}", post.port);
    House::serve(PROGRAM, folder.path(), None, &["--smtp-url", &url, "--drain-seconds", seconds])
}

/// Sends an invoice by mail, and waits until the mail is on its way.
fn mail(company: &Company, post: &Post) {
    let (customer, price) = (company.customer(json!({ "email": "kontor@lindeblomst.example" })), company.price("100"));
    let draft = company.draft(&customer, json!([line(&price, "1")]));
    company.api.post(&format!("/v1/invoices/{}/send", text(&draft["id"])), &json!({ "deliveryType": "Email" })).is(200);
    post.arrived.recv().unwrap();
}

#[test]
fn a_mail_on_its_way_arrives_and_is_written_down() {
    let (post, folder) = (Post::open(), Folder::new());
    let house = serve_with(&post, &folder, "60");
    mail(&house.company(), &post);
    house.server.signal("TERM");
    wait_for("the door to close", || TcpStream::connect(address(&house)).is_err().then_some(()));
    post.take.send(()).unwrap();
    let books = house.books.clone();
    assert_eq!(house.server.exit_code(), 0);
    assert_eq!(books.value("select status from deliveries"), "delivered");
    assert_eq!(books.value("select count(*) from jobs where kind = 'deliver'"), "0");
}

/// The bound holds, and the next server takes up what was left.
#[test]
fn a_mail_that_does_not_end_in_time_is_tried_again() {
    let (post, folder) = (Post::open(), Folder::new());
    let house = serve_with(&post, &folder, "1");
    mail(&house.company(), &post);
    house.server.signal("TERM");
    let books = house.books.clone();
    assert_eq!(house.server.exit_code(), 0);
    assert_eq!(books.value("select status from deliveries"), "pending");
    post.take.send(()).unwrap();
    let house = serve_with(&post, &folder, "1");
    post.arrived.recv().unwrap();
    post.take.send(()).unwrap();
    wait_for("the mail", || (books.value("select status from deliveries") == "delivered").then_some(()));
    house.server.terminate();
}
