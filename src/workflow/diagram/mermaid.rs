//! A workflow as Mermaid text: <https://mermaid.js.org/syntax/stateDiagram.html>.
use super::arrows;
use crate::workflow::rules::{Category, Workflow};

/// A state diagram. Arrows without a text are an agent's who needs nothing for them.
pub fn mermaid(workflow: &Workflow) -> String {
    let id = |code: &str| {
        let place = workflow.statuses.iter().position(|status| status.code == code);
        format!("s{}", place.unwrap_or_default())
    };
    let mut text = format!("---\ntitle: \"{}\"\n---\nstateDiagram-v2\n", escaped(&workflow.name));
    let mut line = |line: String| {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    };
    for status in &workflow.statuses {
        let name = escaped(&format!("{} {}", status.code, status.name));
        line(format!("state \"{name}\" as {}", id(&status.code)));
    }
    line(format!("[*] --> {}", id(&workflow.draft_status)));
    for arrow in arrows(workflow) {
        let mut label = escaped(&arrow.label.join(" / "));
        if !label.is_empty() {
            label.insert_str(0, ": ");
        }
        line(format!("{} --> {}{label}", id(arrow.from), id(arrow.to)));
    }
    for category in Category::ALL {
        let members = workflow.statuses.iter().filter(|status| status.category == *category);
        let members: Vec<String> = members.map(|status| id(&status.code)).collect();
        if !members.is_empty() {
            line(format!("classDef {category} fill:{},color:#1f2933", super::svg::fill(*category)));
            line(format!("class {} {category}", members.join(",")));
        }
    }
    text
}

/// What means something to Mermaid becomes an entity: `#quot;`, `#58;`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '.' | ',' | '-' | '_' | '/' => out.push(c),
            c if c.is_alphabetic() => out.push(c),
            c if c.is_control() => out.push(' '),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}
