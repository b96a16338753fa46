//! The browser's network as the engine sends with it: without cookies, and to the simulated endpoint
//! over plain HTTP by several names.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use kneepoint_core::platform::web::{Web, WebBody};
use kneepoint_core::platform::{Body, Plain, Platform, TransportError};
use kneepoint_core::{Head, HttpRequest, Instant};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::RequestInit;

use super::shards::{self, Shards};
use super::wire::Names;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch(url: &JsValue, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// A platform to send with. Clones share it.
#[derive(Clone)]
pub(super) struct Network {
    web: Web,
    spread: Spread,
}

/// Whether requests are spread over several names.
#[derive(Clone)]
enum Spread {
    No,
    /// It was wanted, and this browser does not find the names.
    Unresolved,
    Over {
        /// The page's own origin, in whose stead the names are put.
        origin: Rc<str>,
        shards: Rc<RefCell<Shards>>,
    },
}

impl Network {
    /// Sends where it is told to.
    pub(super) fn plain() -> Result<Self, TransportError> {
        let web = Web::new()?;
        Ok(Self {
            // So that the connections of a run are not the ones that the page came by.
            web: web.without_cookies(),
            spread: Spread::No,
        })
    }

    /// Sends what is meant for `origin` by several names of it, if these are needed and found.
    pub(super) async fn spread(origin: &str) -> Result<Self, TransportError> {
        let spread = match shards::name(origin, 0) {
            None => Spread::No,
            // A name that no request goes to: the look leaves a connection open.
            Some(other) if is_found(&other).await => Spread::Over {
                origin: origin.into(),
                shards: Rc::default(),
            },
            Some(_) => Spread::Unresolved,
        };
        Ok(Self {
            spread,
            ..Self::plain()?
        })
    }

    /// Whether requests go to other origins than the page's own, although the server is the same.
    pub(super) const fn is_spread(&self) -> bool {
        matches!(self.spread, Spread::Over { .. })
    }

    /// By which names the server is addressed.
    pub(super) fn names(&self) -> Names {
        match &self.spread {
            Spread::No => Names::One,
            Spread::Unresolved => Names::Unresolved,
            Spread::Over { shards, .. } => Names::Several(shards.borrow().used()),
        }
    }
}

/// Whether the server answers by this name.
async fn is_found(name: &str) -> bool {
    let Ok(sent) = fetch(&format!("{name}/mock/").into(), &RequestInit::new()) else {
        return false;
    };
    JsFuture::from(sent).await.is_ok()
}

/// A place at one of the names.
struct Place {
    shards: Rc<RefCell<Shards>>,
    at: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shards.borrow_mut().give_back(self.at);
    }
}

impl Spread {
    /// Puts a name into the address, and takes a place there for as long as the answer lasts.
    fn address(&self, request: &mut HttpRequest) -> Option<Place> {
        let Self::Over { origin, shards } = self else {
            return None;
        };
        let path = request.url.strip_prefix(&**origin)?;
        let at = shards.borrow_mut().take();
        let place = Place {
            shards: shards.clone(),
            at,
        };
        request.url = format!("{}{path}", shards::name(origin, at + 1)?).into();
        Some(place)
    }
}

/// A body that holds its request's place.
pub(super) struct Placed {
    body: WebBody,
    _place: Option<Place>,
}

impl Body for Placed {
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, TransportError>> {
        self.body.chunk()
    }

    fn plain(&mut self) -> impl Future<Output = Result<Option<Plain>, TransportError>> {
        self.body.plain()
    }
}

impl Platform for Network {
    type Body = Placed;

    fn now(&self) -> Instant {
        self.web.now()
    }

    fn unix_time(&self) -> Duration {
        self.web.unix_time()
    }

    fn random(&self) -> f64 {
        self.web.random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.web.sleep(duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        // The network is another process, which has taken the connection back by the time it tells of a
        // body's end. A turn of this loop is a message to itself and costs as much as half a request.
        std::future::ready(())
    }

    fn fetch(
        &self,
        mut request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, Placed), TransportError>> + 'static {
        let place = self.spread.address(&mut request);
        let sent = self.web.fetch(request);
        async move {
            let (head, body) = sent.await?;
            Ok((
                head,
                Placed {
                    body,
                    _place: place,
                },
            ))
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.web.spawn(task);
    }
}
