//! Firefox: the one that the user has, or Debian's long-lived package. It needs no driver.
//!
//! `FIREFOX` in the environment wins over what is on the PATH.

use std::fs;
use std::path::PathBuf;

use super::chromium::{from_environment, install_packages, lying};
use crate::failure::{Failure, Result};
use crate::shell::{ask, find};

pub(super) const BY_HAND: &str = "install Firefox (Debian: apt-get install firefox-esr), and put it \
    on the PATH or set FIREFOX to its path";

/// Names of the browser, the one that changes least first.
const BROWSERS: [&str; 2] = ["firefox-esr", "firefox"];

/// Where `macOS` and Windows keep it, which is not on the PATH.
const PLACES: [&str; 2] = [
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    r"C:\Program Files\Mozilla Firefox\firefox.exe",
];

/// Provides the browser.
pub(super) fn ensure() -> Result<String> {
    if find_browser()?.is_none() {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let is_debian = release.lines().any(|line| line == "ID=debian");
        install_packages("firefox", is_debian.then_some(&["firefox-esr"]))?;
    }
    let program =
        find_browser()?.ok_or_else(|| Failure::work("no Firefox was found on the PATH"))?;
    ask(&program, &["--version"])
        .ok_or_else(|| Failure::work(format!("`{}` does not answer", program.display())))
}

/// Looks for the browser.
pub(crate) fn find_browser() -> Result<Option<PathBuf>> {
    let named = from_environment("FIREFOX")?;
    let found = || BROWSERS.into_iter().find_map(find);
    Ok(named.or_else(found).or_else(|| lying(&PLACES)))
}
