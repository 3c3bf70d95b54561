//! Matches a batch of records with the desk and carries out what is decided, each kind of change in one statement.
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::Value;
use uuid::Uuid;

use super::rules::{self, Base, Desk, Handling, Local, Record, Sort, Take, Verdict};
use crate::catalog::{self, Product};
use crate::crm::store::{self, DueRecord, ImportRow, Link, LinkKind, Settled};
use crate::kernel::{AccountId, Actor, AppError, ContactId, ProductId, TimeZone};
use crate::people::{self, Account, Contact};

/// Records matched in one transaction.
const BATCH: i64 = 200;

/// Matches the next batch of the kind and counts what came of it; false when there is none. Notes where to go on.
pub fn match_batch(
    conn: &mut PgConnection,
    actor: &Actor,
    import: &mut ImportRow,
    handling: Handling,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let after = import.position.clone().unwrap_or_default();
    let due = store::due_records(conn, import, &after, BATCH)?;
    let Some(last) = due.last() else { return Ok(false) };
    import.position = Some(last.remote_id.clone());
    let records = due.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let desk = desk(conn, import, &records)?;
    let sort = sort(import.kind);
    let mut outcome = Outcome::default();
    for record in records {
        let verdict = rules::decide(sort, &record, &desk, handling);
        outcome.add(record, verdict)?;
    }
    outcome.carry_out(conn, actor, import, now)?;
    Ok(true)
}

fn sort(kind: LinkKind) -> Sort {
    match kind {
        LinkKind::Agent => Sort::User,
        LinkKind::Account | LinkKind::Product => Sort::Named,
        LinkKind::Contact => Sort::Contact,
    }
}

fn record(row: DueRecord) -> Result<Record, AppError> {
    let base = row.base.map(serde_json::from_value).transpose().map_err(AppError::internal)?;
    Ok(Record {
        remote_id: row.remote_id,
        values: Base {
            name: row.name,
            email: row.email,
            phone: row.phone,
            account_id: row.account_id,
        },
        key: row.match_key,
        active: row.active,
        gone: row.gone,
        base,
        reason: row.reason,
        local: row.local_id,
    })
}

/// What the desk has that these records may be about.
fn desk(conn: &mut PgConnection, import: &ImportRow, records: &[Record]) -> Result<Desk, AppError> {
    let ids: Vec<Uuid> = records.iter().filter_map(|record| record.local).collect();
    let keys: Vec<String> = records.iter().filter_map(|record| record.key.clone()).collect();
    let mut desk = Desk {
        ambiguous: store::ambiguous_keys(conn, import, &keys)?.into_iter().collect(),
        ..Desk::default()
    };
    for row in store::locals(conn, import, &ids, &keys)? {
        let local = Local {
            name: row.name,
            email: row.email,
            phone: row.phone,
            account_ids: row.account_ids,
            linked: row.linked,
        };
        desk.by_key.insert(row.key, row.id);
        desk.locals.insert(row.id, local);
    }
    if import.kind == LinkKind::Contact {
        let bases = records.iter().filter_map(|record| record.base.as_ref());
        let accounts = records.iter().map(|record| &record.values).chain(bases);
        let accounts: Vec<String> = accounts.filter_map(|v| v.account_id.clone()).collect();
        let links = store::links_to(conn, import.connection_id, LinkKind::Account, &accounts)?;
        desk.accounts = links.into_iter().map(|link| (link.remote_id, link.local_id)).collect();
    }
    Ok(desk)
}

/// What is to be done about a batch.
#[derive(Default)]
struct Outcome {
    create: Vec<(Uuid, Base, Option<Uuid>)>,
    links: Vec<Link>,
    /// Links to what was there before.
    found: usize,
    take: HashMap<Uuid, Take>,
    settled: Vec<Settled>,
    forget: Vec<String>,
}

impl Outcome {
    fn add(&mut self, record: Record, verdict: Verdict) -> Result<(), AppError> {
        let json = |base: &Base| serde_json::to_value(base).map_err(AppError::internal);
        let remote_id = record.remote_id;
        let (base, reason): (Option<Value>, _) = match verdict {
            Verdict::Forget => {
                self.forget.push(remote_id);
                return Ok(());
            }
            Verdict::Leave(reason) => (None, reason),
            Verdict::Create(account) => {
                let local_id = Uuid::now_v7();
                let base = json(&record.values)?;
                self.create.push((local_id, record.values, account));
                self.links.push(Link { local_id, remote_id: remote_id.clone() });
                (Some(base), None)
            }
            Verdict::Keep { local, new_link, take, base, reason } => {
                if new_link {
                    self.links.push(Link { local_id: local, remote_id: remote_id.clone() });
                    self.found += 1;
                }
                if take != Take::default() {
                    self.take.insert(local, take);
                }
                (Some(json(&base)?), reason)
            }
        };
        self.settled.push(Settled { remote_id, base, reason });
        Ok(())
    }

    fn carry_out(
        self,
        conn: &mut PgConnection,
        actor: &Actor,
        import: &mut ImportRow,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let (connection, kind) = (import.connection_id, import.kind);
        match kind {
            LinkKind::Agent => {}
            LinkKind::Account => create_accounts(conn, actor, &self.create, now)?,
            LinkKind::Product => create_products(conn, actor, &self.create, now)?,
            LinkKind::Contact => create_contacts(conn, actor, &self.create, now)?,
        }
        let updated = take(conn, actor, kind, &self.take, now)?;
        store::remember_all(conn, connection, kind, &self.links)?;
        let linked: Vec<Uuid> = self.links.iter().map(|link| link.local_id).collect();
        store::wake_unmapped(conn, connection, kind, &linked)?;
        store::settle_records(conn, import, &self.settled, &self.forget)?;
        let unmapped = self.settled.iter().filter(|record| record.reason.is_some()).count();
        import.created += number(self.create.len());
        import.updated += number(updated);
        import.linked += number(self.found);
        import.unmapped += number(unmapped);
        Ok(())
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

type Created = [(Uuid, Base, Option<Uuid>)];

fn create_accounts(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &Created,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let account = |(id, values, _): &(Uuid, Base, Option<Uuid>)| Account {
        id: AccountId(*id),
        name: values.name.clone(),
        active: true,
        manager_name: None,
        manager_email: None,
        agreement: None,
        surveys: true,
        product_ids: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let accounts: Vec<Account> = new.iter().map(account).collect();
    people::create_accounts(conn, actor, &accounts, now)
}

fn create_products(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &Created,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let product = |(id, values, _): &(Uuid, Base, Option<Uuid>)| Product {
        id: ProductId(*id),
        name: values.name.clone(),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let products: Vec<Product> = new.iter().map(product).collect();
    catalog::create_products(conn, actor, &products, now)
}

fn create_contacts(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &Created,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let contact = |(id, values, account): &(Uuid, Base, Option<Uuid>)| Contact {
        id: ContactId(*id),
        name: values.name.clone(),
        email: values.email.clone().unwrap_or_default(),
        phone: rules::phone(values),
        language: "en".to_owned(),
        time_zone: TimeZone(chrono_tz::Tz::UTC),
        active: true,
        account_ids: account.iter().map(|id| AccountId(*id)).collect(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let contacts: Vec<Contact> = new.iter().map(contact).collect();
    people::create_contacts(conn, actor, &contacts, now)
}

/// Takes over what the CRM changed; returns how many changed at the desk.
fn take(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: LinkKind,
    take: &HashMap<Uuid, Take>,
    now: DateTime<Utc>,
) -> Result<usize, AppError> {
    let rename = |id: Uuid, name: &mut String| {
        if let Some(new) = take.get(&id).and_then(|take| take.name.as_ref()) {
            name.clone_from(new);
        }
    };
    let ids = take.keys().copied();
    match kind {
        LinkKind::Agent => Ok(0),
        LinkKind::Account => {
            let ids: Vec<AccountId> = ids.map(AccountId).collect();
            people::change_accounts(conn, actor, &ids, now, |a| rename(a.id.0, &mut a.name))
        }
        LinkKind::Product => {
            let ids: Vec<ProductId> = ids.map(ProductId).collect();
            catalog::change_products(conn, actor, &ids, now, |p| rename(p.id.0, &mut p.name))
        }
        LinkKind::Contact => {
            let ids: Vec<ContactId> = ids.map(ContactId).collect();
            people::change_contacts(conn, actor, &ids, now, |contact| {
                if let Some(new) = take.get(&contact.id.0) {
                    take_contact(contact, new);
                }
            })
        }
    }
}

fn take_contact(contact: &mut Contact, take: &Take) {
    if let Some(name) = &take.name {
        contact.name.clone_from(name);
    }
    if let Some(email) = &take.email {
        contact.email.clone_from(email);
    }
    if let Some(phone) = &take.phone {
        contact.phone.clone_from(phone);
    }
    if let Some((leaves, joins)) = take.account {
        contact.account_ids.retain(|id| Some(id.0) != leaves);
        contact.account_ids.push(AccountId(joins));
    }
}
