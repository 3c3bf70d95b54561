//! The mirror against a CRM that behaves as the real one: every ticket is a case, both ways.
mod deciding;
mod explaining;
mod failing;
mod merging;
mod operating;
mod probing;
mod pulling;
mod pushing;
mod relating;
