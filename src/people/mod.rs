//! Customers and the people of the desk: accounts, contacts, departments, agents.
mod http;
mod rules;
mod service;
mod store;

pub use http::{language_tag, routes};
pub use rules::{AgentRole, ClockTime, Day, Duty, Leave, WorkingHours, check_week};
pub use service::*;
pub use store::accounts::{Account, Filter as AccountFilter};
pub use store::agents::{Agent, Filter as AgentFilter, Leaves, WorkingWeek};
pub use store::colleagues::{Colleague, Sees};
pub use store::contacts::{Contact, Filter as ContactFilter};
pub use store::departments::Department;
pub use store::pool::{PoolAgent, PoolMember, Staff};
