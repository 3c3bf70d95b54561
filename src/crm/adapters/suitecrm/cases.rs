use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::SuiteCrm;
use super::answer::{Record, is_taken, is_unrelated, record, records};
use super::api::Query;
use super::text::{Kind, decode, encode, normal};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase};
use crate::crm::vocabulary::FieldNames;

pub(super) const MODULE: &str = "Cases";

impl SuiteCrm {
    /// The desk's values as this CRM would return them: without the fields that it does not have,
    /// in normal form. Compare and merge these.
    pub fn normal_form(&self, case: &Case) -> Case {
        let mirrored = case.iter().filter(|(field, _)| self.fields.attributes.contains_key(field));
        mirrored.map(|(field, value)| (field, normal(kind(field), value))).collect()
    }

    /// Fails with [`CrmError::NotFound`] also if the case was deleted.
    pub async fn read_case(&self, id: &str) -> Result<RemoteCase, CrmError> {
        let query = Query::from([columns(&self.fields)]);
        let answer = self.api.get(&["module", MODULE, id], &query).await?;
        remote_case(&self.fields, &record(&answer)?)
    }

    /// Creates the case, or finds it if an earlier attempt created it: after a failure that left
    /// the outcome open simply call again. Returns the case as the CRM keeps it, so that what it
    /// altered can be seen.
    ///
    /// Fails with [`CrmError::Gone`] if the case was created once and deleted in the CRM.
    pub async fn create_case(&self, id: Uuid, case: &Case) -> Result<RemoteCase, CrmError> {
        let id = id.to_string();
        match self.write(Method::POST, MODULE, &id, attributes(&self.fields, case)).await {
            Ok(created) => remote_case(&self.fields, &created),
            Err(e) if is_taken(&e) => self.read_case(&id).await.map_err(gone),
            Err(e) => Err(e),
        }
    }

    /// Writes the `changed` fields and leaves the others alone. Returns the case as the CRM keeps
    /// it now, with every field.
    ///
    /// Two updates of one case at the same time lose one of them: the caller keeps them apart.
    pub async fn update_case(&self, id: &str, changed: &Case) -> Result<RemoteCase, CrmError> {
        let updated =
            self.write(Method::PATCH, MODULE, id, attributes(&self.fields, changed)).await?;
        remote_case(&self.fields, &updated)
    }

    /// Relates a contact to the case; once more does nothing. SuiteCRM may mail the contact.
    pub async fn relate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        let path = ["module", MODULE, case_id, "relationships", "contacts"];
        let body = json!({ "data": { "type": "Contacts", "id": contact_id } });
        self.api.send(Method::POST, &path, &body).await.map(drop)
    }

    /// Takes the relation to a contact away; once more does nothing, although SuiteCRM fails then.
    pub async fn unrelate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        let path = ["module", MODULE, case_id, "relationships", "contacts", contact_id];
        match self.api.send(Method::DELETE, &path, &Value::Null).await {
            Err(e) if is_unrelated(&e) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The ids of the contacts that are related to the case.
    pub async fn related_contacts(&self, case_id: &str) -> Result<Vec<String>, CrmError> {
        let path = ["module", MODULE, case_id, "relationships", "contacts"];
        let answer = self.api.get(&path, &Query::new()).await?;
        Ok(records(&answer).into_iter().map(|contact| contact.id).collect())
    }

    /// One write; SuiteCRM reads the row back from its database before it answers.
    pub(super) async fn write(
        &self,
        method: Method,
        module: &str,
        id: &str,
        attributes: Map<String, Value>,
    ) -> Result<Record, CrmError> {
        let body = json!({ "data": { "type": module, "id": id, "attributes": attributes } });
        record(&self.api.send(method, &["module"], &body).await?)
    }
}

/// A record whose id is taken and that is not to be found was deleted.
pub(super) fn gone(e: CrmError) -> CrmError {
    match e {
        CrmError::NotFound { .. } => CrmError::Gone,
        e => e,
    }
}

/// The query parameter that asks for everything a [`RemoteCase`] needs.
pub(super) fn columns(fields: &FieldNames) -> (String, String) {
    let stamps = ["date_modified", "modified_user_id"];
    let mapped = fields.attributes.values().map(String::as_str);
    let state = fields.state.as_deref().filter(|_| fields.attributes.contains_key(&Field::Status));
    let names: Vec<&str> = stamps.into_iter().chain(mapped).chain(state).collect();
    (format!("fields[{MODULE}]"), names.join(","))
}

pub(super) fn remote_case(fields: &FieldNames, record: &Record) -> Result<RemoteCase, CrmError> {
    let mut case = Case::default();
    for (field, name) in &fields.attributes {
        // A value that the answer lacks is unknown, which is not the same as empty.
        let Some(mut value) = record.text(name) else { continue };
        if let (Field::Status, Some(state)) = (field, &fields.state) {
            let Some(state) = record.text(state) else { continue };
            value = join_status(&state, &value);
        }
        case.set(*field, decode(kind(*field), &value));
    }
    Ok(RemoteCase {
        id: record.id.clone(),
        fields: case,
        modified_at: record.time("date_modified")?,
        modified_by: record.filled("modified_user_id"),
        version: None,
    })
}

fn attributes(fields: &FieldNames, case: &Case) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (field, value) in case.iter() {
        let Some(name) = fields.attributes.get(&field) else { continue };
        let mut value = value;
        if let (Field::Status, Some(state_name)) = (field, &fields.state) {
            let (state, status) = value.split_once('/').unwrap_or(("", value));
            attributes.insert(state_name.clone(), state.into());
            value = status;
        }
        attributes.insert(name.clone(), encode(kind(field), value).into());
    }
    attributes
}

fn join_status(state: &str, status: &str) -> String {
    if state.is_empty() { status.to_owned() } else { format!("{state}/{status}") }
}

fn kind(field: Field) -> Kind {
    if field == Field::Description { Kind::Text } else { Kind::Line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(fields: &FieldNames, case: &Case) -> Case {
        let mut attributes = attributes(fields, case);
        attributes.insert("date_modified".into(), "2026-01-02T03:04:00+00:00".into());
        let answer = json!({ "data": { "id": "1", "attributes": attributes } });
        remote_case(fields, &record(&answer).unwrap()).unwrap().fields
    }

    #[test]
    fn a_status_is_split_into_state_and_status_and_joined_again() {
        let fields = FieldNames::stock(&super::super::KIND.defaults);
        for status in ["Open/Open_Pending Input", "Closed/Closed_Closed", ""] {
            let case = Case::from_iter([(Field::Status, status)]);
            assert_eq!(read_back(&fields, &case), case);
        }
        let sent = attributes(&fields, &Case::from_iter([(Field::Status, "Open/Open_New")]));
        assert_eq!(Value::from(sent), json!({ "state": "Open", "status": "Open_New" }));
    }

    #[test]
    fn a_status_without_a_state_attribute_is_one_value() {
        let fields = FieldNames { state: None, ..FieldNames::stock(&super::super::KIND.defaults) };
        let case = Case::from_iter([(Field::Status, "In/Progress")]);
        assert_eq!(read_back(&fields, &case), case);
    }

    #[test]
    fn a_field_without_an_attribute_is_not_sent_and_an_absent_attribute_is_not_an_empty_one() {
        let fields = FieldNames::stock(&super::super::KIND.defaults);
        let case = Case::from_iter([(Field::Number, "7"), (Field::Account, "")]);
        assert_eq!(read_back(&fields, &case), Case::from_iter([(Field::Account, "")]));
    }
}
