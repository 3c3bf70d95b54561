//! Search tickets by words.
use actix_web::{get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::super::rules::Piece;
use super::super::service::{self, Found, Highlight, Place};
use super::filter::ListQuery;
use super::view::TicketSummary;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, now};
use crate::kernel::{Actor, AppError, NoteId, PageRequest, Permission};

/// The filters of a list; what was found comes best first.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct SearchQuery(ListQuery);

impl IntoParams for SearchQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut parameters = ListQuery::into_params(place);
        parameters.retain(|parameter| !["sort", "fields"].contains(&parameter.name.as_str()));
        for parameter in parameters.iter_mut().filter(|parameter| parameter.name == "q") {
            parameter.required = Required::True;
        }
        parameters
    }
}

/// A page of what was found, best first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchPage {
    items: Vec<FoundTicket>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
    /// The cursor of the previous page; null on the first.
    prev: Option<String>,
    /// There are more matches: the newest were ranked, and the oldest are not among them. A filter leads further.
    #[schema(example = false)]
    truncated: bool,
}

/// A ticket that was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundTicket {
    ticket: TicketSummary,
    /// How well it fits; comparable within one search.
    #[schema(example = 0.607927)]
    rank: f64,
    highlights: Vec<HighlightView>,
}

/// Where a ticket has what was searched for.
#[derive(Debug, Serialize, ToSchema)]
pub struct HighlightView {
    field: HighlightField,
    /// The note, where the field is one.
    note_id: Option<NoteId>,
    /// In order, the text around the first hit; plain text, which may hold anything.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HighlightField {
    Subject,
    Description,
    Note,
}

impl From<Highlight> for HighlightView {
    fn from(highlight: Highlight) -> Self {
        let (field, note_id) = match highlight.place {
            Place::Subject => (HighlightField::Subject, None),
            Place::Description => (HighlightField::Description, None),
            Place::Note(id) => (HighlightField::Note, Some(id)),
        };
        Self { field, note_id, pieces: highlight.pieces }
    }
}

impl FoundTicket {
    fn new(found: Found, actor: &Actor, now: DateTime<Utc>) -> Self {
        Self {
            ticket: TicketSummary::new(found.ticket.row, &found.ticket.workflow, actor, now),
            // Exact: a rank is a number of millionths far below 2^53.
            rank: found.rank as f64 / 1_000_000.0,
            highlights: found.highlights.into_iter().map(HighlightView::from).collect(),
        }
    }
}

/// Search tickets
///
/// Full text over number, external id, subject, description and notes, as far as you may read them, best first: a hit in
/// the subject counts more than one in the description, and that more than one in a note. Where more than 100 tickets match,
/// the newest 100 are ranked, and `truncated` says so; to page through all matches in another order, use `q` with
/// `GET /v1/tickets`. A number such as `CB-1042` finds its ticket first, and the e-mail address of a contact finds their
/// tickets.
#[utoipa::path(
    tag = "tickets",
    params(SearchQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of what was found", body = SearchPage)),
)]
#[get("/search")]
pub async fn search_tickets(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<SearchQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let query = &query.0.0;
    if query.sort.is_some() || query.fields.is_some() {
        return Err(AppError::Malformed("a search has no sort and no fields".into()));
    }
    let filter = query.filter(&caller)?;
    let binding = format!("search {filter:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let now = now();
    db.read(move |conn| {
        let (page, truncated) = service::search(conn, &caller, &filter, &page, now)?;
        let mut page = page.map(|found| FoundTicket::new(found, &caller, now));
        let items = std::mem::take(&mut page.items);
        let (next, prev) = (page.next.clone(), page.prev.clone());
        Ok(Answer::ok(&SearchPage { items, next, prev, truncated })?.links(&page))
    })
    .await
}
