//! Versions of the routing table, compared.
use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::events::{self, Changes};
use crate::kernel::{ComponentId, DepartmentId, Level, ProductId};

/// What a component says about routing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RoutingRow {
    pub component_id: ComponentId,
    /// The version since which it says so.
    #[schema(example = 1)]
    pub since_version: i32,
    #[schema(example = "Report Writer")]
    pub name: String,
    pub product_id: ProductId,
    #[schema(example = "L2")]
    pub level: Level,
    pub department_id: DepartmentId,
    /// The process that its tickets follow; null unless the level is external.
    #[schema(example = json!(null))]
    pub process: Option<String>,
    /// No tickets are opened for an inactive component.
    pub active: bool,
}

/// What differs in one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RoutingRowChange {
    pub component_id: ComponentId,
    #[schema(example = "Report Writer")]
    pub name: String,
    /// `{field: {from, to}}`
    #[schema(value_type = Object, example = json!({"level": {"from": "L1", "to": "L2"}}))]
    pub changes: Changes,
}

/// What differs between two versions, of which only the differing rows are given; by component.
pub fn diff(before: Vec<RoutingRow>, after: Vec<RoutingRow>) -> Vec<RoutingRowChange> {
    let mut rows: BTreeMap<ComponentId, (Option<RoutingRow>, Option<RoutingRow>)> = BTreeMap::new();
    for row in before {
        let of_component = rows.entry(row.component_id).or_default();
        of_component.0 = Some(row);
    }
    for row in after {
        let of_component = rows.entry(row.component_id).or_default();
        of_component.1 = Some(row);
    }
    let changes = rows.into_iter().filter_map(|(component_id, (before, after))| {
        let mut changes = events::diff(&before, &after);
        // A row that came back to what it was says so since another version, which is no difference.
        changes.retain(|field, _| field != "since_version" && field != "component_id");
        let name = after.or(before)?.name;
        (!changes.is_empty()).then_some(RoutingRowChange { component_id, name, changes })
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(id: u128, since_version: i32, level: Level) -> RoutingRow {
        RoutingRow {
            component_id: ComponentId(uuid::Uuid::from_u128(id)),
            since_version,
            name: format!("Component {id}"),
            product_id: ProductId::EXAMPLE,
            level,
            department_id: DepartmentId::EXAMPLE,
            process: None,
            active: true,
        }
    }

    #[test]
    fn a_row_that_differs_is_told_with_its_fields() {
        let changes = diff(vec![row(1, 1, Level::L1)], vec![row(1, 2, Level::L2)]);
        let [change] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(change.name, "Component 1");
        let level = json!({"level": {"from": "L1", "to": "L2"}});
        assert_eq!(Value::Object(change.changes.clone()), level);
    }

    #[test]
    fn a_new_row_is_told_whole_and_one_that_is_as_before_not_at_all() {
        let new = diff(Vec::new(), vec![row(2, 3, Level::L1)]);
        assert_eq!(new[0].changes["name"], json!({"from": null, "to": "Component 2"}));
        assert_eq!(diff(vec![row(1, 1, Level::L1)], vec![row(1, 3, Level::L1)]), []);
    }
}
