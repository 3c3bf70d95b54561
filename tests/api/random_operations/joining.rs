//! Operations on several tickets.
use rand::RngExt as _;
use serde_json::{Value, json};

use super::acks::Told;
use super::player::Player;

const RELATIONS: [&str; 6] =
    ["related", "duplicate_of", "child_of", "parent_of", "child_of", "follow_up_of"];

impl Player {
    pub async fn link(&mut self) -> Option<()> {
        let (id, other) = (self.ticket(), self.ticket());
        let body = json!({"kind": self.one_of(&RELATIONS), "ticket_id": other});
        let link = self.send(("POST", "/v1/tickets/{id}/links"), &[&id], None, body).await?.body;
        for ticket in [id, other] {
            let data = json!({"link_id": link["id"]});
            self.done(Told { data, ..Told::new("ticket.linked") }.of(&ticket));
        }
        Some(())
    }

    pub async fn unlink(&mut self) -> Option<()> {
        let view = self.look().await?;
        let id = view["id"].as_str()?;
        let links = self.get("/v1/tickets/{id}/links", &[id]).await?;
        let link = self.one_of(links["items"].as_array()?)?;
        let at = ("DELETE", "/v1/tickets/{id}/links/{link_id}");
        let seen = self.seen(&view);
        self.send(at, &[id, link["id"].as_str()?], seen, Value::Null).await?;
        let told = Told { data: json!({"link_id": link["id"]}), ..Told::new("ticket.unlinked") };
        self.done(Told { seen, ..told.clone() }.of(id));
        self.done(told.of(link["ticket"]["id"].as_str()?));
        Some(())
    }

    pub async fn merge(&mut self) -> Option<()> {
        let view = self.look().await?;
        let (id, into) = (view["id"].as_str()?, self.ticket());
        let (seen, body) = (self.seen(&view), json!({"into": into}));
        let merged = self.send(("POST", "/v1/tickets/{id}/merge"), &[id], seen, body).await?.body;
        let both = json!({"source": {"id": id}, "target": {"id": into}});
        let told = Told { data: both, ..Told::new("ticket.merged") };
        self.done(Told { seen, ..told.clone() }.on(&merged));
        self.done(told.of(&into));
        self.world.ended.borrow_mut().push(id.to_owned());
        Some(())
    }

    pub async fn undo_merge(&mut self) -> Option<()> {
        let view = self.look_at_ended().await?;
        let (id, seen) = (view["id"].as_str()?, self.seen(&view));
        let at = ("DELETE", "/v1/tickets/{id}/merge");
        let alone = self.send(at, &[id], seen, Value::Null).await?.body;
        let told = Told { data: json!({"source": {"id": id}}), ..Told::new("ticket.merge_undone") };
        self.done(Told { seen, ..told.clone() }.on(&alone));
        self.done(told);
        Some(())
    }

    /// A note that was written on the ticket.
    pub async fn a_note_of(&mut self, id: &str) -> Option<Value> {
        let notes = self.get("/v1/tickets/{id}/notes", &[id]).await?;
        let mut notes = notes["items"].as_array()?.clone();
        notes.retain(|note| note["ticket_id"] == id);
        self.one_of(&notes)
    }

    pub async fn split(&mut self) -> Option<()> {
        let id = self.ticket();
        let note = self.a_note_of(&id).await?;
        let kind = self.one_of(&["related", "child_of", "follow_up_of"])?;
        let body = json!({"note_id": note["id"], "link": kind, "subject": self.word()});
        let new = self.send(("POST", "/v1/tickets/{id}/split"), &[&id], None, body).await?.body;
        let new_id = new["id"].as_str()?.to_owned();
        let linked = |data| Told { data, ..Told::new("ticket.linked") };
        self.done(Told { version: Some(1), ..Told::new("ticket.opened") }.of(&new_id));
        self.done(linked(json!({"ticket_id": id, "split_note_id": note["id"]})).on(&new));
        self.done(linked(json!({"ticket_id": new_id, "split_note_id": note["id"]})).of(&id));
        self.world.tickets.borrow_mut().push(new_id);
        Some(())
    }

    pub async fn batch(&mut self) -> Option<()> {
        let (mut items, mut tolds) = (Vec::new(), Vec::new());
        for _ in 0..self.rng.random_range(2..6) {
            let view = self.look().await?;
            let url = format!("https://{}.example", self.word());
            let (operation, body, told) = match self.rng.random_range(0..5) {
                0 => (
                    "patch",
                    json!({"url": url}),
                    Told { wrote: json!({"url": url}), ..Told::new("ticket.changed") },
                ),
                1 => ("note", self.some_note("internal"), Told::new("ticket.note_added")),
                2 => {
                    ("assign", json!({"agent_id": self.agent()}), Told::perhaps("ticket.assigned"))
                }
                3 => ("tags", json!({"add": [self.word()]}), Told::new("ticket.changed")),
                _ => ("transition", json!({"to": "017"}), Told::new("ticket.status_changed")),
            };
            let seen = self.seen(&view);
            items.push(
                json!({"operation": operation, "id": view["id"], "version": seen, "body": body}),
            );
            // A note on a merged ticket goes on, whatever the version is.
            tolds.push(Told { seen: seen.filter(|_| operation != "note"), ..told });
        }
        let done =
            self.send(("POST", "/v1/tickets:batch"), &[], None, json!({"items": items})).await?;
        for (told, outcome) in tolds.into_iter().zip(done.body["items"].as_array()?) {
            match outcome["status"].as_u64()? {
                ..300 => self.done(Told { view: Value::Null, ..told.on(outcome) }),
                500.. => self.world.wrong.borrow_mut().push(format!("in a batch: {outcome}")),
                _ => {}
            }
        }
        Some(())
    }
}
