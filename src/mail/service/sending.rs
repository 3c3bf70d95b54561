//! Which mails are sent next, and what became of them. The sending itself is not here: it happens outside of transactions.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;

use super::bounces::suppress;
use crate::db::commit_without_waiting;
use crate::kernel::{AppError, MailId, SecretKey};
use crate::mail::message::{Outgoing, thread};
use crate::mail::rules::{
    Address, Allowance, MAX_UNANSWERED, MailState, Next, Outcome, SuppressionCause, Verdict,
    WINDOW, address_key, line, next,
};
use crate::mail::store::{self, After, OutgoingMail, Settled, Waiting};

/// What a claim came to.
pub struct Claimed {
    /// How many mails were due.
    pub due: usize,
    /// Those to be sent now, under a lease.
    pub outgoing: Vec<Outgoing>,
}

/// Takes mails that are due, decides which of them go out, and leases those until `lease_until`. A mail that is sent for the
/// first time gets its `Message-ID`, at `domain`.
pub fn claim(
    conn: &mut PgConnection,
    key: &SecretKey,
    domain: &str,
    most: i64,
    (now, lease_until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Claimed, AppError> {
    let due = store::lock_due(conn, now, most)?;
    if due.is_empty() {
        return Ok(Claimed { due: 0, outgoing: Vec::new() });
    }
    let copies: Vec<Vec<Address>> = due
        .iter()
        .map(|mail| serde_json::from_value(mail.cc.clone()).map_err(AppError::internal))
        .collect::<Result<_, _>>()?;
    let mut allowance = allowance(conn, &due, &copies, now)?;
    let (found, mut settled, mut outgoing, mut counted) =
        (due.len(), Vec::new(), Vec::new(), Vec::new());
    for (mut mail, cc) in due.into_iter().zip(copies) {
        let counts = counts(&mail);
        let (state, reason) = if mail.unanswered >= MAX_UNANSWERED {
            (MailState::Dead, Some(MAY_HAVE_ARRIVED.to_owned()))
        } else {
            match allowance.judge(mail.id, &mail.to_email, &cc, counts) {
                Verdict::Held(reason) => (MailState::Held, Some(reason)),
                Verdict::Suppressed(reason) => (MailState::Suppressed, Some(reason)),
                Verdict::Send { cc, reason } => {
                    mail.fence += 1;
                    mail.reason = reason.or(mail.reason);
                    let id = || thread(&mail).message_id(key, domain);
                    mail.message_id = Some(mail.message_id.clone().unwrap_or_else(id));
                    let kept = (MailState::Sending, mail.reason.clone());
                    let one = Outgoing { mail: mail.clone(), cc, references: Vec::new() };
                    if counts {
                        counted.extend(one.recipients().map(|email| (address_key(email), mail.id)));
                    }
                    outgoing.push(one);
                    kept
                }
            }
        };
        settled.push(Settled { id: mail.id, state, reason, message_id: mail.message_id });
    }
    store::settle(conn, &settled, lease_until)?;
    if !counted.is_empty() {
        store::count(conn, &counted, now)?;
    }
    refer(conn, &mut outgoing)?;
    Ok(Claimed { due: found, outgoing })
}

const MAY_HAVE_ARRIVED: &str = "the mail server's answer was lost twice: the mail may have arrived";

/// Whether the limit of automatic mails applies.
fn counts(mail: &OutgoingMail) -> bool {
    mail.automatic && !mail.released
}

/// What is known of the addresses of these mails. Nobody else counts automatic mails until the transaction ends.
fn allowance(
    conn: &mut PgConnection,
    mails: &[OutgoingMail],
    copies: &[Vec<Address>],
    now: DateTime<Utc>,
) -> Result<Allowance, AppError> {
    let all = copies.iter().flatten().map(|address| address_key(&address.email));
    let all: Vec<String> =
        mails.iter().map(|mail| address_key(&mail.to_email)).chain(all).collect();
    let suppressed = store::suppressed(conn, &all)?;
    let mut lately = Vec::new();
    if mails.iter().any(counts) {
        store::lock_counting(conn)?;
        lately = store::lately(conn, &all, now - WINDOW)?;
    }
    Ok(Allowance::new(suppressed, lately))
}

/// Names the mails of the conversation before each.
fn refer(conn: &mut PgConnection, outgoing: &mut [Outgoing]) -> Result<(), AppError> {
    let ids: Vec<MailId> = outgoing.iter().map(|one| one.mail.id).collect();
    let mut of: HashMap<MailId, Vec<String>> = HashMap::new();
    for (mail, message_id) in store::references(conn, &ids)? {
        of.entry(mail).or_default().push(message_id);
    }
    for one in outgoing {
        one.references = of.remove(&one.mail.id).unwrap_or_default();
    }
    Ok(())
}

/// Records what became of an attempt, and begins the next mail's; false when that was taken over. Mails leave at the server's pace,
/// so nothing waits for the disk here: after a crash of the database, a mail whose record is lost is sent again under its id.
pub fn next_attempt(
    conn: &mut PgConnection,
    ended: Option<&(OutgoingMail, Outcome)>,
    begins: Option<&OutgoingMail>,
    (now, jitter): (DateTime<Utc>, f64),
) -> Result<bool, AppError> {
    commit_without_waiting(conn)?;
    if let Some((mail, outcome)) = ended {
        record(conn, mail, outcome, now, jitter)?;
    }
    match begins {
        Some(mail) => Ok(store::begin(conn, mail.id, mail.fence)? == 1),
        None => Ok(true),
    }
}

fn record(
    conn: &mut PgConnection,
    mail: &OutgoingMail,
    outcome: &Outcome,
    now: DateTime<Utc>,
    jitter: f64,
) -> Result<(), AppError> {
    if store::record(conn, mail.id, mail.fence, &after(mail, outcome, now, jitter))? == 0 {
        return Ok(());
    }
    let refused = match outcome {
        Outcome::Sent { refused } => refused.clone(),
        Outcome::Refused { address: Some(address), refusal } => {
            vec![(address.clone(), refusal.clone())]
        }
        _ => Vec::new(),
    };
    for (address, refusal) in refused.iter().filter(|(_, refusal)| refusal.is_of_address()) {
        let (email, detail) = (address_key(address), line(&refusal.to_string()));
        suppress(conn, email, SuppressionCause::Refused, detail, mail.id, now)?;
    }
    Ok(())
}

fn after(mail: &OutgoingMail, outcome: &Outcome, now: DateTime<Utc>, jitter: f64) -> After {
    let began = mail.unanswered + 1;
    let ended = |state, reason, sent_at| After {
        state,
        reason,
        attempts: mail.attempts,
        unanswered: began,
        due_at: now,
        sent_at,
    };
    let reason = match outcome {
        Outcome::Sent { refused } => {
            let told = refused.iter().map(|(email, refusal)| format!("{email}: {refusal}"));
            let told: Vec<String> = told.collect();
            let own = (!told.is_empty()).then(|| format!("not sent to {}", line(&told.join("; "))));
            let reason = own.or_else(|| mail.reason.clone());
            return After { unanswered: 0, ..ended(MailState::Sent, reason, Some(now)) };
        }
        Outcome::Refused { address: Some(address), refusal } => format!("{address}: {refusal}"),
        Outcome::Refused { address: None, refusal } => refusal.to_string(),
        Outcome::Unanswered(why) if began >= MAX_UNANSWERED => {
            format!("{MAY_HAVE_ARRIVED} ({why})")
        }
        Outcome::Unanswered(why) => format!("no answer to the mail: {why}"),
        Outcome::Unsendable(why) | Outcome::NotTaken(why) | Outcome::NoServer(why) => why.clone(),
    };
    let reason = Some(line(&reason));
    match next(outcome, mail.attempts, began, jitter) {
        Next::Dead => ended(MailState::Dead, reason, None),
        Next::Retry { pause, attempts, unanswered } => After {
            attempts,
            unanswered,
            due_at: now + pause,
            ..ended(MailState::Queued, reason, None)
        },
    }
}

/// The leases of a turn.
pub fn renew(
    conn: &mut PgConnection,
    turn: &[(MailId, i64)],
    until: DateTime<Utc>,
) -> Result<bool, AppError> {
    Ok(store::renew(conn, turn, until)? > 0)
}

/// Gives mails back that were not begun.
pub fn give_back(
    conn: &mut PgConnection,
    turn: &[(MailId, i64)],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    store::release(conn, turn, now)?;
    Ok(())
}

/// Forgets automatic mails that no limit looks at any more.
pub fn forget_counted(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<(), AppError> {
    store::forget_counted(conn, now - WINDOW)?;
    Ok(())
}

/// How many mails are in each state that somebody may have to know of, and since when the oldest is.
pub fn figures(conn: &mut PgConnection) -> Result<Vec<Waiting>, AppError> {
    Ok(store::waiting(conn)?)
}
