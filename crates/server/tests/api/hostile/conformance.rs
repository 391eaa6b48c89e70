//! The published contract, taken at its word by someone else's program: schemathesis asks
//! what the contract allows and what it does not, and compares each answer to it.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use testkit::Folder;

use super::count;
use crate::house::line;

on_both_engines! {
    /// No 5xx, no status, media type, header or schema that is not in the contract; wrong data is refused.
    fn every_answer_is_one_of_the_contracts(house) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/schemathesis/bin/schemathesis");
        if !program.exists() {
            // ./test installs it, and says so where it can't.
            println!("schemathesis is not installed: left out");
            return;
        }
        let company = house.company();
        let (customer, price) = (company.customer(json!({})), company.price("300"));
        company.invoice(&customer, json!([line(&price, "2")]));
        let (seed, examples) = (count("LEDGERBEE_FUZZ_SEED", 1), count("LEDGERBEE_SCHEMATHESIS_EXAMPLES", 5));
        let folder = Folder::new();
        let root = format!("{}/api", house.server.root);
        let output = Command::new(program)
            .current_dir(folder.path())
            .args(["run", &format!("{root}/openapi.json"), "--url", &root])
            .args(["--header", &format!("x-api-key: {}", company.api.key)])
            .args(["--seed", &seed.to_string(), "--max-examples", &examples.to_string()])
            // A business rule may refuse what has the right form: `positive_data_acceptance` would call it a fault.
            .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
            .args(["--phases", "examples,coverage,fuzzing,stateful", "--generation-database", "none"])
            // What tells of the server stands beside the API, under another address.
            .args(["--exclude-tag", "Operation"])
            // It goes on for as long as it is heard.
            .args(["--exclude-path", "/v1/events/stream"])
            // One worker: Python 3.11 parses no two things at once ("AST constructor recursion depth mismatch").
            .args(["--suppress-health-check", "all", "--warnings", "off", "--no-color", "--workers", "1"])
            .output()
            .expect("schemathesis starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{}", &said[said.find("SUMMARY").unwrap_or(0)..]);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        company.api.get("/v1/company").is(200);
    }
}
