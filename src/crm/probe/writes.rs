//! What the CRM makes of writes: its stamps, saves at the same time, its version lock.
use std::time::Duration;

use super::{Outcome, Report, Subject};
use crate::crm::CrmError;
use crate::crm::case::{Case, Field, RemoteCase};
use crate::kernel::Priority;

/// Longer than the finest stamp that matters.
const BETWEEN_STAMPS: Duration = Duration::from_millis(1_100);

/// Pairs of writes at the same time.
const ROUNDS: usize = 3;

const MINUTE: i64 = 60;

pub(super) async fn check(subject: Subject<'_>, case: &str, report: &mut Report) {
    match stamps(subject, case).await {
        Ok(seconds) => {
            report.findings.stamp_seconds = Some(seconds);
            let detail = format!("they are cut to {seconds} s");
            let fine = seconds <= 1;
            let outcome = if fine { Outcome::Ok } else { Outcome::Warning };
            report.add(outcome, "tell changes apart by their time", detail);
            if !fine {
                report.suggest(
                    "nothing to do: values are compared, and the policy `latest` allows for it",
                );
            }
        }
        Err(error) => {
            report.add(Outcome::Failed, "tell changes apart by their time", error.to_string());
        }
    }
    lock(subject, case, report).await;
    together(subject, case, report).await;
}

fn priority(subject: Subject<'_>, priority: Priority) -> Case {
    let value = subject.words.priority(priority).unwrap_or_default();
    subject.crm.normal_form(&Case::from_iter([(Field::Priority, value)]))
}

fn name(text: String) -> Case {
    Case::from_iter([(Field::Subject, text)])
}

/// Seconds that stamps are cut to, from two writes with more than a second between them.
async fn stamps(subject: Subject<'_>, case: &str) -> Result<u32, CrmError> {
    let seen = subject.crm.read_case(case).await?;
    let first = subject.crm.update_case(&seen, &name("Casebridge probe 1".into())).await?;
    tokio::time::sleep(BETWEEN_STAMPS).await;
    let second = subject.crm.update_case(&first, &name("Casebridge probe 2".into())).await?;
    let whole_minutes =
        [&first, &second].iter().all(|case| case.modified_at.timestamp() % MINUTE == 0);
    Ok(if whole_minutes { 60 } else { 1 })
}

async fn lock(subject: Subject<'_>, case: &str, report: &mut Report) {
    let check = "refuse a write over a change that was not seen";
    if !subject.can.version_lock {
        return report.add(Outcome::Skipped, check, "this CRM has no version lock");
    }
    let tried = async {
        let old = subject.crm.read_case(case).await?;
        subject.crm.update_case(&old, &name("Casebridge probe 3".into())).await?;
        Ok(subject.crm.update_case(&old, &name("Casebridge probe 4".into())).await)
    };
    match tried.await {
        Ok(Err(CrmError::Stale)) => {
            report.findings.version_lock = Some(true);
            report.add(Outcome::Ok, check, "");
        }
        Ok(Ok(_)) => {
            report.findings.version_lock = Some(false);
            report.add(Outcome::Warning, check, "the write went through");
            report.suggest("switch the optimistic lock of cases on in the CRM");
        }
        Ok(Err(error)) | Err(error) => report.add(Outcome::Failed, check, error.to_string()),
    }
}

/// Two writes of different fields at the same time: both must be there afterwards, or one refused.
async fn together(subject: Subject<'_>, case: &str, report: &mut Report) {
    let check = "keep two saves at the same time";
    let mut lost = 0;
    for round in 0..ROUNDS {
        match pair(subject, case, round).await {
            Ok(both) => lost += usize::from(!both),
            Err(error) => return report.add(Outcome::Failed, check, error.to_string()),
        }
    }
    report.findings.lost_updates = Some(lost > 0);
    if lost == 0 {
        return report.add(Outcome::Ok, check, format!("in {ROUNDS} of {ROUNDS} rounds"));
    }
    report.add(Outcome::Warning, check, format!("one was lost in {lost} of {ROUNDS} rounds"));
    report.suggest(
        "nothing to do for the mirror, which writes a case once at a time and flags values that go back; \
         but keep other integrations from saving cases at the same time",
    );
}

/// Whether both writes are there, or one was refused.
async fn pair(subject: Subject<'_>, case: &str, round: usize) -> Result<bool, CrmError> {
    let crm = subject.crm;
    let seen = crm.read_case(case).await?;
    let text = name(format!("Casebridge probe, round {round}"));
    let level = if round.is_multiple_of(2) { Priority::High } else { Priority::Low };
    let level = priority(subject, level);
    let (first, second) =
        tokio::join!(crm.update_case(&seen, &text), crm.update_case(&seen, &level));
    let refused = |write: &Result<RemoteCase, CrmError>| matches!(write, Err(CrmError::Stale));
    let (one, other) = (refused(&first), refused(&second));
    for write in [first, second] {
        match write {
            Ok(_) | Err(CrmError::Stale) => {}
            Err(error) => return Err(error),
        }
    }
    let now = crm.read_case(case).await?;
    let holds =
        |values: &Case| values.iter().all(|(field, value)| now.fields.get(field) == Some(value));
    Ok((one || holds(&text)) && (other || holds(&level)))
}
