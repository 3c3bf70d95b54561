//! Failures on order: the next calls that match a rule go wrong.
use serde::{Deserialize, Serialize};

use crate::journal::Call;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// 500 of Slim, before anything is done.
    ServerError,
    /// The connection breaks before anything is done.
    DropBefore,
    /// Everything is done, then the connection breaks without an answer.
    DropAfter,
    /// 429; `retry_after` in seconds.
    TooManyRequests { retry_after: u32 },
    /// 503; `retry_after` in seconds.
    Unavailable { retry_after: u32 },
    /// Nothing happens for so long; then the call is answered normally. It is done even if the caller has left.
    Hang { milliseconds: u64 },
    /// 401, as for a revoked token.
    AccessDenied,
}

/// Which calls go wrong, how, and how many of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRule {
    pub fault: Fault,
    /// How many calls; one when not given.
    #[serde(default = "once")]
    pub times: u32,
    /// `GET`, `POST`, ...; any when not given.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of the path with its query; empty for any.
    #[serde(default)]
    pub path: String,
    /// The module that the path or the body names; any when not given.
    #[serde(default)]
    pub module: Option<String>,
}

fn once() -> u32 {
    1
}

impl FaultRule {
    /// The next call of any kind goes wrong.
    pub fn next(fault: Fault) -> Self {
        Self { fault, times: 1, method: None, path: String::new(), module: None }
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    pub fn path(mut self, part: &str) -> Self {
        part.clone_into(&mut self.path);
        self
    }

    pub fn module(mut self, module: &str) -> Self {
        self.module = Some(module.to_owned());
        self
    }

    fn matches(&self, call: &Call) -> bool {
        self.method.as_ref().is_none_or(|method| *method == call.method)
            && self.module.as_ref().is_none_or(|module| *module == call.module)
            && call.path.contains(&self.path)
    }
}

/// The fault for this call, from the oldest rule that matches; uses the rule up by one.
pub fn take(rules: &mut Vec<FaultRule>, call: &Call) -> Option<Fault> {
    let rule = rules.iter_mut().find(|rule| rule.times > 0 && rule.matches(call))?;
    rule.times -= 1;
    let fault = rule.fault;
    rules.retain(|rule| rule.times > 0);
    Some(fault)
}
