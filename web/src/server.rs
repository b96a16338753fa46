//! What the page's own server says of itself: its addresses, the upstreams of its proxy, the presets
//! of its simulated endpoint. A page that is hosted as mere files has none of it.

use js_sys::{Array, JSON, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

/// The header that carries the token of the server's run.
pub(crate) const TOKEN_HEADER: &str = "x-kneepoint-token";

#[wasm_bindgen]
extern "C" {
    /// The same in windows and in workers.
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// A server that hosts the page.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Its address over plain HTTP: `http://127.0.0.1:8088`.
    pub(crate) http: Option<String>,
    /// Its address with TLS, where it has one. HTTP/2 is spoken there.
    pub(crate) https: Option<String>,
    /// The names of the upstreams that its proxy passes calls on to.
    pub(crate) upstreams: Vec<String>,
    /// What the proxy wants with each call; none where the server hands none out.
    pub(crate) token: Option<String>,
}

/// Why nothing is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The page is hosted as files, or its server is gone.
    Absent,
    /// Other machines reach it: it wants the token that it was started with.
    WantsToken,
}

/// A simulated endpoint with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preset {
    /// The name.
    pub(crate) name: String,
    /// What one sees when driving it, in one sentence.
    pub(crate) story: String,
}

/// Asks the page's server about itself. `token` is for servers that other machines reach.
pub(crate) async fn server(token: Option<&str>) -> Result<Server, Unknown> {
    let found = ask("server.json", token).await?;
    Ok(Server {
        http: text(&found, "http"),
        https: text(&found, "https"),
        upstreams: list(&found, "upstreams")
            .filter_map(|name| name.as_string())
            .collect(),
        token: text(&found, "token"),
    })
}

/// The presets of the simulated endpoint, in the order in which they are to be shown.
pub(crate) async fn presets() -> Result<Vec<Preset>, Unknown> {
    let found = ask("mock/", None).await?;
    let preset = |row: JsValue| {
        Some(Preset {
            name: text(&row, "name")?,
            story: text(&row, "story")?,
        })
    };
    Ok(list(&found, "presets").filter_map(preset).collect())
}

/// The JSON at a path beside the page.
async fn ask(path: &str, token: Option<&str>) -> Result<JsValue, Unknown> {
    let absent = |_: JsValue| Unknown::Absent;
    let init = RequestInit::new();
    if let Some(token) = token {
        let headers = Headers::new().map_err(absent)?;
        headers.set(TOKEN_HEADER, token).map_err(absent)?;
        init.set_headers(&headers);
    }
    let sent = fetch(&format!("./{path}"), &init).map_err(absent)?;
    let answer: Response = JsFuture::from(sent).await.map_err(absent)?.unchecked_into();
    match answer.status() {
        200 => {}
        401 | 403 => return Err(Unknown::WantsToken),
        _ => return Err(Unknown::Absent),
    }
    let body = JsFuture::from(answer.text().map_err(absent)?).await;
    let body = body.map_err(absent)?.as_string().unwrap_or_default();
    // A host of mere files may answer anything with its index.
    JSON::parse(&body).map_err(absent)
}

fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}

fn text(of: &JsValue, name: &str) -> Option<String> {
    field(of, name).as_string()
}

fn list(of: &JsValue, name: &str) -> impl Iterator<Item = JsValue> {
    let values = field(of, name).dyn_into::<Array>().unwrap_or_default();
    values.to_vec().into_iter()
}
