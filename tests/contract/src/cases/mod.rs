//! What does Tidegate promise, whatever it runs on? One list, grouped by topic.

mod admin;
mod chat;
mod console;
mod dialect;
mod echo;
mod endpoint;
mod explain;
mod fault;
mod group;
mod hang_up;
mod headers;
mod import;
mod keys;
mod limit;
mod live;
mod matrix;
mod media;
mod operation;
mod operator;
mod people;
mod planted;
mod pool;
mod prices;
mod proxy;
mod proxy_stream;
mod recall;
mod record;
mod request;
mod response;
mod routes;
mod sample;
mod secrets;
mod ssrf;
mod state;
mod stream;
mod stream_fault;

pub use secrets::silent;

use std::pin::Pin;

use crate::{Result, world::World};

/// One promise.
pub struct Case {
    /// What the command line and the skips call it.
    pub name: &'static str,
    /// Checks it.
    pub run: Run,
}

/// How a case is run.
pub type Run = for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = Result> + Send + 'a>>;

/// All cases, topic by topic.
pub const TOPICS: &[&[Case]] = &[
    chat::CASES,
    stream::CASES,
    fault::CASES,
    stream_fault::CASES,
    hang_up::CASES,
    request::CASES,
    keys::CASES,
    people::CASES,
    matrix::CASES,
    operator::CASES,
    planted::CASES,
    admin::CASES,
    console::CASES,
    import::CASES,
    headers::CASES,
    routes::CASES,
    record::CASES,
    recall::CASES,
    prices::CASES,
    echo::CASES,
    dialect::CASES,
    response::CASES,
    state::CASES,
    endpoint::CASES,
    operation::CASES,
    media::CASES,
    secrets::CASES,
    limit::CASES,
    live::CASES,
    explain::CASES,
    group::CASES,
    pool::CASES,
    proxy::CASES,
    proxy_stream::CASES,
    ssrf::CASES,
];
