//! The mirror against a CRM that behaves as the real one: every ticket is a case, both ways.
mod failing;
mod operating;
mod pulling;
mod pushing;
mod relating;
