//! The platform of the npm package: a core that is driven by events.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::Either;
use js_sys::{Date, Math};
use kneepoint_core::platform::{Body, Platform, TransportError};
use kneepoint_core::{Handle, Head, HeaderValue, HttpRequest, Instant};
use wasm_bindgen::JsValue;

use crate::host::{Sink, Transport};
use crate::world;

/// One client's door to the world.
#[derive(Clone)]
pub(crate) struct Port(Rc<Way>);

struct Way {
    transport: Transport,
    turns: bool,
    opaque: bool,
}

impl Port {
    pub(crate) fn new(transport: Transport) -> Self {
        Self(Rc::new(Way {
            turns: transport.turns(),
            opaque: transport.opaque(),
            transport,
        }))
    }
}

impl Platform for Port {
    type Body = PortBody;

    fn now(&self) -> Instant {
        world::now()
    }

    fn unix_time(&self) -> Duration {
        Duration::from_millis(Date::now() as u64)
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        world::sleep_until(world::now() + duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        if self.0.turns {
            Either::Left(world::turn())
        } else {
            Either::Right(std::future::ready(()))
        }
    }

    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, PortBody), TransportError>> + 'static {
        let way = self.0.clone();
        async move {
            let id = world::open(way.opaque);
            let body = PortBody { id, way };
            let transport = &body.way.transport;
            let sink = request.handle.as_ref().and_then(Handle::get::<Sink>);
            let sink = sink.map_or(JsValue::UNDEFINED, |sink| sink.clone().into());
            let method = request.method.as_str();
            transport.open(id, &sink, method, &request.url, &lines(&request));
            let head = world::wait(id, world::Exchange::take_head).await?;
            Ok((head, body))
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        world::spawn(task);
    }
}

/// Names and values, a line each: neither may hold a line end.
fn lines(request: &HttpRequest) -> String {
    let mut lines = String::with_capacity(256);
    for (name, value) in request.headers.iter() {
        let (prefix, text) = match value {
            HeaderValue::Open(text) => ("", &**text),
            HeaderValue::Secret { prefix, secret } => (*prefix, secret.expose()),
        };
        for part in [name, "\n", prefix, text, "\n"] {
            lines.push_str(part);
        }
    }
    lines
}

/// A reply's body. Dropping it closes its exchange.
pub(crate) struct PortBody {
    id: u32,
    way: Rc<Way>,
}

impl Body for PortBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        world::wait(self.id, |exchange| {
            let chunk = exchange.take_chunk();
            if chunk.is_none() && !exchange.asked {
                exchange.asked = true;
                self.way.transport.read(self.id);
            }
            chunk
        })
        .await
    }
}

impl Drop for PortBody {
    fn drop(&mut self) {
        world::close(self.id);
        self.way.transport.close(self.id);
    }
}
