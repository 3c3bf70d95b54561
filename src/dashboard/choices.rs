//! The departments, agents, accounts, products and components that figures can be narrowed to, by id or by name.
use diesel::PgConnection;
use serde::Serialize;
use uuid::Uuid;

use crate::catalog::{self, ComponentFilter, Named};
use crate::kernel::{Actor, AppError, PAGE_MAX, PageRequest, Permission};
use crate::people::{self, AccountFilter, AgentFilter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Department,
    Agent,
    Account,
    Product,
    Component,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub id: Uuid,
    pub name: String,
}

/// What can be chosen.
#[derive(Debug, Default)]
pub struct Choices {
    pub first: Vec<Choice>,
    /// There are more than a list should hold: they are chosen by name.
    pub more: bool,
}

/// Why nothing was found by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    Nothing,
    /// These, and perhaps more.
    Several(Vec<String>),
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Department, Self::Agent, Self::Account, Self::Product, Self::Component];

    /// The name of its field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Agent => "agent",
            Self::Account => "account",
            Self::Product => "product",
            Self::Component => "component",
        }
    }

    /// The name of the reports' filter.
    pub fn filter(self) -> &'static str {
        match self {
            Self::Agent => "assignee",
            other => other.field(),
        }
    }

    /// Whether this person may see what there is of the kind.
    pub fn open_to(self, viewer: &Actor) -> bool {
        viewer.may(match self {
            Self::Department | Self::Agent | Self::Account => Permission::PeopleRead,
            Self::Product | Self::Component => Permission::CatalogRead,
        })
    }

    /// By name, those whose name contains `q`.
    pub fn choices(self, conn: &mut PgConnection, q: Option<String>) -> Result<Choices, AppError> {
        let page = PageRequest::new(Some(PAGE_MAX), None, self.field())?;
        macro_rules! choices {
            ($page:expr) => {{
                let page = $page?;
                let choice = |(id, name)| Choice { id, name };
                let first = page.items.into_iter().map(|item| choice((item.id.0, item.name)));
                Ok(Choices { first: first.collect(), more: page.next.is_some() })
            }};
        }
        match self {
            Self::Department => choices!(people::list_departments(conn, &page)),
            Self::Agent => {
                let filter = AgentFilter { q, ..AgentFilter::default() };
                choices!(people::list_agents(conn, &filter, &page))
            }
            Self::Account => {
                let filter = AccountFilter { q, ..AccountFilter::default() };
                choices!(people::list_accounts(conn, &filter, &page))
            }
            Self::Product => {
                let filter = Named { q, ..Named::default() };
                choices!(catalog::list_products(conn, &filter, &page))
            }
            Self::Component => {
                let filter = ComponentFilter { q, ..ComponentFilter::default() };
                choices!(catalog::list_components(conn, &filter, &page))
            }
        }
    }

    fn by_id(self, conn: &mut PgConnection, id: Uuid) -> Result<Choice, AppError> {
        let name = match self {
            Self::Department => people::get_department(conn, id.into())?.name,
            Self::Agent => people::get_agent(conn, id.into())?.name,
            Self::Account => people::get_account(conn, id.into())?.name,
            Self::Product => catalog::get_product(conn, id.into())?.name,
            Self::Component => catalog::get_component(conn, id.into())?.name,
        };
        Ok(Choice { id, name })
    }

    /// The one with this id or name; a part of a name will do if there is one only.
    pub fn find(
        self,
        conn: &mut PgConnection,
        text: &str,
    ) -> Result<Result<Choice, Missed>, AppError> {
        if let Ok(id) = text.parse() {
            return match self.by_id(conn, id) {
                Ok(choice) => Ok(Ok(choice)),
                Err(AppError::NotFound(_)) => Ok(Err(Missed::Nothing)),
                Err(error) => Err(error),
            };
        }
        let found = self.choices(conn, Some(text.to_owned()))?.first;
        Ok(the_one(found, text))
    }
}

/// A name that is meant as it is beats those that contain it.
fn the_one(mut found: Vec<Choice>, text: &str) -> Result<Choice, Missed> {
    let text = text.to_lowercase();
    found.retain(|choice| choice.name.to_lowercase().contains(&text));
    let exact = found.iter().filter(|choice| choice.name.to_lowercase() == text).count();
    if exact == 1 {
        found.retain(|choice| choice.name.to_lowercase() == text);
    }
    match found.len() {
        0 => Err(Missed::Nothing),
        1 => Ok(found.remove(0)),
        _ => Err(Missed::Several(found.into_iter().take(4).map(|choice| choice.name).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_the_one_that_is_meant() {
        let names = ["Northwind", "Northwind Services", "Contoso"];
        let all = || names.map(|name| Choice { id: Uuid::nil(), name: name.into() }).to_vec();
        assert_eq!(the_one(all(), "northwind").unwrap().name, "Northwind");
        assert_eq!(the_one(all(), "services").unwrap().name, "Northwind Services");
        let several = Missed::Several(vec!["Northwind".into(), "Northwind Services".into()]);
        assert_eq!(the_one(all(), "north"), Err(several));
        assert_eq!(the_one(all(), "Fabrikam"), Err(Missed::Nothing));
    }
}
