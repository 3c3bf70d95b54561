//! What the page says, in each language.
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Words {
    pub title: &'static str,
    pub text: &'static str,
}

macro_rules! texts {
    ($($(#[$doc:meta])* text $name:ident = $english:literal, $german:literal;)* $(page $words:ident = [$a:literal, $b:literal], [$c:literal, $d:literal];)*) => {
        #[derive(Debug, Serialize)]
        pub struct Texts {
            $($(#[$doc])* pub $name: &'static str,)*
            $(pub $words: Words,)*
        }

        const ENGLISH: Texts = Texts {
            $($name: $english,)*
            $($words: Words { title: $a, text: $b },)*
        };

        const GERMAN: Texts = Texts {
            $($name: $german,)*
            $($words: Words { title: $c, text: $d },)*
        };
    };
}

texts! {
    /// The tag of the language (BCP 47).
    text language = "en", "de";
    /// How a day is written (`strftime`).
    text date = "%-d %b %Y", "%d.%m.%Y";
    text time = "%-d %b %Y, %H:%M", "%d.%m.%Y, %H:%M";
    /// Between thousands, and before a fraction.
    text thousands = ",", ".";
    text point = ".", ",";
    text dashboard = "Dashboard", "Kennzahlen";
    text error = "Error", "Fehler";
    text skip = "Skip to the figures", "Zu den Kennzahlen springen";
    text sign_in = "Sign in", "Anmelden";
    text sign_in_why = "The figures of the desk, for those who may read its reports.", "Die Kennzahlen des Supports, für alle, die seine Berichte lesen dürfen.";
    text access_token = "Access token", "Zugangstoken";
    text token_hint = "One that you were given, as for the API. It stays in a cookie of this browser until it expires or you sign out.", "Eines, das Sie erhalten haben, wie für die API. Es bleibt in einem Cookie dieses Browsers, bis es abläuft oder Sie sich abmelden.";
    text or_client = "Or as a client", "Oder als Client";
    text client_id = "Client id", "Client-ID";
    text client_secret = "Client secret", "Client-Geheimnis";
    text sign_in_client = "Sign in as this client", "Als dieser Client anmelden";
    text sign_in_wrong = "That did not work. Please check what you entered.", "Das hat nicht geklappt. Bitte prüfen Sie Ihre Eingabe.";
    text sign_in_too_often = "Too many attempts failed. Please wait a moment, then try again.", "Zu viele Versuche sind fehlgeschlagen. Bitte warten Sie einen Moment und versuchen Sie es noch einmal.";
    text sign_in_over = "Your session is over. Please sign in again.", "Ihre Sitzung ist zu Ende. Bitte melden Sie sich wieder an.";
    text go_on = "I am signed in already", "Ich bin schon angemeldet";
    text sign_out = "Sign out", "Abmelden";

    text filters = "Filters", "Filter";
    text period = "Period", "Zeitraum";
    text today = "Today", "Heute";
    text days_7 = "Last 7 days", "Letzte 7 Tage";
    text days_30 = "Last 30 days", "Letzte 30 Tage";
    text days_90 = "Last 90 days", "Letzte 90 Tage";
    text this_month = "This month", "Dieser Monat";
    text last_month = "Last month", "Letzter Monat";
    text months_12 = "Last 12 months", "Letzte 12 Monate";
    text custom = "From … to …", "Von … bis …";
    text from = "From", "Von";
    text to = "To", "Bis";
    text time_zone = "Time zone", "Zeitzone";
    text department = "Department", "Abteilung";
    text agent = "Agent", "Mitarbeiter:in";
    text account = "Account", "Kunde";
    text product = "Product", "Produkt";
    text component = "Component", "Komponente";
    text all = "All", "Alle";
    text by_name = "Name or part of it", "Name oder ein Teil davon";
    text show = "Show", "Anzeigen";
    text reset = "Reset", "Zurücksetzen";
    text filters_wrong = "The figures cannot be shown with these filters:", "Mit diesen Filtern lassen sich keine Kennzahlen anzeigen:";
    text wrong_period = "Please choose one of the periods.", "Bitte wählen Sie einen der Zeiträume.";
    text wrong_day = "Please enter a day, as 2026-11-30.", "Bitte geben Sie einen Tag an, etwa 2026-11-30.";
    text wrong_order = "The last day must not be before the first.", "Der letzte Tag darf nicht vor dem ersten liegen.";
    text wrong_length = "Please choose eight years at the most.", "Bitte wählen Sie höchstens acht Jahre.";
    text wrong_zone = "There is no such time zone. Please enter one as Europe/Vienna.", "Diese Zeitzone gibt es nicht. Bitte geben Sie eine an wie Europe/Vienna.";
    text unknown_name = "There is nothing of this name.", "Unter diesem Namen gibt es nichts.";
    text several_names = "Several have this in their names: {}. Please enter more of it.", "Mehrere enthalten das im Namen: {}. Bitte geben Sie mehr davon an.";
    text at_a_glance = "At a glance", "Auf einen Blick";
    text period_line = "{} to {}, {}. As of {}.", "{} bis {}, {}. Stand: {}.";
    text day_line = "{}, {}. As of {}.", "{}, {}. Stand: {}.";
    text figures_title = "Figures", "Zahlen";
    text table = "Figures as a table", "Zahlen als Tabelle";
    text see_table = "The figures are in the table below.", "Die Zahlen stehen in der Tabelle darunter.";
    text nothing = "Nothing happened in this period.", "In diesem Zeitraum ist nichts geschehen.";
    text too_large = "This takes too long. Please choose a shorter period or narrower filters.", "Das dauert zu lange. Bitte wählen Sie einen kürzeren Zeitraum oder engere Filter.";

    text hour = "Hour", "Stunde";
    text day = "Day", "Tag";
    text week = "Week from", "Woche ab";
    text month = "Month", "Monat";
    text day_of_month = "%-d %b", "%d.%m.";
    text month_of_year = "%b %Y", "%m.%Y";
    text of = "{} of {}", "{} von {}";

    text flow_title = "Opened and closed", "Eröffnet und geschlossen";
    text flow_finding = "{} opened, {} closed, {} reopened.", "{} eröffnet, {} geschlossen, {} wieder geöffnet.";
    text opened = "Opened", "Eröffnet";
    text closed = "Closed", "Geschlossen";
    text reopened = "Reopened", "Wieder geöffnet";
    text merged = "Merged", "Zusammengeführt";
    text backlog_title = "Backlog", "Offene Tickets";
    text backlog_finding = "{} tickets are open now.", "{} Tickets sind jetzt offen.";
    text open_then = "Open at the end", "Am Ende offen";
    text open_now = "Open now", "Jetzt offen";
    text age_title = "Age of the backlog", "Alter der offenen Tickets";
    text age_finding = "{} of {} are a week old or older.", "{} von {} sind eine Woche alt oder älter.";
    text age = "Age", "Alter";
    text age_1 = "Under 1 day", "Unter 1 Tag";
    text age_3 = "1–3 days", "1–3 Tage";
    text age_7 = "3–7 days", "3–7 Tage";
    text age_30 = "7–30 days", "7–30 Tage";
    text age_90 = "30–90 days", "30–90 Tage";
    text age_older = "90 days or more", "90 Tage oder mehr";
    text nothing_open = "Nothing is open.", "Nichts ist offen.";
    text response_title = "First response", "Erste Antwort";
    text resolution_title = "Resolution", "Lösung";
    text times_finding = "Median {}, 90 % within {} of business time; {} tickets.", "Median {}, 90 % binnen {} Geschäftszeit; {} Tickets.";
    text median = "Median", "Median";
    text p90 = "90th percentile", "90. Perzentil";
    text median_clock = "Median, all hours", "Median, alle Stunden";
    text p90_clock = "90th percentile, all hours", "90. Perzentil, alle Stunden";
    text tickets = "Tickets", "Tickets";
    text reopens_title = "Reopened after closing", "Nach dem Schließen wieder geöffnet";
    text reopens_finding = "{}: {} of {} closed.", "{}: {} von {} geschlossenen.";
    text reopen_rate = "Reopen rate", "Wiederöffnungen";
    text attainment_title = "Service levels kept", "Eingehaltene Servicezusagen";
    text attainment_finding = "First response {}, next response {}, resolution {}.", "Erste Antwort {}, weitere Antwort {}, Lösung {}.";
    text first_response = "First response", "Erste Antwort";
    text next_response = "Next response", "Weitere Antwort";
    text resolution = "Resolution", "Lösung";
    text first_response_kept = "First response in time", "Erste Antwort rechtzeitig";
    text next_response_kept = "Next response in time", "Weitere Antwort rechtzeitig";
    text resolution_kept = "Resolution in time", "Lösung rechtzeitig";
    text no_promises = "No service level was due in this period.", "In diesem Zeitraum war keine Servicezusage fällig.";
    text satisfaction_title = "Satisfaction", "Zufriedenheit";
    text satisfaction_finding = "{} of 5 on average; {} of {} asked answered.", "{} von 5 im Mittel; {} von {} Befragten haben geantwortet.";
    text mean = "Mean rating", "Mittlere Bewertung";
    text answered = "Answered", "Beantwortet";
    text asked = "Asked", "Befragt";
    text no_surveys = "Nobody answered a survey in this period.", "In diesem Zeitraum hat niemand eine Umfrage beantwortet.";
    text ratings_title = "Ratings", "Bewertungen";
    text ratings_finding = "{} of those who were asked answered.", "{} der Befragten haben geantwortet.";
    text rating = "Rating", "Bewertung";
    text answers = "Answers", "Antworten";
    text rated_1 = "1 very dissatisfied", "1 sehr unzufrieden";
    text rated_2 = "2 dissatisfied", "2 unzufrieden";
    text rated_3 = "3 neither", "3 weder noch";
    text rated_4 = "4 satisfied", "4 zufrieden";
    text rated_5 = "5 very satisfied", "5 sehr zufrieden";
    text load_title = "Load of each agent", "Auslastung";
    text load_finding = "{} open now; {} assigned and {} closed in the period.", "{} jetzt offen; {} zugewiesen und {} geschlossen im Zeitraum.";
    text assigned = "Assigned", "Zugewiesen";
    text old_tile = "{} a week or older", "{} eine Woche oder älter";
    text reopened_tile = "{} reopened", "{} wieder geöffnet";
    text merged_tile = "{} merged", "{} vereint";
    text response_tile = "First response", "Erste Antwort";
    text resolution_tile = "Resolution", "Lösung";
    text p90_tile = "median; 90 % within {}", "Median; 90 % binnen {}";
    text attainment_tile = "Service levels", "Zusagen";
    text attainment_more = "first responses; resolutions {}", "erste Antworten; Lösungen {}";
    text answers_tile = "{} of {} answered", "{} von {} haben geantwortet";
    text nobody = "Nobody", "Niemand";
    text others = "All others", "Alle anderen";
    text much_load_finding = "{} open now; {} assigned and {} closed in the period. Drawn are those with the most; the table has all.", "{} jetzt offen; {} zugewiesen und {} geschlossen im Zeitraum. Gezeichnet sind die mit den meisten, die Tabelle hat alle.";
    text time_title = "Time", "Zeit";
    text time_finding = "{} charged, {} not charged; {} entries.", "{} verrechnet, {} nicht verrechnet; {} Einträge.";
    text charged = "Charged", "Verrechnet";
    text not_charged = "Not charged", "Nicht verrechnet";
    text entries = "Entries", "Einträge";
    text no_entries = "No time was booked in this period.", "In diesem Zeitraum wurde keine Zeit gebucht.";
    text time_tile = "{} in all", "{} insgesamt";
    text mirror_title = "CRM mirror, now", "CRM-Spiegel, jetzt";
    text mirror_finding = "{} tickets wait to be mirrored, {} for somebody; {} conflicts are open.", "{} Tickets warten auf den Abgleich, {} auf jemanden; {} Konflikte sind offen.";
    text connection = "Connection", "Verbindung";
    text state = "State", "Zustand";
    text active = "active", "aktiv";
    text paused = "paused", "angehalten";
    text pending = "Waiting", "Wartend";
    text parked = "Parked", "Geparkt";
    text conflicts = "Conflicts", "Konflikte";
    text lag = "Behind by", "Rückstand";
    text no_connections = "No CRM is connected.", "Kein CRM ist verbunden.";

    page forbidden = ["You may not see this", "Your access does not include the reports. Ask an administrator for it, or sign in as somebody else."],
        ["Das dürfen Sie nicht sehen", "Ihr Zugang umfasst die Berichte nicht. Bitten Sie die Administration darum, oder melden Sie sich anders an."];
    page malformed = ["That cannot be read", "What was sent is not a form of this page. Please open the page again."],
        ["Das ist nicht lesbar", "Was gesendet wurde, ist kein Formular dieser Seite. Bitte öffnen Sie die Seite noch einmal."];
    page failed = ["That did not work", "The figures cannot be shown at the moment. Please try again in a few minutes."],
        ["Das hat nicht geklappt", "Die Kennzahlen sind gerade nicht verfügbar. Bitte versuchen Sie es in einigen Minuten noch einmal."];
}

/// The texts in the language of this tag (BCP 47), and in English for one that there is none for.
pub fn texts(language: &str) -> &'static Texts {
    let main = language.split(['-', '_', ',', ';']).next().unwrap_or_default().trim();
    if main.eq_ignore_ascii_case("de") { &GERMAN } else { &ENGLISH }
}
