//! Use cases of the webhooks.
mod deliveries;
mod delivering;
mod feeding;
mod replays;
mod webhooks;

use diesel::PgConnection;

use super::store::{self, Webhook};
use crate::kernel::{Actor, AppError, Permission, TicketId, Visibility, WebhookId};

pub use deliveries::{Told, delivery, list, replay, test};
pub use delivering::{Due, Lot, begin, claim, due, figures, record, release, sweep};
pub use feeding::feed_next;
pub use replays::{REPLAY, Replay, replay_since, replay_step};
pub use webhooks::{Wanted, change, create, delete, get, page, reseal, rotate, signs_with};

const MISSING: AppError = AppError::NotFound("the webhook");

/// What a webhook's secrets are sealed for.
fn purpose(id: WebhookId) -> String {
    format!("webhook/{id}")
}

/// A webhook is told of every ticket: it is for those to see and to make who see every ticket themselves.
fn require(actor: &Actor, permissions: &[Permission]) -> Result<(), AppError> {
    permissions.iter().try_for_each(|permission| actor.require(*permission))?;
    match actor.visibility() {
        Visibility::All => Ok(()),
        _ => {
            let detail = "webhooks are about every ticket, and you do not see them all";
            Err(AppError::rule("beyond_own_permissions", detail))
        }
    }
}

fn find(conn: &mut PgConnection, id: WebhookId) -> Result<Webhook, AppError> {
    store::find(conn, id)?.ok_or(MISSING)
}

/// Forgets what receivers said to events of a ticket whose text was redacted.
pub fn erase(conn: &mut PgConnection, ticket: TicketId) -> Result<(), AppError> {
    store::forget_answers(conn, ticket)?;
    Ok(())
}
