//! What belongs to a customer is not there for anybody else: not in an answer, and not in the difference between answers.
mod planting;

use serde_json::{Value, json};

use self::planting::Desk;
use crate::support::{Client, Operation, PUBLIC, Reply, Spec, TestApp};

/// In every text of the ticket that strangers must not see.
const MARK: &str = "unmistakable7731";
/// Was in a text of it, and was taken out.
const CARD: &str = "4111-1111";
/// An id that nothing has.
const NOBODY: &str = "0199f0c2-0000-7000-8000-000000000000";

/// What Northwind has at the desk: a ticket with everything that a ticket can have, what hangs on it, and their ids.
struct Secret {
    /// By what a path or a field calls it: the collection before a path parameter, or the field's name.
    ids: Vec<(&'static str, String)>,
    /// Beside the ticket: its child, what was merged into it, what became a job, and a draft.
    more_tickets: Vec<String>,
    /// What must be in no answer; the last two are about the customer, not about tickets.
    marks: Vec<String>,
}

/// The ids by which calls are made about a ticket; those of the account and the contact are no secret at the desk.
const OF_TICKET: &[&str] = &[
    "tickets",
    "ticket_id",
    "id",
    "ids",
    "into",
    "notes",
    "note_id",
    "links",
    "side-conversations",
    "schedule",
    "time-entries",
    "watchers",
    "views",
    "drafts",
];

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

impl Secret {
    async fn plant(app: &TestApp) -> Self {
        let desk = Desk::of(app).await;
        let (ticket, note) = desk.ticket().await;
        let [child, link, merged, job] = desk.related(&ticket).await;
        let appointment = desk.appointment(&ticket).await;
        let side = desk.side_conversation(&ticket).await;
        let time = desk.time(&ticket).await;
        let [own, shared] = desk.views(&ticket).await;
        let draft = desk.owner.post("/v1/drafts", desk.texts()).await.expect(201);
        let (account, contact) = (
            app.id("accounts", "Northwind Services").await,
            app.id("contacts", "Purchasing contact").await,
        );
        let of = |names: &[&'static str], id: &str| {
            names.iter().map(|name| (*name, id.to_owned())).collect::<Vec<_>>()
        };
        let ids = [
            of(&["tickets", "ticket_id", "id", "ids", "into"], &id(&ticket)),
            of(&["notes", "note_id"], &id(&note)),
            of(&["links"], &id(&link)),
            of(&["side-conversations"], &id(&side)),
            of(&["schedule"], &id(&appointment)),
            of(&["time-entries"], &id(&time)),
            of(&["views"], &id(&own)),
            of(&["drafts"], &id(&draft)),
            of(&["accounts", "account_id", "account"], &account),
            of(&["watchers", "contacts", "contact_id", "contact"], &contact),
        ];
        let mut marks = vec![MARK.to_owned(), CARD.to_owned()];
        let submitted = [&ticket, &child, &merged, &job];
        marks.extend(submitted.map(|ticket| ticket["number"].as_str().unwrap().to_owned()));
        marks.extend(submitted.map(id));
        marks.extend([&draft, &note, &link, &side, &appointment, &time, &own, &shared].map(id));
        marks.extend([account, contact]);
        let more_tickets = [&child, &merged, &job, &draft].map(id).to_vec();
        Self { ids: ids.concat(), more_tickets, marks }
    }

    /// The same about each of the tickets; about the first one with everything that is no ticket's.
    fn about_each(self) -> Vec<Self> {
        let Self { ids, more_tickets, marks } = self;
        let about = |ticket: &String| {
            let mut ids = ids.clone();
            for (name, known) in &mut ids {
                if ["tickets", "ticket_id", "id", "ids", "into"].contains(name) {
                    known.clone_from(ticket);
                }
            }
            Self { ids, more_tickets: vec![ticket.clone()], marks: marks.clone() }
        };
        let mut all: Vec<Self> = more_tickets.iter().map(about).collect();
        all.push(Self { ids, more_tickets: Vec::new(), marks });
        all
    }

    fn id(&self, name: &str) -> &str {
        self.ids.iter().find(|(known, _)| *known == name).map_or(NOBODY, |(_, id)| id)
    }

    /// The example call of an operation about `self`, and the same about what nobody has.
    async fn ask(
        &self,
        spec: &Spec,
        operation: &Operation<'_>,
        (app, caller): (&TestApp, &Client),
    ) -> [Reply; 2] {
        let call = async |id: &dyn Fn(&str) -> String| {
            let template = operation.path.split('/').collect::<Vec<_>>();
            let mut request = operation.request(spec, caller).build().unwrap();
            let filled: Vec<String> = request.url().path().split('/').map(str::to_owned).collect();
            let segments = filled.iter().enumerate().map(|(at, segment)| match segment.as_str() {
                NOBODY => id(template[at - 1]),
                other => other.to_owned(),
            });
            let path = segments.collect::<Vec<_>>().join("/");
            request.url_mut().set_path(&path);
            let asked: Vec<&str> = operation
                .parameters(spec)
                .filter(|p| p["in"] == "query")
                .filter_map(|p| p["name"].as_str())
                .filter(|name| self.ids.iter().any(|(known, _)| known == name))
                .collect();
            for name in asked {
                request.url_mut().query_pairs_mut().append_pair(name, &id(name));
            }
            if let Some(mut body) = operation.example_body(spec) {
                fill(&mut body, id);
                *request.body_mut() = Some(body.to_string().into());
            }
            let request = reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request);
            let mut reply = Reply::of(request).await;
            // Each outcome repeats which ticket was asked for.
            if operation.id == "batch_tickets" {
                let items = reply.body["items"].as_array_mut().into_iter().flatten();
                items.for_each(|item| item["id"] = Value::Null);
            }
            reply
        };
        let about = call(&|name| self.id(name).to_owned()).await;
        // A job that was started is at work, and another one would have to wait for it.
        app.run_jobs().await;
        [about, call(&|_| NOBODY.to_owned()).await]
    }

    /// The first mark that the answer holds.
    fn told(&self, reply: &Reply) -> Option<&String> {
        let mut body = reply.body.clone();
        // A problem document repeats the path that was asked.
        body.as_object_mut().map(|fields| fields.remove("instance"));
        let text = body.to_string();
        self.marks.iter().find(|mark| text.contains(*mark))
    }
}

/// Puts ids into the fields that hold them.
fn fill(body: &mut Value, id: &dyn Fn(&str) -> String) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields {
                let holds_id =
                    (name == "id" || name.ends_with("_id")) && value.as_str().is_some_and(is_id);
                match (name.as_str(), &mut *value) {
                    ("ids", Value::Array(ids)) => ids.fill(json!(id("ids"))),
                    ("into", value) => *value = json!(id("into")),
                    (name, value) if holds_id => *value = json!(id(name)),
                    (_, value) => fill(value, id),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, id)),
        _ => {}
    }
}

fn is_id(text: &str) -> bool {
    text.parse::<uuid::Uuid>().is_ok()
}

/// What a caller can tell answers apart by.
fn visible(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields
            .retain(|name, _| !["instance", "request_id", "id", "number"].contains(&name.as_str()));
        if reply.status < 300 && reply.status != 207 {
            fields.clear();
        }
    }
    json!({ "status": reply.status, "body": body })
}

/// About the caller alone: the second time there is nothing left to be done.
const ABOUT_ONESELF: &[&str] = &["delete_calendar_feed"];

async fn finds_nothing(app: &TestApp, secret: &Secret, caller: &Client) {
    let spec = Spec::read();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let of_tickets = |path: &str| path.starts_with("/v1/tickets") || path.starts_with("/v1/bulk");
    for operation in spec.operations().iter().filter(|o| !PUBLIC.contains(&o.id)) {
        if !secret.more_tickets.is_empty() && !of_tickets(operation.path) {
            continue;
        }
        let [about, nobody] = secret.ask(&spec, operation, (app, caller)).await;
        tried += 1;
        if let Some(mark) = secret.told(&about).or(secret.told(&nobody)) {
            wrong.push(format!("{} tells {mark}: {}", operation.id, about.body));
        }
        if visible(&about) != visible(&nobody) && !ABOUT_ONESELF.contains(&operation.id) {
            let (about, nobody) = (visible(&about), visible(&nobody));
            wrong.push(format!("{} is another answer: {about} instead of {nobody}", operation.id));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tried > 30);
}

#[actix_web::test]
async fn a_contact_of_another_account_finds_nothing_not_even_existence() {
    let app = TestApp::start().await;
    let secret = Secret::plant(&app).await;
    app.publish().await;
    let versions = "select sum(version)::bigint as number from tickets
        where account_id = (select id from accounts where name = 'Northwind Services')";
    let before = app.number(versions).await;
    let stranger = app.contact("Warehouse contact").await;
    for secret in secret.about_each() {
        finds_nothing(&app, &secret, &stranger).await;
    }
    assert_eq!(app.number(versions).await, before, "and changed nothing");
}

#[actix_web::test]
async fn the_accounts_own_contact_does_find_it() {
    let app = TestApp::start().await;
    let secret = Secret::plant(&app).await;
    let owner = app.contact("Purchasing contact").await;
    let list = owner.get("/v1/tickets").await;
    assert!(secret.told(&list).is_some());
    let at = format!("/v1/tickets/{}", secret.id("tickets"));
    let own = owner.get(&at).await.expect(200);
    // The desk's side stays with the desk.
    for field in ["assignee_id", "department_id", "level", "note_count", "severity", "impact"] {
        assert!(own.get(field).is_none(), "{field}: {own}");
    }
    let notes = owner.get(&format!("{at}/notes")).await.expect(200);
    assert!(notes["items"].as_array().unwrap().iter().all(|note| note["visibility"] == "public"));
}

#[actix_web::test]
async fn an_agent_of_another_department_finds_no_ticket_of_this_one() {
    let app = TestApp::start().await;
    let secret = Secret::plant(&app).await;
    app.publish().await;
    // Accounts and contacts are everybody's at the desk; tickets and what hangs on them are not.
    let stranger = app.agent("Business analyst A").await;
    for mut secret in secret.about_each() {
        secret.ids.retain(|(name, _)| OF_TICKET.contains(name));
        secret.marks.truncate(secret.marks.len() - 2);
        finds_nothing(&app, &secret, &stranger).await;
    }
}
