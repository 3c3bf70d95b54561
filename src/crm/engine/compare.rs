//! Compares a ticket with its case in full, and changes neither. Who the CRM's people and companies are is remembered.
use std::collections::HashSet;

use super::case::Plan;
use super::notes::{self, text};
use super::pass::{Pass, Snapshot, Stop};
use crate::crm::case::{Field, RemoteNote, loss};
use crate::crm::merge::{Merge, Side};
use crate::crm::settings::OnDeleted;
use crate::crm::store::{self, Action, DeskNote, Difference, DifferenceKind, MirrorState};
use crate::kernel::JobId;

/// What is compared, and what was found in it so far.
pub(super) struct Comparison {
    pub pass: Pass,
    pub job: JobId,
    pub found: Vec<Difference>,
}

impl Comparison {
    /// Compares what the mirror has to keep equal.
    pub async fn run(mut self) -> Result<Vec<Difference>, Stop> {
        if !self.has_case() {
            return Ok(self.found);
        }
        match self.linked().await {
            Ok(()) => {}
            Err(Stop::CaseGone) => self.case_deleted(),
            Err(Stop::Park { class, reason }) => {
                let unmapped = class == "unmapped";
                let kind = match unmapped {
                    true => DifferenceKind::Unmapped,
                    false => DifferenceKind::Unreadable,
                };
                self.add(kind, Action::Park).detail = Some(reason);
            }
            Err(stop) => return Err(stop),
        }
        Ok(self.found)
    }

    fn add(&mut self, kind: DifferenceKind, action: Action) -> &mut Difference {
        let mirror = &self.pass.mirror;
        let mut new =
            Difference::new(self.job, mirror.connection_id, mirror.ticket_id, kind, action);
        new.remote_id.clone_from(&mirror.remote_id);
        new.on_its_way = mirror.dirty_since.is_some();
        let at = self.found.len();
        self.found.push(new);
        &mut self.found[at]
    }

    /// Whether there is a case to be read; tells where one is missing.
    fn has_case(&mut self) -> bool {
        let mirror = &self.pass.mirror;
        let (linked, reason) = (mirror.remote_id.is_some(), mirror.last_error.clone());
        let gone = mirror.error_class.as_deref() == Some("gone");
        let (kind, action) = match mirror.state {
            MirrorState::Deleted | MirrorState::Detached => return false,
            MirrorState::Parked if gone => (DifferenceKind::CaseDeleted, Action::Park),
            _ if linked => return true,
            MirrorState::Parked => (DifferenceKind::CaseMissing, Action::Park),
            _ => (DifferenceKind::CaseMissing, Action::Create),
        };
        self.add(kind, action).detail = reason;
        false
    }

    fn case_deleted(&mut self) {
        let action = match self.pass.crm.settings.on_deleted {
            OnDeleted::Leave => Action::Tombstone,
            OnDeleted::Recreate => Action::Create,
            OnDeleted::Ask => Action::Park,
        };
        self.found.clear();
        self.add(DifferenceKind::CaseDeleted, action);
    }

    async fn linked(&mut self) -> Result<(), Stop> {
        let id = self.pass.mirror.remote_id.clone().unwrap_or_default();
        let remote = self.pass.read_case(&id).await?;
        let mirror = self.pass.mirror.clone();
        let seen = self.pass.engine.db().read(move |conn| Snapshot::read(conn, &mirror)).await?;
        if seen.ticket.deleted_at.is_some() {
            // Since the comparison came to it; its case stays as it is.
            return Ok(());
        }
        self.contact(&id, &seen).await?;
        self.notes(&id).await?;
        let facts = self.pass.facts(&seen).await?;
        let Plan { desk, merge, .. } = self.pass.plan(&seen, &facts, &remote).await?;
        let base = self.pass.agreement.base.clone();
        for (field, ours) in desk.iter() {
            let Some(theirs) = remote.fields.get(field).filter(|theirs| *theirs != ours) else {
                continue;
            };
            let (action, winner) = planned(&merge, field);
            let new = self.add(DifferenceKind::Field, action);
            (new.field, new.winner) = (Some(field), winner);
            new.base = base.get(field).map(str::to_owned);
            new.show(Some(ours), Some(theirs));
        }
        Ok(())
    }

    async fn contact(&mut self, case: &str, seen: &Snapshot) -> Result<(), Stop> {
        let Some((id, name, email)) = &seen.ticket.contact else { return Ok(()) };
        let remote = match &seen.contact {
            Some(linked) => linked.clone(),
            None => match self.pass.contact_for(id.0, name, email).await {
                Ok(found) => found,
                Err(Stop::Park { reason, .. }) => {
                    self.add(DifferenceKind::Unmapped, Action::Park).detail = Some(reason);
                    return Ok(());
                }
                Err(stop) => return Err(stop),
            },
        };
        if !self.pass.crm.adapter.related_contacts(case).await?.contains(&remote) {
            let new = self.add(DifferenceKind::ContactMissing, Action::Push);
            new.desk = Some(name.clone());
        }
        Ok(())
    }

    async fn notes(&mut self, case: &str) -> Result<(), Stop> {
        let there = self.pass.crm.adapter.notes(case).await?;
        let (ticket, connection) = (self.pass.mirror.ticket_id, self.pass.mirror.connection_id);
        let mut after = 0;
        let mut linked = HashSet::new();
        loop {
            let page = self.pass.engine.db().read(move |conn| {
                Ok(store::desk_notes(conn, ticket, connection, after, notes::PAGE)?)
            });
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for note in page {
                self.note(&note, &there);
                linked.extend(note.remote_id);
            }
        }
        let ids = there.iter().map(|note| note.id.clone()).filter(|id| !linked.contains(id));
        let ids: Vec<String> = ids.collect();
        linked.extend(
            self.pass
                .engine
                .db()
                .read(move |conn| Ok(store::known_notes(conn, connection, &ids)?))
                .await?,
        );
        for note in there.into_iter().filter(|note| !linked.contains(&note.id)) {
            let Some(text) = text(&note) else { continue };
            let new = self.add(DifferenceKind::NoteMissingAtDesk, Action::Take);
            new.remote_note_id = Some(note.id);
            new.show(None, Some(&text));
        }
        Ok(())
    }

    fn note(&mut self, note: &DeskNote, there: &[RemoteNote]) {
        let copy = there.iter().find(|copy| Some(&copy.id) == note.remote_id.as_ref());
        let (kind, action) = match copy {
            Some(copy) => match rewritten(&note.body, copy) {
                Some(action) => (DifferenceKind::NoteAltered, action),
                None => return,
            },
            None if note.gone_at.is_some() => (DifferenceKind::NoteMissingInCrm, Action::Leave),
            None if note.remote_id.is_some() => (DifferenceKind::NoteMissingInCrm, Action::Tell),
            None => (DifferenceKind::NoteMissingInCrm, Action::Push),
        };
        let new = self.add(kind, action);
        (new.note_id, new.remote_note_id) = (Some(note.id), note.remote_id.clone());
        // What the CRM still has of a note that lost a secret is not to be repeated here.
        let theirs = copy.filter(|_| !note.redacted).map(|copy| copy.body.as_str());
        new.show(Some(&note.body), theirs);
    }
}

/// What the merge would do about a field that has two values.
fn planned(merge: &Merge, field: Field) -> (Action, Option<Side>) {
    if let Some(conflict) = merge.conflicts.iter().find(|conflict| conflict.field == field) {
        return (Action::Conflict, conflict.winner);
    }
    if merge.push.get(field).is_some() {
        return (Action::Push, None);
    }
    match merge.apply_to_desk.get(field) {
        Some(_) => (Action::Take, None),
        None => (Action::Agree, None),
    }
}

/// How the CRM's text of a note differs from the desk's; `None` when it does not.
fn rewritten(body: &str, copy: &RemoteNote) -> Option<Action> {
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    let (ours, theirs) = (plain(body), plain(&copy.body));
    if ours == theirs || text(copy).is_some_and(|text| plain(&text) == ours) {
        return None;
    }
    Some(if loss(&ours, &theirs).is_some() { Action::Agree } else { Action::Leave })
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn copy(title: &str, body: &str) -> RemoteNote {
        RemoteNote {
            id: "n".into(),
            title: title.into(),
            body: body.into(),
            author: None,
            created_at: Utc::now(),
            contact_id: None,
        }
    }

    #[test]
    fn a_note_is_the_same_with_other_line_ends_and_with_its_title_in_the_text() {
        assert_eq!(rewritten("a\nb", &copy("Reply by X", "a\r\nb ")), None);
        assert_eq!(rewritten("Call\n\nThey rang.", &copy("Call", "They rang.")), None);
    }

    #[test]
    fn what_the_crm_lost_is_agreed_on_and_what_somebody_wrote_is_left() {
        assert_eq!(rewritten("long text", &copy("", "long te")), Some(Action::Agree));
        assert_eq!(rewritten("long text", &copy("", "another")), Some(Action::Leave));
    }
}
