//! The lead that a ticket became.
use uuid::Uuid;

use super::pass::{Pass, Stop};
use crate::crm::case::NewLead;
use crate::crm::{CrmError, store};
use crate::kernel::AppError;
use crate::tickets::{Lead, service as tickets};

impl Pass {
    /// Writes the lead that the ticket was converted to, once, where the connection wants leads.
    pub async fn lead_out(&mut self) -> Result<(), Stop> {
        if !self.crm.settings.leads {
            return Ok(());
        }
        let (ticket, connection) = (self.mirror.ticket_id, self.connection.id);
        let wanted = self.engine.0.db.read(move |conn| {
            let Some(lead) = tickets::converted(conn, ticket)? else { return Ok(None) };
            let made = store::lead(conn, connection, ticket)?;
            Ok(made.is_none().then_some(lead))
        });
        let Some(lead) = wanted.await? else { return Ok(()) };
        // The same at every attempt, and also when the case is made anew: the lead is not.
        let key = Uuid::new_v5(&connection.0, format!("lead {ticket}").as_bytes());
        let remote = self.crm.adapter.create_lead(key, &new_lead(lead)).await.map_err(refused)?;
        let now = self.now();
        self.held(move |conn, _| {
            store::remember_lead(conn, connection, ticket, &remote, now).map_err(AppError::from)?;
            Ok(())
        })
        .await
    }
}

fn refused(error: CrmError) -> Stop {
    match error {
        CrmError::Permanent { .. } | CrmError::NotFound { .. } | CrmError::Gone => Stop::Park {
            class: "permanent",
            reason: format!("the lead cannot be written: {error}"),
        },
        error => error.into(),
    }
}

fn new_lead(lead: Lead) -> NewLead {
    let Lead { first_name, last_name, email, phone, company, description } = lead;
    NewLead { first_name, last_name, email, phone, company, description }
}
