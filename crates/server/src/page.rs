//! The page host: files that were read and compressed at start, and the headers that lock them.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};

use crate::body::Body;
use crate::guard::hex;

/// Files of the page that a release build carries along; empty when none had been built.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A page has some ten files; a directory with more than this is the wrong one.
const FILES_MAX: usize = 2000;
const BYTES_MAX: u64 = 256 << 20;
/// Strong enough to be close to the best, quick enough to do at start.
const BROTLI_QUALITY: i32 = 9;
const BROTLI_WINDOW: i32 = 22;

/// What the page may load and reach: its own files, and any endpoint. Plain HTTP is among it, since
/// endpoints in one's own network often speak nothing else; what they answer is never run or followed.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; \
    worker-src 'self'; connect-src 'self' https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const LOCKS: [(&str, &str); 7] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    // Both together isolate the page, which gives it finer timers.
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// The files of one page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    files: HashMap<String, File>,
}

#[derive(Debug)]
struct File {
    plain: Bytes,
    /// None where compressing gains nothing.
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    kind: &'static str,
    /// Hexadecimal digits of the content's hash, from which its tags are made.
    hash: String,
    /// Named after its content, so it never changes.
    hashed: bool,
}

impl Page {
    /// The page that was built into this binary, if any.
    pub(crate) fn embedded() -> Self {
        let files = EMBEDDED.iter().map(|(path, bytes)| {
            (
                (*path).to_owned(),
                File::new(path, Bytes::from_static(bytes)),
            )
        });
        Self {
            files: files.collect(),
        }
    }

    /// The page in a directory. The error is one line for the user.
    pub(crate) fn load(directory: &Path) -> Result<Self, String> {
        let shown = directory.display();
        let mut page = Self::default();
        let mut bytes = 0;
        let read = page.read(directory, "", &mut bytes);
        read.map_err(|error| format!("--page {shown}: {error}"))?;
        if !page.files.contains_key("index.html") {
            return Err(format!("--page {shown}: there is no index.html in it"));
        }
        Ok(page)
    }

    fn read(&mut self, directory: &Path, prefix: &str, bytes: &mut u64) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            // A link is not followed: it may lead out of the directory.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.read(&entry.path(), &format!("{path}/"), bytes)?;
            } else if kind.is_file() {
                *bytes += entry.metadata()?.len();
                if self.files.len() >= FILES_MAX || *bytes > BYTES_MAX {
                    return Err(io::Error::other(
                        "this is more than a page; is it the right directory?",
                    ));
                }
                let file = File::new(&path, fs::read(entry.path())?.into());
                self.files.insert(path, file);
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Answers a request for a file.
    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let mut response = self.find(request);
        for (name, value) in LOCKS {
            let name = HeaderName::from_static(name);
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }

    fn find<B>(&self, request: &Request<B>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "expected GET\n");
        }
        let path = match request.uri().path().trim_start_matches('/') {
            "" => "index.html",
            path => path,
        };
        match self.files.get(path) {
            Some(file) => file.answer(request.headers()),
            None if self.is_empty() && path == "index.html" => text(StatusCode::NOT_FOUND, NO_PAGE),
            None => text(StatusCode::NOT_FOUND, "There is no such file.\n"),
        }
    }
}

/// What a binary without a page says.
pub(crate) const NO_PAGE: &str = "No page is built into this binary. Build it with `trunk build --release` \
    and start the server with `--page dist`, or build the server again with `--release`.\n";

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

impl File {
    fn new(path: &str, plain: Bytes) -> Self {
        let kind = mime(path);
        // Pictures and fonts are compressed by themselves.
        let worth = kind.starts_with("text/")
            || kind.contains("json")
            || kind.contains("wasm")
            || kind.contains("svg");
        let smaller = |packed: Vec<u8>| (packed.len() < plain.len()).then(|| Bytes::from(packed));
        let digest = ring::digest::digest(&ring::digest::SHA256, &plain);
        Self {
            brotli: if worth { smaller(brotli(&plain)) } else { None },
            gzip: if worth { smaller(gzip(&plain)) } else { None },
            kind,
            hash: hex(&digest.as_ref()[..12]),
            hashed: is_hashed(path),
            plain,
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let accepts = |coding| accepts(asked, coding);
        let (coding, bytes) = match (&self.brotli, &self.gzip) {
            (Some(brotli), _) if accepts("br") => (Some("br"), brotli),
            (_, Some(gzip)) if accepts("gzip") => (Some("gzip"), gzip),
            _ => (None, &self.plain),
        };
        // Each coding has a tag of its own, since its bytes are others (RFC 9110, 8.8.3).
        let tag = match coding {
            None => format!("\"{}\"", self.hash),
            Some(coding) => format!("\"{}-{coding}\"", self.hash),
        };
        let mut response = Response::new(Body::from(bytes.clone()));
        if is_known(asked, &tag) {
            response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let tag = HeaderValue::from_str(&tag).expect("hexadecimal digits are plain text");
        headers.insert(ETAG, tag);
        let cache = if self.hashed {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

/// The items of a header that is a list, over all its lines.
fn items(asked: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = asked.get_all(name).into_iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Whether the client holds what has this tag. The comparison is the weak one, in which `W/` says
/// nothing (RFC 9110, 13.1.2).
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    items(asked, IF_NONE_MATCH).any(|item| item == "*" || item.trim_start_matches("W/") == tag)
}

fn accepts(asked: &HeaderMap, coding: &str) -> bool {
    items(asked, ACCEPT_ENCODING).any(|item| {
        let (name, quality) = item.split_once(';').unwrap_or((item, ""));
        let refused = quality
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

/// Trunk writes `name-0123456789abcdef.js`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split(['.', '_'])
        .filter_map(|part| part.rsplit_once('-'))
        .any(|(_, hash)| hash.len() >= 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn mime(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: BROTLI_WINDOW,
        ..Default::default()
    };
    let written = brotli::BrotliCompress(&mut &plain[..], &mut packed, &params);
    written.expect("writing to memory does not fail");
    packed
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let packed = encoder.write_all(plain).and_then(|()| encoder.finish());
    packed.expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_told_from_others() {
        for path in [
            "web-0123456789abcdef.js",
            "web-0123456789abcdef_bg.wasm",
            "a/style-00ff00ff00ff.css",
        ] {
            assert!(is_hashed(path), "{path}");
        }
        for path in [
            "index.html",
            "web-worker.js",
            "well-known.txt",
            "deadbeef.js",
        ] {
            assert!(!is_hashed(path), "{path}");
        }
    }

    #[test]
    fn codings_are_taken_from_the_clients_list() {
        let accept = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            (accepts(&headers, "br"), accepts(&headers, "gzip"))
        };
        assert_eq!(accept("gzip, deflate, br"), (true, true));
        assert_eq!(accept("br;q=0, gzip;q=0.5"), (false, true));
        assert_eq!(accept("identity"), (false, false));
    }

    #[test]
    fn files_come_with_type_cache_and_coding() {
        let mut page = Page::default();
        let long = "let x = 1;\n".repeat(100);
        for path in ["index.html", "app-0123456789abcdef.js"] {
            page.files
                .insert(path.to_owned(), File::new(path, long.clone().into()));
        }
        let get = |path: &str, coding: &'static str| {
            let request = Request::get(path).header(ACCEPT_ENCODING, coding).body(());
            page.answer(&request.expect("request"))
        };
        let response = get("/app-0123456789abcdef.js", "br");
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
        assert_eq!(response.headers()[CONTENT_ENCODING], "br");
        assert_eq!(
            response.headers()[CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        let response = get("/", "identity");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert!(!response.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(get("/../Cargo.toml", "br").status(), 404);
    }

    #[test]
    fn each_coding_has_its_tag_and_a_tag_is_found_in_any_list() {
        let mut page = Page::default();
        let file = File::new("index.html", "long text ".repeat(100).into());
        page.files.insert("index.html".to_owned(), file);
        let ask = |coding: &str, lines: &[&str]| {
            let mut request = Request::get("/").header(ACCEPT_ENCODING, coding);
            for line in lines {
                request = request.header(IF_NONE_MATCH, *line);
            }
            let response = page.answer(&request.body(()).expect("request"));
            let tag = response.headers()[ETAG].to_str().expect("text").to_owned();
            (response.status().as_u16(), tag)
        };
        let [plain, gzip, br] = ["identity", "gzip", "br"].map(|coding| ask(coding, &[]).1);
        assert!(plain != gzip && gzip != br && br != plain);
        let weak = format!("W/{br}");
        let list = format!("\"other\", {weak} ,\"third\"");
        #[rustfmt::skip]
        let cases: &[(&str, &[&str], u16)] = &[
            ("br", &[&br], 304),
            ("br", &[&weak], 304),
            ("br", &[&list], 304),
            ("br", &["\"other\"", &br], 304),
            ("br", &["*"], 304),
            ("br", &[&gzip], 200),
            ("br", &[&plain], 200),
            ("identity", &[&br], 200),
            ("identity", &[plain.trim_matches('"')], 200),
            ("br", &["W/"], 200),
            ("br", &[""], 200),
        ];
        for (coding, lines, status) in cases {
            assert_eq!(ask(coding, lines).0, *status, "{coding} {lines:?}");
        }
    }

    #[test]
    fn without_a_page_the_answer_says_how_to_build_one() {
        let request = Request::get("/").body(()).expect("request");
        let response = Page::default().answer(&request);
        assert_eq!(response.status(), 404);
        assert!(
            matches!(response.body(), Body::Whole(text) if text.starts_with(b"No page is built"))
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}
