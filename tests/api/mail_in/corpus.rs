//! What mails say: one test for each message of the corpus, shaped as the mail programs of people and machines write them.
use casebridge::inbound::{Cause, Incoming};

use super::{message, read};

fn names(mail: &Incoming) -> Vec<(&str, &str, bool)> {
    let files = mail.files.iter();
    files.map(|file| (file.name.as_str(), file.content_type.as_str(), file.inline)).collect()
}

#[test]
fn gmail_wraps_its_attribution_and_quotes_below() {
    let mail = read("reply_gmail");
    let own =
        "It stops at row 100, also with the new version – see the log.\n\nShall I send the file?";
    assert_eq!(mail.reply, own);
    assert!(mail.text.contains("Which version do you use?"), "the original is kept");
    assert_eq!(mail.message_id.as_deref(), Some("CAF1a2b3c4d=gmail-1@mail.customer.example"));
    assert_eq!(mail.in_reply_to, ["cb-none@desk.example"]);
    assert_eq!(mail.references, ["1@desk.example", "cb-none@desk.example"]);
    assert_eq!((mail.automatic, mail.files.len()), (None, 0));
}

#[test]
fn gmail_writes_its_attribution_in_german() {
    assert_eq!(read("reply_gmail_german").reply, "Er bricht nach 100 Zeilen ab.");
}

#[test]
fn outlook_quotes_a_header_without_marks_and_shows_pictures_inline() {
    let mail = read("reply_outlook_desktop");
    let own = "It is version 7.2. This is what I see:\n\n[cid:image001.png@01DB]\n\nKind regards\nPurchasing";
    assert_eq!(mail.reply, own);
    assert_eq!(names(&mail), [("image001.png", "image/png", true)]);
    assert_eq!(mail.files[0].content_id.as_deref(), Some("image001.png@01DB"));
    assert_eq!(mail.files[0].bytes, 70);
}

#[test]
fn outlook_writes_its_separator_in_german() {
    let own = "Es ist Version 7.2, für alle Benutzer.\n\nMit freundlichen Grüßen";
    assert_eq!(read("reply_outlook_german").reply, own);
}

#[test]
fn outlook_on_the_web_can_send_html_alone() {
    let mail = read("reply_outlook_web_html_only");
    let own = "The 7.2 & 7.3 versions, both on Windows 11.\n\n- first row\n- second row";
    assert_eq!(mail.reply, own);
    assert!(!mail.text.contains("alert") && !mail.text.contains("margin"), "{}", mail.text);
}

#[test]
fn outlook_on_a_phone_adds_an_advertisement_and_a_rule() {
    let own = "I am on the road and will test tonight.";
    assert_eq!(read("reply_outlook_mobile").reply, own);
}

#[test]
fn apple_mail_quotes_the_attribution_too_and_lets_lines_flow() {
    let own = "The file has 4,812 rows and the export writes the first hundred of them, then it stops without a word.";
    assert_eq!(read("reply_apple_mail").reply, own);
}

#[test]
fn a_phone_says_what_it_is() {
    assert_eq!(read("reply_iphone").reply, "Yes, please do.");
}

#[test]
fn who_writes_below_the_quotation_is_not_lost() {
    assert_eq!(read("reply_thunderbird_below").reply, "Version 7.2, and about five thousand rows.");
}

#[test]
fn who_answers_between_the_lines_keeps_the_questions() {
    let own =
        "> Which version do you use?\n\n7.2\n\n> And how many rows has the file?\n\nFive thousand.";
    assert_eq!(read("reply_thunderbird_between").reply, own);
}

#[test]
fn notes_keeps_no_references_but_the_marker_in_the_text() {
    let mail = read("reply_without_references");
    assert_eq!(mail.reply, "Version 7.2.");
    assert!(mail.in_reply_to.is_empty() && mail.references.is_empty());
    assert!(mail.text.contains("[ref:cb-none]"));
}

#[test]
fn what_is_forwarded_is_the_message() {
    let mail = read("forward");
    assert!(mail.reply.starts_with("Can you look at this?"));
    assert!(mail.reply.ends_with("It says E-4711."), "{}", mail.reply);
}

#[test]
fn files_have_safe_names_whatever_the_sender_calls_them() {
    let mail = read("new_with_attachment");
    assert_eq!(mail.subject, "Export hört auf – Log anbei");
    assert_eq!(mail.sender.as_ref().unwrap().name.as_deref(), Some("contact, Purchasing"));
    assert_eq!(mail.reply, "The log is below.");
    let expected = [
        ("Prüfbericht.pdf", "application/pdf", false),
        ("report.html", "text/html", false),
        ("part-4", "message/rfc822", false),
    ];
    assert_eq!(names(&mail), expected);
}

#[test]
fn every_sign_of_a_machine_is_noticed() {
    for (name, cause) in [
        ("out_of_office_exchange", Cause::AutoSubmitted),
        ("out_of_office_suppress_only", Cause::ResponseSuppress),
        ("vacation_unix", Cause::Precedence),
        ("bounce_postfix", Cause::Report),
        ("bounce_exim", Cause::FailedRecipients),
        ("read_receipt", Cause::Report),
        ("mailing_list", Cause::Precedence),
        ("newsletter", Cause::MailingList),
        ("own_mail_came_back", Cause::OwnMail),
        ("hostile_hidden_auto_header", Cause::AutoSubmitted),
    ] {
        assert_eq!(read(name).automatic, Some(cause), "{name}");
    }
}

#[test]
fn a_person_may_say_that_no_machine_sent_it() {
    assert_eq!(read("human_with_auto_submitted_no").automatic, None);
}

#[test]
fn a_report_of_postfix_names_who_is_gone_and_not_who_is_late() {
    let mail = read("bounce_postfix");
    assert_eq!(mail.bounces.len(), 1);
    assert_eq!(mail.bounces[0].address, "Purchasing@Customer.example");
    assert_eq!(mail.bounces[0].reason, "smtp; 550 5.1.1 User unknown");
    assert!(mail.returned.contains("cb-none@desk.example"));
}

#[test]
fn exim_names_who_is_gone_in_a_header() {
    let mail = read("bounce_exim");
    assert_eq!(mail.bounces[0].address, "purchasing@customer.example");
    assert_eq!(mail.references, ["cb-none@desk.example"]);
}

#[test]
fn a_mail_from_two_is_from_nobody() {
    assert_eq!(read("hostile_second_from").sender, None);
    assert_eq!(read("hostile_two_authors").sender, None);
}

#[test]
fn encoded_line_breaks_and_zero_bytes_end_in_no_text() {
    let mail = read("hostile_line_breaks");
    assert_eq!(mail.subject, "line X-Loop: yes bell");
    let name = mail.sender.as_ref().unwrap().name.as_deref().unwrap();
    assert_eq!(name, "Purchasing Bcc: eve@evil.example");
    assert!(!mail.text.contains('\0'), "{:?}", mail.text);
    assert_eq!(mail.automatic, None);
}

#[test]
fn other_alphabets_are_read() {
    let latin = read("charset_latin");
    assert_eq!(
        (latin.subject.as_str(), latin.reply.as_str()),
        ("Grüße", "Grüße, der Preis ist 5 €.")
    );
    assert_eq!(read("charset_japanese").reply, "エクスポート stops.");
    let russian = read("charset_russian");
    assert_eq!(
        (russian.subject.as_str(), russian.reply.as_str()),
        ("Экспорт", "Экспорт не работает.")
    );
    assert!(read("charset_unknown").reply.starts_with("Plain and "));
}

#[test]
fn what_was_cut_off_is_read_as_far_as_it_goes() {
    let mail = read("malformed_no_end_boundary");
    assert_eq!(mail.reply, "It was cut off here.");
    assert_eq!(names(&mail), [("log.bin", "application/octet-stream", false)]);
}

#[test]
fn a_broken_encoding_costs_no_more_than_what_is_broken() {
    let mail = read("malformed_broken_encoding");
    assert_eq!(mail.sender.as_ref().unwrap().email, "purchasing@customer.example");
    assert_eq!(mail.message_id, None);
    assert!(mail.reply.contains("but readable."), "{:?}", mail.reply);
}

#[test]
fn a_text_without_a_header_is_from_nobody() {
    let mail = Incoming::read(&message("malformed_no_headers", ""), None);
    assert!(mail.is_none_or(|mail| mail.sender.is_none() && mail.message_id.is_none()));
    assert_eq!(Incoming::read(b"", None), None);
}

#[test]
fn what_is_nested_is_found() {
    let mail = read("nested");
    assert_eq!(mail.reply, "Deep inside.");
    let files: Vec<&str> = mail.files.iter().map(|file| file.name.as_str()).collect();
    assert!(files.contains(&"rows.csv") && files.contains(&"signature.asc"), "{files:?}");
    assert!(mail.files.iter().any(|file| file.inline && file.content_type == "image/gif"));
}

#[test]
fn a_mail_with_nothing_but_a_file_still_says_something() {
    let mail = read("only_a_picture");
    assert_eq!((mail.text.trim(), mail.subject.as_str()), ("", ""));
    assert_eq!(mail.note(), "(no text) IMG_0001.jpg");
}

#[test]
fn who_only_says_thank_you_says_only_thank_you() {
    use casebridge::inbound::is_thanks;
    assert!(is_thanks(&read("thanks").reply));
    for text in [
        "Thanks!",
        "thank you, works perfectly",
        "Vielen Dank für Ihre Hilfe!\n\nMit freundlichen Grüßen\nPurchasing contact",
        "Merci beaucoup",
        "Muchas gracias por su ayuda. Saludos",
        "Great, thanks a lot\nPurchasing",
        "Hi,\nok thx",
    ] {
        assert!(is_thanks(text), "{text}");
    }
    for text in [
        "",
        "Great",
        "Thanks, but it still stops",
        "Thank you. When will it be fixed?",
        "Thanks! Error E-4711 came back",
        "Danke, aber es geht nicht",
        "Thanks\n\nIt stopped again today",
        "No thanks to you it is broken",
        "Thanks, see https://customer.example/log",
    ] {
        assert!(!is_thanks(text), "{text}");
    }
}
