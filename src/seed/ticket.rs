//! A first ticket, which the specification's examples are about.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::kernel::{
    AccountId, Actor, AppError, ComponentId, ContactId, Priority, ProductId, TicketId,
};
use crate::tickets::Source;
use crate::tickets::service::{self, NewTicket};

pub fn load(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    let ticket = NewTicket {
        id: TicketId::EXAMPLE,
        subject: "A first ticket to try things with".into(),
        description: "It came with the seed data. Reply to it, assign it, close it.".into(),
        url: None,
        priority: Priority::default(),
        type_key: "question".into(),
        account_id: Some(AccountId::EXAMPLE),
        contact_id: Some(ContactId::EXAMPLE),
        product_id: Some(ProductId::EXAMPLE),
        category_id: None,
        component_id: Some(ComponentId::EXAMPLE),
        deadline: None,
        source: Source::Api,
        external_id: None,
        tags: vec!["example".into()],
        draft: false,
    };
    service::open(conn, &Actor::system(), ticket, now).map(|_| ())
}
