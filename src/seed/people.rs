//! People and a catalog to try the desk with, named by what they do.
use chrono::{DateTime, Utc};
use diesel::PgConnection;

use crate::catalog::{self, Category, Product};
use crate::kernel::{
    AccountId, Actor, AgentId, AppError, CategoryId, ContactId, DepartmentId, Level, ProductId,
    TimeZone, WorkflowId,
};
use crate::people::{self, Account, Agent, AgentRole, Contact, Department};

/// What the routing table is made of.
pub struct Desk {
    pub support: DepartmentId,
    pub account_management: DepartmentId,
    pub business_unit: DepartmentId,
    pub product: ProductId,
}

/// The consultancy's departments use its workflow; the desk's own IT uses the simple one.
pub fn load(
    conn: &mut PgConnection,
    consultancy: WorkflowId,
    simple: WorkflowId,
    now: DateTime<Utc>,
) -> Result<Desk, AppError> {
    let support = department(conn, DepartmentId::EXAMPLE, "Support", consultancy, now)?;
    people::change_department(conn, &Actor::system(), support, now, |department| {
        department.is_default = true;
        Ok(())
    })?;
    let account_management =
        department(conn, DepartmentId::new(), "Account Management", consultancy, now)?;
    let business_unit = department(conn, DepartmentId::new(), "Business Unit", consultancy, now)?;
    let internal_it = department(conn, DepartmentId::new(), "Internal IT", simple, now)?;
    agents(conn, [support, account_management, business_unit, internal_it], now)?;
    let product = Product {
        id: ProductId::EXAMPLE,
        name: "CoreTrac".into(),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let product = catalog::create_product(conn, &Actor::system(), &product, now)?.id;
    let general = Category {
        id: CategoryId::EXAMPLE,
        name: "General".into(),
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    catalog::create_category(conn, &Actor::system(), &general, now)?;
    let northwind = account(conn, AccountId::EXAMPLE, "Northwind Services", product, now)?;
    contact(
        conn,
        ContactId::EXAMPLE,
        "Purchasing contact",
        "purchasing@customer.example",
        northwind,
        now,
    )?;
    contact(
        conn,
        ContactId::new(),
        "Operations contact",
        "operations@customer.example",
        northwind,
        now,
    )?;
    let harbor = account(conn, AccountId::new(), "Harbor Logistics", product, now)?;
    contact(
        conn,
        ContactId::new(),
        "Warehouse contact",
        "warehouse@customer.example",
        harbor,
        now,
    )?;
    contact(conn, ContactId::new(), "Finance contact", "finance@customer.example", harbor, now)?;
    Ok(Desk { support, account_management, business_unit, product })
}

fn department(
    conn: &mut PgConnection,
    id: DepartmentId,
    name: &str,
    workflow_id: WorkflowId,
    now: DateTime<Utc>,
) -> Result<DepartmentId, AppError> {
    let department = Department {
        id,
        name: name.into(),
        workflow_id,
        is_default: false,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(people::create_department(conn, &Actor::system(), &department, now)?.id)
}

fn agents(
    conn: &mut PgConnection,
    [support, account_management, business_unit, internal_it]: [DepartmentId; 4],
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    use AgentRole::{Admin, Agent, Coordinator};
    use Level::{External, L1, L2, ThirdLine};
    let one = ("L1 agent A", "l1-a@desk.example", Agent);
    agent(conn, AgentId::EXAMPLE, one, (&[L1], &[support]), now)?;
    let mut add = |name, email, role, levels: &[Level], departments: &[DepartmentId]| {
        agent(conn, AgentId::new(), (name, email, role), (levels, departments), now)
    };
    add("L1 agent B", "l1-b@desk.example", Agent, &[L1], &[support, internal_it])?;
    add("L2 agent A", "l2-a@desk.example", Agent, &[L2], &[support])?;
    add("L2 agent B", "l2-b@desk.example", Agent, &[L2], &[support, internal_it])?;
    add("Third line agent A", "third-line-a@desk.example", Agent, &[ThirdLine], &[support])?;
    let manager = "account-manager-a@desk.example";
    add("Account manager A", manager, Agent, &[External], &[account_management])?;
    let analyst = "business-analyst-a@desk.example";
    add("Business analyst A", analyst, Agent, &[External], &[business_unit])?;
    add("Coordinator", "coordinator@desk.example", Coordinator, &[], &[support])?;
    add("Administrator", "administrator@desk.example", Admin, &[], &[])
}

fn agent(
    conn: &mut PgConnection,
    id: AgentId,
    (name, email, role): (&str, &str, AgentRole),
    (levels, departments): (&[Level], &[DepartmentId]),
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let agent = Agent {
        id,
        name: name.into(),
        email: email.into(),
        role,
        permissions: Vec::new(),
        levels: levels.to_vec(),
        department_ids: departments.to_vec(),
        product_ids: None,
        category_ids: None,
        type_keys: None,
        time_zone: TimeZone::UTC,
        working_hours: None,
        capacity: 20,
        away: false,
        leave_until: None,
        leaves: people::Leaves::default(),
        open_tickets: 0,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    people::create_agent(conn, &Actor::system(), agent, now)?;
    Ok(())
}

fn account(
    conn: &mut PgConnection,
    id: AccountId,
    name: &str,
    product: ProductId,
    now: DateTime<Utc>,
) -> Result<AccountId, AppError> {
    let account = Account {
        id,
        name: name.into(),
        active: true,
        manager_name: Some("Account manager A".into()),
        manager_email: Some("account-manager-a@desk.example".into()),
        agreement: None,
        surveys: true,
        product_ids: vec![product],
        version: 1,
        created_at: now,
        updated_at: now,
    };
    Ok(people::create_account(conn, &Actor::system(), account, now)?.id)
}

fn contact(
    conn: &mut PgConnection,
    id: ContactId,
    name: &str,
    email: &str,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let contact = Contact {
        id,
        name: name.into(),
        email: email.into(),
        phone: None,
        language: "en".into(),
        time_zone: TimeZone::UTC,
        active: true,
        account_ids: vec![account],
        version: 1,
        created_at: now,
        updated_at: now,
    };
    people::create_contact(conn, &Actor::system(), contact, now)?;
    Ok(())
}
