//! What a browser calls itself, in short. Pure: the user agent's text goes in.

/// Where the engine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Such as `Chromium 150`.
    pub runtime: String,
    /// Such as `Linux`; none where it is not said.
    pub os: Option<String>,
    /// Whose network code it has.
    pub family: Family,
}

/// Whose network code a browser has, since their bounds differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Chromium and what is made of it.
    Chromium,
    /// Firefox.
    Firefox,
    /// Safari, and whatever else there is.
    Other,
}

/// Names in user agents, what is shown for them, and whose network code that is. The first that is
/// found counts: those further down stand in the texts of those further up as well.
const BROWSERS: [(&str, &str, Family); 5] = [
    ("Edg/", "Edge", Family::Chromium),
    ("OPR/", "Opera", Family::Chromium),
    ("Chrome/", "Chromium", Family::Chromium),
    ("Firefox/", "Firefox", Family::Firefox),
    ("Version/", "Safari", Family::Other),
];

/// The same of systems: Android's texts speak of Linux, those of iPhones of Mac OS.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl Agent {
    /// Reads a user agent.
    pub fn read(text: &str) -> Self {
        let browser = BROWSERS.iter().find_map(|(mark, name, family)| {
            let (_, rest) = text.split_once(mark)?;
            let version = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            Some((format!("{name} {version}"), *family))
        });
        let (runtime, family) = browser.unwrap_or_else(|| ("a browser".to_owned(), Family::Other));
        let system = SYSTEMS.iter().find(|(mark, _)| text.contains(mark));
        Self {
            runtime,
            os: system.map(|(_, name)| (*name).to_owned()),
            family,
        }
    }
}
