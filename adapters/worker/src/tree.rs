//! Which object counts for one tree of teams? A Durable Object that goes on from what the Worker's database remembers.

#![expect(missing_docs, reason = "the macro makes what JavaScript calls")]

use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use crate::{counting::Object, events};

/// The counters of one tree. Whoever reaches the object is the Worker itself.
#[durable_object(alarm)]
pub struct Tree {
    object: Object,
}

impl DurableObject for Tree {
    fn new(state: State, env: Env) -> Self {
        // A mistake in the configuration was logged when it was found.
        let mistaken = |_| Error::RustError("the configuration has mistakes".to_owned());
        let past = move || events::remembering(&env).map_err(mistaken);
        Self { object: Object::new(state, Box::new(past)) }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.object.answer(request).await
    }

    async fn alarm(&self) -> Result<Response> {
        self.object.wake().await
    }
}
