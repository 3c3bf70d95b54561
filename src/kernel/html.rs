//! Plain text as HTML.

/// The text as a paragraph, as [`plain_lines`] has it.
pub fn plain_html(text: &str) -> String {
    format!("<p>{}</p>", plain_lines(text))
}

/// The text to be put into HTML: nothing in it is markup, and its line breaks are kept.
pub fn plain_lines(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.trim().lines().enumerate() {
        if number > 0 {
            html.push_str("<br>\n");
        }
        escape(line, &mut html);
    }
    html
}

fn escape(text: &str, html: &mut String) {
    let mut kept = 0;
    for (at, special) in text.match_indices(['&', '<', '>', '"', '\'']) {
        html.push_str(&text[kept..at]);
        html.push_str(match special {
            "&" => "&amp;",
            "<" => "&lt;",
            ">" => "&gt;",
            "\"" => "&quot;",
            _ => "&#39;",
        });
        kept = at + special.len();
    }
    html.push_str(&text[kept..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_plain_text_is_markup_and_its_lines_stay() {
        let text = "\n1 < 2 & \"three\"\r\n\r\n<img src=x onerror='y'>\n";
        let html = "<p>1 &lt; 2 &amp; &quot;three&quot;<br>\n<br>\n&lt;img src=x onerror=&#39;y&#39;&gt;</p>";
        assert_eq!(plain_html(text), html);
        assert_eq!(plain_html(""), "<p></p>");
    }
}
