//! What the page says, in each language.
use minijinja::{Value, context};

#[derive(Debug)]
pub struct Texts {
    language: &'static str,
    /// How a day is written (`strftime`).
    pub date: &'static str,
    title: &'static str,
    /// Before the title of a page that was sent with something wrong.
    error: &'static str,
    question: &'static str,
    ticket: &'static str,
    closed_on: &'static str,
    /// From 1 to 5.
    ratings: [&'static str; 5],
    comment: &'static str,
    comment_hint: &'static str,
    send: &'static str,
    change: &'static str,
    until: &'static str,
    thanks: &'static str,
    saved: &'static str,
    answered: &'static str,
    choose: &'static str,
    too_long: &'static str,
    something_wrong: &'static str,
    pub unknown: Words,
    pub over: Words,
    pub failed: Words,
}

#[derive(Debug)]
pub struct Words {
    title: &'static str,
    text: &'static str,
}

impl Texts {
    /// As the page sees them.
    pub fn context(&self) -> Value {
        context! {
            language => self.language,
            title => self.title,
            error => self.error,
            question => self.question,
            ticket => self.ticket,
            closed_on => self.closed_on,
            comment => self.comment,
            comment_hint => self.comment_hint,
            send => self.send,
            change => self.change,
            until => self.until,
            thanks => self.thanks,
            saved => self.saved,
            answered => self.answered,
            choose => self.choose,
            too_long => self.too_long,
            something_wrong => self.something_wrong,
            ratings => self.ratings.iter().copied().collect::<Value>(),
        }
    }
}

impl Words {
    pub fn context(&self) -> Value {
        context! { title => self.title, text => self.text }
    }
}

const ENGLISH: Texts = Texts {
    language: "en",
    date: "%-d %B %Y",
    title: "How satisfied are you?",
    error: "Something is missing",
    question: "How satisfied are you with how we handled your ticket?",
    ticket: "Ticket",
    closed_on: "closed on",
    ratings: ["Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"],
    comment: "What should we know?",
    comment_hint: "You need not write anything. Please leave out passwords and card numbers. At the most 2,000 characters.",
    send: "Send the answer",
    change: "Change the answer",
    until: "You can change your answer until",
    thanks: "Thank you",
    saved: "Your answer was saved.",
    answered: "You have answered already. This is your answer.",
    choose: "Please choose one of the five answers.",
    too_long: "Your comment is too long. Please shorten it to 2,000 characters.",
    something_wrong: "Your answer was not saved",
    unknown: Words {
        title: "There is no such survey",
        text: "This link leads nowhere. Perhaps it was cut off: please open it from the mail again, or copy all of it.",
    },
    over: Words {
        title: "This survey is over",
        text: "It can be answered no more. If you want to tell us something, please answer one of our mails about your ticket.",
    },
    failed: Words {
        title: "That did not work",
        text: "The survey cannot be reached at the moment. Please try again in a few minutes; your link stays good.",
    },
};

const GERMAN: Texts = Texts {
    language: "de",
    date: "%d.%m.%Y",
    title: "Wie zufrieden sind Sie?",
    error: "Es fehlt noch etwas",
    question: "Wie zufrieden sind Sie damit, wie wir Ihr Ticket bearbeitet haben?",
    ticket: "Ticket",
    closed_on: "geschlossen am",
    ratings: ["Sehr unzufrieden", "Unzufrieden", "Weder noch", "Zufrieden", "Sehr zufrieden"],
    comment: "Was sollten wir wissen?",
    comment_hint: "Sie müssen nichts schreiben. Bitte lassen Sie Passwörter und Kartennummern weg. Höchstens 2.000 Zeichen.",
    send: "Antwort absenden",
    change: "Antwort ändern",
    until: "Sie können Ihre Antwort ändern bis",
    thanks: "Vielen Dank",
    saved: "Ihre Antwort wurde gespeichert.",
    answered: "Sie haben schon geantwortet. Das ist Ihre Antwort.",
    choose: "Bitte wählen Sie eine der fünf Antworten.",
    too_long: "Ihr Kommentar ist zu lang. Bitte kürzen Sie ihn auf 2.000 Zeichen.",
    something_wrong: "Ihre Antwort wurde nicht gespeichert",
    unknown: Words {
        title: "Diese Umfrage gibt es nicht",
        text: "Dieser Link führt nirgendwohin. Vielleicht wurde er abgeschnitten: Bitte öffnen Sie ihn noch einmal aus der Mail, oder kopieren Sie ihn ganz.",
    },
    over: Words {
        title: "Diese Umfrage ist vorbei",
        text: "Sie kann nicht mehr beantwortet werden. Wenn Sie uns etwas sagen möchten, antworten Sie bitte auf eine unserer Mails zu Ihrem Ticket.",
    },
    failed: Words {
        title: "Das hat nicht geklappt",
        text: "Die Umfrage ist gerade nicht erreichbar. Bitte versuchen Sie es in einigen Minuten noch einmal; Ihr Link bleibt gültig.",
    },
};

/// The texts in the language of this tag (BCP 47), and in English for one that there is none for.
pub fn of(language: &str) -> &'static Texts {
    let main = language.split(['-', '_', ',', ';']).next().unwrap_or_default().trim();
    if main.eq_ignore_ascii_case("de") { &GERMAN } else { &ENGLISH }
}
