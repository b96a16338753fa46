//! The platform of the npm package: a core that is driven by events.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::Either;
use js_sys::{Date, Math, Object, Reflect};
use kneepoint_core::decode::Dialect;
use kneepoint_core::platform::{Body, Plain, Platform, TransportError};
use kneepoint_core::{Handle, Head, HeaderValue, HttpRequest, Instant, Reading, Whole};
use wasm_bindgen::JsValue;

use crate::host::{Sink, Transport};
use crate::world;

/// One client's door to the world.
#[derive(Clone)]
pub(crate) struct Port(Rc<Way>);

struct Way {
    transport: Transport,
    /// Whether time goes on while the module works.
    live: bool,
    turns: bool,
    opaque: bool,
    /// What the latest request began with.
    latest: RefCell<Option<HttpRequest>>,
}

impl Port {
    /// A client's, for which all that one call of the module does happens at once.
    #[cfg(feature = "client")]
    pub(crate) fn new(transport: Transport) -> Self {
        Self::with(transport, false)
    }

    /// A measurement's, which asks for the time whenever it wants to know it: what the module itself
    /// takes must show.
    #[cfg(feature = "bench")]
    pub(crate) fn live(transport: Transport) -> Self {
        Self::with(transport, true)
    }

    fn with(transport: Transport, live: bool) -> Self {
        Self(Rc::new(Way {
            live,
            turns: transport.turns(),
            opaque: transport.opaque(),
            latest: RefCell::default(),
            transport,
        }))
    }
}

impl Platform for Port {
    type Body = PortBody;

    fn now(&self) -> Instant {
        if self.0.live {
            world::enter();
        }
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
            let lines = body.way.lines(&request);
            let (reading, bytes_max) = request.whole.map_or((0, 0), numbers);
            let open = |sink| transport.open(id, sink, lines.as_deref(), reading, bytes_max);
            match request.handle.as_ref().and_then(Handle::get::<Sink>) {
                Some(sink) => open(sink),
                None => open(&carrier(request.body.as_deref())),
            }
            let head = world::wait(id, world::Exchange::take_head).await?;
            Ok((head, body))
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        world::spawn(task);
    }
}

impl Way {
    /// What a request begins with, a line each: nothing of it may hold a line end. Nothing where it is
    /// that of the request before, as most often.
    fn lines(&self, request: &HttpRequest) -> Option<String> {
        let mut latest = self.latest.borrow_mut();
        if latest.as_ref().is_some_and(|it| request.begins_as(it)) {
            return None;
        }
        let mut lines = String::new();
        for part in [request.method.as_str(), "\n", &request.url, "\n"] {
            lines.push_str(part);
        }
        for (name, value) in request.headers.iter() {
            let (prefix, text) = match value {
                HeaderValue::Open(text) => ("", &**text),
                HeaderValue::Secret { prefix, secret } => (*prefix, secret.expose()),
            };
            for part in [name, "\n", prefix, text, "\n"] {
                lines.push_str(part);
            }
        }
        *latest = Some(request.start());
        Some(lines)
    }
}

/// Has the body of a request that nobody in JavaScript made.
fn carrier(body: Option<&str>) -> JsValue {
    let carrier = Object::new();
    // Setting a field of a plain object cannot fail.
    let _ = Reflect::set(&carrier, &"body".into(), &body.into());
    carrier.into()
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
            if chunk.is_none() && !exchange.is_awaited {
                exchange.is_awaited = true;
                self.way.transport.read(self.id);
            }
            chunk
        })
        .await
    }

    async fn plain(&mut self) -> Result<Option<Plain>, TransportError> {
        world::wait(self.id, world::Exchange::take_plain).await
    }
}

/// How an answer is read as a whole, by the numbers that `READING` in `reply.ts` has names for, and how
/// long it may be.
fn numbers(Whole { reading, bytes_max }: Whole) -> (u8, u32) {
    let reading = match reading {
        Reading::AsIs => 1,
        Reading::Json => 2,
        Reading::Answer(Dialect::Chat | Dialect::Completions | Dialect::Any) => 3,
        Reading::Answer(Dialect::Responses) => 4,
        Reading::Answer(Dialect::Messages) => 5,
    };
    (reading, u32::try_from(bytes_max).unwrap_or(u32::MAX))
}

impl Drop for PortBody {
    fn drop(&mut self) {
        // The id is free only then: closing may run a program's own code, which begins other calls.
        self.way.transport.close(self.id);
        world::close(self.id);
    }
}
