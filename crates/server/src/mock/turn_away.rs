//! Faults that let no work be done: the request is answered at once, with something else.

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};

use super::fault::Fault;
use super::pace::Pace;
use super::problem::Problem;
use super::question::Api;
use super::spec::Spec;
use super::stream::{StreamBody, once};
use super::{header, plain, refusal, shape};
use crate::body::Body;
use crate::clock;

const BAD_GATEWAY_PAGE: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
    <body><h1>502 Bad Gateway</h1><p>The upstream did not answer.</p></body></html>\n";
const PORTAL_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head>\
    <body><h1>Welcome to this network</h1><p>Please accept the terms.</p></body></html>\n";

/// The answer of such a fault; None for all others.
pub(super) fn answer(
    fault: &Fault,
    api: Api,
    spec: &Spec,
    redirect: &str,
) -> Option<Response<Body>> {
    let html = |status, text: &'static str| {
        let mut response = plain(status, Body::from(text), spec);
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    };
    let error = |status| refusal(&Problem::status(status), api, spec);
    let empty = |status| plain(status, Body::empty(), spec);
    let response = match fault {
        Fault::Status(status @ (204 | 205 | 304)) => empty(StatusCode::from_u16(*status).ok()?),
        Fault::NoContent204 => empty(StatusCode::NO_CONTENT),
        Fault::Empty200 => empty(StatusCode::OK),
        Fault::Status(status @ 200..) => {
            let mut response = error(*status);
            if matches!(status, 429 | 503 | 529) {
                header::hint(
                    response.headers_mut(),
                    spec.retry_after,
                    None,
                    clock::wall(),
                );
            }
            response
        }
        Fault::Html502 => html(StatusCode::BAD_GATEWAY, BAD_GATEWAY_PAGE),
        Fault::Html200 => html(StatusCode::OK, PORTAL_PAGE),
        Fault::JsonError200 => {
            let mut response = error(500);
            *response.status_mut() = StatusCode::OK;
            response
        }
        Fault::Redirect307 => {
            let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
            response
                .headers_mut()
                .insert(LOCATION, HeaderValue::from_str(redirect).ok()?);
            response
        }
        Fault::Quota429 => refusal(&Problem::quota(), api, spec),
        Fault::RetryAfter(value) => {
            let mut response = error(429);
            header::insert(response.headers_mut(), "retry-after", value);
            response
        }
        Fault::ShouldRetryFalse => {
            let mut response = error(503);
            header::insert(response.headers_mut(), "x-should-retry", "false");
            response
        }
        Fault::SlowErrorBody => {
            let mut response = error(500);
            let body = std::mem::replace(response.body_mut(), Body::empty());
            let Body::Whole(text) = body else { return None };
            let pieces = shape::bytes(Some(fault), once(0, text));
            let pace = Pace::immediate();
            *response.body_mut() = Body::stream(StreamBody::new(pieces, pace, None));
            response
        }
        _ => return None,
    };
    Some(response)
}
