//! The event log: what happened, in the transaction that made it true.
//!
//! [`append`] writes an event without a position. The relay ([`publish_next`]) gives committed events the next positions and
//! in the same transaction fans them out to the [`Consumer`]s. Readers see positions only: dense, never skipped.
mod event;
mod feed;
mod http;
mod live;
mod relay;
mod resource;
mod service;
mod store;

pub use event::{Changes, EventType, NewEvent, Subject, diff};
pub use feed::Feed;
pub use http::{EventView, routes};
pub use live::Live;
pub use relay::{Consumer, publish_next};
pub use resource::{
    resource_changed, resource_created, resource_deleted, resources_changed, resources_created,
};
pub use service::{
    TicketNews, append, append_all, at, behind, erase, feed, history, last_acts, last_position,
    next_move, of_kind, position_before, ticket_news, waiting_since,
};
pub use store::{Act, Event, Filter};
