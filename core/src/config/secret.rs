//! How are secrets read? Strictly, from the environment first, and without a word about what they hold.

use std::collections::BTreeSet;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{
    RootSecret,
    document::Said,
    mistake::{Mistake, Spot},
    variables::Environment,
};
use crate::{identity::Secret, limits};

/// Secrets that are not checked yet, each with the words that name it.
pub(super) type Texts = Vec<(Spot, Zeroizing<String>)>;

/// Secrets that somebody gave: as text in the file, or by the name of a variable.
pub(super) enum Given {
    /// The texts; a variable with commas holds several.
    Texts(Texts),
    /// A variable that is not set. That is a mistake unless what asks for it is disabled.
    Unset(Mistake),
}

const ADVICE: &str = "make one with `openssl rand -hex 32`";

/// The root secret. An empty variable is refused here: a secret must not vanish because a deployment forgot it.
pub(super) fn root(environment: Environment<'_>) -> Result<Option<RootSecret>, Mistake> {
    const NAME: &str = "TIDEGATE_SECRET";
    let Some(text) = environment.text(NAME).map(Zeroizing::new) else { return Ok(None) };
    let spot = Spot::variable(NAME);
    if text.trim().is_empty() {
        return Err(spot.mistake(format!("is empty; {ADVICE}")));
    }
    read_root(&spot, text.trim()).map(Some)
}

/// Root secrets of before, between commas. They read and never write.
pub(super) fn old_roots(environment: Environment<'_>) -> Result<Vec<RootSecret>, Mistake> {
    const NAME: &str = "TIDEGATE_SECRET_OLD";
    let Some(text) = environment.text(NAME).map(Zeroizing::new) else { return Ok(Vec::new()) };
    let spot = Spot::variable(NAME);
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| read_root(&spot, part)).collect()
}

fn read_root(spot: &Spot, text: &str) -> Result<RootSecret, Mistake> {
    let wrong = |what: &str| Err(spot.mistake(format!("{what}; {ADVICE}")));
    let Some(bytes) = decode_hex(text).or_else(|| decode_base64(text)) else {
        return wrong("must be 32 bytes, written as 64 hex digits or as base64");
    };
    let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new) else {
        return wrong(&format!("must be 32 bytes, and these are {}", bytes.len()));
    };
    if bytes.iter().all(|byte| *byte == bytes[0]) {
        return wrong("is one byte repeated, which is no secret");
    }
    Ok(RootSecret(bytes))
}

fn decode_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()
    };
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

/// Both alphabets, with padding or without: tools differ.
fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
        .map(Zeroizing::new)
}

/// The token that opens `/api`.
pub(super) fn admin_token(said: &Said<'_>) -> Result<Secret, Mistake> {
    let token = said.text()?;
    let secret = credential(&said.spot, token)?;
    let repeated = token.bytes().all(|byte| Some(&byte) == token.as_bytes().first());
    if token.len() < limits::ADMIN_TOKEN_BYTES_MIN || repeated {
        let least = limits::ADMIN_TOKEN_BYTES_MIN;
        return Err(said.spot.mistake(format!("must be at least {least} characters that differ")));
    }
    Ok(secret)
}

/// A secret of the file: text, or `{ env = "NAME" }`.
pub(super) fn given(said: &Said<'_>, environment: Environment<'_>) -> Result<Given, Mistake> {
    let Some((key, name)) = said.reference() else {
        let text = Zeroizing::new(said.text()?.to_owned());
        return Ok(Given::Texts(vec![(said.spot.clone(), text)]));
    };
    let name = name.filter(|name| key == "env" && is_variable_name(name));
    let Some(name) = name else {
        return Err(said.spot.mistake("must be a text or { env = \"NAME\" }, NAME in capitals"));
    };
    let subject = format!("{} names the variable {name}, which", said.spot.subject);
    let spot = Spot { line: said.spot.line, subject: subject.into() };
    match environment.text(name).map(Zeroizing::new) {
        Some(text) if !text.trim().is_empty() => Ok(Given::Texts(parts(&spot, &text))),
        Some(_) => Ok(Given::Unset(spot.mistake("is empty"))),
        None => Ok(Given::Unset(spot.mistake("is not set"))),
    }
}

/// The parts of a variable with commas.
pub(super) fn split(said: &Said<'_>) -> Texts {
    said.text().map(|text| parts(&said.spot, text)).unwrap_or_default()
}

fn parts(spot: &Spot, text: &str) -> Texts {
    text.split(',').map(|part| (spot.clone(), Zeroizing::new(part.trim().to_owned()))).collect()
}

/// Checks keys that stand together: each by itself, and that none stands there twice.
pub(super) fn credentials(texts: &[(Spot, Zeroizing<String>)]) -> Vec<Result<Secret, Mistake>> {
    let mut seen = BTreeSet::new();
    let mut checked = Vec::with_capacity(texts.len());
    for (spot, text) in texts {
        let twice = !seen.insert(text.as_str());
        let wrong = || Err(spot.mistake("holds the same key twice"));
        checked.push(if twice { wrong() } else { credential(spot, text) });
    }
    checked
}

/// One secret of the file, or of the variable that it names.
pub(super) fn one(said: &Said<'_>, environment: Environment<'_>) -> Result<Secret, Mistake> {
    match given(said, environment)? {
        Given::Unset(mistake) => Err(mistake),
        Given::Texts(texts) => match texts.as_slice() {
            [(spot, text)] => credential(spot, text),
            _ => Err(said.spot.mistake("must be one secret, without commas")),
        },
    }
}

/// One secret of a variable.
pub(super) fn of_variable(said: &Said<'_>) -> Result<Secret, Mistake> {
    credential(&said.spot, said.text()?)
}

/// A credential travels in a header, so it is plain ASCII. Quotes come from tools that do not take them off.
fn credential(spot: &Spot, text: &str) -> Result<Secret, Mistake> {
    if text.is_empty() {
        return Err(spot.mistake("holds an empty key"));
    }
    if text.len() > limits::CREDENTIAL_BYTES_MAX {
        let most = limits::CREDENTIAL_BYTES_MAX;
        return Err(spot.mistake(format!("holds a key longer than {most} bytes")));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'`".contains(&byte)) {
        return Err(spot.mistake("holds a key with white space, quotes or characters beyond ASCII"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// Capitals only: what is no variable's name may be a secret, and is not repeated.
fn is_variable_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && !name.as_bytes()[0].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<[u8; 32]>, String> {
        let variable = |name: &str| (name == "TIDEGATE_SECRET").then(|| text.to_owned());
        let secret = root(Environment(&variable));
        secret.map(|secret| secret.map(|secret| *secret.0)).map_err(|mistake| mistake.message)
    }

    #[test]
    fn hex_and_base64_of_32_bytes_are_the_same_secret() {
        let bytes: [u8; 32] =
            std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(37) | 3);
        let hex = bytes.map(|byte| format!("{byte:02x}")).concat();
        let standard = base64::prelude::BASE64_STANDARD.encode(bytes);
        let url_safe = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes);
        for text in [&hex, &hex.to_uppercase(), &standard, &url_safe, &format!(" {hex}\n")] {
            assert_eq!(read(text), Ok(Some(bytes)), "{text}");
        }
    }

    #[test]
    fn weak_root_secrets_are_refused() {
        for (text, why) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("change me", "must be 32 bytes, written"),
            (&"ab".repeat(31), "these are 31"),
            (&"ab".repeat(33), "these are 33"),
            (&"00".repeat(32), "one byte repeated"),
            (&"ab".repeat(32), "one byte repeated"),
            ("c2hvcnQ=", "these are 5"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(why), "{message}");
            assert!(text.trim().is_empty() || !message.contains(text), "{message}");
        }
    }
}
