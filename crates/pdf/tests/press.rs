//! The press and its children: limits, errors, sameness, memory. The children
//! are this very test binary, told to run the one test [`child`] alone.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use pdf::{Attachment, Job, Output, Press, PressConfig, Property, Relationship, RenderError, Schema};
use serde_json::json;

#[test]
#[ignore = "what the press starts as its child"]
fn child() -> ExitCode {
    pdf::serve_stdio(None)
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

/// A job with an invoice's XML inside, told in the metadata as such a file has to be.
fn hybrid() -> Job {
    let property = |name: &str, value: &str| Property {
        name: name.into(),
        description: format!("The {name} & more"),
        value: value.into(),
    };
    Job {
        attachments: vec![
            Attachment {
                name: "factur-x.xml".into(),
                media_type: "text/xml".into(),
                description: "The invoice as data".into(),
                relationship: Relationship::Alternative,
                bytes: b"<?xml version='1.0'?><Invoice>S\xc3\xb8n</Invoice>".to_vec(),
            },
            Attachment {
                name: "note \"1\" 2.bin".into(),
                media_type: "application/octet-stream".into(),
                description: "Any bytes".into(),
                relationship: Relationship::Supplement,
                bytes: (0..=255).collect(),
            },
        ],
        claims: vec![Schema {
            name: "Factur-X PDFA Extension Schema".into(),
            namespace: "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#".into(),
            prefix: "fx".into(),
            properties: vec![property("DocumentFileName", "factur-x.xml"), property("ConformanceLevel", "A < B")],
        }],
        ..job("#set document(title: \"Invoice\", author: \"Seller\")\n= Invoice\nHello. // a comment at the end")
    }
}

fn written(name: &str, pdf: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, pdf).unwrap();
    path
}

fn tool(program: &str, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).output();
    let output = output.unwrap_or_else(|error| panic!("{program} (poppler-utils, qpdf): {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    said
}

#[test]
fn attachments_travel_inside_and_the_metadata_tells_of_them() {
    let job = hybrid();
    let pdf = Press::new(config()).render(&job).unwrap();
    assert_eq!(pdf, pdf::render(&job).unwrap(), "the same job, the same bytes");
    let file = written("hybrid.pdf", &pdf);
    let check = tool("qpdf", &["--check"], &file);
    assert!(check.contains("No syntax or stream encoding errors"), "{check}");
    let list = tool("pdfdetach", &["-list"], &file);
    assert!(list.contains("2 embedded files") && list.contains("factur-x.xml"), "{list}");
    for (at, attachment) in (1..).zip(&job.attachments) {
        let saved = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("attachment-{at}"));
        let _ = std::fs::remove_file(&saved);
        tool("pdfdetach", &["-save", &at.to_string(), "-o", saved.to_str().unwrap()], &file);
        assert_eq!(std::fs::read(&saved).unwrap(), attachment.bytes, "{}", attachment.name);
    }
    // What `pdfinfo -meta` prints is the XMP packet as a reader of the file finds it.
    let metadata = tool("pdfinfo", &["-meta"], &file);
    for words in [
        "<pdfaid:part>3</pdfaid:part>",
        "<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>",
        "<pdfaProperty:description>The ConformanceLevel &amp; more</pdfaProperty:description>",
        "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
        "<fx:ConformanceLevel>A &lt; B</fx:ConformanceLevel>",
    ] {
        assert!(metadata.contains(words), "{words} is not in {metadata}");
    }
    // One description of all schemas, and one revision of the file.
    assert_eq!(metadata.matches("<pdfaExtension:schemas>").count(), 1);
    assert_eq!(String::from_utf8_lossy(&pdf).matches("startxref").count(), 1);
    let objects = String::from_utf8(
        Command::new("qpdf")
            .args(["--qdf", "--object-streams=disable"])
            .arg(&file)
            .arg("-")
            .output()
            .unwrap()
            .stdout
            .into_iter()
            .filter(u8::is_ascii)
            .collect(),
    )
    .unwrap();
    assert!(objects.contains("/AFRelationship /Alternative") && objects.contains("/AFRelationship /Supplement"));
    assert!(objects.contains("/Subtype /text#2fxml"), "the media type is there");
}

/// Another's reader finds a real invoice's data in the file: PyPI's `factur-x`, where it is installed.
#[test]
fn the_reader_of_others_finds_the_invoice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/einvoice/bin/python");
    let samples = root.join("../shared/einvoice/samples/en16931-cii");
    let sample = std::fs::read_dir(&samples).into_iter().flatten().flatten().map(|entry| entry.path()).min();
    let (true, Some(sample)) = (python.exists(), sample) else {
        eprintln!("left out: {} or {} is not there", python.display(), samples.display());
        return;
    };
    let xml = std::fs::read(sample).unwrap();
    let mut job = hybrid();
    job.attachments[0].bytes.clone_from(&xml);
    let file = written("factur-x.pdf", &pdf::render(&job).unwrap());
    let script = "import sys, facturx\nname, xml = facturx.get_xml_from_pdf(open(sys.argv[1], 'rb').read(), check_xsd=False)\n\
        sys.stdout.buffer.write(name.encode() + b'\\n' + xml)";
    let output = Command::new(&python).args(["-c", script]).arg(&file).output().unwrap();
    let wanted = [b"factur-x.xml\n".as_slice(), &xml].concat();
    assert_eq!(output.stdout, wanted, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_file_that_is_no_pdf_a_claims_nothing_and_keeps_its_attachments() {
    // PDF/A asks for a date in the metadata.
    let job = Job { source: "#set document(date: none)\nPlain.".into(), ..hybrid() };
    let file = written("plain.pdf", &pdf::render(&job).unwrap());
    let metadata = tool("pdfinfo", &["-meta"], &file);
    assert!(!metadata.contains("pdfaid:part") && !metadata.contains("fx:"), "{metadata}");
    assert!(tool("pdfdetach", &["-list"], &file).contains("2 embedded files"));
}

#[test]
fn a_page_becomes_a_picture() {
    let size = |png: &[u8]| {
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    };
    let page = |source: &str, number| Job { output: Output::Page(number), ..job(source) };
    let press = Press::new(config());
    let two = "#set page(width: 100pt, height: 50pt)\nOne #pagebreak() Two";
    let picture = press.render(&page(two, 2)).unwrap();
    // Two points of a picture a point of the page.
    assert_eq!(size(&picture), (200, 100));
    assert_eq!(picture, pdf::render(&page(two, 2)).unwrap());
    assert_ne!(picture, pdf::render(&page(two, 1)).unwrap());
    assert_eq!(press.render(&page(two, 3)), Err(RenderError::NoPage { last: 2 }));
    assert_eq!(press.render(&page(two, 0)), Err(RenderError::NoPage { last: 2 }));
    // A page as large as a house is drawn smaller: 16 million points at most.
    let (width, height) = size(&press.render(&page("#set page(width: 900cm, height: 900cm)\nVast", 1)).unwrap());
    assert_eq!((width, height), (4000, 4000));
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
    let designs: serde_json::Value = serde_json::from_str(&read("designs.json")).unwrap();
    data["design"] = designs["modern"].clone();
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
            Err(RenderError::NoPage { .. }) => panic!("no picture was asked for"),
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
