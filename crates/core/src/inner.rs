//! What the handles of a client and all its calls share.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use crate::cache::Flights;
use crate::check::ConfigError;
use crate::config::Config;
use crate::http::Headers;
use crate::keeper::Keeper;
use crate::lane::Lane;
use crate::ledger::{Observer, Office};
use crate::platform::Platform;
use crate::provider::Endpoint;
use crate::reply::Flown;
use crate::url::BaseUrl;

/// One client's.
pub(crate) struct Inner<P: Platform> {
    pub(crate) platform: P,
    pub(crate) config: Config,
    /// Of requests in flight; begins as the configuration's and may be changed.
    pub(crate) ceiling: Cell<u32>,
    pub(crate) base: BaseUrl,
    pub(crate) host: Rc<str>,
    pub(crate) office: Office,
    /// In the order of their names.
    pub(crate) lanes: RefCell<Vec<(String, Rc<Lane<P>>)>>,
    pub(crate) usual: Usual,
    /// Where the latest call without parameters of its own went: most go where the one before did.
    pub(crate) latest: RefCell<Option<(Endpoint, Rc<str>)>>,
    pub(crate) keeper: Option<Rc<Keeper<P>>>,
    pub(crate) flights: Flights<Flown>,
}

/// The header fields that most calls of a client send, by whether there is a body and a stream.
type Usual = [[OnceCell<Headers>; 2]; 2];

impl<P: Platform> Inner<P> {
    /// That of a client on `platform`, if `config` can be used.
    pub(crate) fn new(
        platform: P,
        config: Config,
        observer: Option<Rc<dyn Observer>>,
    ) -> Result<Self, ConfigError> {
        let base = config.check()?;
        let keeper = config.cache.clone();
        let keeper = keeper.map(|cache| Rc::new(Keeper::new(cache, platform.clone())));
        Ok(Self {
            platform,
            keeper,
            host: base.host().into(),
            base,
            ceiling: Cell::new(config.concurrency.ceiling),
            config,
            office: Office {
                observer,
                totals: Rc::default(),
            },
            lanes: RefCell::default(),
            usual: Usual::default(),
            latest: RefCell::default(),
            flights: Flights::new(),
        })
    }
}
