//! What the mirror of a ticket tells: who set what, what the CRM lost.
use chrono::{TimeDelta, Timelike as _, Utc};
use fake_crm::{FakeCrm, Settings};
use serde_json::{Value, json};

use crate::support::mirror::{CLERK, Mirrored, text};

/// The name that the admin's changes are told under.
async fn admin_name(desk: &Mirrored, ticket: &str) -> Value {
    let history = desk.admin.get(&format!("/v1/tickets/{ticket}/history")).await.expect(200);
    history["items"][0]["actor"]["name"].clone()
}

#[actix_web::test]
async fn each_field_tells_who_set_it_on_which_side_by_which_rule_and_what_it_replaced() {
    let desk = Mirrored::start_with(json!({"policies": {"priority": "crm"}})).await;
    let ticket = desk.open("Explained").await;
    desk.converge().await;
    let admin = admin_name(&desk, &ticket).await;
    let first = desk.field(&ticket, "subject").await["provenance"].clone();
    assert_eq!(
        (&first["side"], &first["by"], &first["rule"]),
        (&json!("desk"), &admin, &json!("pushed"))
    );
    assert_eq!(first["replaced"], json!(null));

    desk.edit(&ticket, json!({"priority": "P1"})).await;
    desk.pull().await;
    let taken = desk.field(&ticket, "priority").await["provenance"].clone();
    let who = json!("Sales clerk (SuiteCRM)");
    assert_eq!(
        (&taken["side"], &taken["by"], &taken["rule"]),
        (&json!("crm"), &who, &json!("taken"))
    );
    assert_eq!(taken["replaced"], "P2");

    desk.priority(&ticket, "low").await;
    desk.converge().await;
    let pushed = desk.field(&ticket, "priority").await["provenance"].clone();
    assert_eq!(
        (&pushed["side"], &pushed["by"], &pushed["rule"]),
        (&json!("desk"), &admin, &json!("pushed"))
    );
    assert_eq!(pushed["replaced"], "P1");

    desk.edit(&ticket, json!({"priority": "P2"})).await;
    desk.priority(&ticket, "critical").await;
    desk.converge().await;
    let decided = desk.field(&ticket, "priority").await;
    assert_eq!((&decided["desk"], &decided["crm"]), (&json!("P2"), &json!("P2")));
    assert_eq!(decided["provenance"]["rule"], "policy:crm");
    assert_eq!(decided["provenance"]["replaced"], "P1");
    let mirror = desk.mirror(&ticket).await;
    assert_eq!(mirror["lag_seconds"], 0);
    let link = text(&mirror["link"]);
    assert!(link.contains("index.php?module=Cases&action=DetailView&record="), "{link}");
}

#[actix_web::test]
async fn a_value_that_both_sides_came_to_by_themselves_is_agreed() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Same idea").await;
    desk.converge().await;
    desk.edit(&ticket, json!({"priority": "P3"})).await;
    desk.priority(&ticket, "low").await;
    desk.converge().await;
    assert_eq!(desk.field(&ticket, "priority").await["provenance"]["rule"], "agreed");
    assert!(desk.conflicts(&ticket).await.is_empty());
}

#[actix_web::test]
async fn a_value_that_goes_back_within_a_minute_of_our_write_is_flagged_and_can_be_restored() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Lost update").await;
    desk.converge().await;
    desk.priority(&ticket, "low").await;
    desk.converge().await;
    // A save in the CRM that had read the case before our write.
    desk.edit(&ticket, json!({"priority": "P2"})).await;
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    assert_eq!(desk.field(&ticket, "priority").await["provenance"]["suspected_lost_update"], true);
    let conflicts = desk.conflicts(&ticket).await;
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(conflicts[0]["suspected_lost_update"], true);
    assert_eq!(
        (&conflicts[0]["policy"], &conflicts[0]["losing_value"]),
        (&json!("reversal"), &json!("P3"))
    );
    let restore = format!("/v1/crm/conflicts/{}/restore", text(&conflicts[0]["id"]));
    desk.admin.post(&restore, json!({})).await.expect(200);
    desk.converge().await;
    assert_eq!(desk.case(&ticket).await.value("priority"), "P3");
}

#[actix_web::test]
async fn two_edits_by_a_person_in_the_same_minute_as_our_push_both_arrive() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("One minute").await;
    desk.converge().await;
    // From here the CRM's clock stands between second 20 and 59 of a past minute.
    let back = TimeDelta::seconds(-40 - i64::from(Utc::now().second()));
    let case = desk.case(&ticket).await.id;
    let modified =
        || desk.crm.record("Cases", &case).unwrap().value("date_modified")[..16].to_owned();
    desk.crm.set_clock_offset(back);
    desk.priority(&ticket, "low").await;
    desk.converge().await;
    let pushed = modified();
    desk.crm.edit("Cases", &case, json!({"priority": "P1"}), CLERK).unwrap();
    assert_eq!(modified(), pushed);
    desk.crm.set_clock_offset(TimeDelta::zero());
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "high");
    desk.crm.set_clock_offset(back);
    desk.crm.edit("Cases", &case, json!({"priority": "P2"}), CLERK).unwrap();
    assert_eq!(modified(), pushed);
    desk.crm.set_clock_offset(TimeDelta::zero());
    desk.pull().await;
    assert_eq!(desk.ticket(&ticket).await["priority"], "normal");
    assert_eq!(desk.field(&ticket, "priority").await["provenance"]["replaced"], "P1");
}

#[actix_web::test]
async fn text_that_the_crm_lost_of_a_note_is_shown() {
    let crm = FakeCrm::start_with(Settings { utf8mb3: true, ..Settings::default() }).await.unwrap();
    let desk = Mirrored::start_on(crm, json!({})).await;
    let ticket = desk.open("Notes").await;
    desk.note(&ticket, "internal", "all <b>fine</b> 🙂!").await;
    desk.note(&ticket, "internal", "nothing <lost>").await;
    desk.converge().await;
    let mirror = desk.mirror(&ticket).await;
    assert_eq!(mirror["notes"].as_array().unwrap().len(), 1, "{mirror}");
    let expected = json!({"sent": "all <b>fine</b> 🙂!", "got": "all <b>fine</b> !"});
    assert_eq!(mirror["notes"][0]["altered"], expected);
    assert_eq!(mirror["notes"][0]["gone_at"], json!(null));
}

#[actix_web::test]
async fn a_note_deleted_in_the_crm_is_told_and_not_written_again() {
    let desk = Mirrored::start().await;
    let ticket = desk.open("Notes").await;
    desk.note(&ticket, "internal", "stays").await;
    desk.note(&ticket, "internal", "goes").await;
    desk.converge().await;
    let case = desk.case(&ticket).await.id;
    let gone = desk.notes(&case).into_iter().find(|n| n.value("description") == "goes").unwrap();
    desk.crm.delete("Notes", &gone.id).unwrap();
    for drift in [1, 0] {
        let job = desk.reconcile(json!({"mode": "repair"})).await;
        assert_eq!(job["progress"]["found"], drift, "{job}");
        desk.converge().await;
    }
    let mirror = desk.mirror(&ticket).await;
    assert_eq!(mirror["notes"].as_array().unwrap().len(), 1, "{mirror}");
    assert_eq!(mirror["notes"][0]["remote_id"], gone.id);
    assert!(mirror["notes"][0]["gone_at"].is_string());
    assert!(desk.crm.record("Notes", &gone.id).unwrap().deleted);
    let told = desk.events("mirror.note_gone").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["ticket_id"], ticket);
}
