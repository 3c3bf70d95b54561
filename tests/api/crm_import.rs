//! The directory of a CRM at the desk: users, accounts, contacts and products.
mod failing;
mod keeping;
mod linking;

use serde_json::{Value, json};

use crate::support::mirror::{CLERK, Mirrored, text};

/// A desk whose imports create what is not found.
async fn creating() -> Mirrored {
    let import = json!({"accounts": "create", "contacts": "create", "products": "create"});
    Mirrored::start_with(json!({ "import": import })).await
}

impl Mirrored {
    fn path(&self, what: &str) -> String {
        format!("/v1/crm/connections/{}/{what}", self.connection)
    }

    /// Imports, and returns what came of each kind.
    async fn import(&self, whole: bool) -> Value {
        let started = self.admin.post(&self.path("import"), json!({ "whole": whole })).await;
        assert_eq!(started.expect(202)["kind"], "crm_import");
        self.app.run_jobs().await;
        let status = self.status().await;
        assert_eq!(status["job"]["state"], "succeeded", "{status}");
        status
    }

    async fn status(&self) -> Value {
        self.admin.get(&self.path("import")).await.expect(200)
    }

    async fn unmapped(&self, kind: &str) -> Vec<Value> {
        let page = self.admin.get(&self.path(&format!("unmapped?kind={kind}"))).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }

    /// The ids of a kind: the CRM's by the desk's.
    async fn links(&self, kind: &str) -> Vec<(String, String)> {
        let map = self.admin.get(&self.path(&format!("maps/{kind}"))).await.expect(200);
        let links = map["items"].as_array().unwrap().iter();
        links.map(|link| (text(&link["local_id"]), text(&link["remote_id"]))).collect()
    }

    /// The only thing of this name at the desk.
    async fn find(&self, path: &str, name: &str) -> Value {
        let query = name.replace(' ', "%20");
        let page = self.admin.get(&format!("/v1/{path}?q={query}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{name}: {page}");
        items[0].clone()
    }

    fn edit_record(&self, module: &str, id: &str, attributes: Value) {
        self.crm.edit(module, id, attributes, CLERK).unwrap();
    }
}

/// What a kind came to: listed, created, updated, linked, unmapped.
fn counts(status: &Value, kind: &str) -> [i64; 5] {
    let kinds = status["kinds"].as_array().unwrap();
    let row = kinds.iter().find(|row| row["kind"] == kind).unwrap();
    ["listed", "created", "updated", "linked", "unmapped"].map(|name| row[name].as_i64().unwrap())
}

fn reason(of: &[Value], name: &str) -> String {
    let found = of.iter().find(|row| row["name"] == name);
    text(&found.unwrap_or_else(|| panic!("{name} is not among {of:?}"))["reason"])
}
