//! How a CRM is set up.
use std::time::Duration;

/// How a CRM is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 0 takes any free port.
    pub port: u16,
    pub client_id: String,
    pub client_secret: String,
    pub token_lifetime: Duration,
    /// Fields that an administrator added to Cases; none in a stock SuiteCRM.
    pub custom_case_fields: Vec<String>,
    /// The database knows no characters of four bytes, and loses them.
    pub utf8mb3: bool,
    /// How long a PATCH has read the row before it writes all of it.
    pub patch_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: 0,
            client_id: "casebridge".into(),
            client_secret: "secret".into(),
            token_lifetime: Duration::from_secs(3600),
            custom_case_fields: ["ticket_id_c", "ticket_number_c", "product_c"]
                .map(str::to_owned)
                .into(),
            utf8mb3: false,
            patch_window: Duration::from_millis(5),
        }
    }
}

impl Settings {
    /// A SuiteCRM as it is installed, without custom fields.
    pub fn stock() -> Self {
        Self { custom_case_fields: Vec::new(), ..Self::default() }
    }
}
