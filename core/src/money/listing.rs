//! Which price stands under exactly this id? An index over the text of a catalogue, made once.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use sha2::{Digest, Sha256};

use super::price::Price;
use crate::provider::catalog::{self, Model};

/// The models of a catalogue, found by provider and id.
pub(crate) struct Listing {
    text: Cow<'static, str>,
    /// Where a model's line begins.
    lines: HashMap<String, Vec<(u16, usize)>>,
    providers: Vec<String>,
    /// What the text is called: a digest of it.
    pub(crate) id: String,
}

/// The line of a provider that holds for all its models.
const ALL: &str = "*";

impl Listing {
    pub(crate) fn new(text: Cow<'static, str>) -> Self {
        let mut lines: HashMap<String, Vec<(u16, usize)>> = HashMap::new();
        let mut providers = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some(provider) = line.strip_prefix('@') {
                providers.push(provider.trim_end().to_owned());
            } else if let Some((id, _)) = line.split_once('\t') {
                let provider = u16::try_from(providers.len().saturating_sub(1)).unwrap_or(u16::MAX);
                lines.entry(id.to_owned()).or_default().push((provider, at));
            }
            at += line.len();
        }
        let id = digest(text.as_bytes());
        Self { text, lines, providers, id }
    }

    /// The catalogue that the program was built with.
    pub(crate) fn embedded() -> Arc<Self> {
        static EMBEDDED: LazyLock<Arc<Listing>> =
            LazyLock::new(|| Arc::new(Listing::new(Cow::Borrowed(catalog::TEXT))));
        EMBEDDED.clone()
    }

    /// The text that it was made of.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is such a provider.
    pub(crate) fn knows(&self, provider: &str) -> bool {
        self.providers.iter().any(|known| known == provider)
    }

    /// The model of exactly this id.
    pub(crate) fn model(&self, provider: &str, id: &str) -> Option<Model<'_>> {
        let found = self.lines.get(id)?;
        let (_, at) = found.iter().find(|(of, _)| self.provider(*of) == provider)?;
        self.text[*at..].lines().next().map(Model::read)
    }

    /// The price of exactly this id, and what the provider asks for all its models beside it.
    pub(crate) fn price(&self, provider: &str, id: &str) -> Option<Price> {
        self.model(provider, id)?.price
    }

    /// What the provider asks for all its models.
    pub(crate) fn common(&self, provider: &str) -> Option<Price> {
        self.price(provider, ALL)
    }

    /// All models by provider and id.
    pub(crate) fn models(&self) -> impl Iterator<Item = (&str, Model<'_>)> {
        let mut provider = "";
        self.text.lines().filter_map(move |line| {
            if let Some(name) = line.strip_prefix('@') {
                provider = name;
                return None;
            }
            let model = Model::read(line);
            (model.id != ALL).then_some((provider, model))
        })
    }

    fn provider(&self, at: u16) -> &str {
        self.providers.get(usize::from(at)).map_or("", String::as_str)
    }
}

/// The first 48 bits of a text's hash, in hex: enough to tell the catalogues of one store apart.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
