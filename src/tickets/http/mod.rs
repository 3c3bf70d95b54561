//! Endpoints of the ticket: parse, call one use case, render.
mod assign;
mod attachment_form;
mod attachments;
mod batch;
mod change;
mod customer;
mod drafts;
mod elevations;
mod files;
mod filter;
mod handover;
mod links;
mod list;
mod matrix;
mod merge;
mod notes;
mod open;
mod operation;
mod process;
mod queue;
mod read;
mod reply_drafts;
mod search;
mod status_move;
mod tags;
mod transitions;
mod triage;
mod view;
mod watchers;

pub use list::found_by;
pub use operation::{OperationKind, operation};
use utoipa_actix_web::service_config::ServiceConfig;

pub use customer::BoundedCount;
pub use filter::ListQuery;
pub use list::answer_list;
pub use view::{COLUMNS, DESK_COLUMNS, TicketSummary, TicketView, answer as answer_ticket};

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
        .service(links::add_link)
        .service(links::list_links)
        .service(links::get_link)
        .service(links::delete_link)
        .service(merge::merge_ticket)
        .service(merge::undo_merge)
        .service(merge::split_ticket)
        .service(read::list_ticket_history)
        .service(assign::explain_assignment)
        .service(assign::assign_ticket)
        .service(handover::hand_over_ticket)
        .service(queue::list_waiting_tickets)
        .service(queue::preview_assignment)
        .service(assign::transfer_ticket)
        .service(status_move::move_tickets)
        .service(elevations::elevate_ticket)
        .service(elevations::list_elevations)
        .service(process::get_ticket_process)
        .service(process::mark_process_step)
        .service(triage::triage_ticket)
        .service(triage::list_triage_queue)
        .service(matrix::get_triage_matrix)
        .service(matrix::replace_triage_matrix)
        .service(matrix::apply_triage_matrix)
        .configure(more_routes);
}

fn more_routes(cfg: &mut ServiceConfig) {
    cfg.service(batch::batch_tickets)
        .service(files::get_attachment_content)
        .service(files::link_attachment)
        .service(files::read_linked_file)
        .service(drafts::create_draft)
        .service(drafts::list_drafts)
        .service(drafts::get_draft)
        .service(drafts::change_draft)
        .service(drafts::discard_draft)
        .service(drafts::submit_draft)
        .service(reply_drafts::get_reply_draft)
        .service(reply_drafts::save_reply_draft)
        .service(reply_drafts::discard_reply_draft)
        .service(reply_drafts::list_mentionable_agents)
        .service(tags::tag_ticket)
        .service(tags::untag_ticket)
        .service(tags::list_tags)
        .service(watchers::list_watchers)
        .service(watchers::watch_ticket)
        .service(watchers::unwatch_ticket);
}
