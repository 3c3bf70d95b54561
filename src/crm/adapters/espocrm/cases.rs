use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::EspoCrm;
use super::api::is_duplicate;
use super::record::{Record, record, records};
use super::search::{Search, is};
use super::text::{decode, encode, line};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase};
use crate::crm::vocabulary::FieldNames;

pub(super) const MODULE: &str = "Case";

impl EspoCrm {
    /// The desk's values as this CRM would return them: without the fields that it does not have.
    pub fn normal_form(&self, case: &Case) -> Case {
        let mirrored = case.iter().filter(|(field, _)| self.fields.attributes.contains_key(field));
        mirrored.map(|(field, value)| (field, normal(field, value))).collect()
    }

    /// Fails with [`CrmError::NotFound`] also if the case was deleted.
    pub async fn read_case(&self, id: &str) -> Result<RemoteCase, CrmError> {
        remote_case(&self.fields, &record(self.api.get(&[MODULE, id], &[]).await?)?)
    }

    /// Searches the key, and creates the case if no case has it. A case that was deleted in the CRM does not show, so it
    /// would be made again.
    pub async fn create_case(&self, key: Uuid, case: &Case) -> Result<RemoteCase, CrmError> {
        let attribute = self.key()?;
        let key = key.to_string();
        if let Some(found) = self.case_with_key(attribute, &key).await? {
            return Ok(found);
        }
        let mut attributes = attributes(&self.fields, case);
        attributes.insert(attribute.to_owned(), key.as_str().into());
        match self.api.send(Method::POST, &[MODULE], &attributes.into()).await {
            Ok(created) => remote_case(&self.fields, &record(created)?),
            // Where the key is among the fields that tell duplicates, two attempts at once make one case.
            Err(error) if is_duplicate(&error) => {
                self.case_with_key(attribute, &key).await?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn case_with_key(
        &self,
        attribute: &str,
        key: &str,
    ) -> Result<Option<RemoteCase>, CrmError> {
        let columns = columns(&self.fields);
        let filters = vec![is(attribute, key)];
        let search = Search { module: MODULE, select: &columns, along: "createdAt", filters };
        let (found, _) = self.page(&search, None).await?;
        found.first().map(|row| remote_case(&self.fields, row)).transpose()
    }

    /// Writes those of the `changed` fields that differ from what was seen; a write that changes nothing would still move
    /// the case's stamp.
    pub async fn update_case(
        &self,
        seen: &RemoteCase,
        changed: &Case,
    ) -> Result<RemoteCase, CrmError> {
        let differing = changed.iter().filter(|(field, value)| {
            seen.fields.get(*field).is_none_or(|kept| kept != normal(*field, value))
        });
        let attributes = attributes(&self.fields, &differing.collect());
        if attributes.is_empty() {
            return self.read_case(&seen.id).await;
        }
        let path = [MODULE, &seen.id];
        let updated = self.api.update(&path, seen.version.as_deref(), &attributes.into()).await?;
        remote_case(&self.fields, &record(updated)?)
    }

    /// Relates a contact to the case; once more does nothing.
    pub async fn relate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        self.contact_link(Method::POST, case_id, contact_id).await
    }

    /// Takes the relation to a contact away; once more does nothing.
    pub async fn unrelate_contact(&self, case_id: &str, contact_id: &str) -> Result<(), CrmError> {
        self.contact_link(Method::DELETE, case_id, contact_id).await
    }

    async fn contact_link(
        &self,
        method: Method,
        case_id: &str,
        contact_id: &str,
    ) -> Result<(), CrmError> {
        let path = [MODULE, case_id, "contacts"];
        self.api.send(method, &path, &json!({ "id": contact_id })).await.map(drop)
    }

    /// The ids of the contacts that are related to the case.
    pub async fn related_contacts(&self, case_id: &str) -> Result<Vec<String>, CrmError> {
        let params = json!({ "select": ["id"] }).to_string();
        let path = [MODULE, case_id, "contacts"];
        let found = records(self.api.get(&path, &[("searchParams", &params)]).await?)?;
        Ok(found.into_iter().map(|contact| contact.id).collect())
    }
}

/// What a [`RemoteCase`] is made of.
pub(super) fn columns(fields: &FieldNames) -> Vec<&str> {
    let own = ["id", "createdAt", "modifiedAt", "modifiedById", "versionNumber"];
    own.into_iter().chain(fields.attributes.values().map(String::as_str)).collect()
}

pub(super) fn remote_case(fields: &FieldNames, record: &Record) -> Result<RemoteCase, CrmError> {
    // A value that the answer lacks is unknown, which is not the same as empty.
    let values = fields.attributes.iter().filter_map(|(field, name)| {
        let value = record.text(name)?;
        Some((*field, if *field == Field::Subject { decode(&value) } else { value }))
    });
    Ok(RemoteCase {
        id: record.id.clone(),
        fields: values.collect(),
        modified_at: record.time("modifiedAt")?,
        modified_by: record.filled("modifiedById"),
        version: record.filled("versionNumber"),
    })
}

fn attributes(fields: &FieldNames, case: &Case) -> Map<String, Value> {
    let mapped = case.iter().filter_map(|(field, value)| {
        let value = match field {
            Field::Subject => encode(value),
            _ => normal(field, value).to_owned(),
        };
        // An empty text is no id and no value of a list.
        let value = if value.is_empty() { Value::Null } else { value.into() };
        Some((fields.attributes.get(&field)?.clone(), value))
    });
    mapped.collect()
}

/// EspoCRM keeps descriptions as they are, and trims everything else.
fn normal(field: Field, value: &str) -> &str {
    if field == Field::Description { value } else { line(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_reads_back_and_a_cleared_field_is_null() {
        let fields = FieldNames::stock(&super::super::KIND.defaults);
        let case = Case::from_iter([
            (Field::Subject, "vec<int> = []"),
            (Field::Description, " as it is\r\n"),
            (Field::Account, ""),
            (Field::Number, "CB-7"),
        ]);
        let mut sent = attributes(&fields, &case);
        assert_eq!(sent["accountId"], Value::Null);
        assert_eq!(sent.len(), 3, "{sent:?}");
        sent.insert("id".into(), "1".into());
        sent.insert("modifiedAt".into(), "2026-01-02 03:04:05".into());
        sent.insert("versionNumber".into(), 4.into());
        let back = remote_case(&fields, &record(sent.into()).unwrap()).unwrap();
        assert_eq!(back.version.as_deref(), Some("4"));
        let mirrored = case.iter().filter(|(field, _)| *field != Field::Number);
        assert_eq!(back.fields, mirrored.collect());
    }
}
