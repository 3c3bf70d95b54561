/// How an organization is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 0 takes any free port.
    pub port: u16,
    pub client_id: String,
    pub client_secret: String,
    /// Calls in 24 hours.
    pub daily_calls: u64,
    /// Records that a query answers with before it cuts its answer short; 2,000 by the documentation, fewer for large records.
    pub query_batch: usize,
    /// Text fields that an administrator added to Case, each unique if it is an external id.
    pub custom_case_fields: Vec<CustomField>,
}

/// A text field of 255 characters that an administrator added.
#[derive(Debug, Clone)]
pub struct CustomField {
    pub name: String,
    /// External id, unique.
    pub key: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let field = |(name, key): (&str, bool)| CustomField { name: name.into(), key };
        let fields = [
            ("Casebridge_Key__c", true),
            ("Ticket_Number__c", false),
            ("Ticket_Link__c", false),
            ("Product__c", false),
        ];
        Self {
            port: 0,
            client_id: "casebridge".into(),
            client_secret: "secret".into(),
            daily_calls: 100_000,
            query_batch: 2000,
            custom_case_fields: fields.map(field).into(),
        }
    }
}

impl Settings {
    /// An organization as it comes, without custom fields.
    pub fn stock() -> Self {
        Self { custom_case_fields: Vec::new(), ..Self::default() }
    }
}
