//! The specification as tests read it.
use std::collections::BTreeMap;

use casebridge::app;
use serde_json::{Map, Value, json};

use super::Client;

/// An id that nothing has.
const NOBODY: &str = "0199f0c2-0000-7000-8000-000000000000";

/// The methods that a path of the specification can have.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The served specification.
pub struct Spec(pub Value);

/// One operation of it.
pub struct Operation<'a> {
    pub id: &'a str,
    pub method: String,
    pub path: &'a str,
    /// The operation object, its shared parts by reference.
    pub object: &'a Value,
}

impl Spec {
    pub fn read() -> Self {
        Self(serde_json::to_value(app::openapi()).unwrap())
    }

    pub fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                let object = item.get(method)?;
                let id = object["operationId"].as_str().unwrap();
                Some(Operation { id, method: method.to_uppercase(), path, object })
            })
        });
        operations.collect()
    }

    /// What `value` is, or refers to.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(place) => self.resolve(self.0.pointer(place.trim_start_matches('#')).unwrap()),
            None => value,
        }
    }

    /// A value of this schema, made of its examples.
    pub fn example(&self, schema: &Value) -> Value {
        let schema = self.resolve(schema);
        let given = schema.get("example").or_else(|| schema.pointer("/examples/0"));
        if let Some(given) = given.or_else(|| schema.get("const")) {
            return given.clone();
        }
        for choice in ["oneOf", "anyOf", "enum"] {
            if let Some(first) = schema[choice].get(0) {
                return if choice == "enum" { first.clone() } else { self.example(first) };
            }
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().filter_map(|part| self.example(part).as_object().cloned());
            return parts.flatten().collect::<Map<_, _>>().into();
        }
        match type_of(schema) {
            "object" => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                let required = |name: &str| {
                    schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)))
                };
                let fields = fields.filter(|(name, field)| required(name) || is_exemplified(field));
                fields
                    .map(|(name, field)| (name.clone(), self.example(field)))
                    .collect::<Map<_, _>>()
                    .into()
            }
            "array" => json!([self.example(&schema["items"])]),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(true),
            _ => json!("text"),
        }
    }

    /// The paths of the scalars in a body of this schema that no example explains.
    pub fn unexplained(&self, schema: &Value, at: &str, found: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if schema.get("example").is_some() || schema.pointer("/examples/0").is_some() {
            return;
        }
        for part in ["oneOf", "anyOf", "allOf"] {
            schema[part]
                .as_array()
                .into_iter()
                .flatten()
                .for_each(|s| self.unexplained(s, at, found));
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            self.unexplained(field, &format!("{at}/{name}"), found);
        }
        match type_of(schema) {
            "array" => self.unexplained(&schema["items"], at, found),
            "string" if schema.get("enum").is_none() => found.push(at.to_owned()),
            "integer" | "number" => found.push(at.to_owned()),
            _ => {}
        }
    }
}

/// The type, without `null`.
fn type_of(schema: &Value) -> &str {
    let types = schema["type"].as_array().into_iter().flatten();
    let mut types = types.chain([&schema["type"]]).filter_map(Value::as_str);
    types.find(|name| *name != "null").unwrap_or_default()
}

fn is_exemplified(schema: &Value) -> bool {
    schema.get("example").is_some() || schema.get("examples").is_some()
}

impl Operation<'_> {
    /// The scopes that a token needs; `None` when the operation is public.
    pub fn scopes(&self) -> Option<Vec<&str>> {
        let security = self.object["security"].as_array().filter(|all| !all.is_empty())?;
        let scopes =
            security.iter().filter_map(|requirement| requirement["client_credentials"].as_array());
        Some(scopes.flatten().map(|scope| scope.as_str().unwrap()).collect())
    }

    pub fn parameters<'a>(&'a self, spec: &'a Spec) -> impl Iterator<Item = &'a Value> {
        let all = self.object["parameters"].as_array().into_iter().flatten();
        all.map(|parameter| spec.resolve(parameter))
    }

    pub fn has_header(&self, spec: &Spec, name: &str) -> bool {
        self.parameters(spec).any(|p| p["in"] == "header" && p["name"] == name)
    }

    /// The answers by status.
    pub fn responses<'a>(&'a self, spec: &'a Spec) -> BTreeMap<u16, &'a Value> {
        let all = self.object["responses"].as_object().unwrap().iter();
        all.map(|(status, response)| (status.parse().unwrap(), spec.resolve(response))).collect()
    }

    /// The content type and the content of the body that it takes.
    pub fn body<'a>(&'a self, spec: &'a Spec) -> Option<(&'a String, &'a Value)> {
        spec.resolve(self.object.get("requestBody")?)["content"].as_object()?.iter().next()
    }

    /// What the specification gives as the body.
    pub fn example_body(&self, spec: &Spec) -> Option<Value> {
        let (_, content) = self.body(spec)?;
        Some(content.get("example").cloned().unwrap_or_else(|| spec.example(&content["schema"])))
    }

    /// A call as the specification says: parameters and body are its examples, ids are nobody's.
    pub fn request(&self, spec: &Spec, caller: &Client) -> reqwest::RequestBuilder {
        let request = self.bare_request(spec, caller).header("if-match", "\"v1\"");
        match (self.body(spec), self.example_body(spec)) {
            (Some((kind, _)), Some(body)) => {
                request.header("content-type", kind).body(body.to_string())
            }
            _ => request,
        }
    }

    /// A call without a body and without If-Match.
    pub fn bare_request(&self, spec: &Spec, caller: &Client) -> reqwest::RequestBuilder {
        let mut path = self.path.to_owned();
        let mut query = Vec::new();
        for parameter in self.parameters(spec) {
            let name = parameter["name"].as_str().unwrap();
            let schema = spec.resolve(&parameter["schema"]);
            let value = match schema["format"].as_str() {
                Some("uuid") => json!(NOBODY),
                _ => parameter.get("example").cloned().unwrap_or_else(|| spec.example(schema)),
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &text),
                Some("query") if parameter["required"] == true => query.push((name, text)),
                _ => {}
            }
        }
        caller.request(self.method.parse().unwrap(), &path).query(&query)
    }
}
