use fake_crm::salesforce::Settings;

use crate::support::{Crm, send};

#[tokio::test]
async fn a_token_names_the_instance_and_the_user_but_no_lifetime() {
    let crm = Crm::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crm.fake.client_id()),
        ("client_secret", crm.fake.client_secret()),
    ];
    let reply = crm.token(&form).await;
    assert_eq!((reply.status, &reply.body["token_type"]), (200, &"Bearer".into()));
    assert_eq!(reply.body["instance_url"], crm.fake.url());
    assert!(reply.body["id"].as_str().unwrap().ends_with(&crm.fake.api_user()));
    assert!(reply.body.get("expires_in").is_none());
}

#[tokio::test]
async fn wrong_credentials_and_other_flows_are_refused() {
    let crm = Crm::start().await;
    let form = |flow, secret| {
        [("grant_type", flow), ("client_id", "casebridge"), ("client_secret", secret)]
    };
    for (form, error) in [
        (form("client_credentials", "wrong"), "invalid_client"),
        (form("password", "secret"), "unsupported_grant_type"),
    ] {
        let reply = crm.token(&form).await;
        assert_eq!((reply.status, &reply.body["error"]), (400, &error.into()));
    }
}

#[tokio::test]
async fn a_session_that_ended_is_invalid_and_a_new_one_works() {
    let mut crm = Crm::start().await;
    let soql = "SELECT Id FROM Case";
    assert_eq!(crm.query(soql).await.status, 200);
    crm.fake.revoke_tokens();
    let reply = crm.query(soql).await;
    assert_eq!((reply.status, reply.code()), (401, "INVALID_SESSION_ID"));
    crm.log_in().await;
    assert_eq!(crm.query(soql).await.status, 200);
    let without = crm.http.get(format!("{}/services/data/v65.0/query", crm.fake.url()));
    assert_eq!(send(without).await.unwrap().status, 401);
}

#[tokio::test]
async fn every_answer_says_how_much_of_the_quota_is_used_until_there_is_none() {
    let crm = Crm::start_with(Settings { daily_calls: 20, ..Settings::default() }).await;
    crm.fake.set_used_calls(18);
    for usage in ["api-usage=19/20", "api-usage=20/20"] {
        let reply = crm.query("SELECT Id FROM Case").await;
        assert_eq!(
            (reply.status, &reply.headers["sforce-limit-info"]),
            (200, &usage.parse().unwrap())
        );
    }
    let reply = crm.query("SELECT Id FROM Case").await;
    assert_eq!((reply.status, reply.code()), (403, "REQUEST_LIMIT_EXCEEDED"));
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let crm = Crm::start().await;
    for path in ["/nothing", "/sobjects/Case/500000000000099AAA", "/composite/sobjects"] {
        let reply = crm.get(path).await;
        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"), "{path}");
    }
}
