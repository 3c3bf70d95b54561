//! The examples that Swagger UI shows and fills in.
use serde_json::json;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayItems, KnownFormat, SchemaFormat};
use utoipa::openapi::{RefOr, Required, Schema};

use super::complete::Schemas;

const EXAMPLE_ID: &str = "0199f0c2-b1c9-7d5e-8b1f-5a3c7d9e2f10";

/// Examples of what looks alike everywhere: ids, times, versions, cursors.
pub fn add_examples(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            object.example = object.example.take().or_else(|| match &object.format {
                Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => Some(json!(EXAMPLE_ID)),
                Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)) => {
                    Some(json!("2026-11-23T09:30:00Z"))
                }
                _ => None,
            });
            for (name, property) in &mut object.properties {
                match (name.as_str(), &mut *property) {
                    ("version", RefOr::T(Schema::Object(version))) => {
                        version.example.get_or_insert(json!(17));
                    }
                    ("next" | "prev", RefOr::T(Schema::Object(cursor))) => {
                        cursor.example.get_or_insert(json!("eyJkIjoibiIsImsiOm51bGx9"));
                    }
                    ("total", RefOr::T(Schema::Object(total))) if total.properties.is_empty() => {
                        total.example.get_or_insert(json!(1));
                    }
                    _ => {}
                }
                add_examples(property);
            }
        }
        RefOr::T(Schema::Array(array)) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                add_examples(items);
            }
        }
        RefOr::T(Schema::AllOf(all)) => all.items.iter_mut().for_each(add_examples),
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(add_examples),
        _ => {}
    }
}

/// Swagger UI fills in the examples of parameters. Every filter at once would find nothing, so an optional one tells its
/// example in words.
pub fn leave_empty(parameter: &mut RefOr<Parameter>, schemas: &Schemas) {
    let RefOr::T(parameter) = parameter else { return };
    if parameter.parameter_in != ParameterIn::Query || parameter.required == Required::True {
        return;
    }
    if let Some(RefOr::Ref(reference)) = &parameter.schema {
        let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
        if let Some(RefOr::T(Schema::Object(id))) = schemas.get(name) {
            let mut id = id.clone();
            id.example = None;
            parameter.schema = Some(Schema::Object(id).into());
        }
    }
    // utoipa keeps the example of a parameter to itself.
    let given = serde_json::to_value(&*parameter).unwrap_or_default();
    if let Some(example) = given.get("example") {
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        let said = parameter.description.as_deref().unwrap_or_default();
        let description = format!("{said} Example: `{example}`.").trim_start().to_owned();
        let without = ParameterBuilder::from(parameter.clone()).example(None);
        *parameter = without.description(Some(description)).build();
    }
}
