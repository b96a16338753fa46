//! Everything the page shows, as one value. Plain data: what is told changes it, views read it.

use kneepoint_bench::record::Sample;
use kneepoint_bench::report::Report;
use reactive_stores::Store;

use crate::form::{Form, Goal};
use crate::history::Kept;
use crate::running::{CutOff, Running};

/// Everything the page shows. It never holds a key.
#[derive(Debug, Clone, Default, Store)]
pub struct State {
    /// What was typed.
    pub form: Form,
    /// The run under way, or how the last one failed.
    pub running: Running,
    /// The result on the screen.
    pub shown: Option<Shown>,
    /// Earlier runs, the latest first.
    pub kept: Vec<Kept>,
    /// Two of them, to be laid over each other.
    pub chosen: Vec<u64>,
    /// Where the page is.
    pub place: Place,
    /// What went wrong beside a run, such as a file that is no report.
    pub mishap: Option<String>,
    /// A run that a reload cut off.
    pub cut_off: Option<CutOff>,
}

/// A result on the screen.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The result.
    pub report: Report,
    /// Requests of it, one by one; only of a run of this page.
    pub samples: Vec<Sample>,
    /// Where it is from.
    pub source: Source,
}

/// Where a result is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
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
    pub const fn kept(&self) -> Option<u64> {
        match self {
            Self::Measured(_, id) | Self::Kept(id) => Some(*id),
            Self::File(_) | Self::Link => None,
        }
    }
}

/// Where the page is and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its address without the path.
    pub origin: String,
    /// What its server offers.
    pub server: Offer,
    /// Whether the browser thinks that there is a network.
    pub online: bool,
    /// How wide the results are, in pixels.
    pub width: u32,
    /// Whether the browser keeps anything.
    pub keeps: bool,
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
pub enum Offer {
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
pub struct Served {
    /// Simulated endpoints: name and story.
    pub presets: Vec<(String, String)>,
    /// Upstreams of its proxy.
    pub upstreams: Vec<String>,
    /// Its address with HTTP/2, where the page is not on it already.
    pub https: Option<String>,
}

impl Offer {
    /// The server's offer, if it has one.
    pub const fn served(&self) -> Option<&Served> {
        match self {
            Self::Serves(served) => Some(served),
            _ => None,
        }
    }
}
