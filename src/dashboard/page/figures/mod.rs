//! The figures of each report. They repeat what the reports say and compute nothing, so that both say the same.
mod agents;
mod mirror;
mod promises;
mod volume;
