//! The press and its children: limits, errors, sameness, memory. The children
//! are this very test binary, told to run the one test [`child`] alone.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pdf::{Job, Press, PressConfig, RenderError};
use serde_json::json;

#[test]
#[ignore = "what the press starts as its child"]
fn child() -> ExitCode {
    pdf::serve_stdio()
}

fn config() -> PressConfig {
    PressConfig {
        arguments: ["child", "--exact", "--ignored"].map(String::from).to_vec(),
        time_limit: Duration::from_secs(30),
        ..PressConfig::new(std::env::current_exe().unwrap())
    }
}

fn job(source: &str) -> Job {
    Job {
        source: source.into(),
        data: json!({"name": "Grüße & Søn"}),
        date: (2026, 6, 15),
        identifier: "one".into(),
        ..Job::default()
    }
}

fn refused(source: &str) -> (String, usize, usize) {
    match pdf::render(&job(source)) {
        Err(RenderError::Template { message, line, column }) => (message, line, column),
        other => panic!("{source}: {:?}", other.map(|pdf| pdf.len())),
    }
}

#[test]
fn a_broken_template_names_its_place() {
    assert_eq!(refused("= Hello\n  #nothing"), ("unknown variable: nothing".into(), 2, 4));
    assert_eq!(refused("\n\n#let f(x) = x + \"a\"\n#f(1)").1, 3);
    assert_eq!(refused("#(").1, 1);
    assert_eq!(refused("#let d = json(\"data.json\")\n#d.none").1, 2);
}

#[test]
fn a_template_sees_no_file_and_no_package() {
    assert!(refused("#read(\"/etc/passwd\")").0.contains("not found"));
    assert!(refused("#read(\"../../../../etc/passwd\")").0.contains("would escape"));
    assert!(refused("#read(\"Cargo.toml\")").0.contains("not found"));
    assert!(refused("#import \"@preview/cetz:0.3.0\"").0.contains("not found"));
}

#[test]
fn assets_and_the_date_are_the_jobs_own() {
    let mut job = job("#read(\"note.txt\") #datetime.today().display() #json(\"data.json\").name");
    job.assets.insert("note.txt".into(), b"an asset".to_vec());
    let pdf = Press::new(config()).render(&job).unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    assert_eq!(pdf, pdf::render(&job).unwrap());
    assert_eq!(pdf, pdf::render(&job).unwrap());
    job.identifier = "two".into();
    assert_ne!(pdf, pdf::render(&job).unwrap());
}

#[test]
fn letters_that_no_font_has_are_no_reason_to_refuse() {
    assert!(pdf::render(&job("株式会社 🐝")).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn endless_templates_are_cut_off_and_the_press_goes_on() {
    let press = Press::new(PressConfig { time_limit: Duration::from_secs(2), ..config() });
    let begun = Instant::now();
    // Typst itself stops a plain endless loop; nested ones outlive anyone.
    let endless = job("#for i in range(9999) { for j in range(9999) { for k in range(9999) {} } }");
    assert_eq!(press.render(&endless), Err(RenderError::TooSlow));
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(press.render(&job("#while true {}")).is_err());
    assert!(press.render(&job("Still here.")).is_ok());
}

#[test]
fn greedy_templates_are_cut_off_and_the_press_goes_on() {
    let press = Press::new(PressConfig { memory_limit_mib: 512, ..config() });
    let greedy = job("#let s = \"aaaaaaaaaaaaaaaa\"\n#for i in range(40) { s = s + s }");
    assert_eq!(press.render(&greedy), Err(RenderError::TooMuchMemory));
    assert!(press.render(&job("Still here.")).is_ok());
}

#[test]
fn children_are_started_on_demand_shared_and_ended_when_idle() {
    let press = Press::new(PressConfig { workers: 2, idle_after: Duration::from_millis(300), ..config() });
    assert_eq!(press.children(), 0);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| assert!(press.render(&job("One of many.")).is_ok()));
        }
    });
    assert!((1..=2).contains(&press.children()));
    let begun = Instant::now();
    while press.children() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "a child that nobody needs lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(press.render(&job("Once more.")).is_ok());
}

#[test]
fn a_program_that_is_no_press_is_an_error() {
    let press = Press::new(PressConfig { program: "false".into(), arguments: Vec::new(), ..config() });
    assert!(matches!(press.render(&job("x")), Err(RenderError::Broken(_))));
}

#[test]
fn memory_stays_flat() {
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        (status.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096) >> 20
    };
    let print = |i: u32| {
        let mut job = job("#for i in range(40) [#json(\"data.json\").name #i #lorem(20) \\ ]");
        job.data = json!({"name": i.to_string()});
        pdf::render(&job).unwrap();
    };
    (0..20).for_each(print);
    let before = resident();
    (20..220).for_each(print);
    let after = resident();
    assert!(after < before + 40, "grew from {before} to {after} MiB");
}

/// The house's own template and a paper, hurt at random by a seed: whatever they have become, each
/// is printed or refused within the limits, and the press goes on.
#[test]
fn hurt_templates_and_data_never_hang_or_end_the_press() {
    let set = |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    let (seed, rounds) = (set("LEDGERBEE_FUZZ_SEED", 1), set("LEDGERBEE_FUZZ_TEMPLATES", 60));
    let read = |name: &str| {
        std::fs::read_to_string(format!("{}/../app/templates/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let (source, mut data): (_, serde_json::Value) =
        (read("document.typ"), serde_json::from_str(&read("samples/invoice.da.json")).unwrap());
    data["words"] = serde_json::from_str(&read("words.da.json")).unwrap();
    data["settings"] = serde_json::Value::Null;
    let press = Press::new(PressConfig { time_limit: Duration::from_secs(5), memory_limit_mib: 512, ..config() });
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ seed;
    // xorshift64: the same seed, the same wounds.
    let mut roll = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let nasty = [
        "#",
        "{",
        "(",
        "[",
        "\"",
        "$",
        "\\u{10ffff}",
        "1e308",
        "-1",
        "#while true {}",
        "#let f(x) = f(x)\n#f(1)",
        "#[".repeat(500).leak(),
        "#for i in range(9999) { for j in range(9999) { } }",
        "#let s = \"aaaaaaaa\"\n#for i in range(60) { s = s + s }",
        "#pagebreak() ".repeat(300).leak(),
        "#v(1e9pt)",
        "#set page(width: 0pt)",
        "#set text(size: 1e9pt)",
        "#image(\"data.json\")",
        "#read(\"/proc/self/environ\")",
        "#panic()",
        "\0",
        "\u{202e}",
    ];
    let (mut printed, mut refused, mut limited, mut died) = (0, 0, 0, 0);
    for round in 0..rounds {
        let (mut source, mut data) = (source.clone(), data.clone());
        if round % 2 == 0 {
            let mut at = roll(source.len());
            while !source.is_char_boundary(at) {
                at -= 1;
            }
            match roll(3) {
                0 => source.truncate(at),
                1 => source.insert_str(at, nasty[roll(nasty.len())]),
                _ => {
                    let line = source[at..].find('\n').map_or(source.len(), |end| at + end);
                    source.replace_range(at..line, nasty[roll(nasty.len())]);
                }
            }
        } else {
            let mut place = String::new();
            for _ in 0..=roll(6) {
                let names: Vec<String> = match data.pointer(&place) {
                    Some(serde_json::Value::Object(fields)) => fields.keys().cloned().collect(),
                    Some(serde_json::Value::Array(items)) => (0..items.len()).map(|at| at.to_string()).collect(),
                    _ => Vec::new(),
                };
                if names.is_empty() {
                    break;
                }
                place.push_str(&format!("/{}", names[roll(names.len())]));
            }
            *data.pointer_mut(&place).unwrap() = match roll(6) {
                0 => json!(null),
                1 => json!([]),
                2 => json!("x".repeat(200_000)),
                3 => json!(nasty[roll(nasty.len())]),
                4 => json!({ "": [-1, 1e308, "\u{0}"] }),
                _ => json!(u64::MAX),
            };
        }
        let begun = Instant::now();
        match press.render(&Job { source, data, ..job("") }) {
            Ok(pdf) => printed += usize::from(pdf.starts_with(b"%PDF-")),
            Err(RenderError::Template { .. }) => refused += 1,
            Err(RenderError::TooSlow | RenderError::TooMuchMemory) => limited += 1,
            // A child that fell over its own stack: it took nobody with it.
            Err(RenderError::Broken(_)) => died += 1,
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "seed {seed}, round {round}: it hung");
        if round % 10 == 9 {
            assert!(press.render(&job("Still here.")).is_ok(), "seed {seed}, round {round}");
        }
    }
    println!("seed {seed}: {printed} printed, {refused} refused, {limited} cut off, {died} children died");
    assert!(printed > 0 && refused > 0, "some can be printed, some can't");
    assert!(press.render(&job("Still here.")).is_ok());
}
