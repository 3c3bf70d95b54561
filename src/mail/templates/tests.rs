use serde_json::json;

use super::*;

fn sample(text: &str) -> Value {
    json!({
        "ticket": {"number": "CB-1", "subject": text, "url": "https://desk.example/t"},
        "recipient": {"name": text},
        "note": {"author": text, "text": text},
    })
}

#[test]
fn every_text_is_there_in_english_and_renders_its_sample_whole() {
    for template in TEMPLATES {
        assert!(template.languages().any(|language| language == DEFAULT_LANGUAGE));
        for language in template.languages() {
            let source = template.source(language).unwrap();
            let rendered = preview(&source, language, &template.sample());
            let rendered = rendered.unwrap_or_else(|error| panic!("{}: {error:?}", template.key));
            assert!(!rendered.subject.is_empty() && !rendered.subject.contains("{{"));
            assert!(rendered.text.len() > 20 && rendered.html.contains("<html lang=\""));
            let outside = ["src=", "<link", "@import", "url(", "<script"];
            let loads = outside.iter().find(|word| rendered.html.contains(**word));
            assert!(loads.is_none(), "{}: {loads:?} loads something", template.key);
        }
    }
}

#[test]
fn what_somebody_wrote_is_escaped_in_html_and_left_alone_in_text() {
    let source = Template::find("ticket_reply").unwrap().source("en").unwrap();
    let hostile = "<img src=x onerror='a()'> & co";
    let rendered = Engine::lenient().render(&source, "en", &sample(hostile)).unwrap();
    assert!(rendered.text.contains(hostile) && rendered.subject.contains(hostile));
    assert!(!rendered.html.contains("<img") && rendered.html.contains("&lt;img"));
    let mut data = sample(hostile);
    data["note"]["html"] = json!("<b>bold</b>");
    let rendered = Engine::lenient().render(&source, "en", &data).unwrap();
    assert!(rendered.html.contains("<b>bold</b>") && !rendered.html.contains("<img"));
}

#[test]
fn no_text_makes_a_second_header_of_a_subject() {
    let source = Template::find("ticket_reply").unwrap().source("en").unwrap();
    let rendered = Engine::lenient().render(&source, "en", &sample("a\r\nBcc: b@c.example"));
    assert_eq!(rendered.unwrap().subject, "Re: a Bcc: b@c.example [CB-1]");
}

#[test]
fn a_text_that_never_ends_or_reaches_out_is_refused() {
    let wrong = |text: &str| {
        let source = Source { subject: "s".into(), text: text.into(), html: String::new() };
        preview(&source, "en", &json!({"a": "<b>"}))
    };
    assert!(
        wrong("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")
            .is_err()
    );
    for text in ["{{ missing }}", "{% include 'x' %}", "{{ a|safe }}", "{{ a", "{% if a %}"] {
        assert!(wrong(text).is_err(), "{text}");
    }
    let unescaped = "{% autoescape false %}{{ a }}{% endautoescape %}".to_owned();
    let source = Source { subject: "s".into(), text: "t".into(), html: unescaped };
    assert!(preview(&source, "en", &json!({"a": "<b>"})).is_err());
    assert_eq!(wrong("{% if missing %}x{% endif %}{{ a }}").unwrap().text, "<b>\n");
}

#[test]
fn a_language_falls_back_to_its_main_language_and_then_to_english() {
    assert_eq!(fallbacks(Some("pt-BR")), ["pt-BR", "pt", "en"]);
    assert_eq!(fallbacks(Some("en")), ["en"]);
    assert_eq!(fallbacks(None), ["en"]);
}
