//! `ledgerbee demo`: the main job from end to end, over HTTP as a customer of the API would do it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::Duration;

use app::companies;
use clap::Args;
use serde_json::{Value, json};

use super::serve::{Ways, listen, runtime, serve};
use super::{Failed, Place};
use crate::http::route::checked;

const USUAL: &str = "127.0.0.1:8080";

#[derive(Args)]
pub(super) struct Demo {
    /// Where to listen; default 127.0.0.1:8080, or a free port when that one is taken
    #[arg(long, env = "LEDGERBEE_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// End after the tour instead of serving on
    #[arg(long, env = "LEDGERBEE_ONCE")]
    once: bool,
    #[command(flatten)]
    ways: Ways,
}

/// A folder that is not there yet: what an earlier demo left stays untouched.
fn fresh_folder() -> PathBuf {
    let name = |count: u32| if count == 1 { "ledgerbee-demo".to_owned() } else { format!("ledgerbee-demo-{count}") };
    (1..).map(|count| PathBuf::from(name(count))).find(|path| !path.exists()).unwrap_or_default()
}

impl Demo {
    pub(super) fn run(self, place: Place) -> Result<(), Failed> {
        let place = Place { data: fresh_folder(), database_url: None, database_url_file: None, ..place };
        let meter = self.ways.start_meter()?;
        let app = place.open(self.ways.channels(&place)?, self.ways.webhooks(&place)?)?;
        let _only_one = app.hold_serve_lock()?;
        let runtime = runtime()?;
        let listener = runtime.block_on(async {
            match self.listen {
                Some(address) => listen(address).await,
                None => match listen(USUAL.parse().map_err(Failed::of)?).await {
                    Ok(listener) => Ok(listener),
                    Err(_) => listen(([127, 0, 0, 1], 0).into()).await,
                },
            }
        })?;
        let company = checked(&json!({
            "name": "Bikuben Honning ApS", "countryCode": "DK", "address": "Lyngvej 7", "postalCode": "8600",
            "city": "Silkeborg", "vat": "DK12345674", "email": "faktura@bikuben.example", "iban": "DK5000400440116243",
        }))?;
        let made = companies::create(&app, company).wait()?;
        println!("Made the company {} in the folder {}.", made.company_id, place.data.display());
        let (folder, once) = (place.data.clone(), self.once);
        serve(&runtime, listener, app, &self.ways, meter, move |address| {
            std::thread::spawn(move || {
                let tour = Tour::new(address, made.api_key, folder);
                match tour.walk() {
                    Ok(()) if once => exit(0),
                    Ok(()) => tour.farewell(),
                    Err(Failed(why)) => {
                        eprintln!("error: the demo broke off: {why}");
                        exit(1);
                    }
                }
            });
        })
    }
}

struct Tour {
    agent: ureq::Agent,
    root: String,
    key: String,
    folder: PathBuf,
}

impl Tour {
    fn new(address: SocketAddr, key: String, folder: PathBuf) -> Tour {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().new_agent();
        Tour { agent, root: format!("http://{address}"), key, folder }
    }

    fn walk(&self) -> Result<(), Failed> {
        println!("\n── The company is set up: an account, VAT code and group for each case");
        let product_groups = self.call("GET", "/v1/product-groups", None)?;
        let customer_groups = self.call("GET", "/v1/customer-groups", None)?;
        println!("\n── Catalogue");
        let honey = self.product(&product_groups, "Acacia honey, 450 g", "H-450", "pcs", "89.95")?;
        let course = self.product(&product_groups, "Beekeeping course, one day", "K-1", "pcs", "1450")?;
        println!("\n── Customer");
        let customer = self.call(
            "POST",
            "/v1/customers",
            Some(json!({
                "customerType": "business", "name": "Café Lindeblomst", "countryCode": "DK", "vatZone": "domestic",
                "customerGroupId": first(&customer_groups)["id"], "vatNumber": "DK87654370", "address": "Torvet 3",
                "postalCode": "8000", "city": "Aarhus C", "email": "kontor@lindeblomst.example",
            })),
        )?;

        println!("\n── An invoice: a draft has no number, sending numbers and books it");
        let draft = self.call(
            "POST",
            "/v1/invoices",
            Some(json!({
                "customerId": customer["id"], "reference": "PO 4711",
                "lines": [
                    { "priceId": honey, "quantity": 33, "discountPercent": 5 },
                    { "priceId": course, "quantity": 2, "description": "Beekeeping course, one day, in Silkeborg" },
                ],
            })),
        )?;
        let invoice = self.send("invoices", &draft)?;

        println!("\n── Part of it is credited: positive figures in, the sign is the server's");
        let lines = |honey_count: u32, course_count: u32| {
            json!([
                { "priceId": honey, "quantity": honey_count },
                { "priceId": course, "quantity": course_count },
            ])
        };
        self.credit(&customer, &invoice, json!([{ "priceId": honey, "quantity": 10 }]), "return")?;
        println!("\n── And the rest of it, to the last øre");
        self.credit(&customer, &invoice, lines(23, 2), "order_change")?;
        println!("\n── The invoice now: credited in full, nothing open");
        let after = self.call("GET", &format!("/v1/invoices/{}", text(&invoice["id"])), None)?;
        let (status, open) = (text(&after["status"]), text(&after["openAmount"]));
        if (status, open) == ("credited", "0.00") {
            Ok(())
        } else {
            Err(Failed(format!("it is {status}, {open} is open")))
        }
    }

    /// A product with one active price; answers the price's id.
    fn product(&self, groups: &Value, name: &str, number: &str, unit: &str, amount: &str) -> Result<Value, Failed> {
        let product = json!({ "number": number, "name": name, "productGroupId": first(groups)["id"], "unit": unit });
        let product = self.call("POST", "/v1/products", Some(product))?;
        let price = self.call("POST", "/v1/product-prices", Some(json!({
            "productId": product["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE", "unitAmount": amount,
        })))?;
        self.call("POST", &format!("/v1/product-prices/{}/activate", text(&price["id"])), None)?;
        Ok(price["id"].clone())
    }

    fn credit(&self, customer: &Value, invoice: &Value, lines: Value, reason: &str) -> Result<(), Failed> {
        let note = self.call(
            "POST",
            "/v1/credit-notes",
            Some(json!({
                "customerId": customer["id"], "invoiceNumber": invoice["number"], "reason": reason, "lines": lines,
            })),
        )?;
        self.send("credit-notes", &note).map(drop)
    }

    /// Sends a document by hand, fetches its PDF and answers what became of it.
    fn send(&self, path: &str, document: &Value) -> Result<Value, Failed> {
        let place = format!("/v1/{path}/{}", text(&document["id"]));
        self.call("POST", &format!("{place}/send"), Some(json!({ "deliveryType": "Manual" })))?;
        let sent = self.call("GET", &place, None)?;
        let file = self.folder.join(format!("{}.pdf", text(&sent["number"])));
        self.download(&format!("{place}/pdf"), &file)?;
        Ok(sent)
    }

    fn download(&self, path: &str, file: &Path) -> Result<(), Failed> {
        let url = format!("{}/api{path}", self.root);
        println!("\nGET {url}");
        let mut answer = self.agent.get(url).header("x-api-key", &self.key).call().map_err(Failed::of)?;
        let status = answer.status().as_u16();
        let bytes = answer.body_mut().read_to_vec().map_err(Failed::of)?;
        if status != 200 {
            return Err(Failed(format!("{path} answered {status}: {}", String::from_utf8_lossy(&bytes))));
        }
        fs::write(file, &bytes)?;
        println!("→ 200, {} bytes, kept as {}", bytes.len(), file.display());
        Ok(())
    }

    fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value, Failed> {
        let url = format!("{}/api{path}", self.root);
        println!("\n{method} {url}");
        let answer = match (method, body) {
            ("GET", _) => self.agent.get(url).header("x-api-key", &self.key).call(),
            (_, None) => self.agent.post(url).header("x-api-key", &self.key).send_empty(),
            (_, Some(body)) => {
                println!("{body:#}");
                let request = self.agent.post(url).header("x-api-key", &self.key);
                request.header("content-type", "application/json").send(body.to_string())
            }
        };
        let mut answer = answer.map_err(Failed::of)?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(Failed::of)?;
        let value: Value = serde_json::from_str(&text).map_err(|fault| Failed(format!("{fault}: {text}")))?;
        println!("→ {status}\n{value:#}");
        if status.is_success() { Ok(value) } else { Err(Failed(format!("{method} {path} answered {status}"))) }
    }

    fn farewell(&self) {
        let Tour { root, key, folder, .. } = self;
        println!("\n── Done. The papers are in {}. The server goes on; stop it with Ctrl-C.", folder.display());
        println!("API and its page to try it:  {root}/api/docs");
        println!("API key:                     {key}");
        println!("For example:                 curl -H 'x-api-key: {key}' {root}/api/v1/credit-notes");
    }
}

fn first(page: &Value) -> &Value {
    page["data"].get(0).or_else(|| page.get(0)).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
