//! The contract: the published JSON Schema of an input, compiled once, and the walk
//! that checks a request by it. All faults are told at once, with their paths,
//! under class-validator's rule names.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::FromStr;

use billing::input::{Fields, Rule, decimal, rules};
use billing::refusal::Faults;
use billing::{country, identifiers, money, vat_numbers};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// What a value may be, compiled from a schema.
#[derive(Debug)]
pub struct Shape {
    kind: Kind,
    is_nullable: bool,
}

#[derive(Debug)]
enum Kind {
    Object { fields: Vec<Field>, rule: Option<Rule> },
    Map { most: usize, key_most: usize, value_most: usize },
    Array { item: Box<Shape>, least: usize, most: usize },
    Text { least: usize, most: usize, format: Option<String> },
    Choice(Vec<String>),
    Decimal { above: Option<Decimal>, least: Option<Decimal>, most: Option<Decimal>, scale: u32 },
    Integer { least: i64, most: i64 },
    Flag,
}

#[derive(Debug)]
struct Field {
    name: String,
    is_required: bool,
    shape: Shape,
}

impl Shape {
    /// Compiles the schema of an input struct.
    ///
    /// # Panics
    /// When the schema uses what the walk does not know: a fault of the program, found at start.
    pub fn compile(schema: &Value) -> Shape {
        compile(schema, schema)
    }

    /// Whether an empty body is a good one: no field is required.
    pub fn allows_nothing(&self) -> bool {
        match &self.kind {
            Kind::Object { fields, .. } => fields.iter().all(|field| !field.is_required),
            _ => false,
        }
    }
}

fn compile(schema: &Value, root: &Value) -> Shape {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a schema's references are in it");
        return compile(target, root);
    }
    for many in ["anyOf", "oneOf"] {
        if let Some(options) = schema[many].as_array() {
            if options.iter().all(|option| option["const"].is_string()) {
                let choices = options.iter().filter_map(|option| option["const"].as_str().map(str::to_owned)).collect();
                return Shape { kind: Kind::Choice(choices), is_nullable: false };
            }
            let some = options.iter().find(|option| option["type"] != "null").expect("an option that is not null");
            let is_nullable = options.iter().any(|option| option["type"] == "null");
            return Shape { is_nullable, ..compile(some, root) };
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(text) => vec![text],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_nullable = types.contains(&"null");
    let size = |name: &str, otherwise: usize| schema[name].as_u64().map_or(otherwise, |n| n as usize);
    let number = |name: &str| schema[name].as_i64();
    let bound = |name: &str| schema["x-decimal"][name].as_str().and_then(|text| Decimal::from_str(text).ok());
    let kind = if schema["x-decimal"].is_object() {
        let scale = schema["x-decimal"]["scale"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(6);
        Kind::Decimal { above: bound("above"), least: bound("min"), most: bound("max"), scale }
    } else if let Some(choices) = schema["enum"].as_array() {
        Kind::Choice(choices.iter().filter_map(|choice| choice.as_str().map(str::to_owned)).collect())
    } else if types.contains(&"object") {
        match schema["properties"].as_object() {
            Some(properties) => {
                let required = schema["required"].as_array();
                let field = |(name, of): (&String, &Value)| Field {
                    name: name.clone(),
                    is_required: required.is_some_and(|all| all.iter().any(|one| one == name.as_str())),
                    shape: compile(of, root),
                };
                let rule =
                    schema["x-rules"].as_str().map(|name| rules(name).expect("a rule that a schema names exists"));
                Kind::Object { fields: properties.iter().map(field).collect(), rule }
            }
            None if schema["additionalProperties"]["type"] == "string" => Kind::Map {
                most: size("maxProperties", 50),
                key_most: schema["propertyNames"]["maxLength"].as_u64().map_or(40, |n| n as usize),
                value_most: schema["additionalProperties"]["maxLength"].as_u64().map_or(500, |n| n as usize),
            },
            None => Kind::Object { fields: Vec::new(), rule: None },
        }
    } else if types.contains(&"array") {
        let item = Box::new(compile(&schema["items"], root));
        Kind::Array { item, least: size("minItems", 0), most: size("maxItems", usize::MAX) }
    } else if types.contains(&"integer") {
        Kind::Integer { least: number("minimum").unwrap_or(i64::MIN), most: number("maximum").unwrap_or(i64::MAX) }
    } else if types.contains(&"boolean") {
        Kind::Flag
    } else if types.contains(&"string") {
        let format = schema["format"].as_str().map(str::to_owned);
        Kind::Text { least: size("minLength", 0), most: size("maxLength", 10_000), format }
    } else {
        panic!("a schema the walk does not know: {schema}");
    };
    Shape { kind, is_nullable }
}

/// What is wrong with a body before its fields are looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What the parser says.
    pub message: String,
}

/// Checks a body; all faults at once.
///
/// # Errors
/// [`Malformed`] when it is no JSON.
pub fn check(shape: &Shape, body: &str) -> Result<Faults, Malformed> {
    let raw: &RawValue = serde_json::from_str(body).map_err(|fault| Malformed {
        line: fault.line(),
        column: fault.column(),
        message: fault.to_string(),
    })?;
    let mut faults = Faults::default();
    let mut path = String::new();
    if raw.get() == "null" || !matches!(shape.kind, Kind::Object { .. }) || raw.get().starts_with('{') {
        walk(shape, raw, &mut path, &mut faults);
    } else {
        faults.add("body", "isObject", "the body must be an object");
    }
    Ok(faults)
}

/// The members of an object, in their order, a name that comes twice twice.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.push((Cow::Owned(name), map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl Fields for Members<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, raw)| own == name && raw.get() != "null")
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, raw) = self.0.iter().find(|(own, _)| own == name)?;
        serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned)
    }

    fn is_true(&self, name: &str) -> bool {
        self.0.iter().any(|(own, raw)| own == name && raw.get() == "true")
    }
}

fn name(path: &str) -> &str {
    let last = path.rsplit('.').next().unwrap_or(path);
    if last.bytes().all(|b| b.is_ascii_digit()) && !last.is_empty() { "each value" } else { last }
}

fn walk(shape: &Shape, raw: &RawValue, path: &mut String, faults: &mut Faults) {
    let text = raw.get();
    if text == "null" {
        if !shape.is_nullable {
            faults.add(path.as_str(), "isNotEmpty", format!("{} should not be empty", name(path)));
        }
        return;
    }
    match &shape.kind {
        Kind::Object { fields, rule } => object(fields, *rule, text, path, faults),
        Kind::Map { most, key_most, value_most } => map(*most, *key_most, *value_most, text, path, faults),
        Kind::Array { item, least, most } => {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) else {
                faults.add(path.as_str(), "isArray", format!("{} must be an array", name(path)));
                return;
            };
            if items.len() < *least {
                let message = format!("{} must contain at least {least} elements", name(path));
                faults.add(path.as_str(), "arrayMinSize", message);
            }
            if items.len() > *most {
                let message = format!("{} must contain no more than {most} elements", name(path));
                faults.add(path.as_str(), "arrayMaxSize", message);
                return;
            }
            for (at, element) in items.into_iter().enumerate() {
                within(path, &at.to_string(), |path| walk(item, element, path, faults));
            }
        }
        Kind::Text { least, most, format } => match string(text) {
            None => faults.add(path.as_str(), "isString", format!("{} must be a string", name(path))),
            Some(value) => check_text(&value, *least, *most, format.as_deref(), path, faults),
        },
        Kind::Choice(choices) => {
            if !string(text).is_some_and(|value| choices.contains(&value)) {
                let message = format!("{} must be one of the following values: {}", name(path), choices.join(", "));
                faults.add(path.as_str(), "isIn", message);
            }
        }
        Kind::Decimal { above, least, most, scale } => {
            check_decimal(text, (*above, *least, *most, *scale), path, faults);
        }
        Kind::Integer { least, most } => match text.parse::<i64>() {
            Err(_) => faults.add(path.as_str(), "isInt", format!("{} must be an integer number", name(path))),
            Ok(n) if n < *least => {
                faults.add(path.as_str(), "min", format!("{} must not be less than {least}", name(path)));
            }
            Ok(n) if n > *most => {
                faults.add(path.as_str(), "max", format!("{} must not be greater than {most}", name(path)));
            }
            Ok(_) => {}
        },
        Kind::Flag => {
            if text != "true" && text != "false" {
                faults.add(path.as_str(), "isBoolean", format!("{} must be a boolean value", name(path)));
            }
        }
    }
}

fn within(path: &mut String, part: &str, inside: impl FnOnce(&mut String)) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(part);
    inside(path);
    path.truncate(length);
}

fn object(fields: &[Field], rule: Option<Rule>, text: &str, path: &mut String, faults: &mut Faults) {
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
        faults.add(path.as_str(), "isObject", format!("{} must be an object", name(path)));
        return;
    };
    for (at, (member, raw)) in members.0.iter().enumerate() {
        let is_repeated = members.0[..at].iter().any(|(before, _)| before == member);
        within(path, member, |path| match fields.iter().find(|field| field.name == *member) {
            _ if is_repeated => {
                faults.add(path.as_str(), "isDuplicate", format!("property {member} should not be repeated"));
            }
            None => faults.add(path.as_str(), "whitelistValidation", format!("property {member} should not exist")),
            Some(field) => walk(&field.shape, raw, path, faults),
        });
    }
    for field in fields.iter().filter(|field| field.is_required) {
        if !members.0.iter().any(|(member, _)| *member == field.name) {
            within(path, &field.name, |path| {
                faults.add(path.as_str(), "isNotEmpty", format!("{} should not be empty", field.name));
            });
        }
    }
    if let Some(rule) = rule {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        rule(&members, &prefix, faults);
    }
}

fn map(most: usize, key_most: usize, value_most: usize, text: &str, path: &mut String, faults: &mut Faults) {
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
        faults.add(path.as_str(), "isObject", format!("{} must be an object", name(path)));
        return;
    };
    if members.0.len() > most {
        faults.add(path.as_str(), "maxProperties", format!("{} must hold no more than {most} pairs", name(path)));
    }
    for (at, (key, raw)) in members.0.iter().enumerate() {
        let is_repeated = members.0[..at].iter().any(|(before, _)| before == key);
        within(path, key, |path| match string(raw.get()) {
            _ if is_repeated => faults.add(path.as_str(), "isDuplicate", format!("key {key} should not be repeated")),
            _ if key.is_empty() || key.chars().count() > key_most || key.contains('\0') => {
                let message = format!("a key must be 1 to {key_most} characters");
                faults.add(path.as_str(), "maxLength", message);
            }
            None => faults.add(path.as_str(), "isString", format!("{key} must be a string")),
            Some(value) => check_text(&value, 0, value_most, None, path, faults),
        });
    }
}

/// A JSON string's text; none when it is no string, or holds what a database can't keep.
fn string(text: &str) -> Option<String> {
    if !text.starts_with('"') {
        return None;
    }
    serde_json::from_str::<String>(text).ok().filter(|value| !value.contains('\0'))
}

fn check_text(value: &str, least: usize, most: usize, format: Option<&str>, path: &str, faults: &mut Faults) {
    let name = name(path);
    let length = value.chars().count();
    if least > 0 && value.trim().is_empty() {
        faults.add(path, "isNotEmpty", format!("{name} should not be empty"));
        return;
    }
    if length < least {
        faults.add(path, "minLength", format!("{name} must be longer than or equal to {least} characters"));
    }
    if length > most {
        faults.add(path, "maxLength", format!("{name} must be shorter than or equal to {most} characters"));
        return;
    }
    let Some(format) = format else { return };
    let (is_good, rule, message): (bool, &'static str, &str) = match format {
        "uuid" => (is_uuid(value), "isUuid", "must be a UUID"),
        "date" => (is_date(value), "isDateString", "must be a date as YYYY-MM-DD between 1900 and 2200"),
        "date-time" => (value.parse::<jiff::Timestamp>().is_ok(), "isDateString", "must be an instant as ISO 8601"),
        "email" => (identifiers::is_email(value), "isEmail", "must be an email"),
        "country" => {
            (country::Country::parse(value).is_some(), "isISO31661Alpha2", "must be a country code as DK (ISO 3166)")
        }
        "currency" => (
            money::Currency::parse(value).is_some(),
            "isISO4217CurrencyCode",
            "must be a currency code as DKK (ISO 4217)",
        ),
        "time-zone" => {
            (jiff::tz::TimeZone::get(value).is_ok(), "isTimeZone", "must be a time zone as Europe/Copenhagen")
        }
        "vat-number" => (
            vat_numbers::vat_number(value).is_ok(),
            "isVatNumber",
            "must be a VAT number with its country's prefix and a right check digit",
        ),
        "gln" => (identifiers::is_gln(value), "isGln", "must be 13 digits with a right check digit (GLN)"),
        "iban" => (identifiers::is_iban(value), "isIBAN", "must be an IBAN"),
        "colour" => (is_colour(value), "isHexColor", "must be a colour as #1c4a5e"),
        _ => return,
    };
    if !is_good {
        faults.add(path, rule, format!("{name} {message}"));
    }
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36 && uuid::Uuid::try_parse(value).is_ok()
}

fn is_colour(value: &str) -> bool {
    let digits = value.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn is_date(value: &str) -> bool {
    value.len() == 10 && Date::from_str(value).is_ok_and(|date| (1900..=2200).contains(&date.year()))
}

type Bounds = (Option<Decimal>, Option<Decimal>, Option<Decimal>, u32);

fn check_decimal(text: &str, (above, least, most, scale): Bounds, path: &str, faults: &mut Faults) {
    let name = name(path);
    let digits = match text.strip_prefix('"') {
        Some(_) => string(text),
        None => Some(text.to_owned()),
    };
    let Some(value) = digits.as_deref().and_then(decimal) else {
        faults.add(path, "isDecimal", format!("{name} must be a decimal number"));
        return;
    };
    if value.normalize().scale() > scale {
        faults.add(path, "isDecimal", format!("{name} must have no more than {scale} decimals"));
    }
    if above.is_some_and(|above| value <= above) {
        faults.add(path, "isPositive", format!("{name} must be a positive number"));
    }
    if let Some(least) = least.filter(|least| value < *least) {
        faults.add(path, "min", format!("{name} must not be less than {least}"));
    }
    if let Some(most) = most.filter(|most| value > *most) {
        faults.add(path, "max", format!("{name} must not be greater than {most}"));
    }
}

/// A query string as the JSON that its schema asks for: what is repeated becomes an
/// array, `metadata[key]` a map, numbers and flags what they are.
pub fn query_json(shape: &Shape, pairs: &[(String, String)], faults: &mut Faults) -> String {
    let Kind::Object { fields, .. } = &shape.kind else { return "{}".to_owned() };
    let mut json = serde_json::Map::new();
    for (name, value) in pairs {
        let (base, key) = match name.split_once('[').and_then(|(base, rest)| Some((base, rest.strip_suffix(']')?))) {
            Some((base, key)) => (base, Some(key)),
            None => (name.as_str(), None),
        };
        let field = fields.iter().find(|field| field.name == base);
        match (field.map(|field| &field.shape.kind), key) {
            (Some(Kind::Map { .. }), Some(key)) => {
                let map = json.entry(base.to_owned()).or_insert_with(|| Value::Object(Default::default()));
                if let Some(map) = map.as_object_mut()
                    && map.insert(key.to_owned(), Value::from(value.as_str())).is_some()
                {
                    faults.add(name.as_str(), "isDuplicate", format!("{name} should not be repeated"));
                }
            }
            (Some(Kind::Array { item, .. }), None) => {
                let list = json.entry(base.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(plain(&item.kind, value));
                }
            }
            (Some(Kind::Map { .. }), None) | (None, _) | (Some(_), Some(_)) => {
                faults.add(name.as_str(), "whitelistValidation", format!("property {name} should not exist"));
            }
            (Some(kind), None) => {
                if json.insert(base.to_owned(), plain(kind, value)).is_some() {
                    faults.add(name.as_str(), "isDuplicate", format!("{name} should not be repeated"));
                }
            }
        }
    }
    Value::Object(json).to_string()
}

fn plain(kind: &Kind, value: &str) -> Value {
    match (kind, value) {
        (Kind::Integer { .. }, _) => value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from),
        (Kind::Flag, "true") => Value::Bool(true),
        (Kind::Flag, "false") => Value::Bool(false),
        _ => Value::from(value),
    }
}

/// The faults as published: one entry a property, its rules together.
pub fn published(faults: &Faults) -> Value {
    let mut properties: Vec<(&str, serde_json::Map<String, Value>)> = Vec::new();
    for fault in &faults.0 {
        let rule = (fault.rule.to_owned(), Value::from(fault.message.as_str()));
        match properties.iter_mut().find(|(property, _)| *property == fault.property) {
            Some((_, constraints)) => {
                constraints.insert(rule.0, rule.1);
            }
            None => properties.push((&fault.property, serde_json::Map::from_iter([rule]))),
        }
    }
    let entry = |(property, constraints)| serde_json::json!({ "property": property, "constraints": constraints });
    properties.into_iter().map(entry).collect()
}

/// A sentence that names the first fault, for people.
pub fn sentence(faults: &Faults) -> String {
    let mut text = String::from("Validation failed");
    if let Some(first) = faults.0.first() {
        write!(text, ": {}", first.message).expect("a string takes every text");
    }
    if faults.0.len() > 1 {
        write!(text, " (and {} more)", faults.0.len() - 1).expect("a string takes every text");
    }
    text
}
