//! Good bodies made bad, at random but by a seed: whatever comes of them, it is no fault
//! of the server, and what is refused is refused in the envelope.

use serde_json::Value;

use super::count;
use crate::bad_input::{Contract, Stage, writes};
use crate::house::{Api, House};

/// A small generator (xorshift64*): the same seed, the same bodies.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % below
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// What stands in a place where something else is wanted, as JSON or nearly so.
const NASTY: &[&str] = &[
    "null",
    "true",
    "\"\"",
    "\" \"",
    "0",
    "-0",
    "-1",
    "1e0",
    "1E400",
    "1e-400",
    "-1e308",
    "0.1e1",
    "00",
    "1.",
    ".5",
    "+1",
    "99999999999999999999999999999999999999999",
    "0.0000000000000000000000000000000001",
    "9223372036854775807",
    "9223372036854775808",
    "4294967295",
    "79228162514264337593543950335",
    "\"79228162514264337593543950335\"",
    "\"0.79228162514264337593543950335\"",
    "1000000000000",
    "\"999999999999.999999\"",
    "\"1e5\"",
    "\"-0\"",
    "NaN",
    "Infinity",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"\":{}}",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\u{feff}\"",
    "\"\u{202e}\u{200b}\"",
    "\"\u{1f41d}\"",
    "\"' or 1=1 --\"",
    "\"%s%n{}$1\"",
    "\"0190a1b2-0000-7000-8000-00000000000f\"",
    "\"00000000-0000-0000-0000-000000000000\"",
    "\"9999-12-31\"",
    "\"1900-01-01\"",
    "\"2200-12-31\"",
    "\"2024-02-30\"",
    "\"-2024-01-01\"",
    "\"DKK\"",
    "\"JPY\"",
    "\"XXX\"",
    "\"da\"",
    "\"../../etc/passwd\"",
    "\"#read(\\\"/etc/passwd\\\")\"",
];

/// Every place of a value, as pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{here}/{name}"), found))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| places(value, &format!("{here}/{at}"), found))
        }
        _ => {}
    }
}

/// Every field name that the contract's schema of a body knows, at any depth.
fn names(schema: &Value, contract: &Contract, depth: usize, found: &mut Vec<String>) {
    let schema = contract.resolved(schema);
    if depth == 0 {
        return;
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        found.push(name.clone());
        names(field, contract, depth - 1, found);
    }
    if schema["items"].is_object() {
        names(&schema["items"], contract, depth - 1, found);
    }
}

/// A body made of a good one: some of its places hold something nasty, and sometimes its bytes are hurt too.
fn spoil(good: &Value, names: &[String], dice: &mut Dice) -> Vec<u8> {
    const MARK: &str = "\"\u{1}mark\"";
    let mut text = good.to_string();
    for _ in 0..=dice.roll(3) {
        let Ok(mut body) = serde_json::from_str::<Value>(&text) else { break };
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let place = dice.pick(&all).clone();
        let at = body.pointer_mut(&place).unwrap();
        let mark: Value = "\u{1}mark".into();
        match (dice.roll(3), at.as_object_mut(), names.is_empty()) {
            (0, Some(fields), false) => _ = fields.insert(dice.pick(names).clone(), mark),
            _ => *at = mark,
        }
        let nasty = match dice.roll(12) {
            0 => format!("\"{}\"", "é".repeat(1 + dice.roll(12_000))),
            1 => "[".repeat(1 + dice.roll(300)),
            2 => format!("{}1{}", "[".repeat(100), "]".repeat(100)),
            3 => format!("{{\"a\":1,\"a\":{}}}", dice.pick(NASTY)),
            _ => (*dice.pick(NASTY)).to_owned(),
        };
        text = body.to_string().replace(&serde_json::to_string("\u{1}mark").unwrap(), &nasty).replace(MARK, &nasty);
    }
    let mut bytes = text.into_bytes();
    for _ in 0..dice.roll(4).saturating_sub(1) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.roll(256) as u8),
            2 => bytes.splice(at..at, *b"\xef\xbb\xbf").for_each(drop),
            3 => bytes.splice(at..at, *b"\xed\xa0\x80").for_each(drop),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
    }
    bytes
}

/// What is asked in a query: parameters that the contract knows, and others, with anything for a value.
fn query(operation: &Value, dice: &mut Dice) -> String {
    let known: Vec<&str> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["in"] == "query")
        .filter_map(|one| one["name"].as_str())
        .collect();
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for _ in 0..dice.roll(5) {
        let name = if known.is_empty() || dice.roll(8) == 0 { "x[y][]" } else { dice.pick(&known) };
        let name = if dice.roll(6) == 0 { format!("{name}[{}]", dice.pick(NASTY)) } else { name.to_owned() };
        pairs.append_pair(&name, dice.pick(NASTY).trim_matches('"'));
    }
    let mut query = pairs.finish();
    if dice.roll(4) == 0 {
        let (at, broken) =
            (dice.roll(query.len() + 1), *dice.pick(&["%", "%0", "%00", "%ff", "&&", "=", "+", "%ed%a0%80"]));
        query.insert_str(at, broken);
    }
    query
}

fn check(
    api: &Api,
    method: &str,
    place: &str,
    body: &[u8],
    seed: usize,
    statuses: &mut std::collections::BTreeMap<u16, usize>,
) {
    let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
    let answer = api.raw(method, place, headers, body);
    let said =
        format!("seed {seed}: {method} {place} {}: {} {}", String::from_utf8_lossy(body), answer.status, answer.text());
    assert!(answer.status < 500, "{said}");
    if answer.status >= 400 {
        let told = answer.json();
        assert!(told["code"].is_string() && told["statusCode"] == answer.status, "{said}");
    }
    *statuses.entry(answer.status).or_default() += 1;
}

fn storm(house: &'static House) {
    let (seed, rounds) = (count("LEDGERBEE_FUZZ_SEED", 1), count("LEDGERBEE_FUZZ_ROUNDS", 40));
    let stage = Stage::new(house.company());
    let api = &stage.company.api;
    let contract = Contract(api.get("/openapi.json").is(200));
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed as u64);
    let mut statuses = std::collections::BTreeMap::new();
    for _ in 0..rounds {
        for (method, path, schema) in writes(&contract) {
            let mut known = Vec::new();
            names(&schema, &contract, 4, &mut known);
            let (place, good) = (stage.place(&path), stage.good(&path));
            check(api, &method, &place, &spoil(&good, &known, &mut dice), seed, &mut statuses);
        }
        let paths = contract.0["paths"].as_object().unwrap().iter();
        for (path, operations) in paths.filter(|(path, of)| path.starts_with("/v1/") && of["get"].is_object()) {
            // It goes on for as long as it is heard.
            if path == "/v1/events/stream" {
                continue;
            }
            let place = format!("{}?{}", stage.place(path), query(&operations["get"], &mut dice));
            check(api, "GET", &place, b"", seed, &mut statuses);
        }
    }
    println!("seed {seed}, {rounds} rounds: {statuses:?}");
    let taken: usize = statuses.range(200..300).map(|(_, count)| count).sum();
    assert!(taken > 0 && statuses.contains_key(&400), "some are taken, some are not: {statuses:?}");
    stage.company.check_books();
}

on_both_engines! {
    /// Whatever is refused is the caller's fault, and the books hold together.
    fn spoiled_bodies_and_queries_are_never_a_fault_of_the_server(house) {
        storm(house);
    }
}
