//! Who sees the page, and how a browser shows who it is.
use casebridge::kernel::{Permission, Role};
use reqwest::{Response, StatusCode, header};
use serde_json::json;

use super::{browser, open, read, show, token, token_for, told};
use crate::support::TestApp;

/// Sends the form of the sign-in.
async fn sign_in(app: &TestApp, form: &[(&str, &str)]) -> Response {
    browser().post(format!("{}/dashboard/session", app.url)).form(form).send().await.unwrap()
}

#[actix_web::test]
async fn whoever_is_not_signed_in_gets_the_form_and_nothing_else() {
    let app = TestApp::start().await;
    let url = format!("{}/dashboard?period=7d&agent=\"><script>", app.url);
    let answer = browser().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(told(&answer, "www-authenticate"), "Bearer");
    let policy = told(&answer, "content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains("data:"));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-robots-tag", "noindex, nofollow"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(told(&answer, name), value, "{name}");
    }
    let page = answer.text().await.unwrap();
    assert!(page.contains("action=\"dashboard/session\"") && !page.contains("<figure"));
    // The filters are kept for after the sign-in.
    assert!(page.contains("value=\"period=7d&amp;agent=%22%3E%3Cscript%3E\""), "{page}");
    let german = browser().get(format!("{}/dashboard", app.url)).header("accept-language", "de-AT");
    let (_, german) = read(german).await;
    assert!(german.contains("<html lang=\"de\">") && german.contains("Zugangstoken"));
}

#[actix_web::test]
async fn a_token_opens_a_session_in_a_cookie_that_no_script_and_no_other_site_can_use() {
    let app = TestApp::start().await;
    let token = token(&app, "Coordinator").await;
    let form = [("access_token", token.as_str()), ("query", "period=7d&x=\r\nSet-Cookie: a")];
    let answer = sign_in(&app, &form).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(
        told(&answer, "location"),
        "../dashboard?period=7d&x=Set-Cookie%3A+a".replace("x=", "x=%0D%0A")
    );
    let cookie = told(&answer, "set-cookie");
    assert_eq!(cookie, format!("casebridge={token}; Path=/dashboard; HttpOnly; SameSite=Strict"));
    assert_eq!(told(&answer, "cache-control"), "no-store");
    let (status, page) = show(&app, "").await;
    assert_eq!((status, page.contains("<figure") && page.contains("Coordinator")), (200, true));
    // The API takes no cookies.
    let me = browser().get(format!("{}/v1/me", app.url));
    let me = me.header(header::COOKIE, format!("casebridge={token}")).send().await.unwrap();
    assert_eq!(me.status(), 401);

    let secure = TestApp::start_with(|config| config.public_url = "https://desk.example".into());
    let secure = secure.await;
    let token = super::token(&secure, "Coordinator").await;
    let answer = sign_in(&secure, &[("access_token", &token)]).await;
    let parts: Vec<&str> = told(&answer, "set-cookie").split("; ").collect();
    assert_eq!(parts[0], format!("__Host-casebridge={token}"));
    assert_eq!(parts[1..], ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"]);
    let (status, _) = read(open(&secure, &token, "")).await;
    assert_eq!(status, 401, "a cookie without the prefix may be of anybody");
    let page = browser().get(format!("{}/dashboard", secure.url));
    let page = page.header(header::COOKIE, parts[0]).send().await.unwrap();
    assert_eq!(page.status(), 200);
}

#[actix_web::test]
async fn a_client_signs_in_with_its_secret_and_sees_what_its_scopes_say() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Wallboard", "scopes": ["reports:read", "tickets:read"]});
    let client = admin.post("/v1/clients", new).await.expect(201);
    let (id, secret) = (client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let answer = sign_in(&app, &[("client_id", id), ("client_secret", secret)]).await;
    assert_eq!(
        (answer.status(), told(&answer, "location")),
        (StatusCode::SEE_OTHER, "../dashboard")
    );
    let cookie = told(&answer, "set-cookie").split(';').next().unwrap().to_owned();
    let page = browser().get(format!("{}/dashboard", app.url)).header(header::COOKIE, cookie);
    let (status, page) = read(page).await;
    assert_eq!(status, 200);
    // Neither people nor products nor connections are in its scopes.
    assert!(page.contains("id=\"period\"") && page.contains("id=\"volume\""));
    for hidden in ["id=\"agent\"", "id=\"account\"", "id=\"product\"", "id=\"mirror\""] {
        assert!(!page.contains(hidden), "{hidden}");
    }
}

#[actix_web::test]
async fn whatever_is_wrong_with_a_sign_in_one_thing_is_said_and_not_for_ever() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Wallboard", "scopes": ["reports:read", "tickets:read"]});
    let client = admin.post("/v1/clients", new).await.expect(201);
    let (id, secret) = (client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let coordinator = app.id("agents", "Coordinator").await.parse().unwrap();
    let over = token_for(&app, coordinator, -60).await;
    let unknown = uuid::Uuid::now_v7().to_string();
    let mut said = Vec::new();
    for form in [
        vec![("access_token", "x")],
        vec![("access_token", over.as_str())],
        vec![("client_id", id), ("client_secret", "cbs_wrong")],
        vec![("client_id", &unknown), ("client_secret", secret)],
        vec![("client_id", "x"), ("client_secret", secret)],
        vec![],
    ] {
        let answer = sign_in(&app, &form).await;
        assert_eq!((answer.status().as_u16(), told(&answer, "set-cookie")), (401, ""), "{form:?}");
        said.push(answer.text().await.unwrap());
    }
    assert!(said[0].contains("role=\"alert\"") && said[0].contains("<title>Error: Sign in"));
    assert!(said.iter().all(|page| *page == said[0]), "{said:#?}");

    // The secret of a client is not tried on and on, not even when the right one is among those that are tried.
    let mut tried = 0;
    let refused = loop {
        let answer = sign_in(&app, &[("client_id", id), ("client_secret", "cbs_wrong")]).await;
        if answer.status() == 429 {
            break answer;
        }
        assert_eq!(answer.status(), 401);
        tried += 1;
        assert!(tried < 40);
    };
    assert!((1..=3).contains(&told(&refused, "retry-after").parse::<u64>().unwrap()));
    assert!(refused.text().await.unwrap().contains("Too many attempts failed."));
    // Who has a token is not locked out by those who have none.
    let token = token(&app, "Coordinator").await;
    assert_eq!(sign_in(&app, &[("access_token", &token)]).await.status(), 303);
}

#[actix_web::test]
async fn only_those_who_may_read_reports_see_figures() {
    let app = TestApp::start().await;
    for id in [
        app.id("agents", "L1 agent A").await.parse().unwrap(),
        app.id("contacts", "Purchasing contact").await.parse().unwrap(),
        app.integration(&[Permission::ReportsRead]).await,
    ] {
        let token = token_for(&app, id, 600).await;
        let (status, page) = read(open(&app, &token, "")).await;
        assert_eq!(status, 403);
        assert!(page.contains("You may not see this") && page.contains("dashboard/sign-out"));
        assert!(!page.contains("<figure") && !page.contains("id=\"period\""));
    }
    let coordinator = app.id("agents", "Coordinator").await.parse().unwrap();
    let over = token_for(&app, coordinator, -60).await;
    let (status, page) = read(open(&app, &over, "?period=7d")).await;
    assert_eq!((status, page.contains("Your session is over.")), (401, true));
}

#[actix_web::test]
async fn forms_of_other_sites_are_refused() {
    let app = TestApp::start().await;
    let token = token(&app, "Coordinator").await;
    let host = app.url.strip_prefix("http://").unwrap();
    let own = format!("http://{host}");
    for (name, value, allowed) in [
        ("sec-fetch-site", "cross-site", false),
        ("sec-fetch-site", "same-site", false),
        ("sec-fetch-site", "same-origin", true),
        ("sec-fetch-site", "none", true),
        ("origin", "http://evil.example", false),
        ("origin", "null", false),
        ("origin", own.as_str(), true),
    ] {
        for path in ["session", "sign-out"] {
            let url = format!("{}/dashboard/{path}", app.url);
            let sent = browser().post(url).form(&[("access_token", &token)]).header(name, value);
            let answer = sent.send().await.unwrap();
            let expected = if allowed { 303 } else { 400 };
            assert_eq!(answer.status(), expected, "{path} {name}: {value}");
            assert_eq!(told(&answer, "set-cookie").is_empty(), !allowed, "{path} {name}: {value}");
        }
    }
    // Led here from elsewhere a browser shows no cookie: one step more, and it does.
    let led = browser().get(format!("{}/dashboard?period=7d", app.url));
    let (_, page) = read(led.header("sec-fetch-site", "cross-site")).await;
    assert!(page.contains("<a href=\"?period=7d\">I am signed in already"));
}

#[actix_web::test]
async fn signing_out_takes_the_cookie_back() {
    let app = TestApp::start().await;
    let answer = browser().post(format!("{}/dashboard/sign-out", app.url)).send().await.unwrap();
    assert_eq!(
        (answer.status(), told(&answer, "location")),
        (StatusCode::SEE_OTHER, "../dashboard")
    );
    let cookie = "casebridge=; Path=/dashboard; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!(told(&answer, "set-cookie"), cookie);
    for path in ["session", "sign-out"] {
        let answer = browser().get(format!("{}/dashboard/{path}", app.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), told(&answer, "location")), (303, "../dashboard"));
    }
}

#[actix_web::test]
async fn the_files_of_the_page_are_kept_by_browsers_and_those_of_other_versions_are_not_served() {
    let app = TestApp::start().await;
    let (_, page) = show(&app, "").await;
    let addresses = page.split(['"']).filter(|text| text.starts_with("dashboard/assets/"));
    let addresses: Vec<&str> = addresses.collect();
    let kinds = ["image/svg+xml", "text/css; charset=utf-8"];
    let kinds = [&kinds[..], &["text/javascript; charset=utf-8"; 2]].concat();
    assert_eq!(addresses.len(), kinds.len(), "{page}");
    for (address, kind) in addresses.iter().zip(kinds) {
        let answer = browser().get(format!("{}/{address}", app.url)).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), told(&answer, "content-type")), (200, kind));
        assert_eq!(told(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(told(&answer, "x-content-type-options"), "nosniff");
        let other = address.replacen("assets/", "assets/0", 1);
        let answer = browser().get(format!("{}/{other}", app.url)).send().await.unwrap();
        assert_eq!(answer.status(), 404);
        assert_eq!(told(&answer, "cache-control"), "");
    }
}
