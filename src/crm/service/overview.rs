//! How far every connection is from agreement.
use diesel::PgConnection;

use crate::crm::store::{self, Standing};
use crate::kernel::{Actor, AppError, Permission};

/// Every connection with what is to be done in it, by name.
pub fn standings(conn: &mut PgConnection, actor: &Actor) -> Result<Vec<Standing>, AppError> {
    actor.require(Permission::CrmRead)?;
    Ok(store::standings(conn)?)
}
