//! The extractor that every protected handler starts with.
use std::future::{Future, Ready, ready};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::Utc;

use super::{Authenticator, Limits};
use crate::kernel::{Actor, AppError};

/// The authenticated caller; without a valid bearer token (RFC 6750) the answer is 401.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Actor>);

impl Deref for Caller {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.0
    }
}

/// A bearer token whose bearer can be asked for again and again, for as long as an answer lasts.
pub struct Session {
    authenticator: Authenticator,
    token: String,
}

impl Session {
    fn of(request: &HttpRequest) -> Result<Self, AppError> {
        let missing = AppError::Unauthenticated("send a bearer token in the Authorization header");
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AppError::Unauthenticated("the Authorization scheme must be Bearer"));
        }
        let authenticator = request.app_data::<web::Data<Authenticator>>();
        let unset = || AppError::Internal(anyhow::anyhow!("no authenticator is set up"));
        let authenticator = authenticator.ok_or_else(unset)?.as_ref().clone();
        Ok(Self { authenticator, token: token.trim().to_owned() })
    }

    /// The bearer as they are now; fails with 401 once the token is not valid any more.
    pub async fn caller(&self) -> Result<Caller, AppError> {
        Ok(Caller(self.authenticator.actor(&self.token, Utc::now()).await?))
    }
}

impl FromRequest for Session {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for Caller {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = Session::of(request);
        let request = request.clone();
        Box::pin(async move {
            let caller = session?.caller().await?;
            if let Some(limits) = request.app_data::<web::Data<Limits>>() {
                limits.count(&request, caller.id)?;
            }
            Ok(caller)
        })
    }
}
