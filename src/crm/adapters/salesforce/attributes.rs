//! Which fields cases have ("sObject Describe").
use serde_json::Value;

use super::Salesforce;
use super::answer::text;
use super::cases::OBJECT;
use crate::crm::CrmError;
use crate::crm::case::Attribute;

impl Salesforce {
    /// The fields of cases that our user may see.
    pub(super) async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        let described = self.cases.api.get(&["sobjects", OBJECT, "describe"], &[]).await?;
        let fields = described["fields"].as_array();
        let fields = fields.ok_or_else(|| CrmError::transient("no fields in the answer"))?;
        Ok(Some(fields.iter().filter_map(attribute).collect()))
    }
}

/// `createable`, `nillable` and `defaultedOnCreate` tell what a record cannot be created without.
fn attribute(field: &Value) -> Option<Attribute> {
    let required = field["createable"] == true
        && field["nillable"] == false
        && field["defaultedOnCreate"] == false;
    Some(Attribute { name: text(field, "name")?, required })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn required_is_what_must_be_given_and_salesforce_does_not_give() {
        let required = |createable: bool, nillable: bool, given: bool| {
            let field = json!({
                "name": "Region__c", "createable": createable, "nillable": nillable, "defaultedOnCreate": given,
            });
            attribute(&field).unwrap().required
        };
        assert!(required(true, false, false));
        assert!(!required(true, false, true), "as the owner");
        assert!(!required(false, false, false), "as a sum");
        assert!(!required(true, true, false));
    }
}
