//! Tokens that somebody made up, or that have had their day.
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use casebridge::auth;
use casebridge::kernel::Role;
use chrono::Utc;
use diesel::{Connection as _, ExpressionMethods as _, PgConnection, RunQueryDsl as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

/// A signing key that the test itself put into the database, so that it can sign what the service never would.
struct Forge {
    app: TestApp,
    key: EncodingKey,
    public: Vec<u8>,
    admin: uuid::Uuid,
}

const KID: &str = "test-key";

impl Forge {
    async fn start() -> Self {
        use casebridge::db::schema::signing_keys as keys;
        let app = TestApp::start().await;
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let mut conn = PgConnection::establish(app.database.url.expose()).unwrap();
        // Retired, so that it only verifies: the sealed private half is never opened.
        diesel::insert_into(keys::table)
            .values((
                keys::id.eq(KID),
                keys::public_key.eq(&public),
                keys::sealed_private_key.eq(vec![0_u8]),
                keys::retired_at.eq(Utc::now()),
                keys::created_at.eq(Utc::now() - chrono::TimeDelta::days(1)),
            ))
            .execute(&mut conn)
            .unwrap();
        let admin = app.service.db.read(|conn| auth::first_of_role(conn, Role::Admin)).await;
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { app, key, public, admin: admin.unwrap().id }
    }

    /// Claims that the service accepts.
    fn claims(&self) -> Value {
        let now = Utc::now().timestamp();
        json!({
            "iss": self.app.url, "aud": "casebridge", "sub": self.admin, "role": "admin",
            "iat": now, "nbf": now, "exp": now + 600, "jti": uuid::Uuid::now_v7(),
        })
    }

    fn with(&self, claim: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[claim] = value;
        claims
    }

    fn sign(&self, claims: &Value) -> String {
        sign_as(Algorithm::EdDSA, Some(KID), claims, &self.key)
    }

    async fn call(&self, token: String) -> Reply {
        Client::new(&self.app.url, Some(token)).get("/v1/me").await
    }

    async fn refuses(&self, what: &str, token: String) {
        let reply = self.call(token).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.body);
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{what}");
        reply.problem(401, "unauthenticated");
    }
}

fn sign_as(algorithm: Algorithm, kid: Option<&str>, claims: &Value, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    encode(&header, claims, key).unwrap()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[actix_web::test]
async fn the_test_key_itself_is_accepted() {
    let forge = Forge::start().await;
    let token = forge.sign(&forge.claims());
    assert_eq!(forge.call(token).await.expect(200)["role"], "admin");
}

#[actix_web::test]
async fn a_token_of_another_algorithm_is_refused() {
    let forge = Forge::start().await;
    let claims = forge.claims();
    for none in ["none", "None", "NONE"] {
        let header = json!({"alg": none, "typ": "JWT", "kid": KID});
        forge.refuses("no signature", unsigned(&header, &claims)).await;
    }
    let stripped = forge.sign(&claims);
    let (head, _) = stripped.rsplit_once('.').unwrap();
    forge.refuses("an empty signature", format!("{head}.")).await;
    forge.refuses("no third part", head.to_owned()).await;
    // The public key is known to everybody; as a shared secret it must prove nothing.
    for secret in [forge.public.clone(), URL_SAFE_NO_PAD.encode(&forge.public).into_bytes()] {
        let key = EncodingKey::from_secret(&secret);
        let token = sign_as(Algorithm::HS256, Some(KID), &claims, &key);
        forge.refuses("HS256 with the public key", token).await;
    }
}

#[actix_web::test]
async fn a_token_of_another_key_is_refused() {
    let forge = Forge::start().await;
    let other = Ed25519KeyPair::generate().unwrap();
    let other = EncodingKey::from_ed_der(other.to_pkcs8v1().unwrap().as_ref());
    let signed = |kid, key| sign_as(Algorithm::EdDSA, kid, &forge.claims(), key);
    forge.refuses("a stranger's key under our id", signed(Some(KID), &other)).await;
    forge.refuses("an unknown key id", signed(Some("unknown"), &forge.key)).await;
    forge.refuses("no key id", signed(None, &forge.key)).await;
    forge.refuses("a key id that injects", signed(Some("' or 1=1 --"), &forge.key)).await;
}

#[actix_web::test]
async fn a_token_with_wrong_claims_is_refused() {
    let forge = Forge::start().await;
    let now = Utc::now().timestamp();
    let wrong = [
        ("aud", json!("somebody-else")),
        ("aud", json!([])),
        ("iss", json!("https://evil.example")),
        ("exp", json!(now - 60)),
        ("exp", Value::Null),
        ("nbf", json!(now + 600)),
        ("role", json!("contact")),
        ("role", json!("root")),
        ("sub", json!(uuid::Uuid::now_v7())),
        ("sub", json!(uuid::Uuid::nil())),
        ("sub", json!("admin")),
    ];
    for (claim, value) in wrong {
        let token = forge.sign(&forge.with(claim, value.clone()));
        forge.refuses(&format!("{claim} = {value}"), token).await;
    }
    for claim in ["iss", "aud", "sub", "exp", "nbf"] {
        let mut claims = forge.claims();
        claims.as_object_mut().unwrap().remove(claim);
        forge.refuses(&format!("without {claim}"), forge.sign(&claims)).await;
    }
}

#[actix_web::test]
async fn a_token_that_was_changed_is_refused() {
    let forge = Forge::start().await;
    let token = forge.sign(&forge.claims());
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.encode(forge.with("exp", json!(4_000_000_000_i64)).to_string());
    let changed = format!("{}.{claims}.{}", parts[0], parts[2]);
    forge.refuses("a longer life", changed).await;
    for garbage in ["", "x", "..", "a.b.c", &"a".repeat(7000)] {
        forge.refuses("garbage", garbage.to_owned()).await;
    }
}

#[actix_web::test]
async fn a_token_stops_working_when_its_bearer_is_deactivated() {
    let app = TestApp::start().await;
    let admin = app.client(Role::Admin).await;
    let new = json!({"name": "Website", "scopes": ["crm:read"]});
    let created = admin.post("/v1/clients", new).await;
    let path = created.header("location").to_owned();
    let id = created.body["id"].as_str().unwrap().parse().unwrap();
    let caller = app.client_for(id).await;
    admin.patch(&path, "\"v1\"", json!({"active": false})).await.expect(200);
    caller.get("/v1/me").await.problem(401, "unauthenticated");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", created.body["id"].as_str().unwrap()),
        ("client_secret", created.body["client_secret"].as_str().unwrap()),
    ];
    super::token_of(&app, &form).await.problem(401, "invalid_client");
}
