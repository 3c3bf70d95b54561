//! The page behind the link.
use casebridge::kernel::Role;
use serde_json::json;

use super::{ANSWERS, asked, browser, count, head, link, send, show, survey};
use crate::support::{TestApp, path};

#[actix_web::test]
async fn looking_at_the_page_records_nothing_however_it_is_looked_at() {
    let app = TestApp::start().await;
    let ticket = asked(&app).await;
    let link = link(&app, &ticket).await;
    for query in ["", "?rating=1", "?saved=1", "?rating=9&x=y", "?rating=%zz"] {
        let (status, page) = show(&app, &format!("{link}{query}")).await;
        assert_eq!(status, 200, "{query}");
        assert!(page.contains("<form method=\"post\">") && !page.contains("Your answer was saved"));
        assert_eq!(page.contains("required checked"), query == "?rating=1", "{query}");
        assert_eq!(head(&app, &format!("{link}{query}")).await, 200);
    }
    assert_eq!(
        (count(&app, ANSWERS).await, count(&app, "surveys where rating is not null").await),
        (0, 0)
    );
    let number = ticket["number"].as_str().unwrap();
    let (_, page) = show(&app, &link).await;
    assert!(
        page.contains(number) && page.contains("The export stops") && page.contains("lang=\"en\"")
    );
}

#[actix_web::test]
async fn an_answer_is_recorded_once_and_can_be_changed_until_the_survey_expires() {
    let app = TestApp::start().await;
    let ticket = asked(&app).await;
    let (link, coordinator) = (link(&app, &ticket).await, app.agent("Coordinator").await);
    let version = app.read(&ticket).await["version"].clone();
    let form = [("rating", "4"), ("comment", " Quick.\r\nThank you. ")];
    let sent = tokio::join!(send(&app, &link, &form), send(&app, &link, &form));
    assert_eq!(sent.0, (303, "?saved=1".to_owned()));
    assert_eq!(sent.1, sent.0);
    assert_eq!(count(&app, ANSWERS).await, 1, "what is sent twice is recorded once");
    let answered = survey(&coordinator, &ticket).await.expect(200);
    assert_eq!((&answered["rating"], &answered["state"]), (&json!(4), &json!("answered")));
    assert_eq!(answered["comment"], "Quick.\nThank you.");
    assert_eq!(answered["answered_at"], answered["changed_at"]);
    let (_, page) = show(&app, &format!("{link}?saved=1")).await;
    assert!(
        page.contains("Your answer was saved") && page.contains("value=\"4\" required checked")
    );
    assert!(page.contains("Quick.\nThank you.</textarea>"));
    assert!(show(&app, &link).await.1.contains("This is your answer"));
    let (_, other) = show(&app, &format!("{link}?rating=1")).await;
    assert!(
        other.contains("value=\"1\" required checked") && !other.contains("This is your answer")
    );

    assert_eq!(send(&app, &link, &[("rating", "2"), ("comment", "")]).await.0, 303);
    let changed = survey(&coordinator, &ticket).await.expect(200);
    assert_eq!((&changed["rating"], &changed["comment"]), (&json!(2), &json!(null)));
    assert_eq!(changed["answered_at"], answered["answered_at"]);
    assert_ne!(changed["changed_at"], answered["changed_at"]);
    app.publish().await;
    let feed = coordinator.get("/v1/events?types=survey.answered").await.expect(200);
    let last = feed["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["changes"], json!({"rating": {"from": 4, "to": 2}}));
    assert_eq!(
        (&last["data"]["ticket_id"], &last["actor"]["role"]),
        (&ticket["id"], &json!("contact"))
    );
    // The ticket is what it was.
    let now = app.read(&ticket).await;
    assert_eq!((&now["status"]["code"], &now["version"]), (&json!("050"), &version));

    app.sql("update surveys set expires_at = now()").await.unwrap();
    let (status, page) = show(&app, &link).await;
    assert_eq!((status, page.contains("This survey is over")), (410, true));
    assert_eq!(send(&app, &link, &[("rating", "5")]).await.0, 410);
    assert_eq!(survey(&coordinator, &ticket).await.expect(200)["rating"], 2);
}

#[actix_web::test]
async fn what_is_wrong_with_an_answer_is_said_and_what_was_written_is_kept() {
    let app = TestApp::start().await;
    let link = link(&app, &asked(&app).await).await;
    for rating in ["", "0", "6", "-1", "five", "99999999999"] {
        let (status, page) = send(&app, &link, &[("rating", rating), ("comment", "Kept")]).await;
        assert_eq!(status, 422, "{rating}");
        assert!(page.contains("Please choose one of the five") && page.contains("Kept</textarea>"));
        assert!(page.contains("role=\"alert\"") && page.contains("<title>Something is missing"));
    }
    let long = "😀".repeat(2_001);
    let (status, page) = send(&app, &link, &[("rating", "3"), ("comment", &long)]).await;
    assert_eq!((status, page.contains("Your comment is too long")), (422, true));
    assert!(page.contains("value=\"3\" required checked"));
    let (status, _) = send(&app, &link, &[("rating", "3"), ("comment", &"x".repeat(40_000))]).await;
    assert_eq!(status, 413);
    assert_eq!(count(&app, ANSWERS).await, 0);
    assert_eq!(
        send(&app, &link, &[("rating", "3"), ("comment", &"😀".repeat(2_000))]).await.0,
        303
    );
}

#[actix_web::test]
async fn a_link_that_was_not_signed_here_leads_nowhere() {
    let app = TestApp::start().await;
    let link = link(&app, &asked(&app).await).await;
    let mut forged = link.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for wrong in [forged.as_str(), &link[..link.len() - 4], "/s/x", "/s/%00", "/s/%F0%9F%98%80"] {
        let (status, page) = show(&app, wrong).await;
        assert_eq!((status, page.contains("There is no such survey")), (404, true), "{wrong}");
        assert_eq!(send(&app, wrong, &[("rating", "1")]).await.0, 404);
    }
    // Signed, but of a survey that is gone.
    app.sql("delete from surveys").await.unwrap();
    assert_eq!(
        (show(&app, &link).await.0, send(&app, &link, &[("rating", "1")]).await.0),
        (404, 404)
    );
    let german =
        browser().get(format!("{}/s/x", app.url)).header("accept-language", "de-AT,de;q=0.9");
    let german = german.send().await.unwrap().text().await.unwrap();
    assert!(german.contains("lang=\"de\"") && german.contains("gibt es nicht"));
}

#[actix_web::test]
async fn the_page_is_kept_by_nobody_and_runs_nothing() {
    let app = TestApp::start().await;
    let link = link(&app, &asked(&app).await).await;
    for (at, status) in [(link.as_str(), 200), ("/s/x", 404)] {
        let answer = browser().get(format!("{}{at}", app.url)).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-robots-tag"), "noindex, nofollow");
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert!(answer.headers().contains_key("x-request-id"));
    }
}

#[actix_web::test]
async fn what_people_wrote_is_shown_as_text() {
    let app = TestApp::start().await;
    let hostile = "</textarea><script>alert(1)</script><img src=x onerror='a()'>";
    let ticket = app.open_ticket(json!({"subject": format!("{hostile}{{{{ 7 * 7 }}}}")})).await;
    app.advance_to(&ticket, "050").await;
    super::ask(&app).await;
    let link = link(&app, &ticket).await;
    send(&app, &link, &[("rating", "1"), ("comment", &format!("{hostile}{{{{ 7 * 7 }}}}"))]).await;
    let (_, page) = show(&app, &link).await;
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("49"));
    assert_eq!(page.matches("</textarea>").count(), 1);
    assert_eq!(page.matches("&lt;script&gt;").count(), 2);
}

#[actix_web::test]
async fn the_page_speaks_the_language_of_the_contact_and_shows_days_by_their_clock() {
    let app = TestApp::start().await;
    app.sql("update contacts set language = 'de-AT', time_zone = 'Pacific/Kiritimati'")
        .await
        .unwrap();
    let ticket = asked(&app).await;
    app.sql("update surveys set expires_at = '2099-12-31T12:00:00Z'").await.unwrap();
    let (_, page) = show(&app, &link(&app, &ticket).await).await;
    assert!(page.contains("lang=\"de\"") && page.contains("Wie zufrieden sind Sie?"));
    assert!(page.contains("01.01.2100"), "{page}");
    let mail = app.text("select text_body as text from outgoing_mails").await.unwrap();
    assert!(mail.contains("Wie zufrieden sind Sie"), "{mail}");
}

#[actix_web::test]
async fn the_page_of_a_deleted_ticket_is_over_and_that_of_a_merged_one_is_not() {
    let app = TestApp::start().await;
    let coordinator = app.client(Role::Coordinator).await;
    let (deleted, merged) = (asked(&app).await, asked(&app).await);
    let target = app.open_ticket(json!({})).await;
    let (gone, there) = (link(&app, &deleted).await, link(&app, &merged).await);
    coordinator.delete(&path(&deleted, ""), "*").await.expect(204);
    let into = json!({"into": target["id"]});
    coordinator.post_on(&path(&merged, "/merge"), "*", into).await.expect(200);
    assert_eq!(
        (show(&app, &gone).await.0, send(&app, &gone, &[("rating", "5")]).await.0),
        (410, 410)
    );
    assert_eq!(
        (show(&app, &there).await.0, send(&app, &there, &[("rating", "5")]).await.0),
        (200, 303)
    );
    assert_eq!(survey(&coordinator, &merged).await.expect(200)["rating"], 5);
}

#[actix_web::test]
async fn other_methods_are_refused_and_pages_of_other_origins_change_nothing_about_it() {
    let app = TestApp::start_with(|config| {
        config.allowed_origins = vec!["https://portal.example".into()];
    })
    .await;
    let link = link(&app, &asked(&app).await).await;
    let put = browser().put(format!("{}{link}", app.url)).send().await.unwrap();
    assert_eq!(put.status(), 405);
    assert_eq!(send(&app, &link, &[("rating", "5")]).await.0, 303);
}
