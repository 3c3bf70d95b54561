//! The kinds of CRM that a connection can lead to, for a page of settings.
use std::collections::BTreeMap;

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::adapters::{Capabilities, KINDS, Kind};
use crate::crm::case::{Field, Owner};
use crate::http::Answer;
use crate::kernel::{AppError, Permission, Priority};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_crm_kinds);
}

#[derive(Debug, Serialize, ToSchema)]
struct Kinds {
    items: Vec<KindView>,
}

/// A kind of CRM.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CrmKindView)]
struct KindView {
    /// What a connection names it by.
    #[schema(example = "suitecrm")]
    kind: &'static str,
    #[schema(example = "SuiteCRM 7.14 (V8 API)")]
    title: &'static str,
    /// Whether a client id goes with the secret.
    client_id: bool,
    capabilities: Capabilities,
    defaults: DefaultsView,
}

/// What holds where a connection's settings say nothing.
#[derive(Debug, Serialize, ToSchema)]
struct DefaultsView {
    #[schema(value_type = Object, example = json!({"subject": "name"}))]
    fields: BTreeMap<Field, &'static str>,
    #[schema(example = "state")]
    state_field: Option<&'static str>,
    #[schema(example = "cTicketKey")]
    key_field: Option<&'static str>,
    #[schema(value_type = Object, example = json!({"pending": "Open/Open_Pending Input"}))]
    categories: BTreeMap<&'static str, &'static str>,
    #[schema(value_type = Object, example = json!({"critical": "P1"}))]
    priorities: BTreeMap<Priority, &'static str>,
    #[schema(value_type = Object, example = json!({"question": "User"}))]
    types: BTreeMap<&'static str, &'static str>,
    /// The case type of every other type.
    #[schema(example = "Administration")]
    other_type: &'static str,
    #[schema(value_type = Object, example = json!({"subject": "desk", "status": "both"}))]
    owners: BTreeMap<Field, Owner>,
}

impl From<&'static Kind> for KindView {
    fn from(kind: &'static Kind) -> Self {
        let defaults = &kind.defaults;
        Self {
            kind: kind.key,
            title: kind.title,
            client_id: kind.client_id,
            capabilities: kind.capabilities,
            defaults: DefaultsView {
                fields: defaults.fields.iter().copied().collect(),
                state_field: defaults.state_field,
                key_field: defaults.key_field,
                categories: defaults.categories.iter().copied().collect(),
                priorities: defaults.priorities.iter().copied().collect(),
                types: defaults.types.iter().copied().collect(),
                other_type: defaults.other_type,
                owners: Field::ALL.iter().map(|field| (*field, field.default_owner())).collect(),
            },
        }
    }
}

/// List the kinds of CRM
///
/// What each can do, and what holds where the settings of a connection say nothing.
#[utoipa::path(
    tag = "crm",
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "Every kind", body = Kinds)),
)]
#[get("/crm/kinds")]
async fn list_crm_kinds(caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    Answer::ok(&Kinds { items: KINDS.iter().map(KindView::from).collect() })
}
