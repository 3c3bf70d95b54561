//! Endpoints of products, categories, components, ticket types and processes.
mod categories;
mod components;
mod processes;
mod products;
mod words;

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::catalog::Named;
use crate::kernel::{AppError, PageRequest};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.configure(products::routes)
        .configure(categories::routes)
        .configure(components::routes)
        .configure(words::routes)
        .configure(processes::routes);
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct NameQuery {
    /// Part of the name, without regard to case.
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

impl NameQuery {
    /// What is asked of the list called `list`.
    fn read(self, list: &str) -> Result<(Named, PageRequest), AppError> {
        let filter = Named { q: self.q, active: self.active };
        let binding = format!("{list} {filter:?}");
        let request = PageRequest::new(self.limit, self.cursor.as_deref(), &binding)?;
        Ok((filter, request))
    }
}
