//! What is a model told when its client gives it no instructions?

use crate::config::Config;

const ENGLISH: &str = "Always respond in English.";

/// The instruction, if there is one for this model. The models of `DeepSeek` answer many a question in Chinese, whichever host
/// they run at.
pub(crate) fn of(model: &str, config: &Config) -> Option<&'static str> {
    const MAKER: &str = "deepseek";
    let mut windows = model.as_bytes().windows(MAKER.len());
    let is_deepseek = windows.any(|part| part.eq_ignore_ascii_case(MAKER.as_bytes()));
    (config.deepseek_english && is_deepseek).then_some(ENGLISH)
}
