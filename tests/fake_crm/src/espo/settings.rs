//! How an EspoCRM is set up.

/// The API user, whom the key belongs to.
pub const API_USER: &str = "65f00000000000a01";
/// The administrator, who signs in with name and password.
pub const ADMIN: &str = "65f00000000000001";

#[derive(Debug, Clone)]
pub struct Settings {
    /// 0 takes any free port.
    pub port: u16,
    pub api_key: String,
    pub admin_password: String,
    /// Text fields of 255 characters that an administrator added to Case and Lead; none in a stock EspoCRM.
    pub custom_fields: Vec<String>,
    /// Fields of a case that no two cases may share (Entity Manager, Case, fields of the duplicate check).
    pub duplicate_check: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let custom = ["cTicketKey", "cTicketNumber", "cTicketUrl", "cProduct"];
        Self {
            port: 0,
            api_key: "key".into(),
            admin_password: "password".into(),
            custom_fields: custom.map(str::to_owned).into(),
            duplicate_check: vec!["cTicketKey".into()],
        }
    }
}

impl Settings {
    /// An EspoCRM as it is installed, without custom fields.
    pub fn stock() -> Self {
        Self { custom_fields: Vec::new(), duplicate_check: Vec::new(), ..Self::default() }
    }
}
