//! What tickets a client asks for, in the query of a list.
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::super::rules::{SEARCH_MAX, Source, Words, ticket_number};
use super::super::store::{Due, Filter, Range, SlaFilter, Sort};
use super::view::{COLUMNS, DESK_COLUMNS};
use crate::kernel::{Actor, AgentId, AppError, Level, Permission, Priority, TicketId};
use crate::workflow::{Awaiting, Category};

/// The filters are the field's names; several values are separated by commas, and each of them will do.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    pub(super) limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter and sort.
    pub(super) cursor: Option<String>,
    /// The order; newest first when absent.
    #[param(example = "-updated_at", inline)]
    pub(super) sort: Option<Sort>,
    /// Only these fields of each ticket, and its id; all when absent.
    #[param(example = "number,subject,status")]
    pub(super) fields: Option<String>,
    /// Words and "exact phrases" in subject, description and notes, a number, an external id, or the e-mail address of a
    /// contact. Accents and case do not matter; a word with `-` in front must not be there; the last word may be the
    /// beginning of one.
    #[param(example = "export \"after 100 rows\"", max_length = 200)]
    q: Option<String>,
    /// Readable numbers.
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
    /// Whether somebody chose the priority.
    priority_manual: Option<bool>,
    /// 1 to 4, or `none` for what is not triaged.
    #[param(example = "1,2")]
    severity: Option<String>,
    /// 1 to 4, or `none` for what is not triaged.
    #[param(example = "none")]
    impact: Option<String>,
    /// Whose turn it is.
    #[param(example = "customer")]
    awaiting: Option<String>,
    /// Ids of agents, `me`, `none`.
    #[param(example = "me")]
    assignee: Option<String>,
    /// Ids of accounts.
    account: Option<String>,
    /// Ids of contacts.
    contact: Option<String>,
    /// Ids of departments.
    department: Option<String>,
    /// Ids of products.
    product: Option<String>,
    /// Ids of categories, as products have them.
    category_id: Option<String>,
    /// Ids of components.
    component: Option<String>,
    /// Ids of workflows.
    workflow: Option<String>,
    #[param(example = "L1,L2")]
    level: Option<String>,
    /// Keys of ticket types.
    #[param(example = "incident")]
    r#type: Option<String>,
    #[param(example = "email,phone")]
    source: Option<String>,
    #[param(example = "shop-7731")]
    external_id: Option<String>,
    /// Exactly this address.
    url: Option<String>,
    #[param(example = "MS-88123")]
    vendor_reference: Option<String>,
    /// Tags, of which the ticket has one at least.
    #[param(example = "export")]
    tag: Option<String>,
    /// Ids of those who opened it, or `me`.
    #[param(example = "me")]
    opened_by: Option<String>,
    /// Whether it was merged into another.
    merged: Option<bool>,
    /// The ticket that it was merged into.
    merged_into: Option<TicketId>,
    /// Whether it was ever reopened.
    reopened: Option<bool>,
    /// The deleted tickets instead of all others, for those who may restore them.
    deleted: Option<bool>,
    /// How a ticket that is worked on stands to its deadline: `overdue`, `today` (before midnight, UTC), `soon` (within
    /// 24 hours), or `none`.
    #[param(inline)]
    due: Option<Due>,
    /// How it stands to its service levels: `breached` (late, or when it is over: was late), `due_soon` (within 24 hours), `running`,
    /// `paused`, `met` (over, and was never late), or `none` (nothing was promised).
    #[param(example = "breached,due_soon")]
    sla: Option<String>,
    /// Something is due at this time or later, and nothing earlier.
    sla_due_from: Option<DateTime<Utc>>,
    /// Something is due before this time, or was.
    sla_due_before: Option<DateTime<Utc>>,
    /// Ids of policies of service levels that were attached.
    sla_policy: Option<String>,
    /// At this time or later.
    created_from: Option<DateTime<Utc>>,
    /// Before this time.
    created_before: Option<DateTime<Utc>>,
    updated_from: Option<DateTime<Utc>>,
    updated_before: Option<DateTime<Utc>>,
    submitted_from: Option<DateTime<Utc>>,
    submitted_before: Option<DateTime<Utc>>,
    closed_from: Option<DateTime<Utc>>,
    closed_before: Option<DateTime<Utc>>,
    deadline_from: Option<DateTime<Utc>>,
    deadline_before: Option<DateTime<Utc>>,
}

impl ListQuery {
    /// The filter that this asks for, of this caller.
    pub fn filter(&self, actor: &Actor) -> Result<Filter, AppError> {
        let mut filter = self.plain_filter(actor)?;
        if actor.is_contact() {
            self.refuse_desk_side()?;
            filter.category =
                as_customers_see(&filter.category, Category::ALL, Category::for_customers);
            filter.awaiting =
                as_customers_see(&filter.awaiting, Awaiting::ALL, Awaiting::for_customers);
        }
        Ok(filter)
    }

    /// The order that this asks for; newest first when it does not say.
    pub fn sort(&self, actor: &Actor) -> Result<Sort, AppError> {
        let sort = self.sort.unwrap_or(Sort::NewestFirst);
        if actor.is_contact() && sort.is_for_desk() {
            return Err(desk_only("sort"));
        }
        Ok(sort)
    }

    /// The query that a saved view stands for, and where to start in it. Fails with [`AppError::Malformed`] on what is no
    /// filter, and on a bad value.
    pub fn saved<'a>(
        filters: impl Iterator<Item = (&'a str, &'a str)>,
        sort: Sort,
        limit: Option<i64>,
        cursor: Option<String>,
    ) -> Result<Self, AppError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(filters).finish();
        let query: Self = serde_urlencoded::from_str(&query)
            .map_err(|error| AppError::Malformed(error.to_string()))?;
        let of_page = query.limit.is_some() || query.cursor.is_some() || query.fields.is_some();
        if of_page || query.sort.is_some() {
            return Err(AppError::Malformed("a filter, not a page or an order".into()));
        }
        Ok(Self { limit, cursor, sort: Some(sort), ..query })
    }

    /// Fails with [`AppError::Malformed`] when a contact could not ask so.
    pub fn for_customers(&self) -> Result<(), AppError> {
        self.refuse_desk_side()?;
        match self.sort {
            Some(sort) if sort.is_for_desk() => Err(desk_only("sort")),
            _ if self.deleted == Some(true) => Err(desk_only("deleted")),
            _ => Ok(()),
        }
    }

    /// The fields to show, if not all.
    pub fn shown(&self, actor: &Actor) -> Result<Option<Vec<String>>, AppError> {
        let known = |word: &str| {
            COLUMNS.contains(&word) || !actor.is_contact() && DESK_COLUMNS.contains(&word)
        };
        let field = |word: &str| known(word).then(|| word.to_owned());
        self.fields.as_ref().map(|_| values("fields", &self.fields, field)).transpose()
    }

    fn plain_filter(&self, actor: &Actor) -> Result<Filter, AppError> {
        let range = |from, before| Range { from, before };
        Ok(Filter {
            q: self.q.as_deref().map(|typed| words_of(typed, actor)).transpose()?,
            numbers: values("number", &self.number, ticket_number)?,
            status: texts(&self.status),
            category: categories(&self.category)?,
            priority: values("priority", &self.priority, Priority::parse)?,
            priority_manual: self.priority_manual,
            severity: values("severity", &self.severity, grade)?,
            impact: values("impact", &self.impact, grade)?,
            awaiting: values("awaiting", &self.awaiting, Awaiting::parse)?,
            awaiting_codes: Vec::new(),
            assignee: assignees(&self.assignee, actor)?,
            account: ids("account", &self.account)?,
            contact: ids("contact", &self.contact)?,
            department: ids("department", &self.department)?,
            product: ids("product", &self.product)?,
            category_id: ids("category_id", &self.category_id)?,
            component: ids("component", &self.component)?,
            workflow: ids("workflow", &self.workflow)?,
            level: values("level", &self.level, Level::parse)?,
            type_key: texts(&self.r#type),
            source: values("source", &self.source, Source::parse)?,
            external_id: texts(&self.external_id),
            url: self.url.clone(),
            vendor_reference: texts(&self.vendor_reference),
            tag: texts(&self.tag),
            opened_by: values("opened_by", &self.opened_by, |word| match word {
                "me" => Some(actor.id),
                id => id.parse().ok(),
            })?,
            merged: self.merged,
            merged_into: self.merged_into,
            reopened: self.reopened,
            deleted: self.deleted.unwrap_or(false),
            due: self.due,
            sla: values("sla", &self.sla, SlaFilter::parse)?,
            sla_due: range(self.sla_due_from, self.sla_due_before),
            sla_policy: ids("sla_policy", &self.sla_policy)?,
            created: range(self.created_from, self.created_before),
            updated: range(self.updated_from, self.updated_before),
            submitted: range(self.submitted_from, self.submitted_before),
            closed: range(self.closed_from, self.closed_before),
            deadline: range(self.deadline_from, self.deadline_before),
        })
    }

    /// What a contact does not see cannot be asked either: a filter would tell it.
    fn refuse_desk_side(&self) -> Result<(), AppError> {
        let asked = [
            (self.status.is_some(), "status"),
            (self.assignee.is_some(), "assignee"),
            (self.department.is_some(), "department"),
            (self.level.is_some(), "level"),
            (self.workflow.is_some(), "workflow"),
            (self.severity.is_some(), "severity"),
            (self.impact.is_some(), "impact"),
            (self.priority_manual.is_some(), "priority_manual"),
            (self.vendor_reference.is_some(), "vendor_reference"),
            (self.sla.is_some(), "sla"),
            (self.sla_due_from.is_some(), "sla_due_from"),
            (self.sla_due_before.is_some(), "sla_due_before"),
            (self.sla_policy.is_some(), "sla_policy"),
            (self.opened_by.as_deref().is_some_and(|who| who != "me"), "opened_by"),
        ];
        match asked.iter().find(|(asked, _)| *asked) {
            Some((_, name)) => Err(desk_only(name)),
            None => Ok(()),
        }
    }
}

fn desk_only(name: &str) -> AppError {
    AppError::Malformed(format!("query parameter {name}: this is for the desk only"))
}

/// Every value that looks to a customer like one of those asked for.
fn as_customers_see<T: Copy + PartialEq>(asked: &[T], all: &[T], seen: fn(T) -> T) -> Vec<T> {
    let asked = |value: &T| asked.iter().any(|asked| seen(*asked) == seen(*value));
    all.iter().copied().filter(asked).collect()
}

/// Who does not work tickets searches in what customers see.
fn words_of(typed: &str, actor: &Actor) -> Result<Words, AppError> {
    let fits = typed.chars().count() <= SEARCH_MAX && !typed.contains('\0');
    let words = Words::parse(typed, actor.may(Permission::TicketsWork)).filter(|_| fits);
    let refusal = || format!("query parameter q: a word to search for, in {SEARCH_MAX} characters");
    words.ok_or_else(|| AppError::Malformed(refusal()))
}

fn words(text: &Option<String>) -> impl Iterator<Item = &str> {
    let text = text.as_deref().unwrap_or_default();
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn texts(text: &Option<String>) -> Vec<String> {
    words(text).map(str::to_owned).collect()
}

fn values<T>(
    name: &str,
    text: &Option<String>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, AppError> {
    let unknown =
        |word: &str| AppError::Malformed(format!("query parameter {name}: there is no {word}"));
    words(text).map(|word| parse(word).ok_or_else(|| unknown(word))).collect()
}

fn ids<T: From<Uuid>>(name: &str, text: &Option<String>) -> Result<Vec<T>, AppError> {
    values(name, text, |word| word.parse::<Uuid>().ok().map(T::from))
}

/// 1 to 4, or nothing.
fn grade(word: &str) -> Option<Option<i16>> {
    match word {
        "none" => Some(None),
        grade => grade.parse().ok().filter(|grade| (1..=4).contains(grade)).map(Some),
    }
}

fn categories(text: &Option<String>) -> Result<Vec<Category>, AppError> {
    if text.as_deref() == Some("active") {
        return Ok(Category::OPEN.to_vec());
    }
    values("category", text, Category::parse)
}

fn assignees(text: &Option<String>, actor: &Actor) -> Result<Vec<Option<AgentId>>, AppError> {
    if actor.agent_id().is_none() && words(text).any(|word| word == "me") {
        return Err(AppError::Malformed("query parameter assignee: you are no agent".into()));
    }
    values("assignee", text, |word| match word {
        "none" => Some(None),
        "me" => actor.agent_id().map(Some),
        id => id.parse().ok().map(|id| Some(AgentId(id))),
    })
}
