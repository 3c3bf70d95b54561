//! Use cases of the catalog. Each is called inside one transaction and reads as: lock, decide, write, tell.
mod categories;
mod components;
mod products;
mod words;

pub use categories::*;
pub use components::*;
pub use products::*;
pub use words::*;

use diesel::result::Error as DieselError;

use crate::kernel::AppError;

/// Gives the constraints of this feature's tables their names in the contract.
fn named(error: DieselError) -> AppError {
    let Some(constraint) = crate::db::violated(&error) else { return error.into() };
    match constraint {
        "products_name" => AppError::conflict("name_taken", "another product has this name"),
        "categories_name" => AppError::conflict("name_taken", "another category has this name"),
        "components_name" => {
            AppError::conflict("name_taken", "another component of the product has this name")
        }
        "ticket_types_pkey" => AppError::conflict("key_taken", "another ticket type has this key"),
        "processes_pkey" => AppError::conflict("key_taken", "another process has this key"),
        "components_product_id_fkey" => AppError::field("/product_id", "there is no such product"),
        "components_department_id_fkey" => {
            AppError::field("/department_id", "there is no such department")
        }
        "ticket_types_workflow_id_fkey" => {
            AppError::field("/workflow_id", "there is no such workflow")
        }
        "components_process_fkey" => AppError::field("/process", "there is no such process"),
        _ => error.into(),
    }
}
