//! Which tickets a list holds: every filter, as a condition of the query.
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::Bool;
use uuid::Uuid;

use super::find::{Condition, visible};
use super::sql::{AwaitedBy, FarDeadline, HasTags, IsOpen, Matches, StandsSo};
use crate::db::schema::tickets;
use crate::kernel::{
    AccountId, Actor, AgentId, CategoryId, ComponentId, ContactId, DepartmentId, Level, Priority,
    ProductId, SlaPolicyId, TicketId, WorkflowId, text_enum,
};
use crate::tickets::rules::{Source, Words};
use crate::workflow::{Awaiting, Category};

/// Which tickets; an empty list or `None` means any.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub q: Option<Words>,
    pub numbers: Vec<i64>,
    pub status: Vec<String>,
    pub category: Vec<Category>,
    pub priority: Vec<Priority>,
    pub priority_manual: Option<bool>,
    /// `None` among them: not known yet.
    pub severity: Vec<Option<i16>>,
    pub impact: Vec<Option<i16>>,
    pub awaiting: Vec<Awaiting>,
    /// The codes that such statuses have in some workflow.
    pub awaiting_codes: Vec<String>,
    /// `None` among them: assigned to nobody.
    pub assignee: Vec<Option<AgentId>>,
    pub account: Vec<AccountId>,
    pub contact: Vec<ContactId>,
    pub department: Vec<DepartmentId>,
    pub product: Vec<ProductId>,
    pub category_id: Vec<CategoryId>,
    pub component: Vec<ComponentId>,
    pub workflow: Vec<WorkflowId>,
    pub level: Vec<Level>,
    pub type_key: Vec<String>,
    pub source: Vec<Source>,
    pub external_id: Vec<String>,
    pub url: Option<String>,
    pub vendor_reference: Vec<String>,
    /// One of these at least.
    pub tag: Vec<String>,
    pub opened_by: Vec<Uuid>,
    pub merged: Option<bool>,
    pub merged_into: Option<TicketId>,
    pub reopened: Option<bool>,
    /// The deleted ones, instead of all others.
    pub deleted: bool,
    pub due: Option<Due>,
    pub sla: Vec<SlaFilter>,
    /// When the clock is due that is due next.
    pub sla_due: Range,
    /// Policies that were attached.
    pub sla_policy: Vec<SlaPolicyId>,
    pub created: Range,
    pub updated: Range,
    pub submitted: Range,
    pub closed: Range,
    pub deadline: Range,
}

/// From a time on, and before another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Range {
    pub from: Option<DateTime<Utc>>,
    pub before: Option<DateTime<Utc>>,
}

text_enum! {
    /// How a ticket that is worked on stands to its deadline. What a deadline is, `until` alone decides.
    Due {
        /// It has passed.
        Overdue = "overdue",
        /// It comes before midnight, UTC.
        Today = "today",
        /// It comes within 24 hours.
        Soon = "soon",
        /// There is none.
        None = "none",
    }
}

text_enum! {
    /// How a ticket stands to its service levels.
    SlaFilter {
        /// Something is late; of a ticket whose clocks are over: was.
        Breached = "breached",
        /// Nothing is late, and something is due within 24 hours.
        DueSoon = "due_soon",
        /// Time passes, and nothing is late.
        Running = "running",
        /// No time passes, and nothing is late.
        Paused = "paused",
        /// All is over, and nothing was late.
        Met = "met",
        /// Nothing was promised.
        None = "none",
    }
}

impl Due {
    /// From when on and before when the deadline is; nothing for [`Due::None`].
    fn range(self, now: DateTime<Utc>) -> Option<Range> {
        let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc() + Days::new(1);
        let between = |before| Some(Range { from: Some(now), before: Some(before) });
        match self {
            Self::Overdue => Some(Range { from: None, before: Some(now) }),
            Self::Today => between(midnight),
            Self::Soon => between(now + TimeDelta::hours(24)),
            Self::None => None,
        }
    }
}

/// Conditions, collected one by one.
#[derive(Default)]
struct Conditions(Vec<Condition>);

/// Adds that a column has one of the values. A single one is compared for equality, so that an index in the order of
/// the list serves.
macro_rules! any_of {
    ($conditions:ident, $column:expr, $values:expr) => {
        match $values.as_slice() {
            [] => {}
            [one] => $conditions.add($column.eq(one.clone())),
            many => $conditions.add($column.eq_any(many.to_vec())),
        }
    };
    ($conditions:ident, nullable $column:expr, $values:expr) => {
        match $values.as_slice() {
            [] => {}
            [one] => $conditions.add($column.eq(one.clone()).assume_not_null()),
            many => $conditions.add($column.eq_any(many.to_vec()).assume_not_null()),
        }
    };
}

/// The same where `None` among the values stands for null.
macro_rules! any_of_or_null {
    ($conditions:ident, $column:expr, $values:expr) => {
        let known: Vec<_> = $values.iter().flatten().copied().collect();
        match (known.as_slice(), known.len() < $values.len()) {
            ([], false) => {}
            ([], true) => $conditions.add($column.is_null()),
            ([one], false) => $conditions.add($column.eq(*one).assume_not_null()),
            (many, false) => $conditions.add($column.eq_any(many.to_vec()).assume_not_null()),
            (many, true) => $conditions
                .add($column.is_null().or($column.eq_any(many.to_vec()).assume_not_null())),
        }
    };
}

macro_rules! within {
    ($conditions:ident, $column:expr, $range:expr) => {
        if let Some(from) = $range.from {
            $conditions.add($column.ge(from));
        }
        if let Some(before) = $range.before {
            $conditions.add($column.lt(before));
        }
    };
    ($conditions:ident, nullable $column:expr, $range:expr) => {
        if let Some(from) = $range.from {
            $conditions.add($column.ge(from).assume_not_null());
        }
        if let Some(before) = $range.before {
            $conditions.add($column.lt(before).assume_not_null());
        }
    };
}

impl Conditions {
    fn add<C>(&mut self, condition: C)
    where
        C: BoxableExpression<tickets::table, Pg, SqlType = Bool> + 'static,
    {
        self.0.push(Box::new(condition));
    }

    fn by_state(&mut self, filter: &Filter, now: DateTime<Utc>) {
        any_of!(self, tickets::number, filter.numbers);
        if !filter.status.is_empty() {
            self.add(tickets::status.eq_any(filter.status.clone()));
        }
        match filter.category.as_slice() {
            [] => {}
            open if open == Category::OPEN => self.add(IsOpen),
            [Category::Closed] => self.add(diesel::dsl::sql::<Bool>("tickets.category = 'closed'")),
            categories => self.add(tickets::category.eq_any(categories.to_vec())),
        }
        if !filter.priority.is_empty() {
            self.add(tickets::priority.eq_any(filter.priority.clone()));
        }
        if let Some(manual) = filter.priority_manual {
            self.add(tickets::priority_manual.eq(manual));
        }
        any_of_or_null!(self, tickets::severity, filter.severity);
        any_of_or_null!(self, tickets::impact, filter.impact);
        if !filter.awaiting.is_empty() {
            let (awaiting, codes) = (filter.awaiting.clone(), filter.awaiting_codes.clone());
            self.add(AwaitedBy { awaiting, codes });
        }
        match filter.due {
            None => {}
            Some(Due::None) => {
                self.add(IsOpen);
                self.add(tickets::deadline.is_null());
            }
            Some(due) => {
                self.add(IsOpen);
                let range = due.range(now).unwrap_or_default();
                within!(self, FarDeadline, range);
            }
        }
        let Range { from, before } = filter.sla_due;
        if !filter.sla.is_empty() || from.is_some() || before.is_some() {
            let (standings, soon) = (filter.sla.clone(), now + TimeDelta::hours(24));
            let category = &filter.category;
            let open = !category.is_empty() && category.iter().all(|one| one.is_open());
            self.add(StandsSo { standings, from, before, open, now, soon });
        }
        match filter.reopened {
            None => {}
            // Literal, so that the partial index of the reopened tickets serves.
            Some(true) => self.add(diesel::dsl::sql::<Bool>("tickets.reopen_count > 0")),
            Some(false) => self.add(tickets::reopen_count.eq(0)),
        }
        match filter.merged {
            None => {}
            Some(true) => self.add(tickets::merged_into.is_not_null()),
            Some(false) => self.add(tickets::merged_into.is_null()),
        }
    }

    fn by_reference(&mut self, filter: &Filter) {
        any_of_or_null!(self, tickets::assignee_id, filter.assignee);
        any_of!(self, nullable tickets::account_id, filter.account);
        any_of!(self, nullable tickets::contact_id, filter.contact);
        any_of!(self, tickets::department_id, filter.department);
        any_of!(self, nullable tickets::product_id, filter.product);
        any_of!(self, nullable tickets::category_id, filter.category_id);
        any_of!(self, nullable tickets::component_id, filter.component);
        any_of!(self, tickets::workflow_id, filter.workflow);
        any_of!(self, tickets::opened_by, filter.opened_by);
        any_of!(self, nullable tickets::sla_policy_id, filter.sla_policy);
        if let Some(target) = filter.merged_into {
            self.add(tickets::merged_into.eq(target).assume_not_null());
        }
    }

    fn by_text(&mut self, filter: &Filter) {
        any_of!(self, tickets::level, filter.level);
        any_of!(self, tickets::type_key, filter.type_key);
        any_of!(self, tickets::source, filter.source);
        any_of!(self, nullable tickets::external_id, filter.external_id);
        any_of!(self, nullable tickets::vendor_reference, filter.vendor_reference);
        if let Some(url) = filter.url.clone() {
            self.add(tickets::url.eq(url).assume_not_null());
        }
        if !filter.tag.is_empty() {
            self.add(HasTags(filter.tag.clone()));
        }
    }

    fn by_time(&mut self, filter: &Filter) {
        within!(self, tickets::created_at, filter.created);
        within!(self, tickets::updated_at, filter.updated);
        within!(self, nullable tickets::submitted_at, filter.submitted);
        within!(self, nullable tickets::closed_at, filter.closed);
        within!(self, nullable tickets::deadline, filter.deadline);
    }
}

/// What the filter asks for, all but its words.
pub(super) fn conditions(filter: &Filter, now: DateTime<Utc>) -> Vec<Condition> {
    let mut conditions = Conditions::default();
    if filter.deleted {
        conditions.add(tickets::deleted_at.is_not_null());
    } else {
        conditions.add(tickets::deleted_at.is_null());
    }
    conditions.by_state(filter, now);
    conditions.by_text(filter);
    conditions.by_time(filter);
    conditions.by_reference(filter);
    conditions.0
}

pub(super) type Query<'a> = tickets::BoxedQuery<'a, Pg>;

/// The tickets that the filter asks for and the caller may see.
pub(super) fn filtered<'a>(actor: &Actor, filter: &Filter, now: DateTime<Utc>) -> Query<'a> {
    among(visible(actor), filter, now)
}

/// The tickets that pass the filter, of those that these are.
pub(super) fn among<'a>(those: Condition, filter: &Filter, now: DateTime<Utc>) -> Query<'a> {
    let query = tickets::table.into_boxed().filter(those);
    let query = conditions(filter, now).into_iter().fold(query, |query, c| query.filter(c));
    match &filter.q {
        Some(words) => query.filter(Matches(words.clone())),
        None => query,
    }
}

/// The ids of the tickets that a caller finds, as a part of another query.
pub struct Selection(tickets::BoxedQuery<'static, Pg, diesel::sql_types::Uuid>);

impl Selection {
    pub fn new(actor: &Actor, filter: &Filter, now: DateTime<Utc>) -> Self {
        Self(filtered(actor, filter, now).select(tickets::id))
    }
}

impl QueryFragment<Pg> for Selection {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        QueryFragment::<Pg>::walk_ast(&self.0, out)
    }
}
