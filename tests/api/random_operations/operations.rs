//! What a client does, at random. What is refused is refused as it would be for people.
use chrono::{TimeDelta, Utc};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::acks::Told;
use super::player::{Kind, Player};

impl Player {
    /// Does this many operations, one after another.
    pub async fn play(mut self, turns: usize) {
        self.open().await;
        for _ in 1..turns {
            self.turn().await;
        }
    }

    async fn turn(&mut self) {
        let (contact, often) = (self.kind == Kind::Contact, self.chance(0.9));
        if contact && often {
            self.ask().await;
        } else if self.kind == Kind::Administrator && self.chance(0.5) {
            self.capacity().await;
        } else if self.kind == Kind::Coordinator && self.chance(0.15) {
            self.delete_or_restore().await;
        } else {
            self.serve().await;
        }
    }

    /// What customers do.
    async fn ask(&mut self) -> Option<()> {
        match self.rng.random_range(0..16) {
            0 => self.open().await,
            1 => self.draft().await,
            2..=4 => self.transition().await,
            5 | 6 => self.watch().await,
            _ => self.note().await,
        }
    }

    /// What the desk does.
    async fn serve(&mut self) -> Option<()> {
        match self.rng.random_range(0..50) {
            0 => self.open().await,
            1 => self.draft().await,
            2..=6 => self.note().await,
            7..=11 => self.change().await,
            12..=15 => self.transition().await,
            16..=18 => self.assign().await,
            19 | 20 => self.hand_over().await,
            21 | 22 => self.transfer().await,
            23 | 24 => self.elevate().await,
            25 | 26 => self.triage().await,
            27 | 28 => self.link().await,
            29 | 30 => self.unlink().await,
            31..=33 => self.merge().await,
            34 | 35 => self.undo_merge().await,
            36 => self.split().await,
            37 | 38 => self.tag().await,
            39 => self.watch().await,
            40 => self.redact().await,
            41 | 42 => self.delete_or_restore().await,
            43 => self.batch().await,
            44 => self.convert().await,
            45 => self.follow_process().await,
            46 | 47 => self.book().await,
            48 => self.delay_or_attach().await,
            _ => self.go_or_come_back().await,
        }
    }

    fn new_ticket(&mut self) -> Value {
        let accounts = self.world.accounts.clone();
        let components = self.world.components.clone();
        let mut new = json!({
            "subject": format!("About {}", self.word()), "description": format!("Like {}", self.word()),
            "product_id": self.world.product, "tags": [self.word()],
        });
        if self.kind != Kind::Contact {
            let account =
                if self.chance(0.7) { Some(accounts[0].clone()) } else { self.one_of(&accounts) };
            new["account_id"] = json!(account);
        }
        if self.chance(0.5) {
            new["component_id"] = json!(self.one_of(&components));
        }
        new
    }

    async fn open(&mut self) -> Option<()> {
        let new = self.new_ticket();
        let wrote = json!({"subject": new["subject"], "tags": new["tags"]});
        let opened = self.send(("POST", "/v1/tickets"), &[], None, new).await?.body;
        let id = opened["id"].as_str()?.to_owned();
        if opened["level"] == "external" {
            self.world.outside.borrow_mut().push(id.clone());
        }
        self.world.tickets.borrow_mut().push(id);
        self.done(Told { wrote, ..Told::new("ticket.opened") }.on(&opened));
        Some(())
    }

    /// Saved twice, and then submitted twice at once or discarded.
    async fn draft(&mut self) -> Option<()> {
        let new = self.new_ticket();
        let made = self.send(("POST", "/v1/drafts"), &[], None, new).await?.body;
        let id = made["id"].as_str()?.to_owned();
        let (url, at) = (format!("https://{}.example", self.word()), ("PATCH", "/v1/drafts/{id}"));
        let ids = [&*id];
        let seen = made["version"].as_i64();
        let save = self.send(at, &ids, seen, json!({"url": url}));
        let again = self.send(at, &ids, seen, json!({"url": format!("{url}/2")}));
        let (one, other) = tokio::join!(save, again);
        if seen.is_some() && one.is_some() == other.is_some() {
            let wrong = format!("of two savings of {id} at version {seen:?} not one was done");
            self.world.wrong.borrow_mut().push(wrong);
        }
        let submit = || self.send(("POST", "/v1/drafts/{id}/submit"), &ids, None, Value::Null);
        let discard = self.send(("DELETE", "/v1/drafts/{id}"), &ids, None, Value::Null);
        let (one, other, _) = tokio::join!(submit(), submit(), discard);
        let submitted = one.or(other)?.body;
        self.world.tickets.borrow_mut().push(id);
        self.done(Told::new("ticket.submitted").on(&submitted));
        Some(())
    }

    async fn change(&mut self) -> Option<()> {
        let view = self.look().await?;
        let url = format!("https://{}.example", self.word());
        let mut body = json!({"url": url, "type": self.one_of(&["question", "incident"])});
        let components = self.world.components.clone();
        match self.rng.random_range(0..5) {
            0 => body["component_id"] = json!(self.one_of(&components)),
            1 => body["tags"] = json!([self.word()]),
            2 => {
                body["deadline"] =
                    json!(Utc::now() + TimeDelta::milliseconds(self.rng.random_range(1..2000)))
            }
            _ => body["priority"] = json!(self.one_of(&[None, Some("low"), Some("critical")])),
        }
        let told = Told { wrote: json!({"url": url}), ..Told::new("ticket.changed") };
        self.work(("PATCH", "/v1/tickets/{id}"), &view, body, told).await;
        Some(())
    }

    async fn note(&mut self) -> Option<()> {
        let id = self.ticket();
        let internal = self.kind != Kind::Contact && self.chance(0.4);
        let note = self.some_note(if internal { "internal" } else { "public" });
        let reply = self.send(("POST", "/v1/tickets/{id}/notes"), &[&id], None, note).await?;
        let version = reply.header("etag").trim_matches(['"', 'v']).parse().ok();
        let data = json!({"note_id": reply.body["id"]});
        // What is sent to a merged ticket goes on.
        let told = Told { data, version, ..Told::new("ticket.note_added") };
        self.done(told.of(reply.body["ticket_id"].as_str()?));
        Some(())
    }

    async fn transition(&mut self) -> Option<()> {
        let view = self.look().await?;
        let way = self.one_of(view["allowed_transitions"].as_array()?)?;
        let mut body = json!({"to": way["to"]});
        for required in way["requires"].as_array()? {
            match required.as_str()? {
                "resolution" => body["resolution"] = json!(format!("Solved {}", self.word())),
                "vendor_reference" => body["vendor_reference"] = json!(self.word()),
                note => body["note"] = self.some_note(note.trim_end_matches("_note")),
            }
        }
        if way["category"] == "closed" && self.kind != Kind::Contact {
            body["override_reason"] = json!("Enough");
        }
        let told = Told::new("ticket.status_changed");
        self.work(("POST", "/v1/tickets/{id}/transitions"), &view, body, told).await;
        Some(())
    }

    async fn watch(&mut self) -> Option<()> {
        let id = self.ticket();
        let other = if self.kind == Kind::Contact { self.id.clone() } else { self.agent() };
        let (method, kind) =
            self.one_of(&[("PUT", "ticket.watched"), ("DELETE", "ticket.unwatched")])?;
        let at = (method, "/v1/tickets/{id}/watchers/{watcher_id}");
        let view = self.send(at, &[&id, &other], None, Value::Null).await?.body;
        self.done(Told { data: json!({"watcher_id": other}), ..Told::perhaps(kind) }.on(&view));
        Some(())
    }
}
