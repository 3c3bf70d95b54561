//! Queries of the webhooks.
mod attempts;
mod deliveries;
mod webhooks;

pub use attempts::{Attempt, attempts, begin, end, forget_answers};
pub use deliveries::{
    After, Delivery, DeliveryFilter, Figures, NewDelivery, again, due, figures, find_delivery,
    forget, list, lock_delivery, queue, queue_again, record,
};
pub use webhooks::{
    Webhook, advance, answered, claim, delete, failed, find, how_many, insert, lock, lock_behind,
    page, release, renew, replace_sealed, save, sealed,
};
