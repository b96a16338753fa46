//! The group `page`: the page in Chromium.

use std::process::Command;

use crate::failure::Result;
use crate::page;
use crate::repo::Repo;
use crate::server;
use crate::setup::chromium::find_browser;
use crate::setup::provide;

/// Builds the page and its server, and answers the program that measures.
pub(super) fn command(repo: &Repo) -> Result<Command> {
    provide(repo, &page::NEEDS)?;
    provide(repo, &["chromium"])?;
    page::build(repo)?;
    let mut node = Command::new("node");
    node.arg("tests/e2e/measure.mjs")
        .env("KNEEPOINT_SERVER", server::release(repo)?);
    if let Some(browser) = find_browser()? {
        node.env("CHROMIUM", browser.program);
    }
    Ok(node)
}
