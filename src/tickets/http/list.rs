//! Find tickets.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::rules::Source;
use super::super::service;
use super::super::store::{Filter, Sort};
use super::view::TicketSummary;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, WantsTotal};
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ComponentId, ContactId, DepartmentId, Level,
    Page, PageRequest, Permission, Priority, ProductId,
};
use crate::workflow::{Awaiting, Category};

/// The filters are the field's names; several values are separated by commas.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter and sort.
    cursor: Option<String>,
    /// The order; newest first when absent.
    #[param(example = "-updated_at", inline)]
    sort: Option<Sort>,
    /// A readable number.
    #[param(example = "CB-1042")]
    number: Option<String>,
    /// Codes of statuses.
    #[param(example = "016,020")]
    status: Option<String>,
    /// Categories of statuses; `open` alone is one of them, `active` stands for new, open, pending and on_hold.
    #[param(example = "active")]
    category: Option<String>,
    #[param(example = "high,critical")]
    priority: Option<String>,
    /// Whose turn it is.
    #[param(example = "customer")]
    awaiting: Option<String>,
    /// An agent's id, `me`, or `none`.
    #[param(example = "me")]
    assignee: Option<String>,
    account: Option<AccountId>,
    contact: Option<ContactId>,
    department: Option<DepartmentId>,
    product: Option<ProductId>,
    /// The category of what it is about.
    category_id: Option<CategoryId>,
    component: Option<ComponentId>,
    #[param(inline)]
    level: Option<Level>,
    /// The key of a ticket type.
    #[param(example = "incident")]
    r#type: Option<String>,
    #[param(inline)]
    source: Option<Source>,
    external_id: Option<String>,
    /// One tag that the ticket has.
    #[param(example = "export")]
    tag: Option<String>,
    /// Opened at this time or later.
    created_from: Option<DateTime<Utc>>,
    /// Opened before this time.
    created_before: Option<DateTime<Utc>>,
}

impl ListQuery {
    fn filter(&self, actor: &Actor) -> Result<Filter, AppError> {
        let (mut category, mut awaiting) = (
            categories(self.category.as_deref())?,
            values("awaiting", self.awaiting.as_deref(), Awaiting::parse)?,
        );
        if actor.is_contact() {
            self.refuse_desk_side()?;
            category = as_customers_see(&category, Category::ALL, Category::for_customers);
            awaiting = as_customers_see(&awaiting, Awaiting::ALL, Awaiting::for_customers);
        }
        Ok(Filter {
            number: self.number.as_deref().map(number).transpose()?,
            status: words(self.status.as_deref()).map(str::to_owned).collect(),
            category,
            priority: values("priority", self.priority.as_deref(), Priority::parse)?,
            awaiting,
            assignee: self.assignee.as_deref().map(|text| assignee(text, actor)).transpose()?,
            account: self.account,
            contact: self.contact,
            department: self.department,
            product: self.product,
            category_id: self.category_id,
            component: self.component,
            level: self.level,
            type_key: self.r#type.clone(),
            source: self.source,
            external_id: self.external_id.clone(),
            tag: self.tag.clone(),
            created_from: self.created_from,
            created_before: self.created_before,
        })
    }
}

impl ListQuery {
    /// What a contact does not see cannot be asked either: a filter would tell it.
    fn refuse_desk_side(&self) -> Result<(), AppError> {
        let asked = [
            (self.status.is_some(), "status"),
            (self.assignee.is_some(), "assignee"),
            (self.department.is_some(), "department"),
            (self.level.is_some(), "level"),
        ];
        match asked.iter().find(|(asked, _)| *asked) {
            Some((_, name)) => Err(AppError::Malformed(format!(
                "query parameter {name}: this is for the desk only"
            ))),
            None => Ok(()),
        }
    }
}

/// Every value that looks to a customer like one of those asked for.
fn as_customers_see<T: Copy + PartialEq>(asked: &[T], all: &[T], seen: fn(T) -> T) -> Vec<T> {
    let asked = |value: &T| asked.iter().any(|asked| seen(*asked) == seen(*value));
    all.iter().copied().filter(asked).collect()
}

fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn values<T>(
    name: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, AppError> {
    let unknown =
        |word: &str| AppError::Malformed(format!("query parameter {name}: there is no {word}"));
    words(text).map(|word| parse(word).ok_or_else(|| unknown(word))).collect()
}

fn categories(text: Option<&str>) -> Result<Vec<Category>, AppError> {
    if text == Some("active") {
        return Ok(Category::OPEN.to_vec());
    }
    values("category", text, Category::parse)
}

/// With or without its prefix.
fn number(text: &str) -> Result<i64, AppError> {
    let digits = text.strip_prefix("CB-").unwrap_or(text);
    digits
        .parse()
        .map_err(|_| AppError::Malformed("query parameter number: such as CB-1042".into()))
}

fn assignee(text: &str, actor: &Actor) -> Result<Option<AgentId>, AppError> {
    match text {
        "none" => Ok(None),
        "me" => match actor.agent_id() {
            Some(id) => Ok(Some(id)),
            None => Err(AppError::Malformed("query parameter assignee: you are no agent".into())),
        },
        id => match id.parse() {
            Ok(id) => Ok(Some(AgentId(id))),
            Err(_) => Err(AppError::Malformed(
                "query parameter assignee: an agent's id, me, or none".into(),
            )),
        },
    }
}

/// The filter of a query string such as `status=016&assignee=none`; what is about pages is ignored.
pub fn found_by(query: &str, actor: &Actor) -> Result<Filter, AppError> {
    let query: ListQuery = serde_urlencoded::from_str(query)
        .map_err(|error| AppError::Malformed(error.to_string()))?;
    query.filter(actor)
}

/// List tickets
///
/// Those that you may see, filtered and sorted. Page 20,000 costs what page 1 costs. A total is counted only when you ask
/// with `Prefer: return=total-count`.
#[utoipa::path(
    tag = "tickets",
    params(
        ListQuery,
        WantsTotal,
    ),
    security(("bearer" = ["tickets:read"]), ("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of tickets", body = Page<TicketSummary>)),
)]
#[get("/tickets")]
pub async fn list_tickets(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ListQuery>,
    wants_total: WantsTotal,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let filter = query.filter(&caller)?;
    let sort = query.sort.unwrap_or(Sort::NewestFirst);
    let binding = format!("tickets {sort} {filter:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    db.read(move |conn| {
        let rows = service::list(conn, &caller, &filter, sort, &page)?;
        let total = wants_total.0.then(|| service::count(conn, &caller, &filter)).transpose()?;
        let page = rows.map(|ticket| TicketSummary::new(ticket.row, &ticket.workflow, &caller));
        Answer::page(&Page { total, ..page })
    })
    .await
}
