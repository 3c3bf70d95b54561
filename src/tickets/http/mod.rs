//! Endpoints of the ticket: parse, call one use case, render.
mod assign;
mod attachments;
mod change;
mod customer;
mod filter;
mod list;
mod notes;
mod open;
mod read;
mod search;
mod transitions;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub use customer::BoundedCount;
pub use filter::ListQuery;
pub use list::answer_list;
pub use view::{COLUMNS, DESK_COLUMNS, TicketSummary};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(open::open_ticket)
        .service(list::list_tickets)
        .service(search::search_tickets)
        .service(customer::list_account_tickets)
        .service(customer::list_contact_tickets)
        .service(read::get_ticket)
        .service(change::change_ticket)
        .service(change::submit_ticket)
        .service(change::delete_ticket)
        .service(change::restore_ticket)
        .service(transitions::list_transitions)
        .service(transitions::transition_ticket)
        .service(notes::add_note)
        .service(notes::list_notes)
        .service(notes::get_note)
        .service(attachments::add_attachment)
        .service(attachments::list_attachments)
        .service(read::list_ticket_history)
        .service(assign::explain_assignment)
        .service(assign::assign_ticket)
        .service(assign::transfer_ticket)
        .service(assign::elevate_ticket)
        .service(assign::list_elevations);
}
