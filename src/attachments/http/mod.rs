//! Endpoints of files that are attached to nothing yet. Those of attachments belong to the ticket.
mod uploads;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(uploads::create_upload)
        .service(uploads::get_upload)
        .service(uploads::append_to_upload)
        .service(uploads::delete_upload)
        .service(uploads::list_upload_options);
}
