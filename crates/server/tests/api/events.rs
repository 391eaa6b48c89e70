//! The log of events: read from any point, followed as it goes on, and taken up again where one left off.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use testkit::{Folder, shared_postgres, wait_for};

use crate::house::{Api, Company, House, PROGRAM, line, text};
use crate::writes::Grounds;

fn log(api: &Api, query: &str) -> Value {
    api.get(&format!("/v1/events?{query}")).is(200)
}

fn sequences(log: &Value) -> Vec<i64> {
    log["data"].as_array().unwrap().iter().map(|event| event["sequence"].as_i64().unwrap()).collect()
}

/// One who follows the log of a company.
struct Follower {
    lines: BufReader<TcpStream>,
}

impl Follower {
    fn of(company: &testkit::house::Company<'_>, query: &str, headers: &str) -> Follower {
        let root = &company.house.server.root;
        let mut stream = TcpStream::connect(root.strip_prefix("http://").unwrap()).unwrap();
        let key = &company.api.key;
        write!(stream, "GET /api/v1/events/stream?{query} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\n{headers}\r\n")
            .unwrap();
        let mut follower = Follower { lines: BufReader::new(stream) };
        let head: Vec<String> = std::iter::from_fn(|| follower.line().filter(|line| !line.is_empty())).collect();
        assert_eq!(head[0], "HTTP/1.1 200 OK", "{head:?}");
        assert!(head.contains(&"content-type: text/event-stream".to_owned()), "{head:?}");
        // Where it is read from is settled by now.
        assert_eq!(follower.field("retry"), "1000");
        follower
    }

    /// The next line; none at the end.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }

    /// The value of the next field, which has this name; the sizes of chunks and comments are passed over.
    fn field(&mut self, name: &str) -> String {
        loop {
            let line = self.line().unwrap_or_else(|| panic!("the stream ended before {name}"));
            if let Some((own, value)) = line.split_once(": ").filter(|(own, _)| !own.is_empty()) {
                assert_eq!(own, name, "{line}");
                return value.to_owned();
            }
        }
    }

    /// The next event: its sequence and type.
    fn event(&mut self) -> (i64, String) {
        let (id, kind, data) = (self.field("id"), self.field("event"), self.field("data"));
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!((data["sequence"].to_string(), text(&data["type"])), (id.clone(), kind.as_str()));
        (id.parse().unwrap(), kind)
    }
}

fn last(company: &Company) -> i64 {
    log(&company.api, "limit=1")["lastSequence"].as_i64().unwrap()
}

on_both_engines! {
    /// The whole log in pages: every event once, in order, without gaps; what it says is the resource.
    fn the_log_is_read_from_any_point(house) {
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        let note = company.credit(&customer, None, json!([line(&price, "1")]), json!({})).is(201);
        company.settle();
        let end = last(&company);
        let (mut seen, mut after) = (Vec::new(), Some(0));
        while let Some(from) = after {
            let page = log(&company.api, &format!("after={from}&limit=7"));
            assert_eq!((&page["limit"], &page["lastSequence"]), (&json!(7), &json!(end)));
            seen.extend(sequences(&page));
            after = page["nextAfter"].as_i64();
        }
        assert_eq!(seen, (1..=end).collect::<Vec<i64>>());
        let made = log(&company.api, "type=credit_note.created&type=credit_note.sent");
        let [event] = &made["data"].as_array().unwrap()[..] else { panic!("{made}") };
        assert_eq!((&event["data"], &made["nextAfter"]), (&note, &Value::Null));
        assert_eq!(event["resource"], json!({ "type": "credit_note", "id": note["id"] }));
        let key = text(&event["actor"]["id"]);
        assert_eq!(event["actor"], json!({ "type": "api_key", "id": key }));
        assert_eq!(log(&company.api, &format!("after={end}")), json!({ "data": [], "limit": 25, "nextAfter": null, "lastSequence": end }));
        // Another company's log begins with itself.
        let other = house.company();
        assert!(log(&other.api, "limit=100")["data"].as_array().unwrap().iter().all(|event| !event.to_string().contains(text(&note["id"]))));
        for (query, property, rule) in [
            ("after=-1", "after", "min"), ("after=x", "after", "isInt"), ("type=x", "type", "isIn"),
            ("type=credit_note.*", "type", "isIn"), ("limit=101", "limit", "max"), ("page=1", "page", "whitelistValidation"),
        ] {
            company.api.get(&format!("/v1/events?{query}")).faulty(property, rule);
        }
        company.api.get("/v1/events/stream?type=x").faulty("type", "isIn");
        company.api.raw("GET", "/v1/events/stream", &[("accept", "application/json")], b"").refused(406, "NOT_ACCEPTABLE");
    }

    /// Every write of the contract tells an event, of a type that is documented.
    fn every_write_tells_an_event(house) {
        let company = house.company();
        let mut count = 0;
        Grounds::of(&company).each(&company, |write| {
            let before = last(&company);
            let request = format!("event-{count}");
            let answer = write.ask(&company, &[("x-request-id", &request)]);
            assert!((200..300).contains(&answer.status), "{}: {}", answer.asked, answer.text());
            let told = log(&company.api, &format!("after={before}&limit=100"));
            let own = |event: &&Value| event["requestId"] == request;
            assert!(told["data"].as_array().unwrap().iter().any(|event| own(&event)), "{}: {told}", answer.asked);
            count += 1;
        });
        // A type that is asked for and is none is refused.
        for row in house.books.rows(&format!("select distinct type from events where company_id = '{}'", company.id)) {
            log(&company.api, &format!("type={}", row[0]));
        }
        assert!(count > 60, "{count} writes");
    }

    /// Who follows hears what happens, in order; whoever comes again hears what was missed, and nothing twice.
    fn the_log_is_followed(house) {
        let company = house.company();
        let start = last(&company);
        let mut new = Follower::of(&company, "", "");
        let mut all = Follower::of(&company, "after=0", "");
        let mut groups = Follower::of(&company, "type=product_group.created", "");
        let make = |n: usize| {
            let groups = company.api.get("/v1/product-groups").is(200)["data"][0].clone();
            let mut body = json!({ "number": format!("G{n}"), "name": "Other" });
            for field in ["domesticAccountId", "euAccountId", "abroadAccountId", "domesticWithoutVatAccountId"] {
                body[field] = groups[field].clone();
            }
            company.api.post("/v1/product-groups", &body).is(201);
        };
        company.customer(json!({}));
        make(1);
        make(2);
        assert_eq!(new.event(), (start + 1, "customer.created".to_owned()));
        assert_eq!(new.event(), (start + 2, "product_group.created".to_owned()));
        assert_eq!(new.event().0, start + 3);
        assert_eq!([groups.event().0, groups.event().0], [start + 2, start + 3]);
        assert_eq!((0..start + 3).map(|_| all.event().0).collect::<Vec<i64>>(), (1..=start + 3).collect::<Vec<i64>>());
        drop(new);
        make(3);
        make(4);
        // What it says it has heard last wins over the address, as browsers ask again with the same one.
        let mut again = Follower::of(&company, "after=0", &format!("Last-Event-ID: {}\r\n", start + 2));
        make(5);
        assert_eq!((0..4).map(|_| again.event().0 - start).collect::<Vec<i64>>(), [3, 4, 5, 6]);
        assert_eq!((0..3).map(|_| all.event().0 - start).collect::<Vec<i64>>(), [4, 5, 6]);
    }

    /// One company has a bound of followers; who leaves makes room.
    fn followers_have_a_bound(house) {
        let company = house.company();
        let mut held: Vec<Follower> = (0..50).map(|_| Follower::of(&company, "", "")).collect();
        let busy = company.api.get("/v1/events/stream");
        busy.refused(503, "UNAVAILABLE");
        held.pop();
        // That it has gone is seen when there is something to tell it.
        wait_for("room for one more", || {
            company.customer(json!({ "vatNumber": null }));
            let answer = raw_status(&company);
            (answer == "HTTP/1.1 200 OK").then_some(())
        });
        let other = house.company();
        Follower::of(&other, "", "");
    }
}

/// The first line of what a follower is answered, who leaves then.
fn raw_status(company: &Company) -> String {
    let root = &company.house.server.root;
    let mut stream = TcpStream::connect(root.strip_prefix("http://").unwrap()).unwrap();
    let key = &company.api.key;
    write!(stream, "GET /api/v1/events/stream HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// What another process writes is heard too, and a server that is told to stop ends its streams in time.
#[test]
fn what_another_server_writes_is_heard_and_streams_end_with_the_server() {
    let url = shared_postgres().fresh_database();
    let folders = [Folder::new(), Folder::new()];
    let [here, there] = [0, 1].map(|at: usize| House::serve(PROGRAM, folders[at].path(), Some(&url), &[]));
    let company = here.company();
    let mut follower = Follower::of(&company, "", "");
    let elsewhere = Api::new(&there.server.root, &company.api.key);
    elsewhere.patch("/v1/company", &json!({ "phone": "+45 1" })).is(200);
    assert_eq!(follower.event().1, "company.updated");
    drop(company);
    here.server.signal("TERM");
    while follower.line().is_some() {}
    assert_eq!(here.server.exit_code(), 0);
}
