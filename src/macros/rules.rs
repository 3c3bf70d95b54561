//! What a macro may do, and how a ticket fills its texts in.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::canned_replies::{check, inputs, render};
use crate::kernel::{AppError, FieldError, text_enum};
use crate::tickets::OperationKind;
use crate::workflow::Category;

text_enum! {
    /// What an action does, and so what its `body` is.
    MacroOperation {
        /// `PATCH /v1/tickets/{id}`
        Patch = "patch",
        /// `POST /v1/tickets/{id}/transitions`; or `category` instead of `to`: the first way into a status of that category.
        Transition = "transition",
        /// `POST /v1/tickets/{id}/assignment`
        Assign = "assign",
        /// `POST /v1/tickets/{id}/transfer`
        Transfer = "transfer",
        /// `POST /v1/tickets/{id}/notes`
        Note = "note",
        /// `{"add": [...], "remove": [...]}`
        Tags = "tags",
        /// Asks the customer how satisfied they are. No body.
        Survey = "survey",
    }
}

impl MacroOperation {
    /// The ticket's own operation; `None` for the survey.
    pub fn on_ticket(self) -> Option<OperationKind> {
        OperationKind::parse(self.as_str())
    }
}

/// Something that a macro does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MacroAction)]
pub struct Action {
    #[schema(example = "note")]
    pub operation: MacroOperation,
    /// What the operation of that name takes. Its texts can have placeholders, as those of canned replies have, and
    /// `{{ input.<name> }}` for what whoever applies the macro fills in.
    #[serde(default = "empty")]
    #[schema(value_type = Object, example = json!({"body": "Dear {{ contact.name }}, we are done."}))]
    pub body: Value,
}

fn empty() -> Value {
    json!({})
}

/// Says which texts have something that nothing fills in; the pointers begin in the list of actions.
pub fn check_texts(actions: &[Action]) -> Result<(), AppError> {
    let mut wrong = Vec::new();
    for (at, action) in actions.iter().enumerate() {
        for (pointer, text) in texts(&action.body) {
            if let Err(detail) = check(text, true) {
                wrong.push(FieldError::new(format!("/actions/{at}/body{pointer}"), detail));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(AppError::Invalid(wrong)) }
}

/// What whoever applies the macro fills in.
pub fn asks(actions: &[Action]) -> BTreeSet<String> {
    let texts = actions.iter().flat_map(|action| texts(&action.body));
    texts.flat_map(|(_, text)| inputs(text)).collect()
}

/// Every text of a JSON value, with its pointer.
fn texts(value: &Value) -> Vec<(String, &str)> {
    let within = |key: String, value| {
        texts(value).into_iter().map(move |(rest, text)| (format!("/{key}{rest}"), text))
    };
    match value {
        Value::String(text) => vec![(String::new(), text)],
        Value::Array(items) => (0..)
            .zip(items)
            .flat_map(|(at, item): (usize, _)| within(at.to_string(), item))
            .collect(),
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| within(name.clone(), value)).collect()
        }
        _ => Vec::new(),
    }
}

/// The body with its texts filled in. Fails with the pointer of what cannot be.
pub fn fill_in(body: &Value, values: &Value) -> Result<Value, AppError> {
    let mut filled = body.clone();
    for (pointer, text) in texts(body) {
        let text = render(text, values).map_err(|wrong| AppError::field(&pointer, wrong))?;
        if let Some(place) = filled.pointer_mut(&pointer) {
            *place = Value::String(text);
        }
    }
    Ok(filled)
}

/// Takes the category out of a transition's body that names one instead of a status.
pub fn take_category(body: &mut Value) -> Result<Option<Category>, AppError> {
    let Some(fields) = body.as_object_mut() else { return Ok(None) };
    let Some(category) = fields.remove("category") else { return Ok(None) };
    if fields.contains_key("to") {
        return Err(AppError::field("/category", "give to or category"));
    }
    let category = category.as_str().and_then(Category::parse);
    category.map(Some).ok_or_else(|| AppError::field("/category", "there is no such category"))
}

/// The pointers of what is wrong in an action, from the macro on.
pub fn in_action(at: usize, error: AppError) -> AppError {
    let here =
        |e: FieldError| FieldError::new(format!("/actions/{at}/body{}", e.pointer), e.detail);
    match error {
        AppError::Invalid(errors) => AppError::Invalid(errors.into_iter().map(here).collect()),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(body: Value) -> Action {
        Action { operation: MacroOperation::Note, body }
    }

    fn pointers(refused: Result<(), AppError>) -> Vec<String> {
        match refused.unwrap_err() {
            AppError::Invalid(errors) => errors.into_iter().map(|error| error.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_text_of_an_action_can_have_placeholders_and_each_wrong_one_is_named() {
        let good = note(
            json!({"body": "{{ ticket.number }}: {{ input.days }}", "x": [1, "{{ input.why }}"]}),
        );
        assert!(check_texts(std::slice::from_ref(&good)).is_ok());
        assert_eq!(
            asks(std::slice::from_ref(&good)).into_iter().collect::<Vec<_>>(),
            ["days", "why"]
        );
        let bad = note(json!({"body": "{{ nothing }}", "x": ["{% for %}"]}));
        assert_eq!(
            pointers(check_texts(&[good, bad])),
            ["/actions/1/body/body", "/actions/1/body/x/0"]
        );
    }

    #[test]
    fn texts_are_filled_in_and_the_rest_stays() {
        let values = json!({"ticket": {"number": "CB-1"}, "input": {}});
        let body = json!({"a": "{{ ticket.number }}", "b": {"c": [1, true, null, "{{ ticket.number }}!"]}});
        let filled = fill_in(&body, &values).unwrap();
        assert_eq!(filled, json!({"a": "CB-1", "b": {"c": [1, true, null, "CB-1!"]}}));
        let missing = fill_in(&json!({"a": {"b/c": "x", "d": "{{ input.days }}"}}), &values);
        assert_eq!(pointers(missing.map(drop)), ["/a/d"]);
    }

    #[test]
    fn a_transition_names_a_status_or_a_category() {
        let mut body = json!({"category": "closed", "resolution": "x"});
        assert_eq!(take_category(&mut body).unwrap(), Some(Category::Closed));
        assert_eq!(body, json!({"resolution": "x"}));
        assert_eq!(take_category(&mut json!({"to": "050"})).unwrap(), None);
        assert!(take_category(&mut json!({"to": "050", "category": "closed"})).is_err());
        assert!(take_category(&mut json!({"category": "ended"})).is_err());
    }
}
