//! What several operations answer.
use serde::Serialize;
use utoipa::ToSchema;

/// How many mirrors an operation has marked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Marked {
    #[schema(example = 3)]
    pub marked: usize,
}
