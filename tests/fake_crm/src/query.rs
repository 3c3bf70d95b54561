//! The query of a list: `fields`, `filter`, `sort` and `page`, with their limits.
use actix_web::web::Query;

use crate::answer::Refusal;
use crate::modules::{Kind, Module, parse_time};
use crate::record::Record;
use crate::text;

#[derive(Debug, Default)]
pub struct ListQuery {
    pub fields: Option<Vec<String>>,
    pub deleted: bool,
    /// Rows on a page; without it the CRM answers 20 rows and tells nothing of pages.
    pub size: Option<usize>,
    /// Starts at 1; 0 when not given, which the next link takes literally.
    pub number: usize,
    filters: Vec<Filter>,
    any: bool,
    sort: Option<Sort>,
    pairs: Vec<(String, String)>,
}

#[derive(Debug)]
struct Filter {
    field: String,
    operator: String,
    /// `None` for a time that cannot be read: it matches everything.
    value: Option<String>,
    kind: Kind,
}

#[derive(Debug)]
struct Sort {
    field: String,
    descending: bool,
}

impl ListQuery {
    pub fn parse(module: &Module, query: &str) -> Result<Self, Refusal> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| Refusal::Invalid(error.to_string()))?
            .into_inner();
        let mut list = Self::default();
        for (key, value) in &pairs {
            let parts: Vec<&str> = key.split('[').map(|part| part.trim_end_matches(']')).collect();
            match parts.as_slice() {
                ["fields", of] => list.fields = Some(fields(module, of, value)?),
                ["sort"] => list.sort = Some(Sort::parse(module, value)?),
                ["page", "size"] => list.size = Some(page_number(value)?.max(1)),
                ["page", "number"] => list.number = page_number(value)?,
                ["filter", "operator"] => list.any = value.eq_ignore_ascii_case("or"),
                ["filter", "deleted", "eq"] => list.deleted = value == "1",
                ["filter", field, operator] => {
                    list.add(Filter::parse(module, field, operator, value)?);
                }
                ["filter", field] => {
                    return invalid(format!("Filter field {field} must be an array"));
                }
                [option, ..] => {
                    return invalid(format!(
                        "The option \"{option}\" does not exist. Defined options are: \
                         \"fields\", \"filter\", \"moduleName\", \"page\", \"sort\"."
                    ));
                }
                [] => {}
            }
        }
        list.pairs = pairs;
        Ok(list)
    }

    /// PHP keeps the last of two equal keys.
    fn add(&mut self, new: Filter) {
        self.filters.retain(|old| (&old.field, &old.operator) != (&new.field, &new.operator));
        self.filters.push(new);
    }

    pub fn matches(&self, record: &Record) -> bool {
        let mut hits = self.filters.iter().map(|filter| filter.matches(record));
        let matched = if self.any && !self.filters.is_empty() {
            hits.any(|hit| hit)
        } else {
            hits.all(|hit| hit)
        };
        matched && record.deleted == self.deleted
    }

    /// Orders by the one sort field; an unsorted list keeps the order of its ids.
    pub fn sort(&self, records: &mut [&Record]) {
        if let Some(Sort { field, descending }) = &self.sort {
            records.sort_by_cached_key(|record| record.value(field).to_lowercase());
            if *descending {
                records.reverse();
            }
        }
    }

    /// A link to another page: this query with `page[number]` set.
    pub fn link(&self, module: &str, number: usize) -> String {
        let number = ("page[number]".to_owned(), number.to_string());
        let others = self.pairs.iter().filter(|(key, _)| *key != number.0);
        let query: Vec<String> =
            others.chain([&number]).map(|(key, value)| format!("{key}={value}")).collect();
        format!("/V8/module/{module}?{}", query.join("&"))
    }
}

/// The names in `fields[Cases]=a,b`; each must be an attribute of the module.
pub fn fields(module: &Module, of: &str, names: &str) -> Result<Vec<String>, Refusal> {
    if of != module.name {
        return invalid(format!("Module {of} does not exist"));
    }
    let names: Vec<String> = names.split(',').map(str::to_owned).collect();
    let unknown: Vec<&str> =
        names.iter().filter(|name| module.field(name).is_none()).map(String::as_str).collect();
    match unknown.as_slice() {
        [] => Ok(names),
        [one] => {
            invalid(format!("The following field in {} module is not found: {one}", module.object))
        }
        many => invalid(format!(
            "The following fields in {} module are not found: {}",
            module.object,
            many.join(", ")
        )),
    }
}

impl Filter {
    fn parse(module: &Module, name: &str, operator: &str, value: &str) -> Result<Self, Refusal> {
        let Some(field) = module.field(name) else {
            return invalid(format!(
                "Filter field {name} in {} module is not found",
                module.object
            ));
        };
        let operator = operator.to_lowercase();
        if !["eq", "neq", "gt", "gte", "lt", "lte", "like"].contains(&operator.as_str()) {
            return invalid(format!("Filter operator {operator} is invalid"));
        }
        check_column(field.kind)?;
        let value = if field.kind == Kind::DateTime {
            parse_time(value)
        } else {
            Some(value.to_lowercase())
        };
        Ok(Self { field: name.to_owned(), operator, value, kind: field.kind })
    }

    fn matches(&self, record: &Record) -> bool {
        let Some(value) = self.value.as_deref() else { return true };
        let mut stored = record.value(&self.field).to_lowercase();
        if self.kind == Kind::Bool && stored.is_empty() {
            stored.push('0');
        }
        let stored = stored.as_str();
        match self.operator.as_str() {
            "eq" => stored == value,
            "neq" => stored != value,
            "gt" => stored > value,
            "gte" => stored >= value,
            "lt" => stored < value,
            "lte" => stored <= value,
            _ => text::like(stored, value),
        }
    }
}

impl Sort {
    fn parse(module: &Module, value: &str) -> Result<Self, Refusal> {
        let (name, descending) =
            value.strip_prefix('-').map_or((value, false), |name| (name, true));
        let Some(field) = module.field(name) else {
            return invalid(format!("Sort field {name} in {} module is not found", module.object));
        };
        check_column(field.kind)?;
        Ok(Self { field: name.to_owned(), descending })
    }
}

fn check_column(kind: Kind) -> Result<(), Refusal> {
    if kind == Kind::Elsewhere {
        return invalid("Database failure. Please refer to suitecrm.log for details.".into());
    }
    Ok(())
}

fn page_number(value: &str) -> Result<usize, Refusal> {
    value
        .parse()
        .map_err(|_| Refusal::Invalid("The option \"page\" with value array is invalid.".into()))
}

fn invalid<T>(detail: String) -> Result<T, Refusal> {
    Err(Refusal::Invalid(detail))
}
