//! HEAD for every GET.
use actix_web::Error;
use actix_web::body::{self, BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;

/// Middleware: HEAD is answered as GET is (RFC 9110, section 9.3.2). The server itself leaves the body out.
pub async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let head = request.method() == Method::HEAD;
    if head {
        request.head_mut().method = Method::GET;
    }
    let response = next.call(request).await?;
    // The server reads to its end what it leaves out, and a stream of events has none.
    if head && response.response().body().size() == BodySize::Stream {
        return Ok(response.map_body(|_, _| EitherBody::right(body::None::new())));
    }
    Ok(response.map_into_left_body())
}
