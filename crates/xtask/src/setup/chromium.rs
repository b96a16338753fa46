//! The browser and its driver: those that the user has, or Debian's and Ubuntu's packages.
//!
//! `CHROMIUM` and `CHROMEDRIVER` in the environment win over what is on the PATH. Both programs
//! must be of the same major version: the driver refuses a browser of another.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::announce;
use crate::failure::{Failure, Result};
use crate::shell::{ask, find, run};

pub(super) const BY_HAND: &str = "install Chromium or Chrome and the chromedriver of the same \
    version (Debian: apt-get install chromium chromium-driver; elsewhere: npx @puppeteer/browsers \
    install chrome@stable, then chromedriver@stable), and put both on the PATH or set CHROMIUM and \
    CHROMEDRIVER to their paths";

/// Names of the browser, the freest first.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// Where `macOS` and Windows keep programs that are not on the PATH.
const PLACES: [&str; 3] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
];

/// A browser that tests can drive.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The browser's own program.
    pub(crate) program: PathBuf,
    /// The program that drives it.
    pub(crate) driver: PathBuf,
}

/// Provides a browser.
pub(super) fn ensure() -> Result<String> {
    if find_browser()?.is_none() {
        install()?;
    }
    let browser = find_browser()?.ok_or_else(|| {
        Failure::work("no Chromium or Chrome with its chromedriver was found on the PATH")
    })?;
    let driver = ask(&browser.driver, &["--version"]).unwrap_or_default();
    check_versions(&version(&browser.program).unwrap_or_default(), &driver).map_err(Failure::work)
}

/// What the browser says of itself. On Windows it would open a window rather than answer; there its
/// version is the name of what lies beside it.
fn version(browser: &Path) -> Option<String> {
    if !cfg!(windows) {
        return ask(browser, &["--version"]);
    }
    let entries = fs::read_dir(browser.parent()?).ok()?.flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    Some(format!("Chrome {}", version_among(names)?))
}

/// The newest of the versions among names: of Chrome's folder, or of its manifest where it came as
/// an archive.
fn version_among(names: impl Iterator<Item = String>) -> Option<String> {
    let numbers = |name: &str| -> Option<Vec<u32>> {
        let numbers = name.split('.').map(|number| number.parse().ok());
        numbers
            .collect::<Option<_>>()
            .filter(|all: &Vec<_>| all.len() == 4)
    };
    names
        .map(|name| name.trim_end_matches(".manifest").to_owned())
        .filter(|name| numbers(name).is_some())
        .max_by_key(|name| numbers(name))
}

/// The first of these programs that is there.
pub(super) fn lying(places: &[&str]) -> Option<PathBuf> {
    let places = places.iter().map(PathBuf::from);
    places.into_iter().find(|program| program.is_file())
}

/// Looks for the browser and its driver; nothing when one of them is missing.
pub(crate) fn find_browser() -> Result<Option<Browser>> {
    let program = match from_environment("CHROMIUM")? {
        Some(program) => Some(program),
        None => BROWSERS
            .into_iter()
            .find_map(find)
            .or_else(|| lying(&PLACES)),
    };
    let driver = match from_environment("CHROMEDRIVER")? {
        Some(driver) => Some(driver),
        None => find("chromedriver"),
    };
    Ok(program
        .zip(driver)
        .map(|(program, driver)| Browser { program, driver }))
}

pub(super) fn from_environment(name: &str) -> Result<Option<PathBuf>> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    let program = PathBuf::from(value);
    if program.is_file() {
        return Ok(Some(program));
    }
    Err(Failure::work(format!(
        "{name} is set to `{}`, which is no file",
        program.display()
    )))
}

/// Compares `Chromium 156.0.8078.79 built on …` with `ChromeDriver 156.0.8078.79 (…)`; the answer
/// names the browser.
fn check_versions(browser: &str, driver: &str) -> std::result::Result<String, String> {
    fn version(answer: &str) -> Option<&str> {
        answer
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    }
    let major = |answer| version(answer).and_then(|version| version.split('.').next());
    match (version(browser), major(browser), major(driver)) {
        (Some(version), Some(a), Some(b)) if a == b => {
            let name = browser
                .split_whitespace()
                .take_while(|word| *word != version);
            Ok(format!("{} {version}", name.collect::<Vec<_>>().join(" ")))
        }
        _ => Err(format!(
            "the browser answers `{browser}` and its driver `{driver}`: \
             both must answer, with the same major version"
        )),
    }
}

/// Installs the system's packages, where that can be done without asking: as root, with apt.
fn install() -> Result {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    install_packages("chromium", apt_packages(&release))
}

/// Installs packages with apt, for the thing of this name.
pub(super) fn install_packages(name: &str, packages: Option<&[&str]>) -> Result {
    let Some(packages) = packages.filter(|_| find("apt-get").is_some()) else {
        return Err(Failure::work(
            "not found, and this system's packages are not known to setup",
        ));
    };
    if ask("id", &["-u"]).as_deref() != Some("0") {
        return Err(Failure::work(format!(
            "not found, and only root may run: apt-get install {}",
            packages.join(" ")
        )));
    }
    announce(
        &format!("installing {} with apt-get", packages.join(" and ")),
        name,
    );
    // Not fatal: with one source out of reach, the package may still come from another.
    if let Err(failure) = run(apt("apt-get").args(["update", "--quiet"])) {
        println!(
            "setup: going on without fresh package lists: {}",
            failure.text()
        );
    }
    let install = || {
        let quiet = ["install", "--yes", "--quiet", "--no-install-recommends"];
        // Another installation may be running on this machine: wait for it, within a bound.
        run(apt("apt-get")
            .args(quiet)
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(packages))
    };
    install().or_else(|_| {
        println!("setup: ending what an interrupted installation may have left half done");
        run(apt("dpkg").args(["--configure", "-a"]))?;
        install()
    })
}

fn apt(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// The packages of the browser and its driver, by what `/etc/os-release` says.
fn apt_packages(release: &str) -> Option<&'static [&'static str]> {
    if is_like("ubuntu", release) {
        Some(&["chromium-browser", "chromium-chromedriver"])
    } else if is_like("debian", release) {
        Some(&["chromium", "chromium-driver"])
    } else {
        None
    }
}

/// Whether the system is of this name or comes from one, by what `/etc/os-release` says.
pub(super) fn is_like(system: &str, release: &str) -> bool {
    let names = release.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        matches!(key, "ID" | "ID_LIKE").then_some(value.trim_matches('"'))
    });
    names
        .flat_map(str::split_whitespace)
        .any(|name| name == system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_of_another_major_version_is_refused() {
        let driver = "ChromeDriver 156.0.8078.79 (abc)";
        let named = check_versions("Google Chrome 156.0.8000.1 ", driver);
        assert_eq!(named, Ok("Google Chrome 156.0.8000.1".to_owned()));
        for browser in ["Chromium 155.0.8078.79 built on Debian", ""] {
            assert!(check_versions(browser, driver).is_err(), "{browser}");
        }
        assert!(check_versions("Chromium 156.0.1.2", "").is_err());
    }

    #[test]
    fn where_the_browser_does_not_answer_its_version_lies_beside_it() {
        #[rustfmt::skip]
        let cases: [(&[&str], Option<&str>); 4] = [
            (&["chrome.exe", "156.0.8078.79", "SetupMetrics"], Some("156.0.8078.79")),
            (&["99.0.1.1", "156.0.8078.9", "156.0.8078.79"], Some("156.0.8078.79")), // amid an update
            (&["chrome.dll", "156.0.8078.79.manifest"], Some("156.0.8078.79")),
            (&["chrome.exe", "156.0", "1.2.3.x"], None),
        ];
        for (names, expected) in cases {
            let names = names.iter().map(|&name| name.to_owned());
            assert_eq!(version_among(names).as_deref(), expected);
        }
    }

    #[test]
    fn packages_are_named_as_the_system_names_them() {
        #[rustfmt::skip]
        let cases = [
            ("PRETTY_NAME=\"Debian\"\nID=debian\n", Some("chromium")),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Some("chromium-browser")),
            ("ID=fedora\n", None),
            ("", None),
        ];
        for (release, first) in cases {
            let packages = apt_packages(release);
            assert_eq!(
                packages.and_then(|names| names.first().copied()),
                first,
                "{release}"
            );
        }
    }
}
