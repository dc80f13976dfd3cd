//! How does a browser get the dashboard's page? From the platform's files, for every link that leads to it.

use http::{Request, Response, StatusCode};
use tidegate_core::{
    Body,
    pages::{ASSETS, wanted},
};
use wasm_bindgen::JsCast;
use worker::{
    Env,
    wasm_bindgen_futures::JsFuture,
    web_sys::{self, RequestInit},
    worker_sys,
};

use crate::{fetch::answered, message};

/// What wrangler.toml calls them.
const BINDING: &str = "ASSETS";

/// The address of the page among the files; they are asked by path alone.
const PAGE: &str = "https://pages.invalid/index.html";

/// The page, if it is wanted and was built. Files that are there were served before the Worker was asked.
pub(crate) async fn page(request: &Request<Body>, env: &Env) -> Option<Response<Body>> {
    if !wanted(request) || request.uri().path().starts_with(ASSETS) {
        return None;
    }
    let files: worker_sys::Fetcher = env.assets(BINDING).ok()?.into_rpc();
    let init = RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&message::headers(request.headers()).ok()?.0);
    let wanted = web_sys::Request::new_with_str_and_init(PAGE, &init).ok()?;
    let found = JsFuture::from(files.fetch(&wanted).ok()?).await.ok()?;
    let found = answered(&found.unchecked_into()).ok()?;
    let status = found.status();
    (status.is_success() || status == StatusCode::NOT_MODIFIED).then_some(found)
}
