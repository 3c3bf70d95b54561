//! Which attributes cases have.
use serde_json::Value;

use super::EspoCrm;
use crate::crm::CrmError;
use crate::crm::case::Attribute;

const FIELDS: &str = "entityDefs.Case.fields";

impl EspoCrm {
    /// The attributes of cases; `None` where the user may not see what cases are made of.
    pub async fn case_attributes(&self) -> Result<Option<Vec<Attribute>>, CrmError> {
        let fields = self.api.metadata(FIELDS).await?;
        let Value::Object(fields) = fields else { return Ok(None) };
        let used = fields.iter().filter(|(_, defined)| defined["disabled"] != true);
        Ok(Some(used.map(|(name, defined)| attribute(name, defined)).collect()))
    }
}

/// What is written and searched for a field: the field itself, or the ids of what it is linked to.
fn attribute(field: &str, defined: &Value) -> Attribute {
    let suffix = match defined["type"].as_str() {
        Some("link" | "linkOne" | "linkParent" | "file" | "image") => "Id",
        Some("linkMultiple" | "attachmentMultiple") => "Ids",
        _ => "",
    };
    let required = defined["required"] == true && defined["default"].is_null();
    Attribute { name: format!("{field}{suffix}"), required }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_written_by_its_id_and_a_default_fills_what_is_required() {
        let of = |field: &str, defined: Value| {
            let attribute = attribute(field, &defined);
            (attribute.name, attribute.required)
        };
        let required = json!({ "type": "varchar", "required": true });
        assert_eq!(of("name", required), ("name".into(), true));
        assert_eq!(of("account", json!({ "type": "link" })), ("accountId".into(), false));
        assert_eq!(of("teams", json!({ "type": "linkMultiple" })), ("teamsIds".into(), false));
        let status = json!({ "type": "enum", "required": true, "default": "New" });
        assert_eq!(of("status", status), ("status".into(), false));
    }
}
