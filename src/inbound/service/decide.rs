//! What a mail becomes: a reply, a ticket, or something that somebody has to look at.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::super::rules::{
    Bounce, Cause, Incoming, Outcome, Sender, UnknownSenders, conversation, is_thanks,
    subject_number,
};
use super::super::store::{self, Settings};
use super::Desk;
use super::aside::{participants_reply, side_of};
use crate::auth;
use crate::kernel::{
    AccountId, Actor, AppError, CategoryId, ContactId, InboundMailId, Origin, Priority, ProductId,
    SideConversationId, TicketId,
};
use crate::mail::service as mail;
use crate::mail::{Conversation, Thread};
use crate::notes::{self, Channel, NewNote, NoteVisibility};
use crate::people;
use crate::side_conversations;
use crate::tickets::Source;
use crate::tickets::service::{self as tickets, NewTicket, Replied};

/// Who writes, as far as the desk knows.
enum Person {
    Contact(Actor),
    Agent(Actor),
    Nobody,
}

/// What becomes of a mail. Does it, too: the note is written, the ticket opened.
pub(super) fn decide(
    conn: &mut PgConnection,
    desk: &Desk,
    id: InboundMailId,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let thread = conversation(&desk.key, incoming);
    if let Some(cause) = incoming.automatic {
        return automatic(conn, incoming, cause, thread, now);
    }
    if incoming.header_only {
        return Ok(Outcome::quarantined(Cause::Excessive));
    }
    let Some(sender) = &incoming.sender else {
        return Ok(Outcome::quarantined(Cause::NoSender));
    };
    if let Some(side) = side_of(thread) {
        return participants_reply(conn, side, id, sender, incoming, now);
    }
    let person = person(conn, &sender.email)?;
    match (thread, person) {
        (Some(thread), Person::Contact(contact)) => {
            let ticket = existing(conn, Some(thread))?;
            reply(conn, &contact, ticket, incoming, now)
        }
        (Some(thread), Person::Agent(agent)) => {
            agents_reply(conn, &agent, sender, thread, incoming, now)
        }
        (Some(thread), Person::Nobody) => {
            let ticket = existing(conn, Some(thread))?;
            Ok(Outcome::quarantined(Cause::UnknownSender).about(ticket))
        }
        (None, Person::Contact(contact)) => match by_subject(conn, &contact, &incoming.subject)? {
            Some(ticket) => reply(conn, &contact, Some(ticket), incoming, now),
            None => open_for(conn, &contact, incoming, now),
        },
        (None, Person::Agent(_)) => Ok(Outcome::quarantined(Cause::UnprovenAgent)),
        (None, Person::Nobody) => stranger(conn, sender, incoming, now),
    }
}

/// The ticket that a signed token leads to, if there still is one.
pub(super) fn existing(
    conn: &mut PgConnection,
    thread: Option<Thread>,
) -> Result<Option<TicketId>, AppError> {
    let id = match thread.map(|thread| thread.conversation) {
        None => return Ok(None),
        Some(Conversation::Ticket(id)) => id,
        Some(Conversation::Side(id)) => {
            let side = side_conversations::find(conn, SideConversationId(id))?;
            return Ok(side.map(|side| side.ticket_id));
        }
    };
    match tickets::get(conn, &service(), id) {
        Ok(_) => Ok(Some(id)),
        Err(AppError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The service itself, which takes the mail in.
pub(super) fn service() -> Actor {
    Actor { origin: Origin::Mail, ..Actor::system() }
}

/// Contacts and agents who may call, by the address that the mail says it is from.
fn person(conn: &mut PgConnection, email: &str) -> Result<Person, AppError> {
    let by_mail = |actor: Actor| Actor { origin: Origin::Mail, ..actor };
    if let Some(id) = people::contact_by_email(conn, email)? {
        let contact = auth::acting(conn, id.0)?;
        return Ok(contact.map_or(Person::Nobody, |actor| Person::Contact(by_mail(actor))));
    }
    let agent = people::agent_by_email(conn, email)?;
    let agent = agent.map(|id| auth::acting(conn, id.0)).transpose()?.flatten();
    Ok(agent.map_or(Person::Nobody, |actor| Person::Agent(by_mail(actor))))
}

/// The contact who has this address, as they may act.
pub(super) fn known_contact(
    conn: &mut PgConnection,
    sender: &Sender,
) -> Result<Option<Actor>, AppError> {
    Ok(match person(conn, &sender.email)? {
        Person::Contact(contact) => Some(contact),
        Person::Agent(_) | Person::Nobody => None,
    })
}

/// The contact or agent who has this address, as they may act.
pub(super) fn known_person(
    conn: &mut PgConnection,
    email: &str,
) -> Result<Option<Actor>, AppError> {
    Ok(match person(conn, email)? {
        Person::Contact(actor) | Person::Agent(actor) => Some(actor),
        Person::Nobody => None,
    })
}

/// What no person sent is recorded with its ticket, and nothing else happens.
fn automatic(
    conn: &mut PgConnection,
    incoming: &Incoming,
    cause: Cause,
    thread: Option<Thread>,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let ignored = Outcome::ignored(cause).about(existing(conn, thread)?);
    let mut told = Vec::new();
    for Bounce { address, reason } in &incoming.bounces {
        // Only who got a mail of ours knows its token: nobody else can have an address suppressed.
        let believed = match thread {
            Some(thread) => mail::bounced(conn, thread.mail, Some(address), reason, now)?,
            None => false,
        };
        let doubt = if believed { "" } else { " (about no mail that was sent there)" };
        told.push(format!("{address}: {reason}{doubt}"));
    }
    Ok(if told.is_empty() { ignored } else { ignored.because(told.join("; ")) })
}

fn note(incoming: &Incoming) -> NewNote {
    NewNote::public(Channel::Email, incoming.note())
}

fn reply(
    conn: &mut PgConnection,
    contact: &Actor,
    ticket: Option<TicketId>,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let strange = Outcome::quarantined(Cause::NotParticipant).about(ticket);
    let Some(id) = ticket else { return Ok(strange) };
    let only_thanks = is_thanks(&incoming.reply) && incoming.files.iter().all(|file| file.inline);
    let replied = if only_thanks && !store::settings(conn)?.thanks_reopens {
        tickets::thank(conn, contact, id, note(incoming), "thanks", now)
    } else {
        tickets::reply(conn, contact, id, note(incoming), now)
    };
    match replied {
        Ok(replied) => Ok(taken(replied)),
        Err(AppError::NotFound(_)) => Ok(strange),
        Err(error) => Err(error),
    }
}

pub(super) fn taken(replied: Replied) -> Outcome {
    match replied {
        Replied::Noted(noted) => Outcome::taken(noted.0.ticket_id, Some(noted.0.id)),
        Replied::FollowedUp { opened, .. } => Outcome::taken(opened.row.id, None),
    }
}

/// Anybody can write an agent's address into `From`. Only the agent has the mail that was sent to them, whose token the reply
/// repeats. It is for the customer only where that mail told of a public note: an answer to a colleague, to an alarm or to an
/// assignment stays with the desk.
fn agents_reply(
    conn: &mut PgConnection,
    agent: &Actor,
    sender: &Sender,
    thread: Thread,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let unproven = Outcome::quarantined(Cause::UnprovenAgent);
    let Some(id) = existing(conn, Some(thread))? else { return Ok(unproven) };
    let told = match mail::get(conn, &service(), thread.mail) {
        Ok(mail) if mail.to_email.eq_ignore_ascii_case(&sender.email) => mail.note_id,
        Ok(_) | Err(AppError::NotFound(_)) => return Ok(unproven.about(Some(id))),
        Err(error) => return Err(error),
    };
    let told = notes::of_ids(conn, told.as_slice())?;
    let visibility = told.first().map_or(NoteVisibility::Internal, |note| note.visibility);
    match tickets::reply(conn, agent, id, NewNote { visibility, ..note(incoming) }, now) {
        Ok(replied) => Ok(taken(replied)),
        Err(AppError::NotFound(_)) => {
            Ok(Outcome::quarantined(Cause::NotParticipant).about(Some(id)))
        }
        Err(error) => Err(error),
    }
}

/// The ticket that the subject names, if the contact takes part in it.
fn by_subject(
    conn: &mut PgConnection,
    contact: &Actor,
    subject: &str,
) -> Result<Option<TicketId>, AppError> {
    let number = subject_number(subject).zip(contact.contact_id());
    let Some((number, contact)) = number else { return Ok(None) };
    tickets::participates(conn, number, contact)
}

/// What a new ticket is about.
struct About {
    account: AccountId,
    contact: Option<ContactId>,
    product: Option<ProductId>,
    category: Option<CategoryId>,
}

fn open_for(
    conn: &mut PgConnection,
    contact: &Actor,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let [account] = contact.accounts.as_slice() else {
        return Ok(Outcome::quarantined(Cause::NoAccount));
    };
    let has = people::get_account(conn, *account)?.product_ids;
    let settings = store::settings(conn)?;
    let (product, category) = match has.as_slice() {
        [only] => (Some(*only), None),
        _ => (settings.product_id.filter(|id| has.contains(id)), settings.category_id),
    };
    if product.is_none() && category.is_none() {
        return Ok(Outcome::quarantined(Cause::NoProduct));
    }
    let about = About { account: *account, contact: contact.contact_id(), product, category };
    let opened = tickets::open(conn, contact, new_ticket(about, incoming), now)?;
    Ok(Outcome::taken(opened.row.id, None))
}

/// A ticket without a contact: nobody is answered, because nobody has shown that the address is theirs.
fn stranger(
    conn: &mut PgConnection,
    sender: &Sender,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Outcome, AppError> {
    let Settings { unknown_senders, account_id, product_id, category_id, .. } =
        store::settings(conn)?;
    let Some(account) = account_id.filter(|_| unknown_senders == UnknownSenders::Open) else {
        return Ok(Outcome::quarantined(Cause::UnknownSender));
    };
    let about = About { account, contact: None, product: product_id, category: category_id };
    let opened = tickets::open(conn, &service(), new_ticket(about, incoming), now)?;
    let id = opened.row.id;
    let body = format!("This came by mail from {}, whom the desk does not know.", named(sender));
    tickets::add_note(conn, &service(), id, NewNote::internal(Channel::Email, body), now)?;
    Ok(Outcome::taken(id, None))
}

/// `Ann Lee <ann@customer.example>`
pub(super) fn named(sender: &Sender) -> String {
    match &sender.name {
        Some(name) => format!("{name} <{}>", sender.email),
        None => sender.email.clone(),
    }
}

fn new_ticket(about: About, incoming: &Incoming) -> NewTicket {
    NewTicket {
        account_id: Some(about.account),
        contact_id: about.contact,
        product_id: about.product,
        category_id: about.category,
        ..new_ticket_of(incoming)
    }
}

/// What a mail says of the ticket that it opens: not whose it is.
pub(super) fn new_ticket_of(incoming: &Incoming) -> NewTicket {
    let subject = incoming.subject.trim();
    NewTicket {
        id: TicketId::new(),
        subject: if subject.is_empty() { "(no subject)".into() } else { subject.to_owned() },
        description: incoming.description(),
        url: None,
        priority: Priority::default(),
        type_key: "question".into(),
        account_id: None,
        contact_id: None,
        product_id: None,
        category_id: None,
        component_id: None,
        deadline: None,
        source: Source::Email,
        external_id: None,
        tags: Vec::new(),
        draft: false,
    }
}
