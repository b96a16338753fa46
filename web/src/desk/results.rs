//! Results: shown, kept, opened from files and links.

use kneepoint_bench::export::HTML_DATA_ID;
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::Report;
use leptos::prelude::*;
use web_sys::File;

use super::Desk;
use crate::history::{self, Kept};
use crate::share::{self, Host, UNPACKED_MAX};
use crate::state::{Shown, Source, StateStoreFields};
use crate::{browser, running::Running};

/// Where earlier runs are kept.
const KEPT: &str = "kneepoint-runs";

/// What the fragment of a shared address begins with.
const FRAGMENT: &str = "#r=";

impl Desk {
    /// Shows a result. What went wrong before it is no longer told, and the address no longer names
    /// another one.
    pub(super) fn show(self, report: Report, samples: Vec<Sample>, source: Source) {
        self.state.mishap().set(None);
        if source != Source::Link {
            leave_link();
        }
        self.state.shown().set(Some(Shown {
            report,
            samples,
            source,
        }));
    }

    /// Shows one that was asked for, unless a run is under way: nobody could stop it any more.
    fn open(self, report: Report, source: Source) {
        if self.is_busy() {
            return;
        }
        self.state.cut_off().set(None);
        self.state.running().set(Running::default());
        self.folded.set(true);
        browser::to_top();
        self.show(report, Vec::new(), source);
    }

    /// Tells what went wrong, where it is seen.
    pub(crate) fn tell(self, mishap: &str) {
        self.state.mishap().set(Some(mishap.to_owned()));
        browser::to_top();
    }

    /// Whether a run is under way, which is told to whoever asks for something else.
    fn is_busy(self) -> bool {
        let busy = self.state.running().read_untracked().is_active();
        if busy {
            self.tell("A run is under way. Stop it, then open the other result again.");
        }
        busy
    }

    /// Reads what was kept, by this tab and by others. A browser that keeps nothing is not asked.
    pub(crate) fn remember(self) {
        if self.state.place().read_untracked().keeps
            && let Some(text) = browser::kept(browser::Stay::Lasting, KEPT)
        {
            self.state.kept().set(history::read(&text));
        }
    }

    /// Keeps a result, unless there is nothing in it; answers its number.
    pub(super) fn keep(self, report: &Report) -> u64 {
        let id = report.env.started_unix_ms.unwrap_or_else(browser::now);
        if report.rungs.is_empty() {
            return id;
        }
        self.remember();
        let run = Kept::of(id, report);
        self.state.kept().update(|kept| history::add(kept, run));
        self.write_kept();
        id
    }

    fn write_kept(self) {
        let text = history::write(&self.state.kept().read_untracked());
        let keeps = browser::keep(browser::Stay::Lasting, KEPT, &text);
        self.state.place().update(|place| place.keeps = keeps);
    }

    /// Shows an earlier run.
    pub(crate) fn open_kept(self, id: u64) {
        let kept = self.state.kept().read_untracked();
        let report = kept.iter().find(|run| run.id == id).and_then(Kept::read);
        drop(kept);
        if let Some(report) = report {
            self.open(report, Source::Kept(id));
        }
    }

    /// Keeps an earlier run no longer.
    pub(crate) fn drop_kept(self, id: u64) {
        self.remember();
        self.state
            .kept()
            .update(|kept| kept.retain(|run| run.id != id));
        self.state
            .chosen()
            .update(|chosen| chosen.retain(|other| *other != id));
        self.write_kept();
    }

    /// Chooses an earlier run for the overlay, or no longer; the one chosen first makes room.
    pub(crate) fn choose(self, id: u64, wanted: bool) {
        self.state.chosen().update(|chosen| {
            chosen.retain(|other| *other != id);
            if wanted {
                chosen.push(id);
                let surplus = chosen.len().saturating_sub(2);
                chosen.drain(..surplus);
            }
        });
    }

    /// Opens a result that was saved: JSON, or the HTML file that has it inside.
    pub(crate) async fn open_file(self, file: File) {
        if self.is_busy() {
            return;
        }
        let name = file.name();
        let Some(text) = browser::read(&file).await else {
            return self.tell(&(name + " cannot be read, or is larger than any report."));
        };
        match Report::from_json(inner_json(&text)) {
            Ok(report) => {
                self.keep(&report);
                self.open(report, Source::File(name));
            }
            Err(error) => {
                let words = format!(
                    "{name}: {error}. Choose a file that Export → JSON or kneepoint --json wrote."
                );
                self.tell(&words);
            }
        }
    }

    /// The address that shows a result to whoever opens it.
    pub(crate) async fn link(self, host: Host) -> Option<String> {
        let text = {
            let shown = self.state.shown().read_untracked();
            share::short(&shown.as_ref()?.report, host)
        };
        let packed = browser::pack(&text).await?;
        let location = window().location();
        let page = format!("{}{}", location.origin().ok()?, location.pathname().ok()?);
        Some(format!("{page}{FRAGMENT}{}", share::encode(&packed)))
    }

    /// Shows the result that the page's address holds, if it does.
    pub(crate) async fn open_link(self) {
        let hash = window().location().hash().unwrap_or_default();
        let Some(text) = hash.strip_prefix(FRAGMENT) else {
            return;
        };
        if self.is_busy() {
            return leave_link();
        }
        let packed = share::decode(text).unwrap_or_default();
        let json = browser::unpack(&packed, UNPACKED_MAX).await;
        let report = json.and_then(|json| Report::from_json(&json).ok());
        match report {
            Some(report) => self.open(report, Source::Link),
            None => self.tell(
                "The link holds no result that can be read: it may have been cut short. Ask for \
                 it again, or for the JSON file.",
            ),
        }
    }
}

/// The address no longer says what is shown.
pub(super) fn leave_link() {
    let location = window().location();
    let is_link = location.hash().is_ok_and(|hash| hash.starts_with(FRAGMENT));
    if let (true, Ok(path), Ok(history)) = (is_link, location.pathname(), window().history()) {
        // Where a browser refuses, the address stays as it is.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}

/// The report's JSON: the text itself, or what an HTML file of ours holds.
fn inner_json(text: &str) -> &str {
    let id = format!("id=\"{HTML_DATA_ID}\">");
    let inner = text
        .split_once(&id)
        .and_then(|(_, rest)| rest.split_once("</script>"));
    inner.map_or(text, |(json, _)| json)
}
