//! Which routes are there, what does each need, and which function runs?

mod path;

pub use path::{fits, passes_bodies};

use std::future::ready;

use http::{HeaderValue, Method, Request, Response, StatusCode, header, header::Entry};

use path::{capture, decode, pinned, spoken_at};

use crate::{
    api::{
        self,
        document::{delete, get, list, patch, put},
        overrides::Model,
        providers::Body as Provider,
    },
    dialect::Dialect,
    error::{Error, Kind, Result},
    gateway::Gateway,
    http::{Body, empty, secure},
    identity::Actor,
    operation::{Operation, embeddings::Form as Texts, images::Task, tokens::Form as Counted},
    permit::{Face, Pass, permit},
    ports::Call,
    proxy::{Proxy, path::PROXY},
    relay::{self, Endpoint, Manner},
    route::Group,
};

/// What a caller must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A client key.
    Client,
    /// Somebody who may look at everything but secrets and bodies.
    Viewer,
    /// Somebody who may change things.
    Admin,
}

/// One route.
pub struct Route {
    /// GET also answers HEAD; OPTIONS and 405 follow from the table.
    pub method: Method,
    /// Segments; `{id}` takes one of them, `{rest*}` takes slashes too. What stands behind is the path's end.
    pub pattern: &'static str,
    /// There is no default.
    pub needs: Needs,
    run: Run,
}

/// What happens on a route.
enum Run {
    /// The data path, which checks the key itself: a refusal has its record too.
    Relay(Dialect, Operation, Manner),
    /// Another API, whose callers show a key that is checked there, too.
    Proxy,
    /// A page or a resource.
    Answer(for<'a> fn(&'a Gateway, Visit) -> BoxFutureIn<'a>),
}

type BoxFutureIn<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send + 'a>>;

/// Who showed what a route needs.
pub(crate) enum Caller {
    /// The route needs nothing, or the data path finds out itself.
    Anybody,
    /// The public id of a client.
    Client(String),
    /// Somebody of the control plane.
    Actor(Actor),
}

impl Caller {
    /// The client's public id; empty when it is no client.
    pub(crate) fn client(&self) -> &str {
        match self {
            Self::Client(id) => id,
            Self::Anybody | Self::Actor(_) => "",
        }
    }

    /// What the audit log calls whoever made a change.
    pub(crate) fn actor(&self) -> &str {
        match self {
            Self::Actor(actor) => &actor.name,
            Self::Anybody | Self::Client(_) => "nobody",
        }
    }
}

/// A request that has found its route and may go on.
pub(crate) struct Visit {
    /// What `{…}` of the pattern stands for; empty when there is none.
    pub(crate) param: String,
    /// The provider that the path names before everything else.
    pub(crate) pinned: Option<String>,
    /// Who asks, as far as the route needs to know.
    pub(crate) caller: Caller,
    /// The request.
    pub(crate) request: Request<Body>,
    /// What belongs to it.
    pub(crate) call: Call,
}

const fn answer(
    method: Method,
    pattern: &'static str,
    needs: Needs,
    run: for<'a> fn(&'a Gateway, Visit) -> BoxFutureIn<'a>,
) -> Route {
    Route { method, pattern, needs, run: Run::Answer(run) }
}

const fn chat(pattern: &'static str, dialect: Dialect, manner: Manner) -> Route {
    let run = Run::Relay(dialect, Operation::Chat, manner);
    Route { method: Method::POST, pattern, needs: Needs::Client, run }
}

/// What else clients of a dialect do that name the model in the body.
const fn other(pattern: &'static str, operation: Operation, dialect: Dialect) -> Route {
    let run = Run::Relay(dialect, operation, Manner::Body);
    Route { method: Method::POST, pattern, needs: Needs::Client, run }
}

/// What else clients of Gemini do. The model stands in the path.
const fn verb(pattern: &'static str, operation: Operation) -> Route {
    let run = Run::Relay(Dialect::Gemini, operation, Manner::Path);
    Route { method: Method::POST, pattern, needs: Needs::Client, run }
}

/// What only providers of the `OpenAI` dialect do. The path is the same at theirs.
const fn plain(pattern: &'static str, path: &'static str, usual: Option<&'static str>) -> Route {
    other(pattern, Operation::Plain { path, usual }, Dialect::OpenAiChat)
}

/// Another API. The slug and its path are read where it is asked.
const fn proxied(method: Method) -> Route {
    Route { method, pattern: "/proxy/{path*}", needs: Needs::Client, run: Run::Proxy }
}

/// Every route of the gateway. Those of clients are also there below `/llm/{provider}`.
pub const ROUTES: &[Route] = &[
    chat("/v1/chat/completions", Dialect::OpenAiChat, Manner::Body),
    chat("/v1/responses", Dialect::OpenAiResponses, Manner::Body),
    chat("/v1/messages", Dialect::Anthropic, Manner::Body),
    chat("/v1/models/{model*}:generateContent", Dialect::Gemini, Manner::Path),
    chat("/v1/models/{model*}:streamGenerateContent", Dialect::Gemini, Manner::PathStreamed),
    chat("/v1beta/models/{model*}:generateContent", Dialect::Gemini, Manner::Path),
    chat("/v1beta/models/{model*}:streamGenerateContent", Dialect::Gemini, Manner::PathStreamed),
    answer(Method::GET, "/v1/responses/{id}", Needs::Client, |gw, v| {
        Box::pin(api::responses::get(gw, v))
    }),
    answer(Method::DELETE, "/v1/responses/{id}", Needs::Client, |gw, v| {
        Box::pin(api::responses::delete(gw, v))
    }),
    answer(Method::GET, "/v1/responses/{id}/input_items", Needs::Client, |gw, v| {
        Box::pin(api::responses::input_items(gw, v))
    }),
    other("/v1/completions", Operation::Completions, Dialect::OpenAiChat),
    other("/v1/embeddings", Operation::Embeddings(Texts::List), Dialect::OpenAiChat),
    other("/v1/messages/count_tokens", Operation::Tokens(Counted::Messages), Dialect::Anthropic),
    verb("/v1/models/{model*}:embedContent", Operation::Embeddings(Texts::One)),
    verb("/v1/models/{model*}:batchEmbedContents", Operation::Embeddings(Texts::Batch)),
    verb("/v1/models/{model*}:countTokens", Operation::Tokens(Counted::Contents)),
    verb("/v1beta/models/{model*}:embedContent", Operation::Embeddings(Texts::One)),
    verb("/v1beta/models/{model*}:batchEmbedContents", Operation::Embeddings(Texts::Batch)),
    verb("/v1beta/models/{model*}:countTokens", Operation::Tokens(Counted::Contents)),
    other("/v1/images/generations", Operation::Images(Task::Generate), Dialect::OpenAiChat),
    other("/v1/images/edits", Operation::Images(Task::Edit), Dialect::OpenAiChat),
    plain("/v1/moderations", "/moderations", Some("omni-moderation-latest")),
    plain("/v1/audio/speech", "/audio/speech", None),
    plain("/v1/audio/transcriptions", "/audio/transcriptions", None),
    plain("/v1/audio/translations", "/audio/translations", None),
    answer(Method::GET, "/v1/models", Needs::Client, |gw, v| Box::pin(api::models::list(gw, v))),
    answer(Method::GET, "/v1/models/{id*}", Needs::Client, |gw, v| {
        Box::pin(api::models::get(gw, v))
    }),
    answer(Method::GET, "/v1beta/models", Needs::Client, |gw, v| {
        Box::pin(api::models::list_gemini(gw, v))
    }),
    answer(Method::GET, "/v1beta/models/{id*}", Needs::Client, |gw, v| {
        Box::pin(api::models::get_gemini(gw, v))
    }),
    proxied(Method::GET),
    proxied(Method::POST),
    proxied(Method::PUT),
    proxied(Method::PATCH),
    proxied(Method::DELETE),
    proxied(Method::OPTIONS),
    answer(Method::GET, "/", Needs::Nothing, |_, _| Box::pin(ready(api::status::welcome()))),
    answer(Method::GET, "/health", Needs::Nothing, |_, _| Box::pin(ready(api::status::health()))),
    answer(Method::GET, "/ready", Needs::Nothing, |gw, v| Box::pin(api::status::ready(gw, v))),
    answer(Method::POST, "/api/setup", Needs::Nothing, |gw, v| {
        Box::pin(api::session::set_up(gw, v))
    }),
    answer(Method::POST, "/api/session", Needs::Nothing, |gw, v| {
        Box::pin(api::session::create(gw, v))
    }),
    answer(Method::GET, "/api/session", Needs::Viewer, |gw, v| Box::pin(api::session::get(gw, v))),
    answer(Method::DELETE, "/api/session", Needs::Viewer, |gw, v| {
        Box::pin(api::session::delete(gw, v))
    }),
    answer(Method::GET, "/api/sessions", Needs::Viewer, |gw, v| {
        Box::pin(api::sessions::list(gw, v))
    }),
    answer(Method::DELETE, "/api/sessions/{id}", Needs::Viewer, |gw, v| {
        Box::pin(api::sessions::end(gw, v))
    }),
    answer(Method::POST, "/api/session/password", Needs::Viewer, |gw, v| {
        Box::pin(api::session::change(gw, v))
    }),
    answer(Method::GET, "/api/users", Needs::Admin, |gw, v| Box::pin(api::users::list(gw, v))),
    answer(Method::POST, "/api/users", Needs::Admin, |gw, v| Box::pin(api::users::create(gw, v))),
    answer(Method::GET, "/api/users/{id}", Needs::Admin, |gw, v| Box::pin(api::users::get(gw, v))),
    answer(Method::PATCH, "/api/users/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::users::update(gw, v))
    }),
    answer(Method::DELETE, "/api/users/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::users::delete(gw, v))
    }),
    answer(Method::POST, "/api/users/{id}/reset", Needs::Admin, |gw, v| {
        Box::pin(api::users::reset(gw, v))
    }),
    answer(Method::POST, "/api/secret/rotate", Needs::Admin, api::secret::rotate),
    answer(Method::GET, "/api/audit", Needs::Admin, api::audit::list),
    answer(Method::GET, "/api/clients", Needs::Viewer, |gw, v| Box::pin(api::clients::list(gw, v))),
    answer(Method::POST, "/api/clients", Needs::Admin, |gw, v| {
        Box::pin(api::clients::create(gw, v))
    }),
    answer(Method::GET, "/api/clients/{id}", Needs::Viewer, |gw, v| {
        Box::pin(api::clients::get(gw, v))
    }),
    answer(Method::PATCH, "/api/clients/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::clients::update(gw, v))
    }),
    answer(Method::DELETE, "/api/clients/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::clients::revoke(gw, v))
    }),
    answer(Method::POST, "/api/clients/{id}/rotate", Needs::Admin, |gw, v| {
        Box::pin(api::clients::rotate(gw, v))
    }),
    answer(Method::GET, "/api/clients/{id}/spending", Needs::Viewer, |gw, v| {
        Box::pin(api::clients::spent(gw, v))
    }),
    answer(Method::GET, "/api/teams", Needs::Viewer, |gw, v| Box::pin(api::teams::list(gw, v))),
    answer(Method::POST, "/api/teams", Needs::Admin, |gw, v| Box::pin(api::teams::create(gw, v))),
    answer(Method::GET, "/api/teams/{id}", Needs::Viewer, |gw, v| Box::pin(api::teams::get(gw, v))),
    answer(Method::PATCH, "/api/teams/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::teams::update(gw, v))
    }),
    answer(Method::DELETE, "/api/teams/{id}", Needs::Admin, |gw, v| {
        Box::pin(api::teams::delete(gw, v))
    }),
    answer(Method::GET, "/api/teams/{id}/spending", Needs::Viewer, |gw, v| {
        Box::pin(api::teams::spent(gw, v))
    }),
    answer(Method::GET, "/api/prices", Needs::Viewer, |gw, v| Box::pin(api::prices::list(gw, v))),
    answer(Method::POST, "/api/prices/refresh", Needs::Admin, |gw, v| {
        Box::pin(api::prices::refresh(gw, v))
    }),
    answer(Method::POST, "/api/prices/recompute", Needs::Admin, |gw, v| {
        Box::pin(api::prices::recompute(gw, v))
    }),
    answer(Method::GET, "/api/providers", Needs::Viewer, list::<Provider>),
    answer(Method::GET, "/api/providers/{id}", Needs::Viewer, get::<Provider>),
    answer(Method::PUT, "/api/providers/{id}", Needs::Admin, put::<Provider>),
    answer(Method::PATCH, "/api/providers/{id}", Needs::Admin, patch::<Provider>),
    answer(Method::DELETE, "/api/providers/{id}", Needs::Admin, delete::<Provider>),
    answer(Method::GET, "/api/keys", Needs::Admin, api::keys::list),
    answer(Method::POST, "/api/keys", Needs::Admin, api::keys::create),
    answer(Method::POST, "/api/keys/import", Needs::Admin, api::keys::import),
    answer(Method::GET, "/api/keys/{id}", Needs::Admin, api::keys::get),
    answer(Method::PATCH, "/api/keys/{id}", Needs::Admin, api::keys::patch),
    answer(Method::DELETE, "/api/keys/{id}", Needs::Admin, api::keys::delete),
    answer(Method::POST, "/api/keys/{id}/test", Needs::Admin, api::keys::test),
    answer(Method::GET, "/api/groups", Needs::Viewer, list::<Group>),
    answer(Method::GET, "/api/groups/{id}", Needs::Viewer, get::<Group>),
    answer(Method::PUT, "/api/groups/{id}", Needs::Admin, put::<Group>),
    answer(Method::PATCH, "/api/groups/{id}", Needs::Admin, patch::<Group>),
    answer(Method::DELETE, "/api/groups/{id}", Needs::Admin, delete::<Group>),
    answer(Method::GET, "/api/proxies", Needs::Viewer, list::<Proxy>),
    answer(Method::GET, "/api/proxies/{id}", Needs::Viewer, get::<Proxy>),
    answer(Method::PUT, "/api/proxies/{id}", Needs::Admin, put::<Proxy>),
    answer(Method::PATCH, "/api/proxies/{id}", Needs::Admin, patch::<Proxy>),
    answer(Method::DELETE, "/api/proxies/{id}", Needs::Admin, delete::<Proxy>),
    answer(Method::GET, "/api/records", Needs::Viewer, |gw, v| Box::pin(api::records::list(gw, v))),
    answer(Method::GET, "/api/live", Needs::Viewer, api::live::get),
    answer(Method::GET, "/api/records/export", Needs::Viewer, api::export::get),
    answer(Method::GET, "/api/records/{id}", Needs::Viewer, |gw, v| {
        Box::pin(api::records::get(gw, v))
    }),
    answer(Method::GET, "/api/records/{id}/bodies", Needs::Admin, api::bodies::get),
    answer(Method::GET, "/api/models", Needs::Viewer, list::<Model>),
    answer(Method::GET, "/api/models/{id*}", Needs::Viewer, get::<Model>),
    answer(Method::PUT, "/api/models/{id*}", Needs::Admin, put::<Model>),
    answer(Method::PATCH, "/api/models/{id*}", Needs::Admin, patch::<Model>),
    answer(Method::DELETE, "/api/models/{id*}", Needs::Admin, delete::<Model>),
    answer(Method::GET, "/api/settings", Needs::Viewer, api::settings::get),
    answer(Method::PATCH, "/api/settings", Needs::Admin, api::settings::patch),
    answer(Method::POST, "/api/import", Needs::Admin, api::import::create),
    answer(Method::POST, "/api/backup", Needs::Admin, api::backup::create),
    answer(Method::GET, "/api/stats", Needs::Viewer, api::stats::get),
    answer(Method::GET, "/api/overview", Needs::Viewer, api::overview::get),
    answer(Method::GET, "/api/health", Needs::Viewer, api::health::get),
    answer(Method::GET, "/api/system", Needs::Viewer, api::system::get),
    answer(Method::POST, "/api/simulate", Needs::Viewer, api::simulate::create),
    answer(Method::GET, "/api/openapi.json", Needs::Viewer, api::openapi::get),
    answer(Method::GET, "/metrics", Needs::Viewer, api::metrics::get),
];

/// Finds the route and runs it.
pub(crate) async fn route(gateway: &Gateway, request: Request<Body>, call: Call) -> Response<Body> {
    let found = find(&request);
    let head = request.method() == Method::HEAD;
    let (_, path) = pinned(request.uri().path());
    let page = !path.starts_with("/v1");
    let ours = path.starts_with("/api/") || path.starts_with("/proxy/");
    let dialect = spoken_at(path);
    let refuse =
        |error: &Error| if ours { api::problem(error) } else { api::refuse(error, dialect) };
    let outcome = match found {
        Ok(Found::Route(route, param, pinned)) => {
            let caller = Caller::Anybody;
            run(gateway, route, Visit { param, pinned, caller, request, call }).await
        }
        Ok(Found::Options(allow)) => Ok(allowing(empty(StatusCode::NO_CONTENT), &allow)),
        Ok(Found::OtherMethods(allow)) => {
            let message = format!("This path takes {allow}.");
            let error = Error::new(Kind::MethodNotAllowed, message);
            Ok(allowing(refuse(&error), &allow))
        }
        Err(error) => Err(error),
    };
    let mut response = outcome.unwrap_or_else(|error| refuse(&error));
    if page {
        secure(response.headers_mut());
    }
    if head { without_body(response) } else { response }
}

async fn run(gateway: &Gateway, route: &'static Route, mut visit: Visit) -> Result<Response<Body>> {
    match route.run {
        Run::Relay(dialect, operation, manner) => {
            let endpoint = Endpoint { path: route.pattern, dialect, operation, manner };
            Ok(relay::relay(gateway, endpoint, visit).await)
        }
        Run::Proxy => Ok(relay::proxy(gateway, visit).await),
        Run::Answer(answer) => {
            let request = &visit.request;
            let face = Face {
                method: request.method(),
                headers: request.headers(),
                uri: request.uri(),
                peer: visit.call.peer,
                transport: visit.call.transport,
                background: &*visit.call.background,
            };
            let Pass { caller, cookie } = permit(gateway, route.needs, face).await?;
            visit.caller = caller;
            let mut response = answer(gateway, visit).await?;
            if let (Some(cookie), Entry::Vacant(place)) =
                (cookie, response.headers_mut().entry(header::SET_COOKIE))
            {
                place.insert(cookie);
            }
            Ok(response)
        }
    }
}

/// The data route behind a path, what its pattern takes of it, and the provider that it names before everything else.
pub(crate) fn endpoint(path: &str) -> Option<(Endpoint, String, Option<String>)> {
    let (provider, path) = pinned(path);
    ROUTES.iter().find_map(|route| {
        let Run::Relay(dialect, operation, manner) = route.run else { return None };
        let param = decode(capture(route.pattern, path)?).ok()?;
        let endpoint = Endpoint { path: route.pattern, dialect, operation, manner };
        Some((endpoint, param, provider.map(str::to_owned)))
    })
}

enum Found {
    Route(&'static Route, String, Option<String>),
    Options(String),
    OtherMethods(String),
}

fn find(request: &Request<Body>) -> Result<Found> {
    let path = request.uri().path();
    let suspicious = ["%5c", "%5C", "%00", "//", "/../", "/./", "\\"];
    // An API's names may hold slashes. Where such a path leads is looked at when it is taken apart.
    let slashes: &[&str] = if path.starts_with(PROXY) { &[] } else { &["%2f", "%2F"] };
    let hides = |part: &&str| path.contains(part);
    if suspicious.iter().chain(slashes).any(hides) || path.ends_with("/..") {
        return Err(Error::bad_request("The path is not a plain one."));
    }
    let (provider, path) = pinned(path);
    let open = |route: &&Route| provider.is_none() || can_be_pinned(route);
    let fitting = |route: &'static Route| Some((route, capture(route.pattern, path)?));
    let matching = || ROUTES.iter().filter(open).filter_map(fitting);
    let method = match *request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    if let Some((route, param)) = matching().find(|(route, _)| route.method == *method) {
        return Ok(Found::Route(route, decode(param)?, provider.map(str::to_owned)));
    }
    let allow = allowed(matching().map(|(route, _)| &route.method));
    match (allow.is_empty(), method == Method::OPTIONS) {
        (true, _) if provider.is_some() => Err(Error::not_found(format!(
            "The gateway does not know {method} {path}. A proxy (/proxy/…) reaches every path of an API."
        ))),
        (true, _) => Err(Error::not_found(format!("There is no {method} {path} here."))),
        (false, true) => Ok(Found::Options(allow)),
        (false, false) => Ok(Found::OtherMethods(allow)),
    }
}

/// Whether a route asks models, or about them.
fn can_be_pinned(route: &Route) -> bool {
    match route.run {
        Run::Relay(..) => true,
        Run::Answer(_) => route.needs == Needs::Client,
        Run::Proxy => false,
    }
}

fn allowed<'a>(methods: impl Iterator<Item = &'a Method>) -> String {
    let mut names = Vec::new();
    for method in methods {
        names.push(method.as_str());
        if method == Method::GET {
            names.push("HEAD");
        }
    }
    if !names.is_empty() {
        names.push("OPTIONS");
    }
    names.join(", ")
}

fn allowing(mut response: Response<Body>, allow: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    if let Some(length) = http_body::Body::size_hint(&body).exact() {
        head.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_routes_are_the_same() {
        for (at, route) in ROUTES.iter().enumerate() {
            let same =
                |other: &Route| other.method == route.method && other.pattern == route.pattern;
            assert!(!ROUTES[..at].iter().any(same), "{}", route.pattern);
        }
    }

    #[test]
    fn a_hidden_slash_is_refused() {
        for path in [
            "/v1/models/a%2fb",
            "/v1//models",
            "/v1/models/a/../b",
            "/v1/models/%zz",
            "/v1/models/%ff",
            "/proxy%2Fgit/a",
            "/llm/up/proxy/git/a%2Fb",
        ] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            assert!(find(&request).is_err(), "{path}");
        }
    }
}
