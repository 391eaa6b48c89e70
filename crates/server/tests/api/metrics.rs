//! `/metrics`: text that Prometheus reads, figures that are those of what was done, nothing of a company.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::{Folder, Server, shared_postgres, wait_for};

use crate::house::{Api, House, PROGRAM, line};

/// The samples of a text in Prometheus' format, by name and labels as written.
struct Samples(BTreeMap<String, f64>);

impl Samples {
    /// Reads strictly: help and type before the samples of a name, no sample twice, buckets that grow.
    fn read(text: &str) -> Samples {
        let mut samples = BTreeMap::new();
        let (mut kinds, mut buckets) = (BTreeMap::new(), BTreeMap::<String, Vec<f64>>::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.splitn(3, ' ');
                let (what, name, said) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
                assert!(!said.is_empty() && ["HELP", "TYPE"].contains(&what), "{line}");
                if what == "TYPE" {
                    assert!(["counter", "gauge", "histogram"].contains(&said), "{line}");
                    assert_eq!(kinds.insert(name.to_owned(), said.to_owned()), None, "{line}");
                }
                continue;
            }
            let (key, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap_or_else(|fault| panic!("{line}: {fault}"));
            let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family = family.filter(|family| kinds.get(*family).is_some_and(|kind| kind == "histogram"));
            assert!(kinds.contains_key(family.unwrap_or(name)), "{line} has a type");
            assert!(labels.ends_with('}'), "{line}");
            if name.ends_with("_bucket") {
                let others = labels.split("le=").next().unwrap_or_default();
                buckets.entry(format!("{name}{{{others}")).or_default().push(value);
            }
            assert_eq!(samples.insert(key.to_owned(), value), None, "{line} stands twice");
        }
        for (name, counts) in buckets {
            assert!(counts.is_sorted(), "{name}: {counts:?}");
        }
        Samples(samples)
    }

    /// The sum of the samples of a name whose labels have these parts.
    #[track_caller]
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let is_one = |key: &str| key.split('{').next() == Some(name) && labels.iter().all(|label| key.contains(label));
        let found: Vec<f64> = self.0.iter().filter(|(key, _)| is_one(key)).map(|(_, value)| *value).collect();
        assert!(!found.is_empty(), "no {name} {labels:?} in {:?}", self.0.keys());
        found.iter().sum()
    }
}

fn measures(database_url: Option<&str>) {
    let folder = Folder::new();
    let house = House::serve(PROGRAM, folder.path(), database_url, &["--metrics"]);
    let company = house.company();
    let (customer, price) = (company.customer(json!({})), company.price("100"));
    let invoice = company.invoice(&customer, json!([line(&price, "3")]));
    for _ in 0..4 {
        company.credit(&customer, Some(&invoice), json!([line(&price, "1")]), json!({}));
    }
    company.settle();
    let beside = Api::new(&house.server.root, "").at("");
    let answer = wait_for("the print to be counted and the queues to be empty", || {
        let answer = beside.get("/metrics");
        let samples = Samples::read(&answer.text()).0;
        let is_done = samples.keys().any(|key| key.starts_with("ledgerbee_job_duration_seconds_count"));
        let mut waiting = samples.iter().filter(|(key, _)| key.starts_with("ledgerbee_lane_waiting"));
        (is_done && waiting.all(|(_, count)| *count == 0.0)).then_some(answer)
    });
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for secret in [&company.id, "INV-0", "CN-0", "Bikuben", "Lindeblomst", "lb_live"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let samples = Samples::read(&text);
    let notes = "route=\"/v1/credit-notes\"";
    assert_eq!(samples.sum("ledgerbee_requests_total", &[notes, "method=\"POST\"", "status=\"201\""]), 3.0);
    assert_eq!(samples.sum("ledgerbee_requests_total", &[notes, "method=\"POST\"", "status=\"400\""]), 1.0);
    assert_eq!(samples.sum("ledgerbee_request_duration_seconds_count", &[notes, "method=\"POST\""]), 4.0);
    assert_eq!(samples.sum("ledgerbee_requests_in_flight", &[]), 0.0);
    assert!(samples.sum("ledgerbee_connections_open", &[]) >= 1.0);
    assert_eq!(samples.sum("ledgerbee_lane_waiting", &[]), 0.0);
    let commits = samples.sum("ledgerbee_commit_duration_seconds_count", &[]);
    assert!(commits >= 8.0 && samples.sum("ledgerbee_group_size_sum", &[]) >= commits, "{commits} commits");
    assert_eq!(samples.sum("ledgerbee_jobs", &["kind=\"archive\""]), 0.0);
    assert_eq!(samples.sum("ledgerbee_jobs_oldest_due_seconds", &[]), 0.0);
    assert_eq!(samples.sum("ledgerbee_job_duration_seconds_count", &["kind=\"archive\"", "outcome=\"done\""]), 1.0);
    assert_eq!(samples.sum("ledgerbee_print_duration_seconds_count", &[]), 1.0);
    assert!(samples.sum("process_resident_memory_bytes", &[]) > 1e6);
    assert!(samples.sum("process_open_fds", &[]) > 3.0 && samples.sum("process_max_fds", &[]) > 3.0);
    assert!(samples.sum("process_start_time_seconds", &[]) > 1.7e9);
    assert!(samples.sum("process_cpu_seconds_total", &[]) >= 0.0);

    // A mail, taken by the folder.
    let draft = company.draft(&customer, json!([line(&price, "1")]));
    let place = format!("/v1/invoices/{}/send", draft["id"].as_str().unwrap());
    let body = json!({ "deliveryType": "Email", "overrideEmail": "kontor@lindeblomst.example" });
    company.api.post(&place, &body).is(200);
    company.settle();
    let delivered = wait_for("the delivery to be counted", || {
        let samples = Samples::read(&beside.get("/metrics").text());
        samples.0.get("ledgerbee_deliveries_total{outcome=\"delivered\"}").copied()
    });
    assert_eq!(delivered, 1.0);
    // Its print and its mail were due at once: it was printed once all the same.
    let samples = Samples::read(&beside.get("/metrics").text());
    assert_eq!(samples.sum("ledgerbee_print_duration_seconds_count", &[]), 2.0);
    house.server.signal("KILL");
}

#[test]
fn what_is_done_is_counted_on_sqlite() {
    measures(None);
}

#[test]
fn what_is_done_is_counted_on_postgres() {
    measures(Some(&shared_postgres().fresh_database()));
}

/// On an address of its own, and then not beside the API.
#[test]
fn metrics_have_an_address_of_their_own() {
    let folder = Folder::new();
    let (server, metrics) = Server::with_metrics(PROGRAM, folder.path());
    Api::new(&server.root, "").at("").get("/metrics").refused(404, "NOT_FOUND");
    let text = Api::new(&metrics, "").at("").get("/metrics").text();
    assert_eq!(Samples::read(&text).sum("ledgerbee_requests_total", &["route=\"-\"", "status=\"404\""]), 1.0);
    server.terminate();
}
