//! Everything the page shows, as one value. Plain data: what is typed, pressed and told changes it, views
//! follow it.

use kneepoint_bench::record::Sample;
use kneepoint_bench::report::Report;
use reactive_stores::Store;

use crate::form::{Form, Goal};
use crate::history::Kept;
use crate::running::{CutOff, Running};

/// Everything the page shows. It never holds a key.
#[derive(Debug, Clone, Default, Store)]
pub(crate) struct State {
    /// What was typed.
    pub(crate) form: Form,
    /// The run under way, or how the last one failed.
    pub(crate) running: Running,
    /// The result on the screen.
    pub(crate) shown: Option<Shown>,
    /// Earlier runs, the latest first.
    pub(crate) kept: Vec<Kept>,
    /// Two of them, to be laid over each other.
    pub(crate) chosen: Vec<u64>,
    /// Where the page is.
    pub(crate) place: Place,
    /// What went wrong beside a run, such as a file that is no report.
    pub(crate) mishap: Option<String>,
    /// A run that a reload cut off.
    pub(crate) cut_off: Option<CutOff>,
}

/// A result on the screen.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The result.
    pub(crate) report: Report,
    /// Requests of it, one by one; only of a run of this page.
    pub(crate) samples: Vec<Sample>,
    /// Where it is from.
    pub(crate) source: Source,
}

/// Where a result is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Measured by this page, for a goal; the number is that of the run that was kept.
    Measured(Goal, u64),
    /// An earlier run of this browser.
    Kept(u64),
    /// A file.
    File(String),
    /// A link.
    Link,
}

impl Source {
    /// The number of the kept run that it is, if it is one.
    pub(crate) const fn kept(&self) -> Option<u64> {
        match self {
            Self::Measured(_, id) | Self::Kept(id) => Some(*id),
            Self::File(_) | Self::Link => None,
        }
    }
}

/// Where the page is and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its address without the path.
    pub(crate) origin: String,
    /// What its server offers.
    pub(crate) server: Offer,
    /// Whether the browser thinks that there is a network.
    pub(crate) online: bool,
    /// How wide the results are, in pixels.
    pub(crate) width: u32,
    /// Whether the browser keeps anything.
    pub(crate) keeps: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            origin: String::new(),
            server: Offer::Unknown,
            online: true,
            width: 640,
            keeps: true,
        }
    }
}

/// What the page's server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It was not yet asked.
    Unknown,
    /// Nothing: the page is hosted as files.
    Files,
    /// It wants the token that it was started with.
    WantsToken,
    /// A simulated endpoint and a proxy.
    Serves(Served),
}

/// A server's offer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Served {
    /// Simulated endpoints: name and story.
    pub(crate) presets: Vec<(String, String)>,
    /// Upstreams of its proxy.
    pub(crate) upstreams: Vec<String>,
    /// Its address with HTTP/2, where the page is not on it already.
    pub(crate) https: Option<String>,
    /// Its address without TLS, where the page is not on that: a program need not trust a certificate
    /// there that was made for the run.
    pub(crate) http: Option<String>,
}

impl Offer {
    /// The server's offer, if it has one.
    pub(crate) const fn served(&self) -> Option<&Served> {
        match self {
            Self::Serves(served) => Some(served),
            _ => None,
        }
    }
}
