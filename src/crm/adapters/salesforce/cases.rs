use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Salesforce;
use super::answer::{filled, key_is_taken, text, time};
use super::api::Api;
use super::batch::Outcomes;
use super::soql;
use crate::crm::CrmError;
use crate::crm::adapters::Access;
use crate::crm::case::{Case, Field, RemoteCase};
use crate::crm::vocabulary::FieldNames;

pub(super) const OBJECT: &str = "Case";
/// How the id of every user begins; those of queues begin otherwise.
const USER: &str = "005";

/// Fields to be written, by their names in Salesforce.
pub(super) type Attributes = Map<String, Value>;

/// The cases of an organization, many at a time.
#[derive(Debug)]
pub(super) struct Cases {
    pub api: Api,
    pub fields: FieldNames,
    /// The external id field that holds our key, on cases and on leads.
    pub key_field: String,
}

/// A case that has one of our keys.
struct Found {
    id: String,
    deleted: bool,
}

impl Cases {
    pub fn new(access: Access) -> Result<Self, CrmError> {
        let fields = access.fields.clone();
        let missing = || CrmError::permanent("settings.key_field names no external id field");
        let key_field = fields.key.clone().ok_or_else(missing)?;
        let wrong =
            fields.attributes.values().chain([&key_field]).find(|name| !soql::is_name(name));
        if let Some(wrong) = wrong {
            return Err(CrmError::permanent(&format!("{wrong} cannot be the name of a field")));
        }
        Ok(Self { api: Api::new(access)?, fields, key_field })
    }

    /// The desk's values as Salesforce would return them: without the fields that it does not have, in normal form.
    pub fn normal_form(&self, case: &Case) -> Case {
        let user = self.api.known_user();
        let mirrored = case.iter().filter(|(field, _)| self.fields.attributes.contains_key(field));
        let values = mirrored.map(|(field, value)| match (field, &user) {
            (Field::Assignee, Some(user)) => (field, assignee(value, user)),
            _ => (field, normal(value)),
        });
        values.collect()
    }

    /// The cases with these ids.
    pub async fn read(&self, items: Vec<(String, ())>) -> Outcomes<RemoteCase> {
        let mut found = self.find(items.iter().map(|(id, ())| id.as_str())).await?;
        let outcome = |id: &str| found.remove(soql::stem(id)).ok_or_else(no_case);
        Ok(items.iter().map(|(id, ())| id.as_str()).map(outcome).collect())
    }

    /// Creates a case for each key that has none. One that has been edited since an earlier attempt made it stays as it is,
    /// which an upsert alone would not leave it; the unique key makes two attempts at the same moment one case all the same.
    pub async fn create(&self, items: Vec<(String, Case)>) -> Outcomes<RemoteCase> {
        self.api.user().await?;
        let known = self.by_key(items.iter().map(|(key, _)| key.as_str())).await?;
        let new: Vec<&(String, Case)> =
            items.iter().filter(|(key, _)| !known.contains_key(key)).collect();
        let records = new.iter().map(|(key, case)| self.new_record(key, case)).collect();
        let path = [OBJECT, &self.key_field];
        let made = self.api.collection(Method::PATCH, &path, false, records).await?;
        let mut outcomes: HashMap<&str, Result<String, CrmError>> =
            new.iter().map(|(key, _)| key.as_str()).zip(made).collect();
        for (key, found) in &known {
            let id = if found.deleted { Err(CrmError::Gone) } else { Ok(found.id.clone()) };
            outcomes.insert(key, id);
        }
        let ids = outcomes.values().flatten().map(String::as_str);
        let mut cases = self.find(ids).await?;
        let outcome = |key: &str| match outcomes.remove(key) {
            Some(Ok(id)) => cases.remove(soql::stem(&id)).ok_or(CrmError::Gone),
            Some(Err(e)) if key_is_taken(&e, &self.key_field) => {
                Err(CrmError::transient("somebody else makes this case"))
            }
            Some(Err(e)) => Err(e),
            None => Err(no_case()),
        };
        Ok(items.iter().map(|(key, _)| key.as_str()).map(outcome).collect())
    }

    /// Writes these fields of each case and leaves the others alone.
    pub async fn update(&self, items: Vec<(String, Attributes)>) -> Outcomes<RemoteCase> {
        let record = |(id, fields): &(String, Attributes)| {
            let mut record = fields.clone();
            record.insert("attributes".into(), json!({ "type": OBJECT }));
            record.insert("id".into(), id.as_str().into());
            Value::from(record)
        };
        let records = items.iter().map(record).collect();
        let written = self.api.collection(Method::PATCH, &[], false, records).await?;
        let mut cases = self.find(items.iter().map(|(id, _)| id.as_str())).await?;
        let outcome = |((id, _), written): (&(String, Attributes), Result<String, CrmError>)| {
            match (written, cases.remove(soql::stem(id))) {
                (Ok(_), case) => case.ok_or_else(no_case),
                // The case is there: something that it refers to is not.
                (Err(CrmError::NotFound { detail }), Some(_)) => {
                    Err(CrmError::Permanent { detail })
                }
                (Err(error), _) => Err(error),
            }
        };
        Ok(items.iter().zip(written).map(outcome).collect())
    }

    /// What an update writes for these values.
    pub fn changed(&self, values: &Case, user: &str) -> Attributes {
        let mut attributes = self.attributes(values);
        // A case cannot be without an owner.
        if let Some(owner) = self.fields.attributes.get(&Field::Assignee)
            && attributes.get(owner).is_some_and(Value::is_null)
        {
            attributes.insert(owner.clone(), user.into());
        }
        attributes
    }

    fn new_record(&self, key: &str, case: &Case) -> Value {
        let mut record = self.attributes(case);
        // Whoever creates a case owns it if nobody is named; a null is refused.
        record.retain(|_, value| !value.is_null());
        record.insert("attributes".into(), json!({ "type": OBJECT }));
        record.insert(self.key_field.clone(), key.into());
        record.into()
    }

    /// Salesforce keeps no empty text, only null.
    fn attributes(&self, case: &Case) -> Attributes {
        let value = |value: &str| if value.is_empty() { Value::Null } else { normal(value).into() };
        let named = case.iter().filter_map(|(field, text)| {
            Some((self.fields.attributes.get(&field)?.clone(), value(text)))
        });
        named.collect()
    }

    /// The fields that a [`RemoteCase`] is read from.
    pub fn columns(&self) -> String {
        let mapped = self.fields.attributes.values().map(String::as_str);
        let mut names: Vec<&str> =
            ["Id", "SystemModstamp", "LastModifiedById"].into_iter().chain(mapped).collect();
        // A field that is selected twice is refused.
        names.sort_unstable();
        names.dedup();
        names.join(",")
    }

    pub fn remote_case(&self, record: &Value) -> Result<RemoteCase, CrmError> {
        let user = self.api.known_user().unwrap_or_default();
        let mut fields = Case::default();
        for (field, name) in &self.fields.attributes {
            // A value that the answer lacks is unknown, which is not the same as empty.
            let Some(value) = text(record, name) else { continue };
            match field {
                Field::Assignee => fields.set(*field, assignee(&value, &user)),
                field => fields.set(*field, normal(&value)),
            }
        }
        let id = filled(record, "Id").ok_or_else(|| CrmError::transient("a record has no id"))?;
        let modified_at = time(record, "SystemModstamp")?;
        let modified_by = filled(record, "LastModifiedById");
        Ok(RemoteCase { id, fields, modified_at, modified_by, version: None })
    }

    /// The cases with these ids, by the stem of the id.
    async fn find<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, RemoteCase>, CrmError> {
        let ids = soql::list(ids);
        if ids == "()" {
            return Ok(HashMap::new());
        }
        let soql = format!("SELECT {} FROM Case WHERE Id IN {ids}", self.columns());
        let mut found = HashMap::new();
        for record in self.api.query(&soql).await?.0 {
            let case = self.remote_case(&record)?;
            found.insert(soql::stem(&case.id).to_owned(), case);
        }
        Ok(found)
    }

    /// The cases with these keys; one that lives before one that was deleted.
    async fn by_key<'a>(
        &self,
        keys: impl Iterator<Item = &'a str>,
    ) -> Result<HashMap<String, Found>, CrmError> {
        let (key, keys) = (&self.key_field, soql::list(keys));
        let soql = format!("SELECT Id,IsDeleted,{key} FROM Case WHERE {key} IN {keys}");
        let mut by_key: HashMap<String, Found> = HashMap::new();
        for record in self.api.query_all(&soql).await?.0 {
            let (Some(key), Some(id)) = (filled(&record, key), filled(&record, "Id")) else {
                continue;
            };
            let found = Found { id, deleted: record["IsDeleted"] == true };
            if !found.deleted || !by_key.contains_key(&key) {
                by_key.insert(key, found);
            }
        }
        Ok(by_key)
    }
}

impl Salesforce {
    /// A case has one contact, who takes the place of the one before.
    pub(super) async fn set_contact(
        &self,
        case_id: &str,
        contact_id: Option<&str>,
    ) -> Result<(), CrmError> {
        let contact = contact_id.map(soql::id).transpose()?;
        let fields = Attributes::from_iter([("ContactId".to_owned(), contact.into())]);
        self.updates.ask(soql::id(case_id)?, fields).await.map(drop)
    }

    /// The contact of the case, if it has one.
    pub(super) async fn contact_of(&self, case_id: &str) -> Result<Vec<String>, CrmError> {
        let id = soql::quote(soql::id(case_id)?);
        let soql = format!("SELECT Id,ContactId FROM Case WHERE Id = {id}");
        let (cases, _) = self.cases.api.query(&soql).await?;
        let case = cases.first().ok_or_else(no_case)?;
        Ok(filled(case, "ContactId").into_iter().collect())
    }
}

/// The form in which texts are compared and sent: Salesforce keeps no white space around a text ("Apex Developer Guide: Primitive
/// Data Types"), line ends are `\n`, and there are no control characters.
pub(super) fn normal(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let keep = |c: &char| matches!(c, '\n' | '\t') || !c.is_control();
    let text: String = text.chars().filter(keep).collect();
    text.trim().to_owned()
}

/// The owner, if it is a person: queues and our own user stand for nobody.
fn assignee(owner: &str, user: &str) -> String {
    let person = owner.starts_with(USER) && soql::stem(owner) != soql::stem(user);
    if person { owner.to_owned() } else { String::new() }
}

fn no_case() -> CrmError {
    CrmError::not_found("no case with this id can be seen")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Secret;

    fn cases() -> Cases {
        let url = "https://acme.my.salesforce.com";
        Cases::new(Access::stock(&super::super::KIND, url, "client", Secret::new("s"))).unwrap()
    }

    #[test]
    fn an_empty_value_is_left_out_of_a_new_case_and_null_in_an_update() {
        let cases = cases();
        let case = Case::from_iter([
            (Field::Subject, " Printer "),
            (Field::Account, ""),
            (Field::Assignee, ""),
        ]);
        let new =
            json!({"attributes": {"type": "Case"}, "Casebridge_Key__c": "k", "Subject": "Printer"});
        assert_eq!(cases.new_record("k", &case), new);
        let changed = json!({"Subject": "Printer", "AccountId": null, "OwnerId": "005me"});
        assert_eq!(Value::from(cases.changed(&case, "005me")), changed);
    }

    #[test]
    fn a_queue_and_our_own_user_are_nobody() {
        let me = "005D0000001QX8WIAW";
        assert_eq!(assignee("00GD0000001Abc1IAA", me), "");
        assert_eq!(assignee(me, me), "");
        assert_eq!(assignee("005D0000001QX8W", me), "");
        assert_eq!(assignee("005D0000001Other1", me), "005D0000001Other1");
    }

    #[test]
    fn a_field_without_an_attribute_is_not_sent_and_an_absent_one_is_not_empty() {
        let cases = cases();
        assert!(cases.changed(&Case::from_iter([(Field::Number, "7")]), "u").is_empty());
        let record = json!({"Id": "500D0000003MaCXIA0", "SystemModstamp": "2026-01-02T03:04:05.000+0000",
            "AccountId": null});
        let read = cases.remote_case(&record).unwrap();
        assert_eq!(read.fields, Case::from_iter([(Field::Account, "")]));
    }

    #[test]
    fn a_field_name_that_is_a_query_is_refused() {
        let url = "https://acme.my.salesforce.com";
        let mut access = Access::stock(&super::super::KIND, url, "client", Secret::new("s"));
        access.fields.attributes.insert(Field::Product, "Id FROM User--".into());
        assert_eq!(Cases::new(access).unwrap_err().class(), "permanent");
    }
}
