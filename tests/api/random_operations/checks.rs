//! The invariants, asked of the database and of the API.
use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::acks::{Histories, breaks, compare, differences, pages};
use super::player::World;
use crate::support::{Client, TestApp};

/// What each of these counts must not be.
const NEVER: &[(&str, &str)] = &[
    ("a ticket whose versions are not those of its events",
     "select count(*) as number from tickets t where category <> 'draft' and (version, version) not in
        (select coalesce(max(ticket_version), 0), count(*) + coalesce(min(ticket_version), 0) - 1 from events where ticket_id = t.id)"),
    ("a history that does not begin with the ticket",
     "select count(*) as number from events e where ticket_id is not null
        and (type in ('ticket.opened', 'ticket.submitted')) is distinct from
            (ticket_version = (select min(ticket_version) from events where ticket_id = e.ticket_id))"),
    ("a draft that is told of",
     "select count(*) as number from tickets t join events e on e.ticket_id = t.id where t.category = 'draft'"),
    ("a load that is not what a recount gives",
     "select count(*) as number from agents a where open_tickets <> (select count(*) from tickets t where t.assignee_id = a.id
        and t.deleted_at is null and t.category in ('new', 'open', 'pending', 'on_hold'))"),
    ("a ticket given by itself to somebody who was full, away or not there",
     "select count(*) as number from misgiven"),
    ("an assignee who is not who was decided last",
     "select count(*) as number from tickets t where category <> 'draft' and assignee_id is distinct from
        (select agent_id from assignments where ticket_id = t.id order by id desc limit 1)"),
    ("a ticket with two parents",
     "select count(*) as number from (select from_id from ticket_links where kind = 'child_of' group by 1 having count(*) > 1) two"),
    ("a ticket that is its own ancestor",
     "with recursive up (child, id) as (select from_id, to_id from ticket_links where kind = 'child_of'
        union select up.child, l.to_id from up join ticket_links l on l.from_id = up.id and l.kind = 'child_of')
        select count(*) as number from up where child = id"),
    ("a link that was not told of on both sides, or not taken away on both",
     "select count(*) as number from (select data ->> 'link_id' as id, type, count(*) as told,
          count(*) filter (where l.id is not null) as there from events e
        left join ticket_links l on l.id::text = data ->> 'link_id' where type in ('ticket.linked', 'ticket.unlinked')
        group by 1, 2) t where told <> 2 or (type = 'ticket.unlinked') = (there > 0)
          and not (type = 'ticket.linked' and exists (select from events u where u.type = 'ticket.unlinked' and u.data ->> 'link_id' = t.id))"),
    ("a closed parent of which its child was not told",
     "select count(*) as number from ticket_links where parent_closed_at is not null"),
    ("a circle of merges",
     "with recursive to_ (id, into_) as (select id, merged_into from tickets where merged_into is not null
        union select to_.id, t.merged_into from to_ join tickets t on t.id = to_.into_ where t.merged_into is not null)
        select count(*) as number from to_ where id = into_"),
    ("a merged ticket that is not closed, or forgot what it was",
     "select count(*) as number from tickets t where (merged_into is not null) <> exists (select from ticket_merges where ticket_id = t.id)
        or merged_into is not null and (category <> 'closed' or automatic_at is not null)"),
    ("a wrong count of merged tickets",
     "select count(*) as number from tickets t where merged_count <> (select count(*) from tickets where merged_into = t.id)"),
    ("a wrong count of notes, or a gap between them",
     "select count(*) as number from tickets t where (note_count, note_count) not in
        (select count(*), coalesce(max(seq), 0) from notes where ticket_id = t.id)"),
    ("a gap between attachments",
     "select count(*) as number from (select count(*) as there, max(seq) as last from attachments group by ticket_id) a where there <> last"),
    ("an event without its position, or a gap between positions",
     "select count(*) filter (where position is null) + count(*) - coalesce(max(position), 0) as number from events"),
    ("an event that was published before the version that it follows",
     "select count(*) as number from events a join events b on b.ticket_id = a.ticket_id
        and b.ticket_version = a.ticket_version + 1 and b.position < a.position"),
    ("an agent who has two appointments at once",
     "select count(*) as number from appointments a join appointments b on a.agent_id = b.agent_id and a.id < b.id
        and a.cancelled_at is null and b.cancelled_at is null and a.starts_at < b.ends_at and b.starts_at < a.ends_at"),
    ("an appointment that lost a change",
     "select count(*) as number from appointments a where version <> (select count(*) from events
        where type like 'appointment.%' and type <> 'appointment.reminder_due' and data ->> 'appointment_id' = a.id::text)"),
    ("a level that was not reached by recorded steps",
     "select count(*) as number from tickets t join lateral
        (select to_level from elevations where ticket_id = t.id order by id desc limit 1) e on true where e.to_level <> t.level"),
    ("a resource whose changes are not its versions",
     "select count(*) as number from agents a where version <> (select count(*) from events where subject = 'agent/' || a.id)"),
    ("words of a ticket that are not what it says",
     "select count(*) as number from texts_before b join ticket_texts t using (ticket_id)
        where (b.words, b.department_id) is distinct from (t.words, (select department_id from tickets where id = t.ticket_id))"),
    ("a ticket that is not searched",
     "select count(*) as number from tickets t where not exists (select from ticket_texts where ticket_id = t.id)"),
    ("two transactions that waited for each other",
     "select deadlocks as number from pg_stat_database where datname = current_database()"),
];

/// Writes down whoever is given a ticket by itself and cannot take it at that moment: while the transaction ends, they
/// are locked, and their load has the ticket already.
pub async fn watch_assignments(app: &TestApp) {
    for statement in [
        "create table misgiven (agent_id uuid)",
        "create function look_at_agent() returns trigger language plpgsql as $$ begin
           insert into misgiven select id from agents
            where id = new.agent_id and (open_tickets > capacity or away or not active);
           return null; end $$",
        "create constraint trigger look_at_agent after insert on assignments deferrable initially deferred
           for each row when (new.rule in ('least_loaded', 'returned')) execute function look_at_agent()",
    ] {
        app.sql(statement).await.unwrap();
    }
}

/// Everything that does not hold, in words.
pub async fn all(app: &TestApp, world: &World) -> Vec<String> {
    app.sql("create table texts_before as select * from ticket_texts").await.unwrap();
    app.sql("select renew_ticket_text(ticket_id) from texts_before").await.unwrap();
    // Whoever leaves tells the server's statistics what there was.
    app.database.refuse_connections(true);
    app.database.refuse_connections(false);
    let mut wrong = Vec::new();
    for (what, query) in NEVER {
        let times = app.number(query).await;
        if times != 0 {
            wrong.push(format!("{what}: {times}"));
        }
    }
    let reader = app.agent("Coordinator").await;
    let ids = app.texts("select id::text as text from tickets where category <> 'draft'").await;
    let histories = read_all(&reader, &ids, "/history").await;
    wrong.extend(histories.values().flat_map(|history| breaks(history)));
    wrong.extend(as_they_are(&reader, &histories).await);
    // A link to a deleted ticket is not shown.
    let there = app
        .texts(
            "select id::text as text from tickets where category <> 'draft' and deleted_at is null",
        )
        .await;
    wrong.extend(one_sided(&read_all(&reader, &there, "/links").await));
    wrong.extend(feed(&reader, &histories).await);
    wrong.extend(compare(world, &histories, &world.players));
    wrong
}

async fn read_all(reader: &Client, ids: &[String], rest: &str) -> Histories {
    let read = |id: String| async move {
        (id.clone(), pages(reader, &format!("/v1/tickets/{id}{rest}")).await)
    };
    stream::iter(ids.to_vec()).map(read).buffer_unordered(8).collect().await
}

/// Every history ends with the ticket as it is.
async fn as_they_are(reader: &Client, histories: &Histories) -> Vec<String> {
    let look = |(id, history): (&String, &Vec<Value>)| {
        let (at, history) = (format!("/v1/tickets/{id}"), history.clone());
        async move { differences(&reader.get(&at).await.expect(200), &history) }
    };
    let all: Vec<_> = histories.iter().map(look).collect();
    let all: Vec<Vec<String>> = stream::iter(all).buffer_unordered(8).collect().await;
    all.concat()
}

/// The links that are seen from one of their tickets only, or as something else than the opposite.
fn one_sided(links: &Histories) -> Vec<String> {
    let opposite = |kind: &str| match kind {
        "child_of" => "parent_of",
        "duplicate_of" => "duplicated_by",
        "follow_up_of" => "followed_up_by",
        _ => "related",
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut seen: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for (ticket, link) in links.iter().flat_map(|(id, links)| links.iter().map(move |l| (id, l))) {
        let side = [ticket.clone(), text(&link["ticket"]["id"]), text(&link["kind"])];
        seen.entry(text(&link["id"])).or_default().push(side);
    }
    let whole = |sides: &[[String; 3]]| {
        let [[a, b, kind], [c, d, other]] = sides else { return false };
        (a, b) == (d, c) && (opposite(kind) == other || opposite(other) == kind)
    };
    let broken = seen.iter().filter(|(_, sides)| !whole(sides));
    broken.map(|(id, sides)| format!("the link {id} is seen as {sides:?}")).collect()
}

/// The feed tells the same as the histories: every position, every event, a ticket's in the order of their versions.
async fn feed(reader: &Client, histories: &Histories) -> Vec<String> {
    let (mut after, mut told) = (0, Histories::new());
    let mut wrong = Vec::new();
    loop {
        let page = reader.get(&format!("/v1/events?limit=100&after={after}")).await.expect(200);
        for event in page["items"].as_array().unwrap() {
            if event["position"] != after + 1 {
                wrong.push(format!("{} comes after {after}", event["position"]));
            }
            after = event["position"].as_i64().unwrap();
            if let Some(ticket) = event["ticket_id"].as_str() {
                told.entry(ticket.to_owned()).or_default().push(event.clone());
            }
        }
        if page["items"] == json!([]) {
            break;
        }
    }
    if told != *histories {
        let differ: BTreeSet<_> = told
            .keys()
            .chain(histories.keys())
            .filter(|id| told.get(*id) != histories.get(*id))
            .collect();
        wrong.push(format!("the feed tells otherwise than the histories of {differ:?}"));
    }
    wrong
}
