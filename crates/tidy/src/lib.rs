//! House rules as tests: arrows, floats, clocks.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn crates() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Every Rust file under a crate's `src`, with its text.
    fn sources(name: &str) -> Vec<(PathBuf, String)> {
        let mut folders = vec![crates().join(name).join("src")];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder of sources").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).expect("a source is text");
                    found.push((path, text));
                }
            }
        }
        assert!(!found.is_empty(), "{name} has sources");
        found
    }

    #[test]
    fn arrows_run_down_only() {
        let rooms = ["billing", "store", "einvoice", "pdf", "app", "server", "bench", "tidy", "testkit"];
        let allowed: [(&str, &[&str]); 6] = [
            ("billing", &[]),
            ("store", &["billing"]),
            ("einvoice", &["billing"]),
            ("pdf", &[]),
            ("app", &["billing", "store", "einvoice"]),
            ("server", &["app", "billing", "pdf"]),
        ];
        for (name, may_use) in allowed {
            let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).expect("a manifest");
            let used = manifest.split("[dependencies]").nth(1).unwrap_or_default();
            let used = used.split("\n[").next().unwrap_or_default();
            for room in rooms.iter().filter(|room| !may_use.contains(room)) {
                let is_used = used
                    .lines()
                    .any(|line| line.starts_with(&format!("{room}.")) || line.starts_with(&format!("{room} ")));
                assert!(!is_used, "{name} may not use {room}");
                for (path, text) in sources(name).iter().filter(|_| *room != name) {
                    assert!(!text.contains(&format!("use {room}::")), "{} uses {room}", path.display());
                }
            }
        }
    }

    #[test]
    fn money_is_never_a_float() {
        for name in ["billing", "store", "einvoice", "app"] {
            for (path, text) in sources(name) {
                for float in ["f32", "f64"] {
                    assert!(!text.contains(float), "{} has {float}", path.display());
                }
            }
        }
    }

    #[test]
    fn only_app_reads_the_clock() {
        for name in ["billing", "store", "einvoice", "pdf", "server"] {
            for (path, text) in sources(name) {
                for clock in ["Timestamp::now", "SystemTime::now", "Zoned::now", "now_v7"] {
                    assert!(!text.contains(clock), "{} reads the clock: {clock}", path.display());
                }
            }
        }
    }
}
