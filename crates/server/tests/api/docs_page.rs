//! The page that shows the contract, in a real browser.

use std::process::Command;

use testkit::Folder;

use crate::house;

/// The page as the browser made it. `--no-sandbox`: the tests may run as root, and the page is our own.
fn shown(url: &str) -> String {
    let folder = Folder::new();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--virtual-time-budget=20000"])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .args(["--dump-dom", url])
        .output()
        .expect("chromium is installed; ./test does it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// It draws the whole contract with nothing from another host, and begins a request with its example.
#[test]
fn the_contract_is_drawn_and_can_be_tried() {
    let root = &house::sqlite().server.root;
    let page = shown(&format!("{root}/api/docs"));
    for tag in ["Invoices", "Credit notes", "Customers", "Catalogue", "Accounting", "Company"] {
        assert!(page.contains(&format!("data-tag=\"{tag}\"")), "{tag} is not on the page: {page}");
    }
    let operation = house::Api::new(root, "").get("/openapi.json").is(200);
    let operation = operation["paths"]["/v1/credit-notes"]["post"]["operationId"].clone();
    let page = shown(&format!("{root}/api/docs#/Credit%20notes/{}", house::text(&operation)));
    for part in ["Make a credit note; it is numbered at once", "invoices-write", "INV-00001", "Execute"] {
        assert!(page.contains(part), "{part} is not in the opened operation: {page}");
    }
}
