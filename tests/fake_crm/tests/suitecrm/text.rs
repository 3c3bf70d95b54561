use fake_crm::Settings;
use serde_json::json;

use crate::support::{CASE, Crm};

/// Writes `text` as name and description; returns what comes back of both.
async fn round_trip(crm: &Crm, text: &str) -> (String, String) {
    let reply = crm.create("Cases", None, json!({ "name": text, "description": text })).await;
    (reply.attribute("name").to_owned(), reply.attribute("description").to_owned())
}

#[tokio::test]
async fn special_characters_come_back_as_entities_and_ampersands_only_in_long_text() {
    let crm = Crm::start().await;
    let (name, description) = round_trip(&crm, "1 < 2 > \"a\" & 'b'").await;
    assert_eq!(name, "1 &lt; 2 &gt; &quot;a&quot; & &#039;b&#039;");
    assert_eq!(description, "1 &lt; 2 &gt; &quot;a&quot; &amp; &#039;b&#039;");
}

#[tokio::test]
async fn text_that_looks_like_a_tag_vanishes_even_when_escaped() {
    let crm = Crm::start().await;
    for (written, kept) in [
        ("see email <bob@x> now", "see email  now"),
        ("vec<int>", "vec"),
        ("vec&lt;int&gt;", "vec"),
        ("a</b>c<!-- d -->e<?php f?>g", "aceg"),
        ("x <unclosed and the rest", "x "),
    ] {
        assert_eq!(round_trip(&crm, written).await.1, kept, "{written}");
    }
}

#[tokio::test]
async fn a_less_than_sign_before_a_space_or_a_digit_survives() {
    let crm = Crm::start().await;
    assert_eq!(round_trip(&crm, "1 < 2, a<3").await.1, "1 &lt; 2, a&lt;3");
}

#[tokio::test]
async fn entities_are_decoded_once_when_written() {
    let crm = Crm::start().await;
    round_trip(&crm, "&quot;&#233;&#x41;&amp;lt; &unknown; &").await;
    let stored = &crm.fake.records("Cases")[0];
    assert_eq!(stored.value("description"), "\"\u{e9}A&lt; &unknown; &");
}

#[tokio::test]
async fn names_are_trimmed_and_descriptions_are_not() {
    let crm = Crm::start().await;
    assert_eq!(round_trip(&crm, "  a ").await, ("a".to_owned(), "  a ".to_owned()));
}

#[tokio::test]
async fn four_byte_characters_survive_only_with_utf8mb4() {
    let crm = Crm::start().await;
    assert_eq!(round_trip(&crm, "ok \u{1f600}!").await.1, "ok \u{1f600}!");
    let old = Crm::start_with(Settings { utf8mb3: true, ..Settings::default() }).await;
    assert_eq!(round_trip(&old, "ok \u{1f600}!").await.1, "ok !");
}

#[tokio::test]
async fn what_a_person_types_is_stored_like_what_the_api_writes() {
    let crm = Crm::start().await;
    crm.case(json!({ "name": "a" })).await;
    crm.fake.edit("Cases", CASE, json!({ "name": " b <i>c</i> " }), "u1").unwrap();
    assert_eq!(crm.read_case().await.attribute("name"), "b c");
}
