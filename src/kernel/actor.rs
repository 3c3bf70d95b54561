//! Who is calling, what they may do and what they may see.
use uuid::Uuid;

use super::{AccountId, AgentId, AppError, ContactId, DepartmentId, text_enum};

text_enum! {
    /// What kind of caller this is.
    Role {
        /// A customer's contact, through a portal.
        Contact = "contact",
        /// Works tickets in their departments.
        Agent = "agent",
        /// Triage and assignment over every department.
        Coordinator = "coordinator",
        /// Configuration, people, clients, connections.
        Admin = "admin",
        /// A program; may do what its scopes say.
        Integration = "integration",
    }
}

text_enum! {
    /// One thing that a caller may do. The same words are the OAuth scopes of clients.
    Permission {
        TicketsRead = "tickets:read",
        /// Open tickets, reply, close one's own.
        TicketsWrite = "tickets:write",
        /// The desk's own operations: transitions, assignment, transfer, internal notes.
        TicketsWork = "tickets:work",
        TicketsDelete = "tickets:delete",
        PeopleRead = "people:read",
        PeopleWrite = "people:write",
        CatalogRead = "catalog:read",
        CatalogWrite = "catalog:write",
        WorkflowRead = "workflow:read",
        WorkflowWrite = "workflow:write",
        EventsRead = "events:read",
        /// See webhooks and what became of their deliveries.
        WebhooksRead = "webhooks:read",
        /// Say where events are sent to.
        WebhooksWrite = "webhooks:write",
        /// Push and pull cases.
        CrmSync = "crm:sync",
        /// See connections, mirrors and conflicts.
        CrmRead = "crm:read",
        CrmWrite = "crm:write",
        /// Figures about all tickets that one sees.
        ReportsRead = "reports:read",
        /// See jobs and how far they are.
        JobsRead = "jobs:read",
        /// Cancel jobs.
        JobsWrite = "jobs:write",
        /// Take mails in, whoever they say that they are from.
        MailReceive = "mail:receive",
        /// Read everything that all tickets have, at once.
        ExportRead = "export:read",
        /// Integration clients and signing keys.
        ClientsWrite = "clients:write",
    }
}

impl Role {
    /// What every caller of this role may do; agents can be granted more, one by one.
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::*;
        match self {
            Self::Contact => &[TicketsRead, TicketsWrite, CatalogRead],
            Self::Agent => &[
                TicketsRead,
                TicketsWrite,
                TicketsWork,
                PeopleRead,
                CatalogRead,
                WorkflowRead,
                EventsRead,
                CrmRead,
                JobsRead,
            ],
            Self::Coordinator => &[
                TicketsRead,
                TicketsWrite,
                TicketsWork,
                TicketsDelete,
                PeopleRead,
                CatalogRead,
                WorkflowRead,
                EventsRead,
                CrmRead,
                ReportsRead,
                JobsRead,
            ],
            Self::Admin => Permission::ALL,
            Self::Integration => &[],
        }
    }
}

text_enum! {
    /// Where a change came from.
    Origin {
        Api = "api",
        Crm = "crm",
        Mail = "mail",
        /// The service itself, because a time was reached or a rule applied.
        Timer = "timer",
    }
}

/// The caller of an operation: a person, a program, or the service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The contact's, agent's or client's id; nil for the service itself.
    pub id: Uuid,
    pub role: Role,
    /// Shown in histories.
    pub name: String,
    pub permissions: Vec<Permission>,
    pub origin: Origin,
    /// Departments that an agent works in.
    pub departments: Vec<DepartmentId>,
    /// Accounts that a contact belongs to.
    pub accounts: Vec<AccountId>,
}

/// Which tickets a caller may see; part of every query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    All,
    /// Tickets of these departments, and those assigned to the agent.
    Departments(AgentId, Vec<DepartmentId>),
    /// Tickets of these accounts.
    Accounts(ContactId, Vec<AccountId>),
}

impl Actor {
    /// The service itself, acting on a rule or a clock.
    pub fn system() -> Self {
        Self {
            id: Uuid::nil(),
            role: Role::Admin,
            name: "Casebridge".into(),
            permissions: Permission::ALL.to_vec(),
            origin: Origin::Timer,
            departments: Vec::new(),
            accounts: Vec::new(),
        }
    }

    /// Refuses with [`AppError::Forbidden`], which names the permission that is missing.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if self.may(permission) { Ok(()) } else { Err(AppError::Forbidden(permission)) }
    }

    /// Nobody hands out more than they have: fails with `beyond_own_permissions` on the first that this caller lacks.
    pub fn require_to_grant(
        &self,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Result<(), AppError> {
        match permissions.into_iter().find(|permission| !self.may(*permission)) {
            Some(lacking) => {
                let detail = format!("you cannot give {lacking}, which you do not have yourself");
                Err(AppError::rule("beyond_own_permissions", detail))
            }
            None => Ok(()),
        }
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Which tickets this caller may see.
    pub fn visibility(&self) -> Visibility {
        match self.role {
            Role::Contact => Visibility::Accounts(ContactId(self.id), self.accounts.clone()),
            Role::Agent => Visibility::Departments(AgentId(self.id), self.departments.clone()),
            Role::Coordinator | Role::Admin | Role::Integration => Visibility::All,
        }
    }

    pub fn is_contact(&self) -> bool {
        self.role == Role::Contact
    }

    /// The agent that this caller is, if it is one of the desk's people.
    pub fn agent_id(&self) -> Option<AgentId> {
        let person = matches!(self.role, Role::Agent | Role::Coordinator | Role::Admin);
        (person && !self.id.is_nil()).then_some(AgentId(self.id))
    }

    /// The contact that this caller is.
    pub fn contact_id(&self) -> Option<ContactId> {
        self.is_contact().then_some(ContactId(self.id))
    }
}
