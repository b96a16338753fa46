//! One bare attempt, for the peers and the oracle, which are models and have no client.

use kneepoint_core::platform::sim::Sim;
use kneepoint_core::platform::{Body, Platform};
use kneepoint_core::{Head, Headers, HttpRequest, Method};

use super::run::{Call, URL};

/// Sends one attempt, reads its answer and throws it away.
pub(crate) async fn attempt(sim: &Sim, call: &Call) -> Head {
    let mut headers = Headers::new();
    headers.set_text("content-type", "application/json");
    let body = Some(call.body.clone());
    let request = HttpRequest {
        method: Method::Post,
        url: URL.into(),
        headers,
        body,
        handle: None,
        whole: None,
    };
    let reply = sim.fetch(request).await;
    let (head, mut body) = reply.expect("modelled servers always answer");
    while let Some(_piece) = body
        .chunk()
        .await
        .expect("modelled servers never cut an answer")
    {}
    head
}
