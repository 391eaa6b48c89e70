//! A company with what a credit note needs, set up as a user of the program would do it.

use std::path::Path;

use serde_json::{Value, json};
use testkit::{Folder, Server};

use crate::Failed;
use crate::client::{Answer, Client};

/// Where a server keeps its books.
pub struct Place {
    program: String,
    folder: Folder,
    database_url: Option<String>,
}

impl Place {
    /// A fresh place; in SQLite where no PostgreSQL is named.
    pub fn new(program: &str, database_url: Option<String>) -> Place {
        Place { program: program.to_owned(), folder: Folder::new(), database_url }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Serves it with its log turned off.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// Serves it with further arguments.
    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        self.serve_by(&self.program, arguments)
    }

    /// Serves it by another program, and with further arguments.
    pub fn serve_by(&self, program: &str, arguments: &[&str]) -> Server {
        Server::start(program, self.folder(), self.database_url.as_deref(), arguments)
    }

    /// What a library opens it with.
    pub fn shelves(&self) -> store::Config {
        match &self.database_url {
            Some(url) => store::Config::Postgres { url: url.clone(), lanes: 1, readers: 1, group: 50 },
            None => store::Config::Sqlite { folder: self.folder().to_owned() },
        }
    }
}

/// The address of a server, as `127.0.0.1:12345`.
pub fn address(server: &Server) -> &str {
    server.root.trim_start_matches("http://")
}

/// A company with one product and one customer.
pub struct Company {
    /// Its id.
    pub id: String,
    key: String,
    note: String,
}

impl Company {
    /// Founds one on the place that the server serves.
    pub fn found(place: &Place, server: &Server) -> Result<Company, Failed> {
        let arguments = [
            "company",
            "create",
            "--name",
            "Bikuben Honning ApS",
            "--country",
            "DK",
            "--address",
            "Lyngvej 7",
            "--postal-code",
            "8600",
            "--city",
            "Silkeborg",
            "--vat",
            "DK12345674",
            "--json",
        ];
        let printed = Server::command(&place.program, place.folder(), place.database_url.as_deref(), &arguments);
        let made: Value = serde_json::from_str(&printed)?;
        let mut company = Company { id: text(&made["companyId"])?, key: text(&made["apiKey"])?, note: String::new() };
        let mut client = Client::connect(address(server))?;
        let product_groups = company.call(&mut client, "GET", "/v1/product-groups", None)?;
        let customer_groups = company.call(&mut client, "GET", "/v1/customer-groups", None)?;
        let product = company.call(&mut client, "POST", "/v1/products", Some(json!({
            "number": "H-450", "name": "Acacia honey, 450 g", "unit": "pcs", "productGroupId": first(&product_groups)["id"],
        })))?;
        let price = company.call(
            &mut client,
            "POST",
            "/v1/product-prices",
            Some(json!({
                "productId": product["id"], "billingPeriodType": "ONE_TIME", "pricingModel": "FLAT_RATE",
                "unitAmount": "89.95",
            })),
        )?;
        let path = format!("/v1/product-prices/{}/activate", text(&price["id"])?);
        company.call(&mut client, "POST", &path, None)?;
        let customer = company.call(
            &mut client,
            "POST",
            "/v1/customers",
            Some(json!({
                "customerType": "business", "name": "Café Lindeblomst", "countryCode": "DK", "vatZone": "domestic",
                "customerGroupId": first(&customer_groups)["id"], "vatNumber": "DK87654370", "address": "Torvet 3",
                "postalCode": "8000", "city": "Aarhus C", "email": "kontor@lindeblomst.example",
            })),
        )?;
        let lines = json!([{ "priceId": price["id"], "quantity": 1 }]);
        company.note = json!({ "customerId": customer["id"], "lines": lines }).to_string();
        Ok(company)
    }

    /// The request for a credit note of one line that names no invoice.
    pub fn credit_note(&self) -> Vec<u8> {
        self.request("POST", "/v1/credit-notes", &self.note)
    }

    /// The same with an idempotency key.
    pub fn keyed_credit_note(&self, key: &str) -> Vec<u8> {
        self.request_with("POST", "/v1/credit-notes", &format!("x-api-idempotency-key: {key}\r\n"), &self.note)
    }

    /// The request for a draft of an invoice of one line.
    pub fn draft(&self) -> Vec<u8> {
        self.request("POST", "/v1/invoices", &self.note)
    }

    /// The request that numbers and books a draft.
    pub fn send(&self, draft: &str) -> Vec<u8> {
        self.request("POST", &format!("/v1/invoices/{draft}/send"), r#"{"deliveryType":"Manual"}"#)
    }

    /// The request for a resource.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, "")
    }

    /// Makes a credit note and answers its id.
    pub fn make_credit_note(&self, client: &mut Client) -> Result<String, Failed> {
        made(client, &self.credit_note())
    }

    /// Drafts an invoice and answers its id.
    pub fn make_draft(&self, client: &mut Client) -> Result<String, Failed> {
        made(client, &self.draft())
    }

    /// Makes a credit note of so many lines and answers its id.
    pub fn make_long_credit_note(&self, client: &mut Client, lines: usize) -> Result<String, Failed> {
        let mut note: Value = serde_json::from_str(&self.note)?;
        note["lines"] = vec![note["lines"][0].clone(); lines].into();
        made(client, &self.request("POST", "/v1/credit-notes", &note.to_string()))
    }

    /// Books an invoice of a hundred thousand pieces and answers the request that credits one of them.
    pub fn book_large_invoice(&self, client: &mut Client) -> Result<Vec<u8>, Failed> {
        let mut invoice: Value = serde_json::from_str(&self.note)?;
        invoice["lines"][0]["quantity"] = 100_000.into();
        let id = made(client, &self.request("POST", "/v1/invoices", &invoice.to_string()))?;
        client.ask(&self.send(&id))?.good()?;
        let line = self.read(client, &format!("/v1/invoices/{id}"))?["lines"][0]["id"].clone();
        let part = json!({ "lines": [{ "invoiceLineId": line, "quantity": 1 }] });
        Ok(self.request("POST", &format!("/v1/invoices/{id}/credit"), &part.to_string()))
    }

    /// Makes drafts, by several clients at once, and answers their ids.
    pub fn make_drafts(&self, address: &str, count: usize) -> Result<Vec<String>, Failed> {
        const CLIENTS: usize = 16;
        let make = || -> Result<Vec<String>, Failed> {
            let mut client = Client::connect(address)?;
            (0..count.div_ceil(CLIENTS)).map(|_| self.make_draft(&mut client)).collect()
        };
        let drafts = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(make)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| "a client panicked")?)
                .collect::<Result<Vec<_>, _>>()
        });
        Ok(drafts?.concat())
    }

    /// Makes something of this body and answers its id.
    pub fn add(&self, client: &mut Client, path: &str, body: Value) -> Result<String, Failed> {
        text(&self.call(client, "POST", path, Some(body))?["id"])
    }

    /// Asks for something to be done.
    pub fn ask(&self, client: &mut Client, path: &str, body: Value) -> Result<(), Failed> {
        self.call(client, "POST", path, Some(body)).map(drop)
    }

    /// Deletes a webhook endpoint.
    pub fn drop_endpoint(&self, client: &mut Client, id: &str) -> Result<(), Failed> {
        client.ask(&self.request("DELETE", &format!("/v1/webhook-endpoints/{id}"), ""))?.good()?;
        Ok(())
    }

    /// The body of what a path answers.
    pub fn read(&self, client: &mut Client, path: &str) -> Result<Value, Failed> {
        self.call(client, "GET", path, None)
    }

    /// The request that imports `customers` or `products`, as lines of JSON.
    pub fn import(&self, what: &str, body: &str) -> Vec<u8> {
        let Company { key, .. } = self;
        let length = body.len();
        format!(
            "POST /api/v1/{what}/import HTTP/1.1\r\nhost: bench\r\nx-api-key: {key}\r\nconnection: close\r\n\
             content-type: application/x-ndjson\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    /// The id of its customer group.
    pub fn customer_group(&self, client: &mut Client) -> Result<String, Failed> {
        text(&first(&self.read(client, "/v1/customer-groups")?)["id"])
    }

    /// The id of its product group.
    pub fn product_group(&self, client: &mut Client) -> Result<String, Failed> {
        text(&self.read(client, "/v1/product-groups")?["data"][0]["id"])
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        self.request_with(method, path, "", body)
    }

    /// A request with further lines of its head.
    fn request_with(&self, method: &str, path: &str, more: &str, body: &str) -> Vec<u8> {
        let Company { key, .. } = self;
        let content = if body.is_empty() {
            String::new()
        } else {
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
        };
        format!("{method} /api{path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {key}\r\n{more}{content}\r\n{body}")
            .into_bytes()
    }

    fn call(&self, client: &mut Client, method: &str, path: &str, body: Option<Value>) -> Result<Value, Failed> {
        let body = body.map_or_else(String::new, |body| body.to_string());
        let answer = client.ask(&self.request(method, path, &body))?;
        let answer = Answer::good(answer).map_err(|fault| format!("{method} {path} {fault}"))?;
        Ok(serde_json::from_slice(answer.body)?)
    }
}

/// Makes something and answers its id.
fn made(client: &mut Client, request: &[u8]) -> Result<String, Failed> {
    let answer = client.ask(request)?.good()?;
    text(&serde_json::from_slice::<Value>(answer.body)?["id"])
}

fn first(page: &Value) -> &Value {
    page["data"].get(0).or_else(|| page.get(0)).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> Result<String, Failed> {
    Ok(value.as_str().ok_or_else(|| format!("{value} is no text"))?.to_owned())
}
