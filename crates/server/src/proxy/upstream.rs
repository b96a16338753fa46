//! The table of upstreams, read once at start: `NAME=URL[,key-env=VAR|key-file=PATH][,auth=…]`.

use std::fs;
use std::path::Path;

use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Uri, header};

use super::scrub::Key;

/// One upstream. Its key is never shown: no Debug, no Display.
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// In front of `/v1/…`; empty for most.
    prefix: String,
    /// The header that carries the key.
    pub(crate) credential: Option<(HeaderName, HeaderValue)>,
    pub(super) key: Option<Key>,
}

/// Names are part of a path and of log lines.
const NAME_BYTES_MAX: usize = 32;

impl Upstream {
    /// The address of an allow-listed path.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        let path = format!("{}/{path}", self.prefix);
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone());
        uri.path_and_query(path).build().ok()
    }
}

/// Reads one `--upstream` argument; `env` looks up environment variables.
pub(crate) fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Upstream, String> {
    let (address_part, options) = split_options(text);
    let (name, url) = address_part.split_once('=').ok_or_else(|| {
        "--upstream: expected NAME=URL[,key-env=VAR|key-file=PATH][,auth=…]".to_owned()
    })?;
    // Only the name is repeated: a key or a password may stand in the rest by mistake.
    let wrong = |why: String| format!("--upstream {name}: {why}");
    let named = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !named {
        return Err(wrong(format!(
            "`{name}` is no name: expected a-z, 0-9 and -, at most {NAME_BYTES_MAX}"
        )));
    }
    let (scheme, authority, prefix) = address(url).map_err(wrong)?;
    let (mut key, mut auth) = (None, "bearer");
    for field in options.split(',').filter(|field| !field.is_empty()) {
        match field.split_once('=') {
            Some(("key-env", variable)) => {
                key = Some(
                    env(variable)
                        .filter(|key| !key.is_empty())
                        .ok_or_else(|| wrong(format!("the environment has no {variable}")))?,
                );
            }
            Some(("key-file", path)) => key = Some(key_file(Path::new(path)).map_err(wrong)?),
            Some(("auth", how @ ("bearer" | "x-api-key"))) => auth = how,
            _ => {
                let option = field.split('=').next().unwrap_or_default();
                return Err(wrong(format!(
                    "`{option}` is not understood: expected key-env=VAR, key-file=PATH, auth=bearer or auth=x-api-key"
                )));
            }
        }
    }
    let credential = key
        .as_deref()
        .map(|key| credential(auth, key))
        .transpose()
        .map_err(wrong)?;
    Ok(Upstream {
        name: name.to_owned(),
        scheme,
        authority,
        prefix,
        credential,
        key: key.as_deref().and_then(Key::new),
    })
}

/// The options begin at the first comma that is followed by one: a URL may hold commas itself,
/// as that of a simulated endpoint does.
fn split_options(text: &str) -> (&str, &str) {
    let starts = [",key-env=", ",key-file=", ",auth="]
        .into_iter()
        .filter_map(|o| text.find(o));
    starts
        .min()
        .map_or((text, ""), |start| text.split_at(start))
}

fn address(url: &str) -> Result<(Scheme, Authority, String), String> {
    let no = |why: &str| format!("its address {why}");
    let uri: Uri = url.parse().map_err(|_| no("is no URL"))?;
    let parts = uri.into_parts();
    let scheme = parts
        .scheme
        .filter(|scheme| matches!(scheme.as_str(), "http" | "https"))
        .ok_or_else(|| no("must begin with http:// or https://"))?;
    let authority = parts
        .authority
        .filter(|authority| !authority.as_str().contains(['@', ',']))
        .ok_or_else(|| no("must name a host, without user, password or comma; key-env=VAR, key-file=PATH and auth=… may follow it"))?;
    if authority.as_str() != authority.host() && authority.port().is_none() {
        return Err(no("must have a port from 0 to 65535, or none"));
    }
    let path = parts
        .path_and_query
        .map_or(String::new(), |path| path.to_string());
    if path.contains('?') {
        return Err(no("must not have a query"));
    }
    // Both forms are common; the path of every call begins with v1 anyway.
    let prefix = path
        .trim_end_matches('/')
        .trim_end_matches("/v1")
        .to_owned();
    Ok((scheme, authority, prefix))
}

/// Reads a key from a file that nobody else can read. Windows has no modes to tell that by: there it
/// is between the user and the folder.
fn key_file(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let unread = |error| format!("cannot read {shown}: {error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(path).map_err(unread)?.permissions().mode() & 0o077 != 0 {
            return Err(format!(
                "{shown} can be read by others: run `chmod 600 {shown}`"
            ));
        }
    }
    let text = fs::read_to_string(path).map_err(unread)?;
    match text.trim() {
        "" => Err(format!("{shown} is empty")),
        key => Ok(key.to_owned()),
    }
}

fn credential(auth: &str, key: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, text) = match auth {
        "x-api-key" => (HeaderName::from_static("x-api-key"), key.to_owned()),
        _ => (header::AUTHORIZATION, format!("Bearer {key}")),
    };
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| "the key has characters that a header cannot carry".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "KEY").then(|| "sk-canary".to_owned())
    }

    #[test]
    fn upstreams_are_read_with_key_and_prefix() {
        let upstream = parse("up=https://api.example/base/v1,key-env=KEY", env).expect("valid");
        let uri = upstream.uri("v1/models").expect("uri");
        assert_eq!(uri, "https://api.example/base/v1/models");
        let (name, value) = upstream.credential.as_ref().expect("key");
        assert_eq!(
            (name.as_str(), value.to_str().ok()),
            ("authorization", Some("Bearer sk-canary"))
        );
        let upstream = parse("a=http://x/mock/ttft=1,tpot=2/v1,key-env=KEY", env);
        let uri = upstream
            .ok()
            .and_then(|upstream| upstream.uri("v1/models"))
            .expect("valid");
        assert_eq!(uri, "http://x/mock/ttft=1,tpot=2/v1/models");
        let upstream =
            parse("a=http://127.0.0.1:1,key-env=KEY,auth=x-api-key", env).expect("valid");
        assert_eq!(upstream.credential.expect("key").0, "x-api-key");
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_without_the_key() {
        let cases = [
            ("up", "expected NAME=URL"),
            ("Up!=http://x", "is no name"),
            ("up=ftp://x", "must begin with http"),
            ("up=/v1", "must begin with http"),
            ("up=http://user:pw@x", "without user"),
            ("up=http://x:99999/v1", "port from 0 to 65535"),
            ("up=http://x/?a=1", "must not have a query"),
            ("up=http://x,key-env=NONE", "no NONE"),
            (
                "up=http://x,key-file=/nonexistent",
                "cannot read /nonexistent",
            ),
            ("up=http://x,key=sk-1", "or comma"),
            (
                "up=http://x,auth=bearer,key=sk-1",
                "`key` is not understood",
            ),
            ("up=http://x,auth=sk-1", "`auth` is not understood"),
            ("sk-1", "expected NAME=URL"),
        ];
        for (text, expected) in cases {
            let message = parse(text, env).err().expect(text);
            assert!(
                message.contains(expected) && !message.contains('\n'),
                "{text}: {message}"
            );
            for secret in ["sk-1", "pw"] {
                assert!(!message.contains(secret), "{text}: {message}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("kneepoint-key-{}", std::process::id()));
        fs::write(&path, "sk-file\n").expect("writes");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode));
        mode(0o644).expect("chmod");
        assert!(
            key_file(&path)
                .expect_err("open to all")
                .contains("chmod 600")
        );
        mode(0o600).expect("chmod");
        assert_eq!(key_file(&path), Ok("sk-file".to_owned()));
        fs::remove_file(&path).expect("removes");
    }
}
