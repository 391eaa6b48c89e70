//! A client of the API that reads as the tests speak.

use serde_json::{Value, json};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// What was asked, for messages.
    pub asked: String,
    /// As 201.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|fault| panic!("{}: {fault}: {}", self.asked, self.text()))
    }

    /// One header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// A refusal with this status and code, in the envelope; answers its details.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.asked, self.text());
        let body = self.json();
        assert_eq!(body["code"], code, "{} answered {}", self.asked, self.text());
        assert_eq!(body["statusCode"], status);
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert!(body["timestamp"].as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z')), "{body}");
        assert!(body["path"].as_str().is_some_and(|path| !path.starts_with("/api")), "{body}");
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()));
        body["details"].clone()
    }

    /// A validation fault at this property by this rule.
    #[track_caller]
    pub fn faulty(self, property: &str, rule: &str) {
        let asked = self.asked.clone();
        let details = self.refused(400, "SHARED_VALIDATION_FAILED");
        let found = faults(&details);
        assert!(found.iter().any(|(p, r)| p == property && r == rule), "{asked}: {property} {rule} not in {found:?}");
    }
}

/// Property and rule of every validation fault.
pub fn faults(details: &Value) -> Vec<(String, String)> {
    let all = details["validationErrors"].as_array().into_iter().flatten();
    all.flat_map(|fault| {
        let property = text(&fault["property"]).to_owned();
        let rules = fault["constraints"].as_object().into_iter().flatten();
        rules.map(move |(rule, _)| (property.clone(), rule.clone())).collect::<Vec<_>>()
    })
    .collect()
}

/// A client with one key.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    root: String,
    base: &'static str,
    /// The API key; empty for none.
    pub key: String,
}

impl Api {
    /// A client of the server at `root`.
    pub fn new(root: &str, key: &str) -> Api {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        Api { agent: config.build().new_agent(), root: root.to_owned(), base: "/api", key: key.to_owned() }
    }

    /// The same client below another path than `/api`.
    #[must_use]
    pub fn at(self, base: &'static str) -> Api {
        Api { base, ..self }
    }

    /// A request with these headers besides the key, and this body as it stands; none when the
    /// connection broke.
    pub fn try_raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{}{path}", self.root, self.base));
        if !self.key.is_empty() {
            request = request.header("x-api-key", &self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(300)]));
        let mut answer = self.agent.run(request.body(body).ok()?).ok()?;
        let headers = answer.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap_or_default().to_owned())).collect();
        let bytes = answer.body_mut().read_to_vec().ok()?;
        Some(Answer { asked, status: answer.status().as_u16(), headers, bytes })
    }

    /// A request as [`try_raw`](Api::try_raw) makes it, that is answered.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_raw(method, path, headers, body).unwrap_or_else(|| panic!("{method} {path} got no answer"))
    }

    /// A `POST` of JSON; none when the connection broke.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_raw("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// A request with a JSON body and these headers; null for no body.
    pub fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut all = headers.to_vec();
        if !body.is_null() {
            all.push(("content-type", "application/json"));
        }
        self.raw(method, path, &all, text.as_bytes())
    }

    /// A request with a JSON body.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.raw(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// A `POST` of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    /// A `PATCH` of JSON.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, body)
    }

    /// A `GET`.
    pub fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, &[], b"")
    }

    /// A `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        self.raw("DELETE", path, &[], b"")
    }
}

/// Lays the fields of `changes` over `value`; null takes a field away.
pub fn merge(value: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, change) in changes {
        if change.is_null() {
            value.as_object_mut().unwrap().remove(&name);
        } else {
            value[name] = change;
        }
    }
}

/// A JSON string's text.
#[track_caller]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// One product line.
pub fn line(price: &Value, quantity: &str) -> Value {
    json!({ "priceId": price, "quantity": quantity })
}
