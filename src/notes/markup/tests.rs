use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn markdown_is_shown_as_it_is_meant() {
    for (source, html) in [
        ("Hello", "<p>Hello</p>"),
        ("One\ntwo\n\nthree", "<p>One<br>\ntwo</p>\n<p>three</p>"),
        (
            "**a** *b* ~~c~~ `d<e>`",
            "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d&lt;e&gt;</code></p>",
        ),
        ("# T\n\n> q", "<h1>T</h1>\n<blockquote>\n<p>q</p>\n</blockquote>"),
        ("3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("```sql\nselect 1 < 2;\n```", "<pre><code>select 1 &lt; 2;\n</code></pre>"),
        (
            "|a|b|\n|-|:-:|\n|1|2|",
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>",
        ),
        (
            "[x](https://desk.example/a?b=1&c=2)",
            "<p><a href=\"https://desk.example/a?b=1&amp;c=2\" rel=\"nofollow noopener noreferrer\">x</a></p>",
        ),
        (
            "<post@desk.example>",
            "<p><a href=\"mailto:post@desk.example\" rel=\"nofollow noopener noreferrer\">post@desk.example</a></p>",
        ),
        // Nobody is made to load it by reading.
        (
            "![logo](https://a.example/x.png)",
            "<p><a href=\"https://a.example/x.png\" rel=\"nofollow noopener noreferrer\">logo</a></p>",
        ),
        // It would be an empty paragraph otherwise.
        ("[a]: https://desk.example", "<p>[a]: https://desk.example</p>"),
    ] {
        assert_eq!(markdown_html(source), html, "{source}");
    }
}

/// What browsers were led to run, load or send by notes like these.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--><img src=1 onerror=alert(1)>\">",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<form action=https://x.example><input name=password></form>",
    "<base href=https://x.example/><meta http-equiv=refresh content=0>",
    "<style>*{background:url(https://x.example)}</style><p style=\"position:fixed\">x",
    "<a href=\"java\tscript:alert(1)\">x</a>",
    "<div><b><p>unclosed <table><td>",
    "</p></div></body></html><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "[x](//x.example)",
    "[x](/v1/clients)",
    "[x](file:///etc/passwd)",
    "[x](agent:0199f0c2-b1c9-7000-8000-000000000003)",
    "<javascript:alert(1)>",
    "[a]\n\n[a]: javascript:alert(1)",
    "![x](javascript:alert(1))",
    "![x](https://x.example/pixel.png \"a\" onerror=alert(1))",
    "[x](https://x.example \"\\\" onmouseover=alert(1) x=\\\"\")",
    "[![x](javascript:alert(1))](javascript:alert(2))",
    "[x](https://x.example/\"onmouseover=\"alert(1))",
    "`<script>alert(1)</script>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "```\"onmouseover=alert(1)\nx\n```",
    "| <script>alert(1)</script> |\n|-|\n| [x](javascript:alert(1)) |",
    "@[<img src=x onerror=alert(1)>](agent:0199f0c2-b1c9-7000-8000-000000000003)",
    "@[x](agent:\"><script>alert(1)</script>)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\u{202e}<script>\0alert(1)</script>",
];

/// The attributes and elements of the HTML, as a browser would read them.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()).collect()
}

fn assert_safe(source: &str, html: &str) {
    for tag in tags(html) {
        let name = tag.trim_start_matches('/').split([' ', '>']).next().unwrap();
        let known = "p br hr h1 h2 h3 h4 h5 h6 strong em del code pre blockquote ul ol li a span table thead tbody tr th td";
        assert!(known.split(' ').any(|known| known == name), "{name} of {source:?}: {html}");
        // Outside of what is quoted there are the names of attributes alone.
        let names: String = tag.split('"').step_by(2).collect();
        let names = names.split([' ', '=']).skip(1).filter(|name| !name.is_empty());
        for name in names {
            let known = ["href", "rel", "start", "class", "data-agent"];
            assert!(known.contains(&name), "{name} of {source:?}: {html}");
        }
        if let Some((_, href)) = tag.split_once("href=\"") {
            let known = ["http://", "https://", "mailto:", "tel:"];
            assert!(known.iter().any(|known| href.starts_with(known)), "{source:?}: {html}");
            assert!(tag.contains("rel=\"nofollow noopener noreferrer\""), "{source:?}: {html}");
        }
    }
}

#[test]
fn nothing_hostile_survives_and_what_was_written_can_be_read() {
    for source in HOSTILE {
        for around in ["{}", "Hello {} there", "> {}", "- {}", "**{}**", "[{}](https://x.example)"]
        {
            let source = around.replace("{}", source);
            let html = markdown_html(&source);
            assert_safe(&source, &html);
            assert!(!html.is_empty(), "{source:?}");
        }
        assert_safe(source, &plain_html(source));
    }
    let shown = markdown_html("Use <script src=x> here");
    assert_eq!(shown, "<p>Use &lt;script src=x&gt; here</p>");
}

/// What such sources repeat.
const REPEATED: &[&str] = &[
    ">",
    "> ",
    "- ",
    "1. ",
    "* a **a ",
    "*_",
    "**a [b](c) _",
    "[",
    "![",
    "[a](",
    "[a](b",
    "]",
    "`a ",
    "~~a ",
    "~~a~ ",
    "<",
    "<b>",
    "<!--",
    "<?",
    "<!A",
    "<![CDATA[",
    "<http://a",
    "<a@b.c>",
    "&amp;",
    "&#x",
    "\\",
    "\"",
    "\t",
    "\r\n",
    "\0",
    "a\n=\n",
    "```\n",
    "#",
    "[a]: <",
    "[a]:x\n",
    "|",
    "|a|\n|-|\n",
    "@[a](agent:",
    "é",
    "\u{202e}",
];

/// Sources that made parsers slow, each as long as a note may be.
fn heavy() -> Vec<String> {
    let fill = |part: &str| part.repeat(60_000 / part.len());
    let deep = |part: &str, line: &str| {
        let begin = part.repeat(20_000 / part.len()) + "a";
        begin + &line.repeat(40_000 / line.len())
    };
    let mut sources: Vec<String> = REPEATED.iter().map(|part| fill(part)).collect();
    for part in [">", "- ", "1. ", "> - ", "* + "] {
        sources.extend(["\n", "\na", "\n>", "\n> a", "\n ```"].map(|line| deep(part, line)));
    }
    let cells = |cell: &str, count| format!("|{}", cell.repeat(count));
    // A wide table whose many rows are short: filling them up is what makes it grow.
    sources.push(format!(
        "{}\n{}\n{}",
        cells("a|", 9_000),
        cells("-|", 9_000),
        "|\n".repeat(9_000)
    ));
    // A long address, and many references to it.
    sources.push(format!("[a]: https://x/{}\n\n{}", "u".repeat(30_000), "[a]".repeat(10_000)));
    sources.push((1..340).map(|count| "`".repeat(count) + " ").collect());
    sources.push("[".repeat(20_000) + "a" + &"](b)".repeat(10_000));
    sources.push((0..240).map(|depth| "  ".repeat(depth) + "- a\n").collect());
    sources
}

#[test]
fn the_cost_of_a_note_is_bounded_by_its_length() {
    for source in heavy() {
        let begun = Instant::now();
        let html = markdown_html(&source);
        let named = mentions(&source);
        // What grows with the square of the length takes minutes; this is without optimization, on a machine that is busy.
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?} {:.40}", begun.elapsed(), source);
        assert!(html.len() <= source.len() * GROWTH + 200, "{} {:.40}", html.len(), source);
        assert!(named.len() <= MENTIONS);
        assert_safe(&source[..source.floor_char_boundary(40)], &html);
    }
}

const AGENT: &str = "0199f0c2-b1c9-7000-8000-000000000003";

#[test]
fn whom_a_text_mentions_is_found_where_it_is_shown() {
    let mention = format!("@[L1 agent A](agent:{AGENT})");
    assert_eq!(mentions(&format!("Hello {mention}, and {mention}!")), [AgentId::EXAMPLE]);
    let html =
        format!("<p>Hello @<span class=\"mention\" data-agent=\"{AGENT}\">L1 agent A</span>!</p>");
    assert_eq!(markdown_html(&format!("Hello {mention}!")), html);
    for none in [
        format!("`{mention}`"),
        format!("    {mention}"),
        format!("[L1 agent A](agent:{AGENT})"),
        "@[L1 agent A](agent:nobody)".to_owned(),
        format!("@[L1 agent A](https://x.example/agent:{AGENT})"),
    ] {
        assert!(mentions(&none).is_empty(), "{none}");
        assert!(!markdown_html(&none).contains("mention\""), "{none}");
    }
    let many: String = (0..50).map(|_| format!("@[x](agent:{}) ", AgentId::new())).collect();
    assert_eq!(mentions(&many).len(), MENTIONS);
}

#[test]
fn what_comes_by_mail_or_from_a_crm_is_plain_text() {
    for channel in [Channel::Email, Channel::Crm, Channel::Phone] {
        let html = body_html(channel, "**not bold**\n<b>");
        assert_eq!(&*html, "<p>**not bold**<br>\n&lt;b&gt;</p>");
    }
    for channel in [Channel::Api, Channel::Portal] {
        for _ in 0..2 {
            assert_eq!(&*body_html(channel, "**bold**"), "<p><strong>bold</strong></p>");
        }
    }
}

proptest! {
    #[test]
    fn no_text_is_shown_unsafely(
        source in "([a-z<>\\[\\]()*_~`|#@:&;!\"'/\\\\ \\n=-]|script|javascript:|https://|<a href=|on[a-z]=|&#|agent:){0,60}",
    ) {
        assert_safe(&source, &markdown_html(&source));
    }
}
