//! Casebridge: support tickets over HTTP, mirrored both ways as cases in the customer's CRM.
//!
//! Read top to bottom: each module may use only the ones above it
//! (`tests/api/architecture.rs` fails otherwise).
pub mod kernel; //     pure vocabulary: ids, errors, actors, pages, secrets
pub mod config; //     one typed struct from environment and file
pub mod telemetry; //  logs, request ids, metrics
pub mod db; //         pool, transactions, generated schema, the embedded PostgreSQL
pub mod http; //       problem documents, extractors, ETag, idempotency keys, paging
pub mod auth; //       keys, tokens, clients: from a bearer token to an actor
pub mod events; //     the log: append, publish, read
pub mod people; //     accounts, contacts, agents, departments
pub mod catalog; //    products, categories, ticket types, components
pub mod workflow; //   statuses and transitions as data; the pure state machine
pub mod routing; //    a component decides which level and department own a ticket
pub mod assignment; // who works on a ticket: eligibility, least-loaded pick, explanation
pub mod notes; //      the conversation: append-only notes
pub mod attachments; // files and links that belong to a ticket
pub mod appointments; // when agents work on tickets
pub mod triage; //     severity x impact decides how urgent a ticket is
pub mod jobs; //       work that takes longer than a request, in steps
pub mod tickets; //    the ticket: open, find, reply, move, assign, transfer, elevate, delete
pub mod views; //      saved filters, personal and shared, with counts
pub mod mail; //       what goes out by mail
pub mod canned_replies; // texts with placeholders
pub mod macros; //     named lists of actions on a ticket
pub mod side_conversations; // mail threads to people outside
pub mod inbound; //    mails that come in: threads, loops, quarantine, the mailbox
pub mod reminders; //  customers who do not reply
pub mod surveys; //    how satisfied customers are with a closed ticket
pub mod sla; //        how soon customers are answered: calendars, policies, clocks
pub mod time_entries; // what agents work on tickets, and what it costs
pub mod notifications; // who is told of what happens, and how
pub mod schedule; //   when somebody works on a ticket: appointments, reminders, calendars
pub mod bulk; //       one operation on many tickets, as a job
pub mod webhooks; //   what happens is sent to other programs
pub mod crm; //        the mirror: every ticket is a case, both ways
pub mod reports; //    figures about tickets, derived from their histories
pub mod export; //     every ticket with all it has, as a stream
pub mod seed; //       the data that a new desk starts with
pub mod workers; //    supervision: one loop shape for all background work
pub mod openapi; //    the specification and Swagger UI
pub mod app; //        composition root: builds the server and the workers, ordered shutdown
