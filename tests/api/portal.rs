//! What belongs to a customer is not there for anybody else: not in an answer, and not in the difference between answers.
use serde_json::{Value, json};

use crate::support::{Client, Operation, PUBLIC, Reply, Spec, TestApp, path};

/// In every text of the ticket that strangers must not see.
const MARK: &str = "unmistakable7731";
/// An id that nothing has.
const NOBODY: &str = "0199f0c2-0000-7000-8000-000000000000";

/// A ticket of Northwind with everything that a ticket can have, and the ids of what belongs to it.
struct Secret {
    /// By what a path or a field calls it: the collection before a path parameter, or the field's name.
    ids: Vec<(&'static str, String)>,
    /// What must be in no answer.
    marks: Vec<String>,
}

impl Secret {
    async fn plant(app: &TestApp) -> Self {
        let text = format!("About {MARK}");
        let ticket = app
            .open_ticket(
                json!({"subject": text, "description": text, "tags": [MARK], "external_id": MARK}),
            )
            .await;
        let ticket = app.advance_to(&ticket, "030").await;
        let coordinator = app.agent("Coordinator").await;
        let owner = app.contact("Purchasing contact").await;
        let post = |rest: &str, body: Value| {
            let (at, coordinator) = (path(&ticket, rest), coordinator.clone());
            async move { coordinator.post(&at, body).await.expect(201) }
        };
        let note = post("/notes", json!({"body": text})).await;
        post("/notes", json!({"body": text, "visibility": "internal"})).await;
        let link = json!({"name": MARK, "url": format!("https://files.example/{MARK}")});
        post("/attachments", link).await;
        owner.post(&path(&ticket, "/notes"), json!({"body": text})).await.expect(201);
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let account = app.id("accounts", "Northwind Services").await;
        let contact = app.id("contacts", "Purchasing contact").await;
        let ids = vec![
            ("tickets", id(&ticket)),
            ("ticket_id", id(&ticket)),
            ("into", id(&ticket)),
            ("notes", id(&note)),
            ("note_id", id(&note)),
            ("accounts", account.clone()),
            ("account_id", account.clone()),
            ("account", account.clone()),
            ("contacts", contact.clone()),
            ("contact_id", contact.clone()),
            ("contact", contact.clone()),
        ];
        let number = ticket["number"].as_str().unwrap().to_owned();
        let marks = vec![MARK.into(), id(&ticket), number, id(&note), account, contact];
        Self { ids, marks }
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
            Reply::of(request).await
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
                let holds_id = name.ends_with("_id") && value.as_str().is_some_and(is_id);
                if holds_id || name == "into" {
                    *value = json!(id(name));
                } else {
                    fill(value, id);
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
        if reply.status < 300 {
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
    for operation in spec.operations().iter().filter(|o| !PUBLIC.contains(&o.id)) {
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
    assert!(tried > 80);
}

#[actix_web::test]
async fn a_contact_of_another_account_finds_nothing_not_even_existence() {
    let app = TestApp::start().await;
    let secret = Secret::plant(&app).await;
    app.publish().await;
    let version = format!(
        "select version::bigint as number from tickets where id = '{}'",
        secret.id("tickets")
    );
    let before = app.number(&version).await;
    finds_nothing(&app, &secret, &app.contact("Warehouse contact").await).await;
    assert_eq!(app.number(&version).await, before, "and changed nothing");
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
    let of_ticket = ["tickets", "ticket_id", "into", "notes", "note_id"];
    let ids = secret.ids.into_iter().filter(|(name, _)| of_ticket.contains(name)).collect();
    let marks = secret.marks.into_iter().take(4).collect();
    let stranger = app.agent("Business analyst A").await;
    finds_nothing(&app, &Secret { ids, marks }, &stranger).await;
}
