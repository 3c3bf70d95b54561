//! What a customer's page shows.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::store::{Filter, Sort, Summary};
use super::InWorkflow;
use super::read::{counts, list};
use crate::kernel::{AccountId, Actor, AppError, ContactId, Page, PageRequest};
use crate::people;
use crate::workflow::Category;

/// Whose tickets.
#[derive(Debug, Clone, Copy)]
pub enum Customer {
    Account(AccountId),
    Contact(ContactId),
}

/// A customer's tickets, newest first.
pub struct CustomersTickets {
    pub active: Page<InWorkflow<Summary>>,
    pub previous: Page<InWorkflow<Summary>>,
    /// As [`counts`] tells it.
    pub active_count: i64,
    pub previous_count: i64,
}

/// The tickets of a customer that the caller may see. A contact asks for their own accounts, and for who belongs to one of
/// them: nobody else is there for them.
pub fn customers_tickets(
    conn: &mut PgConnection,
    actor: &Actor,
    customer: Customer,
    [active, previous]: [&PageRequest; 2],
    now: DateTime<Utc>,
) -> Result<CustomersTickets, AppError> {
    let of_customer = filter(conn, actor, customer)?;
    let of_category =
        |category: &[Category]| Filter { category: category.to_vec(), ..of_customer.clone() };
    let (open, closed) = (of_category(&Category::OPEN), of_category(&[Category::Closed]));
    let filters = [open, closed];
    let counted = counts(conn, actor, &filters, now)?;
    let mut page = |filter, request| list(conn, actor, filter, Sort::NewestFirst, request, now);
    Ok(CustomersTickets {
        active: page(&filters[0], active)?,
        previous: page(&filters[1], previous)?,
        active_count: counted.first().copied().unwrap_or_default(),
        previous_count: counted.get(1).copied().unwrap_or_default(),
    })
}

fn filter(conn: &mut PgConnection, actor: &Actor, customer: Customer) -> Result<Filter, AppError> {
    let own = |account: &AccountId| !actor.is_contact() || actor.accounts.contains(account);
    match customer {
        Customer::Account(id) if own(&id) => {
            people::get_account(conn, id)?;
            Ok(Filter { account: vec![id], ..Filter::default() })
        }
        Customer::Account(_) => Err(AppError::NotFound("the account")),
        Customer::Contact(id) => {
            let contact = people::get_contact(conn, id)?;
            let known = actor.contact_id() == Some(id)
                || !actor.is_contact()
                || contact.account_ids.iter().any(own);
            if !known {
                return Err(AppError::NotFound("the contact"));
            }
            Ok(Filter { contact: vec![id], ..Filter::default() })
        }
    }
}
