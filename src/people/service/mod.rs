//! Use cases around people. Each is called inside one transaction and reads as: lock, decide, write, tell.
mod accounts;
mod agents;
mod colleagues;
mod contacts;
mod departments;
mod directory;
mod pool;

pub use accounts::*;
pub use agents::*;
pub use colleagues::*;
pub use contacts::*;
pub use departments::*;
pub use directory::*;
pub use pool::*;

use diesel::result::Error as DieselError;

use crate::kernel::AppError;

/// Gives the constraints of this feature's tables their names in the contract.
fn named(error: DieselError) -> AppError {
    let Some(constraint) = crate::db::violated(&error) else { return error.into() };
    match constraint {
        "accounts_name" => AppError::conflict("name_taken", "another account has this name"),
        "departments_name" => AppError::conflict("name_taken", "another department has this name"),
        "contacts_email" => {
            AppError::conflict("email_taken", "another contact has this e-mail address")
        }
        "agents_email" => {
            AppError::conflict("email_taken", "another agent has this e-mail address")
        }
        "accounts_manager_whole" => {
            AppError::field("/manager_email", "a manager has a name and an e-mail address")
        }
        "account_products_product_id_fkey" => {
            AppError::field("/product_ids", "there is no such product")
        }
        "contact_accounts_account_id_fkey" => {
            AppError::field("/account_ids", "there is no such account")
        }
        "agent_departments_department_id_fkey" => {
            AppError::field("/department_ids", "there is no such department")
        }
        "departments_workflow_id_fkey" => {
            AppError::field("/workflow_id", "there is no such workflow")
        }
        _ => error.into(),
    }
}

/// A list of ids as the database gives it back: sorted, each once.
fn tidy<T: Ord>(ids: &mut Vec<T>) {
    ids.sort_unstable();
    ids.dedup();
}
