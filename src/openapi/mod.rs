//! The specification: generated from the handlers, completed in one place, served with Swagger UI.
mod complete;
mod examples;
mod naming;

use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{
    ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
};
use utoipa::{Modify, OpenApi as _};

pub use self::complete::complete;
use crate::http::Problem;
use crate::kernel::Permission;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Casebridge",
        contact(name = "The makers of Casebridge"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        description = "Support tickets over HTTP, mirrored both ways as cases in the customer's CRM.\n\n\
            Every refusal is a problem document (RFC 9457). Changes need `If-Match` with the ETag that you last saw. \
            A POST with an `Idempotency-Key` can be sent again safely. Lists are paged by opaque cursors.\n\n\
            What is filled in here is about the seed data: after **Authorize**, most operations can be executed as they are.",
    ),
    servers((url = "/", description = "This service")),
    components(schemas(Problem)),
    modifiers(&Security),
    tags(
        (name = "tickets", description = "Open, read, find and change tickets"),
        (name = "drafts", description = "Tickets before they are submitted, filled in step by step"),
        (name = "views", description = "Saved filters, personal and shared, with live counts"),
        (name = "notes", description = "The conversation on a ticket"),
        (name = "attachments", description = "Files of tickets: upload, download, signed links"),
        (name = "macros", description = "Named lists of actions, done together"),
        (name = "canned replies", description = "Texts that are sent again and again, with placeholders"),
        (name = "side conversations", description = "Mail threads from a ticket to people outside, which the customer never sees"),
        (name = "notifications", description = "Who is told of what, over what, and when"),
        (name = "mails", description = "What goes out by mail, what does not and why, and where mail does not arrive"),
        (name = "incoming mails", description = "Mails that come in: what became of them, and quarantine"),
        (name = "mail templates", description = "The texts of mails, in several languages"),
        (name = "surveys", description = "How satisfied customers are with closed tickets"),
        (name = "workflow", description = "Statuses and transitions, as data"),
        (name = "assignment", description = "Who works on a ticket, and why"),
        (name = "triage", description = "How urgent a ticket is, and what waits to be looked at"),
        (name = "service levels", description = "How soon customers are answered, and tickets solved"),
        (name = "reports", description = "Figures about tickets, by time and by group"),
        (name = "schedule", description = "When somebody works on a ticket, and calendars"),
        (name = "time", description = "What agents work on tickets, and what it costs"),
        (name = "routing", description = "Which level and team own a ticket"),
        (name = "people", description = "Accounts, contacts, agents, departments"),
        (name = "catalog", description = "Products, categories, components, ticket types"),
        (name = "crm", description = "The mirror: connections, maps, conflicts"),
        (name = "jobs", description = "Work that takes longer than a request"),
        (name = "events", description = "The change feed, and its live stream"),
        (name = "export", description = "Everything that tickets have, as a stream for warehouses"),
        (name = "webhooks", description = "What happens is sent to other programs, signed"),
        (name = "auth", description = "Tokens and keys"),
        (name = "clients", description = "Integration clients and signing keys"),
        (name = "operations", description = "Health and metrics"),
    ),
)]
struct ApiDoc;

/// The document that the handlers' operations are added to.
pub fn base() -> OpenApi {
    ApiDoc::openapi()
}

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A token, as `casebridge token admin` prints one."))
            .build();
        let scopes = Permission::ALL.iter().map(|scope| (scope.as_str(), meaning(*scope)));
        let flow = ClientCredentials::new("/oauth/token", Scopes::from_iter(scopes));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let meaning = "The id and the secret that `POST /v1/clients` answers. Choose scopes that the client has.";
        let flows = OAuth2::with_description([Flow::ClientCredentials(flow)], meaning);
        components.add_security_scheme("client_credentials", SecurityScheme::OAuth2(flows));
    }
}

/// What a scope allows, for who chooses scopes.
fn meaning(scope: Permission) -> &'static str {
    match scope {
        Permission::TicketsRead => "Read tickets, their conversations and histories",
        Permission::TicketsWrite => "Open tickets, reply, close one's own",
        Permission::TicketsWork => "Move, assign, transfer and elevate tickets; internal notes",
        Permission::TicketsDelete => "Delete and restore tickets",
        Permission::PeopleRead => "Read accounts, contacts, agents and departments",
        Permission::PeopleWrite => "Change accounts, contacts, agents and departments",
        Permission::CatalogRead => "Read products, categories, components and ticket types",
        Permission::CatalogWrite => "Change products, categories, components and ticket types",
        Permission::WorkflowRead => "Read workflows",
        Permission::WorkflowWrite => "Change workflows",
        Permission::EventsRead => "Read the change feed",
        Permission::WebhooksRead => "See webhooks and what became of their deliveries",
        Permission::WebhooksWrite => "Say where events are sent to, test it, and send them again",
        Permission::CrmSync => "Push and pull cases",
        Permission::CrmRead => "See CRM connections, mirrors and conflicts",
        Permission::CrmWrite => "Change CRM connections and maps, decide conflicts",
        Permission::ReportsRead => "Read reports",
        Permission::JobsRead => "See jobs and how far they are",
        Permission::JobsWrite => "Cancel jobs",
        Permission::MailReceive => "Take mails in, whoever they say that they are from",
        Permission::ExportRead => "Read everything that all tickets have, at once",
        Permission::ClientsWrite => "Manage integration clients and signing keys",
    }
}
