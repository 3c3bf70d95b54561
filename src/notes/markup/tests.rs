use std::time::Instant;

use super::*;

#[test]
fn measure() {
    let typical = "Hello,\n\nthe export works again. Can you confirm?\nThe limit was raised to **5,000 rows**, see [the page](https://desk.example/x).\n\n- one\n- two\n\nBest regards";
    let plain = "The export works again. Can you confirm?";
    for (name, text) in [("typical", typical.to_owned()), ("plain", plain.to_owned()), ("long", typical.repeat(20))] {
        markdown_html(&text);
        let t = Instant::now();
        for _ in 0..100 { markdown_html(&text); }
        println!("{name}: {:?} each", t.elapsed() / 100);
        let t = Instant::now();
        for _ in 0..100 { let mut s = String::new(); pulldown_cmark::html::push_html(&mut s, Parser::new_ext(&text, OPTIONS)); }
        println!("{name}: {:?} parse only", t.elapsed() / 100);
    }
    println!("{}", markdown_html(typical));
    let r = |s: &str, n: usize| s.repeat(n);
    for (name, text) in [
        ("quotes", r(">", 60000)), ("quotes lines", r(&(r(">", 200) + "\n"), 290)), ("list", r("- ", 30000)), ("list+blank", r("- ", 10000) + "x" + &r("\n", 39000)),
        ("list40+blank", r("- ", 40) + "x" + &r("\n", 59000)),
        ("em", r("*a **a ", 8500)), ("em2", r("*_", 30000)), ("brackets", r("[", 60000)), ("brackets2", r("[a](", 15000)), ("links", r("[a](b)", 10000)), ("images", r("![", 30000)),
        ("ticks", (1..340).map(|n| r("`", n) + " ").collect::<String>()), ("html", r("<b>", 20000)), ("lt", r("<", 60000)), ("comment", r("<!--", 15000)), ("pi", r("<?", 30000)), ("cdata", r("<![CDATA[", 6000)), ("decl", r("<!A", 20000)),
        ("refs", format!("[a]: https://x/{}\n\n", r("u", 30000)) + &r("[a]", 10000)), ("defs", (0..6000).map(|n| format!("[{n}]: x\n")).collect::<String>()),
        ("table", format!("|{}\n|{}\n{}", r("a|", 10000), r("-|", 10000), r("|\n", 9999))), ("entities", r("&amp;", 12000)), ("strike", r("~~a ", 15000)), ("strike2", r("~", 60000)),
        ("nestlist", (0..300).map(|n| r(" ", n*2) + "- a\n").collect::<String>()), ("tabs", r("\t", 60000)), ("crlf", r("\r\n", 30000)), ("nul", r("\0", 60000)), ("setext", r("a\n=\n", 15000)), ("lazy", r(">", 40) + "a" + &r("\na", 29000)), ("autolink", r("<http://a", 6600)), ("autolink2", r("<a@b.c>", 8000)), ("escaped", r("\\", 60000)), ("fences", r("```\n", 15000)), ("hash", r("#", 60000)), ("ol", r("1) ", 20000)), ("parens", format!("[a]({}", r("(", 59000))), ("quot", r("\"", 60000)), ("nested br", r("[", 30000) + &r("]", 30000)), ("nested br2", r("[", 30000) + "a" + &r("](b)", 7000)),
    ] {
        let t = Instant::now();
        let html = markdown_html(&text);
        let e = t.elapsed();
        let t = Instant::now();
        let _ = Parser::new_ext(&text, OPTIONS).count();
        println!("{name}: {:?} parse {:?} {} -> {}", e, t.elapsed(), text.len(), html.len());
    }
}
