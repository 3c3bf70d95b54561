//! What somebody wrote, without what their mail program put below or above it. The original is kept; this is what a note shows.
//!
//! No standard says how a reply quotes: these are the ways of Gmail, Outlook, Apple Mail, Thunderbird and the mail programs of
//! phones, in the languages that they write most.

/// Lines that an attribution can be wrapped over, and its length at the most.
const ATTRIBUTION_LINES: usize = 4;
const ATTRIBUTION_LENGTH: usize = 400;
/// Lines behind `From:` within which the other fields of a quoted header stand.
const HEADER_LINES: usize = 6;

/// `On ... wrote:` begins so,
const OPENERS: [&str; 12] =
    ["on ", "am ", "le ", "el ", "il ", "em ", "op ", "w dniu ", "den ", "dne ", "a(z) ", "в "];
/// and says so.
const WROTE: [&str; 13] = [
    "wrote",
    "schrieb",
    "a écrit",
    "escribió",
    "ha scritto",
    "escreveu",
    "schreef",
    "napisał",
    "skrev",
    "napsal",
    "írta",
    "написал",
    "пише",
];
/// `-----Original Message-----`
const ORIGINAL: [&str; 12] = [
    "original message",
    "original-nachricht",
    "originalnachricht",
    "ursprüngliche nachricht",
    "message d'origine",
    "message original",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "oorspronkelijk bericht",
    "wiadomość oryginalna",
    "ursprungligt meddelande",
];
/// The first field of a quoted header, and the others.
const FROM: [&str; 9] = ["from", "von", "de", "da", "van", "od", "från", "fra", "от"];
const FIELDS: [&str; 31] = [
    "sent",
    "date",
    "to",
    "cc",
    "subject",
    "gesendet",
    "datum",
    "an",
    "betreff",
    "envoyé",
    "à",
    "objet",
    "enviado",
    "enviado el",
    "enviada em",
    "fecha",
    "para",
    "asunto",
    "assunto",
    "inviato",
    "data",
    "a",
    "oggetto",
    "verzonden",
    "aan",
    "onderwerp",
    "wysłano",
    "do",
    "temat",
    "skickat",
    "ämne",
];
/// What phones and web mail put below.
const FOOTERS: [&str; 15] = [
    "sent from my ",
    "sent from mail for ",
    "sent from outlook",
    "sent via ",
    "sent with ",
    "get outlook for ",
    "von meinem ",
    "gesendet von ",
    "gesendet mit ",
    "outlook für ",
    "envoyé de mon ",
    "envoyé depuis ",
    "enviado desde ",
    "inviato da ",
    "verzonden vanaf ",
];
/// `Fwd: ...`: what is below is the message.
const FORWARDS: [&str; 8] = ["fwd:", "fw:", "wg:", "tr:", "rv:", "enc:", "doorst:", "pd:"];

/// True when the subject says that the mail hands another one on.
pub fn is_forward(subject: &str) -> bool {
    let subject = subject.trim_start().to_lowercase();
    FORWARDS.iter().any(|prefix| subject.starts_with(prefix))
}

/// What the sender wrote. The whole text when nothing would be left.
pub fn without_quotes(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut kept = own_lines(&lines);
    cut_signature(&mut kept);
    let own = kept.join("\n");
    let own = own.trim();
    if own.is_empty() { text.trim().to_owned() } else { own.to_owned() }
}

fn own_lines<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    for at in 0..lines.len() {
        if is_separator(lines[at]) || is_header(&lines[at..]) {
            return above(&lines[..at]);
        }
        if let Some(length) = attribution(&lines[at..]) {
            let mut kept = lines[..at].to_vec();
            kept.extend(below_attribution(&lines[at + length..]));
            return above(&kept);
        }
    }
    above(lines)
}

/// Without blank lines, quotations and rules at the end.
fn above<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let dead = |line: &&str| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with('>')
            || line.len() > 4 && line.bytes().all(|b| b == b'_')
    };
    let end = lines.iter().rposition(|line| !dead(line)).map_or(0, |last| last + 1);
    lines[..end].to_vec()
}

/// What was written below or between the quoted lines: without them when it is all below, with them when it answers one after
/// the other. Nothing when the quotation is not marked line by line.
fn below_attribution<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let is_quoted = |line: &&str| line.trim_start().starts_with('>');
    let first = lines.iter().position(|line| !line.trim().is_empty());
    let Some(first) = first.filter(|first| is_quoted(&lines[*first])) else { return Vec::new() };
    let block = lines[first..].iter().take_while(|line| is_quoted(line) || line.trim().is_empty());
    let below = first + block.count();
    let again = lines[below..].iter().any(is_quoted);
    if again { lines[first..].to_vec() } else { lines[below..].to_vec() }
}

/// How many lines the attribution takes that begins here.
fn attribution(lines: &[&str]) -> Option<usize> {
    let first = lines[0].trim().to_lowercase();
    if !OPENERS.iter().any(|opener| first.starts_with(opener)) && !first.contains('@') {
        return None;
    }
    let mut joined = String::new();
    for (at, line) in lines.iter().take(ATTRIBUTION_LINES).enumerate() {
        joined.push_str(&line.trim().to_lowercase());
        joined.push(' ');
        if joined.len() > ATTRIBUTION_LENGTH {
            return None;
        }
        if line.trim_end().ends_with([':', '：']) {
            let wrote = WROTE.iter().any(|wrote| joined.contains(wrote));
            let dated = joined.contains(|c: char| c.is_ascii_digit()) || joined.contains('@');
            return (wrote && dated).then_some(at + 1);
        }
    }
    None
}

fn is_separator(line: &str) -> bool {
    let line = line.trim();
    if !line.starts_with('-') || !line.ends_with('-') || line.len() > 100 {
        return false;
    }
    let words = line.trim_matches(['-', ' ']).to_lowercase().replace('’', "'");
    ORIGINAL.contains(&words.as_str())
}

/// Whether a quoted header begins here: `From:`, and at least two of the other fields close behind.
fn is_header(lines: &[&str]) -> bool {
    let field = |line: &str| {
        let (name, _) = line.trim_start_matches(['>', ' ', '*']).split_once(':')?;
        (name.len() <= 40).then(|| name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase())
    };
    let is = |line: &str, names: &[&str]| field(line).is_some_and(|f| names.contains(&f.as_str()));
    if lines[0].trim_start().starts_with('>') || !is(lines[0], &FROM) {
        return false;
    }
    let behind = lines[1..].iter().take(HEADER_LINES);
    behind.filter(|line| is(line, &FIELDS)).count() >= 2
}

/// Takes off what stands below `-- ` (RFC 3676, section 4.3) and what phones add.
fn cut_signature(lines: &mut Vec<&str>) {
    let marked = lines.iter().position(|line| line.trim_end() == "--");
    if let Some(at) = marked.filter(|at| *at > 0) {
        lines.truncate(at);
    }
    while let Some(last) = lines.last() {
        let text = last.trim().to_lowercase();
        let footer = text.len() <= 100 && FOOTERS.iter().any(|start| text.starts_with(start));
        if !text.is_empty() && !footer {
            return;
        }
        lines.pop();
    }
}
