//! How the desk handles a ticket.
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use serde_json::{Value, json};

use super::acks::Told;
use super::player::Player;

impl Player {
    pub async fn assign(&mut self) -> Option<()> {
        let view = self.look().await?;
        let (agent, own) = (self.agent(), self.id.clone());
        let body = match self.rng.random_range(0..6) {
            0 => json!({}),
            1 => json!({"agent_id": null}),
            2 => json!({"agent_id": agent, "override": true, "reason": "Knows it"}),
            3 => json!({"agent_id": own}),
            _ => json!({"agent_id": agent}),
        };
        let told = Told::perhaps("ticket.assigned");
        self.work(("POST", "/v1/tickets/{id}/assignment"), &view, body, told).await;
        Some(())
    }

    pub async fn hand_over(&mut self) -> Option<()> {
        let view = self.look().await?;
        let mut body = json!({"note": format!("Said {}", self.word())});
        if self.chance(0.4) {
            body["agent_id"] = json!(self.agent());
            body["override"] = json!(self.chance(0.2));
        }
        let told = Told::new("ticket.handed_over");
        self.work(("POST", "/v1/tickets/{id}/handover"), &view, body, told).await;
        Some(())
    }

    pub async fn transfer(&mut self) -> Option<()> {
        let view = self.look().await?;
        let accounts = self.world.accounts.clone();
        let mut body = json!({"note": self.some_note("internal")});
        match self.rng.random_range(0..4) {
            0 => body["agent_id"] = json!(self.agent()),
            1 => body["category_id"] = json!(self.world.category),
            2 => body["product_id"] = Value::Null,
            _ => {
                (body["account_id"], body["contact_id"]) =
                    (json!(self.one_of(&accounts)), Value::Null)
            }
        }
        let told = Told::new("ticket.transferred");
        self.work(("POST", "/v1/tickets/{id}/transfer"), &view, body, told).await;
        Some(())
    }

    pub async fn elevate(&mut self) -> Option<()> {
        let view = self.look().await?;
        let to = match view["level"].as_str()? {
            "L1" => "L2",
            "L2" => self.one_of(&["L1", "third_line"])?,
            _ => "L2",
        };
        let body = json!({"to": to, "reason": self.word(), "tried": self.word()});
        let told = Told::new("ticket.elevated|ticket.de_elevated");
        self.work(("POST", "/v1/tickets/{id}/elevations"), &view, body, told).await;
        Some(())
    }

    pub async fn triage(&mut self) -> Option<()> {
        let view = self.look().await?;
        let (severity, impact) = (self.rng.random_range(1..5), self.rng.random_range(1..5));
        let body = json!({"severity": severity, "impact": impact});
        let told = Told::perhaps("ticket.triaged");
        self.work(("POST", "/v1/tickets/{id}/triage"), &view, body, told).await;
        Some(())
    }

    pub async fn tag(&mut self) -> Option<()> {
        let view = self.look().await?;
        let id = view["id"].as_str()?;
        let at = "/v1/tickets/{id}/tags/{tag}";
        let (method, tag, told) = match self.one_of(view["tags"].as_array()?) {
            Some(Value::String(tag)) if self.chance(0.5) => {
                ("DELETE", tag, Told::perhaps("ticket.changed"))
            }
            _ => ("PUT", self.word(), Told::new("ticket.changed")),
        };
        let view = self.send((method, at), &[id, &tag], None, Value::Null).await?.body;
        self.done(told.on(&view));
        Some(())
    }

    pub async fn redact(&mut self) -> Option<()> {
        let view = self.look().await?;
        let id = view["id"].as_str()?;
        let word = |text: &Value| text.as_str()?.rsplit(' ').next().map(str::to_owned);
        let note = if self.chance(0.6) { self.a_note_of(id).await } else { None };
        let body = match note {
            Some(note) => {
                json!({"field": "note", "note_id": note["id"], "text": word(&note["body"])?, "reason": "Secret"})
            }
            None => {
                let field = self.one_of(&["subject", "description"])?;
                json!({"field": field, "text": word(&view[field])?, "reason": "Secret"})
            }
        };
        let seen = self.seen(&view);
        let at = ("POST", "/v1/tickets/{id}/redactions");
        let done = self.send(at, &[id], seen, body).await?.body;
        let data = json!({"redaction_id": done["id"]});
        self.done(Told { data, seen, ..Told::new("ticket.redacted") }.of(id));
        Some(())
    }

    pub async fn delete_or_restore(&mut self) -> Option<()> {
        let view = if self.chance(0.5) { self.look().await? } else { self.look_at_ended().await? };
        let (id, seen) = (view["id"].as_str()?, self.seen(&view));
        if view["deleted_at"].is_null() {
            self.send(("DELETE", "/v1/tickets/{id}"), &[id], seen, Value::Null).await?;
            self.done(Told { seen, ..Told::new("ticket.deleted") }.of(id));
            self.world.ended.borrow_mut().push(id.to_owned());
        } else {
            let at = ("POST", "/v1/tickets/{id}/restoration");
            self.work(at, &view, Value::Null, Told::new("ticket.restored")).await;
        }
        Some(())
    }

    pub async fn convert(&mut self) -> Option<()> {
        let (id, workflows) = (self.ticket(), self.world.workflows.clone());
        let body = match self.rng.random_range(0..3) {
            0 => json!({"to": "lead", "last_name": self.word()}),
            1 => json!({"to": "job"}),
            _ => json!({"to": "workflow", "workflow_id": self.one_of(&workflows)}),
        };
        self.send(("POST", "/v1/tickets/{id}/conversion"), &[&id], None, body).await?;
        self.done(Told::new("ticket.converted").of(&id));
        Some(())
    }

    /// Asks somebody outside.
    pub async fn follow_process(&mut self) -> Option<()> {
        let outside = self.world.outside.borrow().clone();
        let id = self.one_of(&outside)?;
        self.get("/v1/tickets/{id}/process", &[&id]).await?;
        let at = ("POST", "/v1/tickets/{id}/side-conversations");
        let body = json!({"to": {"email": "vera@vendor.example"}, "subject": self.word(), "body": self.word()});
        let data = json!({"subject": body["subject"]});
        let side = self.send(at, &[&id], None, body).await?.body;
        let ticket = side["ticket_id"].as_str()?.to_owned();
        self.done(Told { data, ..Told::new("side_conversation.opened") }.of(&ticket));
        Some(())
    }

    /// Books an agent, or moves or cancels what was booked.
    pub async fn book(&mut self) -> Option<()> {
        let booked = self.world.booked.borrow().clone();
        let id = self.one_of(&booked).filter(|_| self.rng.random_bool(0.6));
        let id = id.unwrap_or_else(|| self.ticket());
        let starts_at = Utc::now() + TimeDelta::minutes(self.rng.random_range(1..3000));
        let booked = self.get("/v1/tickets/{id}/schedule", &[&id]).await?;
        let one = self.one_of(booked.as_array()?);
        let Some(one) = one.filter(|_| self.rng.random_bool(0.6)) else {
            let ends_at = starts_at + TimeDelta::minutes(30);
            let body = json!({"agent_id": self.agent(), "starts_at": starts_at, "ends_at": ends_at, "remind_minutes": 120});
            let made = self.send(("POST", "/v1/tickets/{id}/schedule"), &[&id], None, body).await?;
            let data = json!({"appointment_id": made.body["id"], "starts_at": starts_at});
            self.done(Told { data, ..Told::new("appointment.scheduled") }.of(&id));
            self.world.booked.borrow_mut().push(id);
            return Some(());
        };
        let (path, seen) = ("/v1/tickets/{id}/schedule/{appointment_id}", self.seen(&one));
        let ids = [&*id, one["id"].as_str()?];
        let mut data = json!({"appointment_id": one["id"]});
        let kind = if self.chance(0.3) {
            self.send(("DELETE", path), &ids, seen, Value::Null).await?;
            "appointment.cancelled"
        } else {
            let body = json!({"starts_at": starts_at, "notify": self.chance(0.5)});
            self.send(("PATCH", path), &ids, seen, body).await?;
            data["starts_at"] = json!(starts_at);
            "appointment.rescheduled|appointment.delayed"
        };
        self.done(Told { data, ..Told::new(kind) }.of(&id));
        Some(())
    }

    pub async fn delay_or_attach(&mut self) -> Option<()> {
        let view = self.look().await?;
        let id = view["id"].as_str()?;
        if self.chance(0.5) {
            let url = format!("https://{}.example", self.word());
            let body = json!({"name": "screenshot.png", "url": url});
            self.send(("POST", "/v1/tickets/{id}/attachments"), &[id], None, body).await?;
            let data = json!({"url": url});
            self.done(Told { data, ..Told::new("ticket.attachment_added") }.of(id));
            return Some(());
        }
        let present = view["deadline"].as_str().and_then(|time| time.parse::<DateTime<Utc>>().ok());
        let deadline = present.unwrap_or_default().max(Utc::now()) + TimeDelta::hours(1);
        let body = json!({"deadline": deadline});
        let at = ("POST", "/v1/tickets/{id}/delay");
        let version = self.send(at, &[id], None, body).await?.body["version"].as_i64();
        let wrote = json!({"deadline": deadline});
        self.done(Told { version, wrote, ..Told::new("ticket.delayed") }.of(id));
        Some(())
    }

    pub async fn go_or_come_back(&mut self) -> Option<()> {
        let away = json!({"away": self.chance(0.3)});
        self.send(("PUT", "/v1/me/availability"), &[], None, away).await.map(|_| ())
    }

    /// Changes how much somebody can take.
    pub async fn capacity(&mut self) -> Option<()> {
        let (agent, capacity) = (self.agent(), json!({"capacity": self.rng.random_range(0..12)}));
        self.send(("PATCH", "/v1/agents/{id}"), &[&agent], None, capacity).await.map(|_| ())
    }
}
