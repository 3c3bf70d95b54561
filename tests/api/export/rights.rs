//! Who may have everything.
use casebridge::kernel::{Permission, Role};
use serde_json::json;

use crate::support::TestApp;

#[actix_web::test]
async fn the_export_is_for_administrators_and_programs_with_its_scope() {
    let app = TestApp::start().await;
    let at = "/v1/export/tickets";
    for person in ["Coordinator", "L1 agent A"] {
        let refused = app.agent(person).await.get(at).await.problem(403, "forbidden");
        assert_eq!(refused["required_permission"], "export:read");
    }
    app.contact("Purchasing contact").await.get(at).await.problem(403, "forbidden");
    let program = app.integration(&[Permission::TicketsRead, Permission::ExportRead]).await;
    let without = app.client_with(program, [Permission::TicketsRead].into_iter()).await;
    without.get(at).await.problem(403, "forbidden");
    let with = app.client_with(program, [Permission::ExportRead].into_iter()).await;
    with.get(at).await.expect(200);
    // Whoever sees some departments only cannot be given everything.
    let admin = app.client(Role::Admin).await;
    let agent = app.id("agents", "L1 agent A").await;
    let grant = json!({"permissions": ["export:read"]});
    admin.patch(&format!("/v1/agents/{agent}"), "*", grant).await.expect(200);
    app.agent("L1 agent A").await.get(at).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_cursor_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    for query in ["after=x", "after=-1", "after=", "format=xml", "limit=1"] {
        let at = format!("/v1/export/tickets?{query}");
        admin.get(&at).await.problem(400, "malformed_request");
    }
}
