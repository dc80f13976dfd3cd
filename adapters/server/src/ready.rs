//! What does `tidegate ready` do? It asks the server over this data folder, for containers whose image has no other
//! program that could.

use http::Request;
use tidegate_core::{Body, Error, Result, config::Config, error::Kind, ports::Upstream};
use tidegate_native::HttpClient;

use crate::{
    admin::{answer_of, silent},
    console::say,
    data::Data,
};

/// Fails unless the server says that it is ready.
pub(crate) async fn ready(config: Config) -> Result<()> {
    let contact = Data::new(&config.data).contact()?.ok_or_else(|| {
        Error::new(Kind::Unavailable, "No server is running over the data folder.")
    })?;
    let question = Request::get(format!("{}/ready", contact.url)).body(Body::empty());
    let answer = HttpClient::new()?.send(question.map_err(Error::internal)?).await;
    answer_of(answer.map_err(silent)?).await?;
    say("The server is ready.");
    Ok(())
}
