//! Types in the place of what a generic type repeats of them.
use std::collections::HashMap;

use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::complete::Schemas;

/// What is written out within a page or a report is of a type that has a name, and programs that generate clients repeat the name: so
/// objects that are written out as a named one is are replaced by a reference to it.
pub fn name_types(schemas: &mut Schemas) {
    let names = schemas.iter().filter_map(|(name, schema)| Some((written(schema)?, name.clone())));
    let names: HashMap<String, String> = names.collect();
    for schema in schemas.values_mut() {
        parts(schema).into_iter().for_each(|part| name_type(part, &names));
    }
}

fn name_type(schema: &mut RefOr<Schema>, names: &HashMap<String, String>) {
    match written(schema).and_then(|text| names.get(&text)) {
        Some(name) => *schema = Ref::from_schema_name(name).into(),
        None => parts(schema).into_iter().for_each(|part| name_type(part, names)),
    }
}

/// An object with fields, as it is written out.
fn written(schema: &RefOr<Schema>) -> Option<String> {
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => {
            serde_json::to_string(object).ok()
        }
        _ => None,
    }
}

/// The schemas of which a schema is made.
fn parts(schema: &mut RefOr<Schema>) -> Vec<&mut RefOr<Schema>> {
    let RefOr::T(schema) = schema else { return Vec::new() };
    match schema {
        Schema::Object(object) => object.properties.values_mut().collect(),
        Schema::Array(array) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => vec![items.as_mut()],
            ArrayItems::False => Vec::new(),
        },
        Schema::OneOf(one) => one.items.iter_mut().collect(),
        Schema::AllOf(all) => all.items.iter_mut().collect(),
        Schema::AnyOf(any) => any.items.iter_mut().collect(),
        _ => Vec::new(),
    }
}
