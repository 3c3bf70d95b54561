//! Whether a reply only says thank you.
use std::sync::LazyLock;

/// Words that thank.
const THANKS: &str = "thanks thank thx ty cheers danke dankeschön dank merci gracias grazie obrigado obrigada bedankt dziękuję tack takk";
/// Words that may stand beside them: in English, German, French, Spanish, Italian, Portuguese and Dutch.
const BESIDE: &str = "a again all awesome best brilliant excellent fine for fantastic fixed good great help helping it kind lot \
    many me much my nice now ok okay perfect perfectly quick quickly regards really resolved resolution response reply so solved solving super support \
    team that the this very well wonderful works working warm wishes you your everything is are sorted fast so again sincerely \
    alles beste besten bestens bis euch für freundlichen freundliche grüße grüßen gruß gut hat herzlichen hilfe ihnen ihre klar liebe \
    mfg mit nochmals prima rasche schnelle sehr toll vielen viele vg lg wunderbar funktioniert jetzt klappt geklappt perfekt \
    beaucoup bien cordialement parfait pour votre aide vous c'est réglé super \
    muchas mil por su tu ayuda perfecto saludos mille molto perfetto saluti per aiuto tutto \
    muito pela ajuda perfeito hartelijk veel voor hulp uw groeten met vriendelijke goed";
/// Behind these comes a name.
const SIGN_OFF: &str = "regards grüße grüßen gruß mfg vg lg cordialement saludos saluti groeten sincerely wishes cheers";
/// Before these comes nothing but a name.
const GREETINGS: &str =
    "hi hello hey dear hallo liebe lieber guten bonjour hola ciao olá beste servus moin";
/// Longer texts say more than thank you.
const WORDS: usize = 25;
const NAME: usize = 4;

struct Words {
    thanks: Vec<&'static str>,
    beside: Vec<&'static str>,
    sign_off: Vec<&'static str>,
    greetings: Vec<&'static str>,
}

static LISTS: LazyLock<Words> = LazyLock::new(|| {
    let list = |text: &'static str| text.split_whitespace().collect();
    let (thanks, beside) = (list(THANKS), list(BESIDE));
    Words { thanks, beside, sign_off: list(SIGN_OFF), greetings: list(GREETINGS) }
});

/// True when every word is one that thanks, greets or says goodbye, and at least one thanks. In doubt it is not.
pub fn is_thanks(text: &str) -> bool {
    let mut count = 0;
    let mut thanked = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.contains(['?', '@', '/']) || line.contains(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let words = words(line);
        count += words.len();
        let greets = words.first().is_some_and(|word| LISTS.greetings.contains(&word.as_str()));
        if greets && count == words.len() && words.len() <= NAME {
            continue;
        }
        match only_thanks(&words) {
            Line::Thanks(yes) => thanked |= yes,
            Line::SignsOff => break,
            // What stands alone below the thanks is a name.
            Line::Other if thanked && words.len() <= 2 && is_last(text, line) => break,
            Line::Other => return false,
        }
        if count > WORDS {
            return false;
        }
    }
    thanked
}

enum Line {
    Thanks(bool),
    SignsOff,
    Other,
}

fn only_thanks(words: &[String]) -> Line {
    let knows = |list: &[&str], word: &String| list.contains(&word.as_str());
    let thanks = words.iter().any(|word| knows(&LISTS.thanks, word));
    let strange = words.iter().position(|word| {
        !knows(&LISTS.thanks, word) && !knows(&LISTS.beside, word) && !knows(&LISTS.sign_off, word)
    });
    let signed = words.iter().position(|word| knows(&LISTS.sign_off, word));
    match (strange, signed) {
        (None, Some(_)) if !thanks => Line::SignsOff,
        (None, _) => Line::Thanks(thanks),
        (Some(strange), Some(signed)) if signed < strange && words.len() - strange <= 3 => {
            if thanks { Line::Thanks(true) } else { Line::SignsOff }
        }
        _ => Line::Other,
    }
}

fn is_last(text: &str, line: &str) -> bool {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()) == Some(line)
        && line.starts_with(char::is_uppercase)
}

fn words(line: &str) -> Vec<String> {
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’');
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase().replace('’', "'")).collect()
}
