//! Mails that somebody has to look at.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::Intake;
use super::super::rules::{MailState, Release};
use super::super::service::{self, Released};
use super::view::EmailView;
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId, now};
use crate::kernel::{
    AccountId, AppError, CategoryId, ContactId, InboundMailId, Page, PageRequest, Permission,
    ProductId, TicketId,
};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct QuarantineQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the mails in quarantine, latest first
///
/// Each with its cause. For who sees every ticket: whose ticket it is going to be is not known yet.
#[utoipa::path(
    tag = "incoming mails",
    params(QuarantineQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of mails", body = Page<EmailView>)),
)]
#[get("/quarantine")]
pub async fn list_quarantine(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<QuarantineQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), "quarantine")?;
    let only = (Some(MailState::Quarantined), None);
    let found = db.read(move |conn| service::list(conn, &caller, only, &page)).await?;
    Answer::page(&found.try_map(EmailView::of)?)
}

/// What becomes of a mail that was not taken.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseEmail {
    #[garde(skip)]
    r#as: Release,
    /// Of a note; where the mail itself says which, it can be left out.
    #[garde(skip)]
    ticket_id: Option<TicketId>,
    /// Of a new ticket; a known sender's own when it is left out.
    #[garde(skip)]
    account_id: Option<AccountId>,
    #[garde(skip)]
    contact_id: Option<ContactId>,
    /// Of a new ticket: a product, or a category.
    #[garde(skip)]
    product_id: Option<ProductId>,
    #[garde(skip)]
    category_id: Option<CategoryId>,
}

/// Release a mail from quarantine
///
/// What answers a side conversation is, as a note without `ticket_id`, a message in that one. As a note: the reply of its sender if that is a contact who may see the ticket, else an internal note. As a ticket: yours, on behalf of
/// the contact. Or it is discarded. What was ignored can be released too; what is on a ticket already is refused with `mail_taken`.
#[utoipa::path(
    tag = "incoming mails",
    params(("id" = InboundMailId, Path)),
    request_body(content = ReleaseEmail, example = json!({
        "as": "ticket", "account_id": AccountId::EXAMPLE, "contact_id": ContactId::EXAMPLE, "product_id": ProductId::EXAMPLE,
    })),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "What became of it", body = EmailView)),
)]
#[post("/quarantine/{id}/release")]
pub async fn release_email(
    intake: web::Data<Intake>,
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<InboundMailId>,
    body: Body<ReleaseEmail>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let wanted = Released {
        release: body.r#as,
        ticket_id: body.ticket_id,
        account_id: body.account_id,
        contact_id: body.contact_id,
        product_id: body.product_id,
        category_id: body.category_id,
    };
    let desk = intake.desk().clone();
    let _room = intake.room().await?;
    let release = move |conn: &mut _| service::release(conn, &desk, &caller, id.0, wanted, now());
    Answer::ok(&EmailView::of(db.tx(release).await?)?)
}
