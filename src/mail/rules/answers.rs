//! What the mail server answered, and what follows from it.
use chrono::TimeDelta;

/// Answers "not now" to a mail before it is given up: over two days, with the pauses between them.
const MAX_ATTEMPTS: i32 = 22;
/// Attempts that may stay without an answer: after these the mail may have been delivered twice.
pub const MAX_UNANSWERED: i32 = 2;
/// So many attempts wait until everybody in copy is accepted as well.
pub const PATIENCE: i32 = 3;

const FIRST_PAUSE: f64 = 30_000.0;
const LONGEST_PAUSE: f64 = 4.0 * 3_600_000.0;

/// A negative answer (RFC 5321, section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub text: String,
}

impl Refusal {
    /// The same mail will be refused again.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// The server is about to go away; it says nothing about the mail.
    pub fn is_goodbye(&self) -> bool {
        self.code == 421
    }

    /// Of an answer to a recipient: whether there is nobody at the address (RFC 3463, sections 3.2 and 3.3). Other refusals,
    /// such as of a sender that is not trusted, say nothing about it.
    pub fn is_of_address(&self) -> bool {
        let words = self.text.split_whitespace();
        let status = words.into_iter().find(|word| {
            let mut parts = word.split('.');
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            matches!(parts.next(), Some("4" | "5"))
                && parts.clone().count() == 2
                && parts.all(digits)
        });
        self.is_permanent()
            && match status {
                Some(status) => status.starts_with("5.1.") || status == "5.2.1",
                None => [550, 551, 553].contains(&self.code),
            }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Why a command did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Refused(Refusal),
    /// The connection broke, or no answer came in time.
    Broken(String),
}

/// How an attempt to send a mail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it, for everybody but these.
    Sent { refused: Vec<(String, Refusal)> },
    /// The server refused it; the address is the one that the answer is about.
    Refused { address: Option<String>, refusal: Refusal },
    /// The mail itself cannot be sent.
    Unsendable(String),
    /// The server did not answer before it had the whole mail: it does not have it.
    NotTaken(String),
    /// Whether the server took it is not known.
    Unanswered(String),
    /// The server cannot be used; it never heard of the mail.
    NoServer(String),
}

/// What becomes of a mail that was not sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again after a pause.
    Retry {
        pause: TimeDelta,
        attempts: i32,
        unanswered: i32,
    },
    Dead,
}

/// Decides after an attempt that did not end with [`Outcome::Sent`]. `attempts` failed before, `unanswered` stayed without
/// answer, this one included: it was counted when it began. `jitter`, from 0 to 1, spreads the pauses.
pub fn next(outcome: &Outcome, attempts: i32, unanswered: i32, jitter: f64) -> Next {
    let answered = unanswered - 1;
    let again = |attempts: i32, unanswered: i32| Next::Retry {
        pause: pause(attempts + unanswered - 1, FIRST_PAUSE, LONGEST_PAUSE, jitter),
        attempts,
        unanswered,
    };
    match outcome {
        Outcome::Unsendable(_) => Next::Dead,
        Outcome::Refused { refusal, .. } if refusal.is_permanent() => Next::Dead,
        Outcome::NoServer(_) => {
            Next::Retry { pause: TimeDelta::zero(), attempts, unanswered: answered }
        }
        Outcome::Unanswered(_) if unanswered >= MAX_UNANSWERED => Next::Dead,
        Outcome::Unanswered(_) => again(attempts, unanswered),
        _ if attempts + 1 >= MAX_ATTEMPTS => Next::Dead,
        _ => again(attempts + 1, answered),
    }
}

/// How long nothing is sent after so many attempts in a row that found no server.
pub fn outage_pause(failures: i32, jitter: f64) -> TimeDelta {
    pause(failures - 1, 1_000.0, 60_000.0, jitter)
}

/// Doubles with each step, from `first` to `longest` milliseconds; spread by half to either side.
fn pause(step: i32, first: f64, longest: f64, jitter: f64) -> TimeDelta {
    let steady = (first * 2_f64.powi(step.clamp(0, 30))).min(longest);
    #[expect(clippy::cast_possible_truncation, reason = "it is less than a day")]
    TimeDelta::milliseconds((steady * (0.5 + jitter)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, text: &str) -> Refusal {
        Refusal { code, text: text.to_owned() }
    }

    fn refused(code: u16) -> Outcome {
        Outcome::Refused { address: None, refusal: refusal(code, "no") }
    }

    #[test]
    fn only_an_answer_about_the_address_suppresses_it() {
        for (code, text) in [
            (550, "5.1.1 <x@c.example>: no such user"),
            (550, "No such user here"),
            (553, "mailbox name not allowed"),
            (550, "5.2.1 mailbox disabled"),
        ] {
            assert!(refusal(code, text).is_of_address(), "{code} {text}");
        }
        for (code, text) in [
            (550, "5.7.1 relaying denied"),
            (552, "5.2.2 mailbox full"),
            (554, "transaction failed"),
            (450, "4.2.0 greylisted"),
            (550, "5.7.26 127.0.0.1 is not trusted, see 5.1.1"),
        ] {
            assert!(!refusal(code, text).is_of_address(), "{code} {text}");
        }
    }

    #[test]
    fn a_mail_that_is_put_off_is_given_up_after_about_two_days() {
        let (mut attempts, mut waited) = (0, TimeDelta::zero());
        while let Next::Retry { pause, attempts: next, unanswered } =
            next(&refused(451), attempts, 1, 0.5)
        {
            assert_eq!((next, unanswered), (attempts + 1, 0));
            waited += pause;
            attempts = next;
        }
        assert!((40..60).contains(&waited.num_hours()), "{waited}");
    }

    #[test]
    fn what_may_have_been_delivered_twice_is_not_sent_again() {
        let lost = Outcome::Unanswered("reset".into());
        assert!(matches!(next(&lost, 0, 1, 0.0), Next::Retry { unanswered: 1, attempts: 0, .. }));
        assert_eq!(next(&lost, 0, 2, 0.0), Next::Dead);
    }

    #[test]
    fn a_server_that_is_away_costs_the_mail_nothing_and_a_permanent_answer_ends_it() {
        let away = Outcome::NoServer("refused".into());
        let kept = Next::Retry { pause: TimeDelta::zero(), attempts: 7, unanswered: 0 };
        assert_eq!(next(&away, 7, 1, 0.3), kept);
        assert_eq!(next(&refused(550), 0, 1, 0.0), Next::Dead);
        assert!(outage_pause(1, 0.5) < outage_pause(3, 0.5));
        assert!(outage_pause(40, 1.0) <= TimeDelta::seconds(90));
    }
}
