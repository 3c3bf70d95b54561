//! Endpoints of side conversations.
mod conversations;
mod messages;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(conversations::open_side_conversation)
        .service(conversations::list_side_conversations)
        .service(conversations::get_side_conversation)
        .service(conversations::change_side_conversation)
        .service(messages::send_side_message)
        .service(messages::list_side_messages)
        .service(messages::get_side_message);
}

fn not_blank(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() { Err(garde::Error::new("is blank")) } else { Ok(()) }
}
