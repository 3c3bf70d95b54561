//! Close a side conversation or open it again, and change who takes part.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::json;

use super::{Told, get, happen, participants, require};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, SideConversationId, TicketId};
use crate::mail::Address;
use crate::side_conversations::rules::SideConversationState;
use crate::side_conversations::store::{SideConversation, StoredParticipants};

/// What is to change; what is absent stays.
#[derive(Debug, Clone)]
pub struct Change {
    pub state: Option<SideConversationState>,
    pub to: Option<Address>,
    pub cc: Option<Vec<Address>>,
}

/// Changes a side conversation. Whoever takes part no more gets no further message, and what they send is not taken.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: TicketId,
    id: SideConversationId,
    seen: IfMatch,
    wanted: Change,
    now: DateTime<Utc>,
) -> Result<SideConversation, AppError> {
    require(actor, Permission::TicketsWrite)?;
    get(conn, actor, ticket, id)?;
    let ((), side) = happen(conn, actor, ticket, id, now, |conn, ticket, side| {
        seen.check(side.version)?;
        let before = side.clone();
        if wanted.to.is_some() || wanted.cc.is_some() {
            let present = before.participants.0.clone();
            let to = wanted.to.unwrap_or(present.to);
            let cc = wanted.cc.unwrap_or(present.cc);
            side.participants = StoredParticipants(participants(conn, ticket, to, cc)?);
        }
        if let Some(state) = wanted.state.filter(|state| *state != before.state) {
            side.state = state;
            side.closed_at = (state == SideConversationState::Closed).then_some(now);
        }
        Ok(((), told(&before, side)))
    })?;
    Ok(side)
}

fn told(before: &SideConversation, side: &SideConversation) -> Option<Told> {
    let kind = match side.state {
        _ if before == side => return None,
        state if state == before.state => EventType::SideConversationChanged,
        SideConversationState::Closed => EventType::SideConversationClosed,
        SideConversationState::Open => EventType::SideConversationReopened,
    };
    let changed = before.participants != side.participants;
    let data = if changed { json!({ "participants": side.participants.0 }) } else { json!({}) };
    Some(Told { kind, data })
}
