//! How does a provider's state travel through a dialect that has no room for it? Wrapped, named and sealed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Dialect, ir::State};
use crate::identity::Vault;

/// Wraps the state of one provider, and unwraps what was wrapped for it.
pub(crate) struct Carrier {
    vault: Vault,
    provider: String,
}

impl Carrier {
    /// How a wrapped state begins.
    pub(crate) const PREFIX: &'static str = "tg1.";

    /// How it begins where a dialect wants it in base64.
    pub(crate) const PREFIX_BASE64: &'static str = "dGcxL";

    /// A carrier toward one provider.
    pub(crate) fn new(vault: Vault, provider: &str) -> Self {
        Self { vault, provider: provider.to_owned() }
    }

    /// The state as a text for the client to keep: `tg1.provider.dialect.form.id.data.seal`.
    pub(crate) fn wrap(&self, state: &State) -> String {
        let text = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (dialect, form) = (state.dialect.name(), state.form);
        let (provider, id, data) = (text(&self.provider), text(&state.id), text(&state.data));
        let body = format!("{}{provider}.{dialect}.{form}.{id}.{data}", Self::PREFIX);
        let seal = self.seal(&body);
        format!("{body}.{seal}")
    }

    /// The state of a text, if it was wrapped here and for this provider. Anything else is some other dialect's own.
    pub(crate) fn unwrap(&self, text: &str) -> Option<State> {
        let (body, seal) = text.strip_prefix(Self::PREFIX)?.rsplit_once('.')?;
        let whole = &text[..Self::PREFIX.len() + body.len()];
        if !crate::identity::same(self.seal(whole).as_bytes(), seal.as_bytes()) {
            return None;
        }
        let mut fields = body.split('.');
        let mut plain = || String::from_utf8(URL_SAFE_NO_PAD.decode(fields.next()?).ok()?).ok();
        let provider = plain()?;
        let mut fields = body.split('.').skip(1);
        let dialect = fields.next()?;
        let dialect = Dialect::ALL.into_iter().find(|known| known.name() == dialect)?;
        let form = fields.next()?;
        let form = State::FORMS.into_iter().find(|known| *known == form)?;
        let mut plain = || String::from_utf8(URL_SAFE_NO_PAD.decode(fields.next()?).ok()?).ok();
        let (id, data) = (plain()?, plain()?);
        (provider == self.provider).then_some(State { dialect, form, id, data })
    }

    /// Whether a text is a wrapped state, whoever wrapped it.
    pub(crate) fn is_wrapped(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    fn seal(&self, body: &str) -> String {
        self.vault.hash(&format!("state|{body}"))
    }
}
