//! The texts of mails.
use casebridge::mail::templates;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, pointers};

const PATH: &str = "/v1/mail-templates/ticket_reply/en";

fn text(subject: &str, text: &str, html: &str) -> Value {
    json!({"subject": subject, "text": text, "html": html})
}

async fn put(client: &crate::support::Client, path: &str, etag: &str, body: &Value) -> Reply {
    let request = client.request(reqwest::Method::PUT, path).header("if-match", etag);
    Reply::of(request.json(body)).await
}

/// What mails of the kind say from now on.
async fn rendered(app: &TestApp, language: &'static str) -> templates::Rendered {
    let data = json!({
        "ticket": {"number": "CB-7", "subject": "<b>Printer</b>"},
        "note": {"author": "Ann", "text": "Done."},
    });
    let render = move |conn: &mut _| templates::render(conn, "ticket_reply", Some(language), &data);
    app.service.db.read(render.clone()).await.unwrap()
}

#[actix_web::test]
async fn an_administrators_text_takes_the_place_of_the_programs_and_gives_it_back() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let before = admin.get(PATH).await;
    assert_eq!(before.header("etag"), "\"v0\"");
    assert_eq!(before.expect(200)["customized"], false);
    let own = text(
        "{{ ticket.number }}!",
        "Ticket {{ ticket.subject }}",
        "<h1>{{ ticket.subject }}</h1>",
    );
    let saved = put(&admin, PATH, "\"v0\"", &own).await;
    assert_eq!(saved.header("etag"), "\"v1\"");
    let saved = saved.expect(200);
    assert_eq!(
        (&saved["customized"], &saved["updated_by"]),
        (&json!(true), &json!("Administrator"))
    );
    put(&admin, PATH, "\"v0\"", &own).await.problem(412, "stale_version");

    let mail = rendered(&app, "en-GB").await;
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("CB-7!", "Ticket <b>Printer</b>\n"));
    assert!(mail.html.contains("<h1>&lt;b&gt;Printer&lt;&#x2f;b&gt;</h1>"), "{}", mail.html);
    assert!(rendered(&app, "de").await.text.starts_with("Guten Tag"));

    admin.delete(PATH, "\"v1\"").await.expect(204);
    admin.delete(PATH, "*").await.problem(404, "not_found");
    assert!(rendered(&app, "en").await.text.starts_with("Hello"));
}

#[actix_web::test]
async fn a_new_language_is_used_until_it_is_taken_back() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    let french = "/v1/mail-templates/ticket_reply/fr";
    admin.get(french).await.problem(404, "not_found");
    put(&admin, french, "*", &text("Re", "Bonjour", "<p>Bonjour</p>")).await.expect(200);
    let all = admin.get("/v1/mail-templates").await.expect(200);
    let languages: Vec<&Value> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|text| text["key"] == "ticket_reply")
        .map(|text| &text["language"])
        .collect();
    assert_eq!(languages, ["de", "en", "fr"]);
    let mail = rendered(&app, "fr-CA").await;
    assert_eq!(mail.text, "Bonjour\n");
    assert!(mail.html.contains("<html lang=\"fr\">"));
    admin.delete(french, "*").await.expect(204);
    assert!(rendered(&app, "fr").await.text.starts_with("Hello"));
    let nonsense = text("s", "t", "h");
    put(&admin, "/v1/mail-templates/nothing/en", "*", &nonsense).await.problem(404, "not_found");
    let bad = put(&admin, "/v1/mail-templates/ticket_reply/EN", "*", &nonsense).await;
    bad.problem(400, "malformed_request");
}

#[actix_web::test]
async fn a_text_that_could_not_be_rendered_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let admin = app.agent("Administrator").await;
    for (pointer, own) in [
        ("/subject", text("{{ ticket.nmber }}", "t", "h")),
        ("/text", text("s", "{% if a %}", "h")),
        (
            "/text",
            text(
                "s",
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "h",
            ),
        ),
        ("/html", text("s", "t", "{{ ticket.subject|safe }}")),
        ("/html", text("s", "t", "{% autoescape false %}{{ ticket.subject }}{% endautoescape %}")),
    ] {
        let refused = put(&admin, PATH, "*", &own).await;
        assert_eq!(pointers(refused), [pointer], "{own}");
    }
    assert_eq!(app.number("select count(*) as number from mail_templates").await, 0);
    let agent = app.agent("L1 agent A").await;
    put(&agent, PATH, "*", &text("s", "t", "h")).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_stored_text_that_cannot_be_rendered_any_more_gives_way_to_the_programs() {
    let app = TestApp::start().await;
    app.sql(
        "insert into mail_templates (key, language, subject, text_body, html_body, updated_by, updated_by_name, updated_at)
         values ('ticket_reply', 'en', '{{', 'x', 'x', gen_random_uuid(), 'x', now())",
    )
    .await
    .unwrap();
    assert!(rendered(&app, "en").await.text.starts_with("Hello"));
}

#[actix_web::test]
async fn a_preview_shows_a_draft_with_a_ticket_that_the_caller_sees() {
    let app = TestApp::start().await;
    let ticket = app.open_ticket(json!({"subject": "<i>Export</i>"})).await;
    let path = format!("{PATH}/preview");
    let agent = app.agent("L1 agent A").await;
    let sample = agent.post(&path, json!({})).await.expect(200);
    assert!(sample["text"].as_str().unwrap().contains("CB-1042"));
    let draft = text("{{ ticket.number }}", "{{ ticket.subject }}", "<p>{{ ticket.subject }}</p>");
    let body = json!({"draft": draft, "ticket_id": ticket["id"]});
    let shown = agent.post(&path, body.clone()).await.expect(200);
    assert_eq!((&shown["subject"], &shown["text"]), (&ticket["number"], &json!("<i>Export</i>\n")));
    assert!(shown["html"].as_str().unwrap().contains("&lt;i&gt;Export"));
    assert_eq!(app.number("select count(*) as number from outgoing_mails").await, 0);
    let outsider = app.agent("Business analyst A").await;
    outsider.post(&path, body).await.problem(404, "not_found");
    let wrong = json!({"draft": text("s", "{{ nothing }}", "h")});
    assert_eq!(pointers(agent.post(&path, wrong).await), ["/draft/text"]);
}
