//! EspoCRM really calls us: what people do there is at the desk without waiting for a poll.
use std::collections::HashSet;

use chrono::Utc;
use fake_crm::espo::Record;
use serde_json::{Value, json};

use super::CLERK;
use super::desk::EspoDesk;
use crate::support::mirror::crm_id;

impl EspoDesk {
    /// Makes the CRM send its webhooks here.
    async fn subscribe(&self) -> Value {
        let path = format!("/v1/crm/connections/{}/hooks/subscribe", self.connection);
        self.admin.post(&path, json!({})).await.expect(200)
    }

    fn webhooks(&self) -> Vec<Record> {
        self.crm.records("Webhook").into_iter().filter(|webhook| !webhook.deleted).collect()
    }

    /// The CRM's job runs; the webhook and the answer of each call.
    async fn deliver(&self) -> Vec<(String, u16)> {
        let sent = self.crm.send_webhooks().await;
        sent.into_iter().map(|call| (call.webhook, call.status)).collect()
    }

    /// Takes what is in the inbox, and mirrors what it names; asks the CRM for no changes.
    async fn follow_hooks(&self) {
        self.crm.clear_calls();
        while self.app.service.inbox.take_due(Utc::now()).await.unwrap() {}
        self.converge().await;
        assert_eq!(self.crm.count("GET", "Note"), 0, "a poll reads the log");
    }
}

#[actix_web::test]
async fn an_edit_in_the_crm_is_at_the_desk_through_its_webhook_without_any_poll() {
    let desk = EspoDesk::start().await;
    let hooks = desk.subscribe().await;
    assert_eq!(hooks["scheme"], "espocrm", "{hooks}");
    assert!(desk.webhooks().iter().all(|webhook| hooks["url"] == webhook.text("url")));
    let ticket = desk.open("Edited there").await;
    desk.converge().await;
    assert_eq!(desk.crm.queued_events(), [], "what we write ourselves is no news");
    desk.edit(&ticket, json!({"priority": "High", "assignedUserId": crm_id("L1 agent B")})).await;
    let answers: Vec<u16> = desk.deliver().await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(answers, [202]);
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal", "it is taken by a worker");
    desk.follow_hooks().await;
    let shown = desk.ticket(&ticket).await;
    let agent = desk.app.id("agents", "L1 agent B").await;
    assert_eq!((&shown["priority"], &shown["assignee_id"]), (&json!("high"), &json!(agent)));
    assert!(desk.conflicts(&ticket).await.is_empty());
    assert_eq!(desk.crm.queued_events(), [], "nothing went back");
}

#[actix_web::test]
async fn creations_edits_and_deletions_are_signed_with_keys_of_their_own_and_all_believed() {
    let desk = EspoDesk::start().await;
    desk.subscribe().await;
    let webhooks = desk.webhooks();
    let keys: HashSet<&str> = webhooks.iter().map(|webhook| webhook.text("secretKey")).collect();
    assert_eq!((webhooks.len(), keys.len()), (3, 3));
    let ticket = desk.open("Deleted there").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    desk.crm.create("Case", json!({"name": "Of no ticket"})).unwrap();
    desk.edit(&ticket, json!({"priority": "High"})).await;
    desk.in_the_crm(|crm| crm.delete("Case", &case, CLERK).unwrap());
    let answers = desk.deliver().await;
    let called: HashSet<&str> = answers.iter().map(|(webhook, _)| webhook.as_str()).collect();
    assert_eq!(called.len(), 3, "{answers:?}");
    assert!(answers.iter().all(|(_, status)| *status == 202), "{answers:?}");
    desk.follow_hooks().await;
    assert_eq!(desk.mirror(&ticket).await["state"], "deleted");
}

#[actix_web::test]
async fn a_webhook_that_somebody_else_entered_in_the_crm_is_not_believed() {
    let desk = EspoDesk::start().await;
    let hooks = desk.subscribe().await;
    let ticket = desk.open("Not theirs").await;
    desk.converge().await;
    let foreign =
        json!({"event": "Case.fieldUpdate.priority", "url": hooks["url"], "secretKey": "x"});
    let foreign = desk.crm.create("Webhook", foreign).unwrap();
    desk.edit(&ticket, json!({"priority": "High"})).await;
    let mut answers = desk.deliver().await;
    answers.sort_by_key(|(webhook, _)| *webhook == foreign);
    let statuses: Vec<u16> = answers.iter().map(|(_, status)| *status).collect();
    assert_eq!((statuses.as_slice(), &answers[1].0), ([202, 401].as_slice(), &foreign));
}

#[actix_web::test]
async fn subscribing_once_more_renews_the_keys_and_leaves_no_second_webhook() {
    let desk = EspoDesk::start().await;
    desk.subscribe().await;
    let before: HashSet<String> = desk.webhooks().into_iter().map(|webhook| webhook.id).collect();
    desk.subscribe().await;
    let webhooks = desk.webhooks();
    assert_eq!(webhooks.len(), 3);
    assert!(webhooks.iter().all(|webhook| !before.contains(&webhook.id)));
    let ticket = desk.open("Renewed").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "Low"})).await;
    let answers: Vec<u16> = desk.deliver().await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(answers, [202]);
    desk.follow_hooks().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "low");
}
