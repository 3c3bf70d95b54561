//! Contacts.
use actix_web::{get, patch, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, IfMatch, Params, PathId, now, nullable, set};
use crate::kernel::{AccountId, AppError, ContactId, Page, PageRequest, Permission, TimeZone};
use crate::people::{Contact, ContactFilter, service};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(create_contact).service(list_contacts).service(get_contact).service(change_contact);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContact {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Project contact")]
    name: String,
    /// Unique without regard to case.
    #[garde(email, length(max = 254))]
    #[schema(example = "projects@customer.example")]
    email: String,
    #[garde(length(chars, min = 1, max = 50))]
    #[schema(example = "+43 1 0000000")]
    phone: Option<String>,
    /// A language tag (BCP 47).
    #[serde(default = "english")]
    #[garde(custom(language_tag))]
    #[schema(example = "en")]
    language: String,
    #[serde(default = "utc")]
    #[garde(skip)]
    time_zone: TimeZone,
    /// The accounts that the contact belongs to.
    #[serde(default)]
    #[garde(length(max = 1000))]
    account_ids: Vec<AccountId>,
}

fn english() -> String {
    "en".into()
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

/// The shape of a language tag: `en`, `pt-BR`, `zh-Hant-TW`.
pub fn language_tag(tag: &str, _: &()) -> garde::Result {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    let refusal = || garde::Error::new("must be a language tag such as en or pt-BR");
    (fits && tag.len() <= 35).then_some(()).ok_or_else(refusal)
}

/// Create a contact
///
/// A person at one or more accounts. The language is that of the mails to them.
#[utoipa::path(
    tag = "people",
    params(Idempotency),
    request_body = NewContact,
    security(("client_credentials" = ["people:write"])),
    responses((status = 201, description = "The contact", body = Contact)),
)]
#[post("/contacts")]
async fn create_contact(
    db: web::Data<Db>,
    caller: Caller,
    idempotency: Idempotency,
    body: Body<NewContact>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let now = now();
    let (fingerprint, new) = (body.fingerprint.clone(), body.into_inner());
    let contact = Contact {
        id: ContactId::new(),
        name: new.name,
        email: new.email,
        phone: new.phone,
        language: new.language,
        time_zone: new.time_zone,
        active: true,
        account_ids: new.account_ids,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let create = move |conn: &mut _| {
        idempotency.once(conn, caller.id, &fingerprint, |conn| {
            let contact = service::create_contact(conn, &caller, contact, now)?;
            let location = format!("/v1/contacts/{}", contact.id);
            Ok(Answer::created(location, &contact)?.version(contact.version))
        })
    };
    db.tx(create).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ContactQuery {
    /// Only contacts of this account.
    account: Option<AccountId>,
    /// Part of the name or the e-mail address, without regard to case.
    #[param(example = "purchasing")]
    q: Option<String>,
    /// Only active, or only inactive ones.
    active: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List contacts by name
///
/// The people at customers. `account` narrows the list to one company, `q` finds a part of the name.
#[utoipa::path(
    tag = "people",
    params(ContactQuery),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "A page of contacts", body = Page<Contact>)),
)]
#[get("/contacts")]
async fn list_contacts(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ContactQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let Params(query) = query;
    let filter = ContactFilter { account: query.account, q: query.q, active: query.active };
    let binding = format!("contacts {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list_contacts(conn, &filter, &request)).await?;
    Answer::page(&page)
}

/// Get a contact
///
/// With the accounts that they belong to.
#[utoipa::path(
    tag = "people",
    params(("id" = ContactId, Path)),
    security(("client_credentials" = ["people:read"])),
    responses((status = 200, description = "The contact", body = Contact)),
)]
#[get("/contacts/{id}")]
async fn get_contact(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ContactId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleRead)?;
    let contact = db.read(move |conn| service::get_contact(conn, id.0)).await?;
    Ok(Answer::ok(&contact)?.version(contact.version))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactChange {
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(example = "Purchasing contact")]
    name: Option<String>,
    /// Unique without regard to case.
    #[garde(email, length(max = 254))]
    #[schema(example = "purchasing@customer.example")]
    email: Option<String>,
    /// Null clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[garde(length(chars, min = 1, max = 50))]
    #[schema(value_type = Option<String>, example = "+43 1 0000000")]
    phone: Option<Option<String>>,
    /// A language tag (BCP 47).
    #[garde(inner(custom(language_tag)))]
    #[schema(example = "de")]
    language: Option<String>,
    #[garde(skip)]
    time_zone: Option<TimeZone>,
    /// The accounts that the contact belongs to from now on.
    #[garde(length(max = 1000))]
    account_ids: Option<Vec<AccountId>>,
    #[garde(skip)]
    #[schema(example = true)]
    active: Option<bool>,
}

/// Change a contact
///
/// Fields that are absent stay as they are. A contact who leaves an account does not see its tickets any more.
#[utoipa::path(
    tag = "people",
    params(("id" = ContactId, Path), IfMatch),
    request_body = ContactChange,
    security(("client_credentials" = ["people:write"])),
    responses((status = 200, description = "The contact as it is now", body = Contact)),
)]
#[patch("/contacts/{id}")]
async fn change_contact(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<ContactId>,
    seen: IfMatch,
    body: Body<ContactChange>,
) -> Result<Answer, AppError> {
    caller.require(Permission::PeopleWrite)?;
    let change = body.into_inner();
    let apply = move |contact: &mut Contact| {
        seen.check(contact.version)?;
        set(&mut contact.name, change.name);
        set(&mut contact.email, change.email);
        set(&mut contact.phone, change.phone);
        set(&mut contact.language, change.language);
        set(&mut contact.time_zone, change.time_zone);
        set(&mut contact.account_ids, change.account_ids);
        set(&mut contact.active, change.active);
        Ok(())
    };
    let change = move |conn: &mut _| service::change_contact(conn, &caller, id.0, now(), apply);
    let contact = db.tx(change).await?;
    Ok(Answer::ok(&contact)?.version(contact.version))
}
