use reqwest::Method;
use serde_json::json;

use super::EspoCrm;
use super::record::record;
use super::search::{Search, is};
use crate::crm::CrmError;
use crate::kernel::Secret;

const MODULE: &str = "Webhook";
const EVENTS: [&str; 3] = ["Case.create", "Case.update", "Case.delete"];

impl EspoCrm {
    /// Makes new webhooks before it takes those of the same address away, so that no event is without one. What we write
    /// ourselves is left out, if we are an API user.
    pub async fn subscribe(&self, url: &str) -> Result<Secret, CrmError> {
        let filters = vec![is("url", url)];
        let search =
            Search { module: MODULE, select: &["id", "createdAt"], along: "createdAt", filters };
        let old = self.list(&search).await?;
        let mut secrets = Vec::new();
        for event in EVENTS {
            let body = json!({ "event": event, "url": url, "skipOwn": true });
            let made = record(self.api.send(Method::POST, &[MODULE], &body).await?)?;
            let secret = made.filled("secretKey");
            let secret = secret.ok_or_else(|| CrmError::permanent("a webhook without secret"))?;
            secrets.push(secret);
        }
        for webhook in old {
            self.api.delete(MODULE, &webhook.id).await?;
        }
        Ok(Secret::new(secrets.join(" ")))
    }
}
