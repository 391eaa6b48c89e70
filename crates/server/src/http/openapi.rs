//! The published contract: OpenAPI 3.1, made from the route table and the very
//! schemas that requests are checked by.

use app::previews::Preview;
use serde_json::{Map, Value, json};

use super::examples;
use super::route::{CSV, Input, JSON, LINES, PDF, Route, XML, output};
use super::routes::routes;
use super::stream::EVENT_STREAM;

/// The whole contract.
pub fn document() -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(&route, &mut schemas);
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation;
    }
    schemas.insert("Error".to_owned(), error_schema());
    for (path, operation) in beside() {
        // Not below /api, and without a key.
        paths.insert(path.to_owned(), json!({ "servers": [{ "url": "/" }], "get": operation }));
    }
    if let Some(preview) = output::<Preview>() {
        lift(&preview, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ledgerbee",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Billing documents: quotes, order confirmations, invoices, credit notes and what they stand on.",
            "description": "An independent, self-hosted implementation of an HTTP API compatible with LedgerBee's public API; not \
                affiliated with LedgerBee. Decimals are strings in answers; in requests a decimal may be a string or a number, \
                read from its literal digits. Instants are ISO 8601 with milliseconds and Z, dates are YYYY-MM-DD in the \
                company's time zone. Unknown fields and query parameters are refused. Every answer carries X-Request-Id. \
                Every write takes an idempotency key, `If-Match` and `dryRun`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/api" }],
        "tags": tags(),
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": header_parameters(),
            "headers": headers(),
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "x-api-key", "description": "`lb_live_…` or `lb_test_…`" },
                "keyInQuery": { "type": "apiKey", "in": "query", "name": "x-api-key" }
            }
        }
    })
}

/// What stands beside the API, for those who run it.
fn beside() -> [(&'static str, Value); 3] {
    let word = |words: &[&str]| {
        json!({ "application/json": { "schema": {
        "type": "object", "required": ["status"], "properties": { "status": { "type": "string", "enum": words } }
    } } })
    };
    let operation = |id: &str, summary: &str, description: &str, responses: Value| {
        json!({
            "operationId": id, "tags": ["Operation"], "summary": summary, "description": description, "security": [],
            "parameters": [], "responses": responses,
        })
    };
    let text = json!({ "text/plain": { "schema": { "type": "string" } } });
    [
        (
            "/healthz",
            operation(
                "healthz",
                "Whether the process lives",
                "No key.",
                json!({
                    "200": { "description": "It lives", "content": word(&["ok"]) },
                }),
            ),
        ),
        (
            "/readyz",
            operation(
                "readyz",
                "Whether the server is ready: its books answer and it is not ending",
                "No key.",
                json!({
                    "200": { "description": "It is ready", "content": word(&["ok"]) },
                    "503": { "description": "It is not", "content": word(&["the books do not answer", "ending"]) },
                }),
            ),
        ),
        (
            "/metrics",
            operation(
                "metrics",
                "What the server does, counted, in Prometheus' text",
                "No key. Here only with `--metrics`; `--metrics-listen` answers it on an address of its own.",
                json!({
                    "200": { "description": "The figures", "content": text },
                    "404": { "description": "Not answered here", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Error" } } } },
                }),
            ),
        ),
    ]
}

fn tags() -> Value {
    json!([
        { "name": "Invoices", "description": "Drafted without a number; numbered and booked when sent." },
        { "name": "Credit notes", "description": "Numbered on creation, totals negative, never more than was invoiced." },
        { "name": "Quotes", "description": "Offers: drafted, numbered when sent, accepted or rejected, made into the next document." },
        { "name": "Order confirmations", "description": "What was agreed, numbered when sent, made into an invoice." },
        { "name": "Open items", "description": "A customer's credit, whatever it comes from, set off and paid out." },
        { "name": "Customers", "description": "Customers and their groups." },
        { "name": "Catalogue", "description": "Product groups, products and prices." },
        { "name": "Accounting", "description": "Accounts, VAT codes, exchange rates." },
        { "name": "Events", "description": "The log of all that happened, and webhook endpoints that are sent it." },
        { "name": "Company", "description": "The company, its templates and the key in use." },
        { "name": "Operation", "description": "Beside the API, for those who run the server." }
    ])
}

fn tag(path: &str) -> &'static str {
    match path.split('/').nth(2).unwrap_or_default() {
        "invoices" => "Invoices",
        "credit-notes" => "Credit notes",
        "quotes" => "Quotes",
        "order-confirmations" => "Order confirmations",
        "open-items" => "Open items",
        "customers" | "customer-groups" => "Customers",
        "product-groups" | "products" | "product-prices" => "Catalogue",
        "events" | "webhook-endpoints" => "Events",
        "accounts" | "vat-codes" | "exchange-rates" => "Accounting",
        _ => "Company",
    }
}

fn operation(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let mut parameters: Vec<Value> = Vec::new();
    for name in route.ids() {
        let schema = json!({ "type": "string", "format": "uuid" });
        parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    if let Some(query) = &route.query {
        parameters.extend(query_parameters(query, schemas));
    }
    let mut refer = |name: &str| parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
    if route.is_write() {
        refer("IdempotencyKey");
        refer("IfMatch");
    } else if route.is_tagged || route.is_file() {
        refer("IfNoneMatch");
    }
    let scope = match route.scope {
        Some(scope) => format!("Scope: `{scope}`."),
        None => "Any API key.".to_owned(),
    };
    let mut operation = json!({
        "operationId": route.operation(),
        "tags": [tag(route.path)],
        "summary": route.summary,
        "description": scope,
        "parameters": parameters,
        "responses": responses(route, schemas),
    });
    if let Some(scope) = route.scope {
        operation["x-scope"] = json!(scope.as_str());
    }
    if let Some(input) = &route.input {
        let schema = lift(&input.schema, schemas);
        let is_required = !input.shape.allows_nothing();
        let mut content = json!({ "schema": schema });
        if let Some(example) = examples::request(&input.schema) {
            content["example"] = example;
        }
        operation["requestBody"] = json!({ "required": is_required, "content": { "application/json": content } });
    }
    if !route.takes.media.contains(&JSON) {
        let one = json!({ "schema": { "type": "string" } });
        let content: Map<String, Value> =
            route.takes.media.iter().map(|media| ((*media).to_owned(), one.clone())).collect();
        operation["requestBody"] = json!({
            "required": true, "content": content,
            "description": "A row a line, with the fields of the request that makes one. A table names its columns first, as \
                `name` or `metadata.key`; a cell that is empty says nothing. At most 64 MiB.",
        });
    }
    operation
}

fn responses(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let mut names = vec!["X-Request-Id"];
    if route.is_tagged || route.is_file() {
        names.push("ETag");
    }
    if route.is_write() {
        names.push("Idempotent-Replayed");
    }
    if route.status == 201 {
        names.push("Location");
    }
    let mut preview = json!({ "$ref": "#/components/schemas/Preview" });
    let mut content = Map::new();
    if let Some(output) = &route.output {
        let mut schema = lift(output, schemas);
        let title = output["title"].as_str().unwrap_or("the answer");
        let told = format!("The fields of `{title}`, newly given ids and numbers null, and those of the preview");
        preview = json!({ "description": told, "allOf": [preview] });
        if route.is_write() && route.status == 200 {
            schema = json!({ "anyOf": [schema, preview] });
        }
        content.insert(JSON.to_owned(), json!({ "schema": schema }));
    }
    if route.output.is_none() && route.is_write() && route.status == 200 {
        content.insert(JSON.to_owned(), json!({ "schema": preview.clone() }));
    }
    let others = route.offers.iter().filter(|offer| **offer != JSON);
    for offer in others {
        let schema = if [CSV, LINES, EVENT_STREAM].contains(offer) {
            json!({ "type": "string" })
        } else {
            json!({ "type": "string", "format": "binary" })
        };
        content.insert((*offer).to_owned(), json!({ "schema": schema }));
    }
    let description = match route.offers {
        [PDF] => "The PDF",
        [XML] => "The XML",
        _ => "Done",
    };
    let mut good = json!({ "description": description, "headers": refer_to_headers(&names) });
    if !content.is_empty() {
        good["content"] = Value::Object(content);
    }
    let mut responses = json!({ route.status.to_string(): good });
    if route.is_write() && route.status != 200 {
        responses["200"] = json!({
            "description": "With `dryRun=true`: what it would answer, post and tell; nothing was done",
            "headers": refer_to_headers(&["X-Request-Id"]), "content": { "application/json": { "schema": preview } },
        });
    }
    let mut add = |status: u16, description: &str| {
        let schema = json!({ "$ref": "#/components/schemas/Error" });
        let content = json!({ "application/json": { "schema": schema, "example": examples::error(route, status) } });
        responses[status.to_string()] = json!({ "description": description, "content": content });
    };
    add(400, "Validation failed, or a business rule says no; the code says which");
    add(401, "No key, or one that is not (or no longer) good");
    if route.scope.is_some() {
        add(403, "The key lacks the scope");
    }
    add(404, "Not there, or not in your company");
    add(406, "Accept excludes what this route answers");
    if route.is_write() {
        add(412, "The resource is not (or no longer) the one that If-Match names");
    }
    if !route.takes.media.contains(&JSON) {
        add(408, "The body did not arrive in time");
        add(413, "The body is larger than 64 MiB");
        add(415, "The body is neither a table nor lines of JSON");
    }
    if route.input.is_some() {
        add(408, "The body did not arrive in time");
        add(413, "The body is larger than 1 MiB");
        add(415, "The body is not application/json");
    }
    add(500, "A fault of the server; nothing was done");
    add(503, "Busy; nothing was done, see Retry-After");
    if route.is_file() {
        responses["304"] = json!({ "description": "The archived copy you have is the one" });
    } else if route.is_tagged && !route.is_write() {
        responses["304"] = json!({ "description": "What you have is what there is" });
    }
    responses
}

/// What every write, or every read of one resource, may be told in its headers.
fn header_parameters() -> Value {
    let parameter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    let text = json!({ "type": "string" });
    json!({
        "IdempotencyKey": parameter(
            "x-api-idempotency-key",
            "A key of the caller's for this request, unique in the company. Its answer is stored with its effect and given \
                again for 7 days, with `Idempotent-Replayed: true`; a refusal stores nothing. `Idempotency-Key` is the same.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
        "IfMatch": parameter(
            "If-Match",
            "The `ETag` of the resource as the caller knows it, or several, or `*`: where it is another by now, nothing is \
                done and 412 answered.",
            text.clone(),
        ),
        "IfNoneMatch": parameter("If-None-Match", "The `ETag` of what the caller has: 304 where it is what there is.", text),
    })
}

/// What answers tell in their headers.
fn headers() -> Value {
    let header = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "X-Request-Id": header("The request's id, as in the log"),
        "ETag": header("A hash of the resource's published JSON, or of the file"),
        "Idempotent-Replayed": header("`true` where the answer was stored before, under the same key"),
        "Location": header("Where what was made is"),
    })
}

fn refer_to_headers(names: &[&str]) -> Value {
    let refer = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    names.iter().map(refer).collect::<Map<String, Value>>().into()
}

fn query_parameters(query: &Input, schemas: &mut Map<String, Value>) -> Vec<Value> {
    let lifted = lift_parts(&query.schema, schemas);
    let Some(properties) = lifted["properties"].as_object() else { return Vec::new() };
    let parameter = |(name, schema): (&String, &Value)| {
        let is_map = schema["additionalProperties"].is_object();
        let style = if is_map { "deepObject" } else { "form" };
        let description = schema["description"].clone();
        json!({
            "name": name, "in": "query", "required": false, "style": style, "explode": true,
            "description": description, "schema": schema,
        })
    };
    properties.iter().map(parameter).collect()
}

/// Moves a schema and what it refers to among the components; answers a reference to it,
/// or the schema itself when it has no name.
fn lift(schema: &Value, schemas: &mut Map<String, Value>) -> Value {
    let lifted = lift_parts(schema, schemas);
    match schema["title"].as_str() {
        Some(title) if lifted["type"] == "object" => {
            schemas.insert(title.to_owned(), lifted);
            json!({ "$ref": format!("#/components/schemas/{title}") })
        }
        _ => lifted,
    }
}

fn lift_parts(schema: &Value, schemas: &mut Map<String, Value>) -> Value {
    let mut whole = schema.clone();
    if let Some(object) = whole.as_object_mut() {
        object.remove("$schema");
        if let Some(Value::Object(parts)) = object.remove("$defs") {
            for (name, mut part) in parts {
                point(&mut part);
                schemas.insert(name, part);
            }
        }
    }
    point(&mut whole);
    whole
}

/// Points references at the components, and drops defaults of null: they say nothing,
/// and are wrong where null is not allowed.
fn point(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("default") == Some(&Value::Null) {
                fields.remove("default");
            }
            if let Some(Value::String(reference)) = fields.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", "#/components/schemas/");
            }
            fields.values_mut().for_each(point);
        }
        Value::Array(items) => items.iter_mut().for_each(point),
        _ => {}
    }
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["statusCode", "timestamp", "path", "message", "code", "details"],
        "properties": {
            "statusCode": { "type": "integer" },
            "timestamp": { "type": "string", "format": "date-time" },
            "path": { "type": "string", "description": "Relative to /api" },
            "message": { "type": "string", "description": "For people" },
            "code": { "type": "string", "description": "Stable; clients branch on it" },
            "details": { "type": "object", "properties": { "validationErrors": {
                "type": "array",
                "items": { "type": "object", "properties": {
                    "property": { "type": "string" },
                    "constraints": { "type": "object", "additionalProperties": { "type": "string" } }
                } }
            } } }
        }
    })
}
