//! Bodies from values instead of text, for Rust programs: anything that serialises, or a prompt that
//! is put into the provider's own words.

use serde::Serialize;

use crate::check::ConfigError;
use crate::client::Client;
use crate::error::Error;
use crate::platform::Platform;
use crate::provider::{Endpoint, Prompt};
use crate::reply::Reply;
use crate::request::Request;
use crate::stream::Stream;

impl Request {
    /// A request with anything that serialises to JSON as its body.
    pub fn new(endpoint: Endpoint, body: &impl Serialize) -> Result<Self, ConfigError> {
        let text = serde_json::to_string(body).map_err(|error| {
            ConfigError::new(
                "body",
                &error.to_string(),
                "something that can be written as JSON",
            )
        })?;
        Ok(Self::from_json(endpoint, &text))
    }
}

impl<P: Platform> Client<P> {
    /// Generates an answer to `prompt`, whoever the provider is.
    pub async fn generate(&self, prompt: &Prompt) -> Result<Reply, Error> {
        self.send(self.request(prompt, false)).await
    }

    /// The same, piece by piece.
    pub async fn generate_stream(&self, prompt: &Prompt) -> Result<Stream<P>, Error> {
        self.stream(self.request(prompt, true)).await
    }

    /// The request that asks for `prompt` in the provider's own words.
    pub fn request(&self, prompt: &Prompt, stream: bool) -> Request {
        let family = self.0.config.provider.family;
        Request::from_json(family.generation(), &family.body(prompt, stream))
    }
}
