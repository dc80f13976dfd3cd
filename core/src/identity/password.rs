//! How is a password kept? As its argon2id hash, which takes its time so that guessing does too.

use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{Secret, same};
use crate::{
    error::{Error, Result},
    limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN},
    ports::{Hasher, Random},
};

/// What a hash costs: kibibytes of memory, passes over them, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// What OWASP asks for at least: 19 MiB, two passes, one lane.
pub const COST: Cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };

/// What everybody tries first, of those that are long enough.
const WELL_KNOWN: [&str; 20] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456123456",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "admin1234567",
    "adminadminadmin",
    "administrator",
    "changeme1234",
    "changemeplease",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "letmein12345",
    "password1234",
    "passwordpassword",
    "qwerty123456",
    "qwertyuiop12",
    "welcome12345",
];

/// A password that may be set: long enough, and not one that everybody tries.
pub struct Password(Secret);

impl Password {
    /// Checks a password. `name` is whose it is to be.
    pub fn parse(text: Secret, name: &str) -> Result<Self> {
        let refuse = |message: String| Err(Error::bad_request(message).at("password"));
        let chars = text.expose().chars().count();
        if chars < PASSWORD_CHARS_MIN {
            return refuse(format!("A password has at least {PASSWORD_CHARS_MIN} characters."));
        }
        if text.expose().len() > PASSWORD_BYTES_MAX {
            return refuse(format!("A password has at most {PASSWORD_BYTES_MAX} bytes."));
        }
        let small = Zeroizing::new(text.expose().to_lowercase());
        let first = small.chars().next();
        let repeated = small.chars().all(|char| Some(char) == first);
        // A name with digits behind it is the next thing that is tried.
        let named = small.trim_end_matches(|char: char| char.is_ascii_digit() || char == '!');
        let named = named == name.to_lowercase() || named == "tidegate";
        if repeated || named || WELL_KNOWN.contains(&small.as_str()) {
            return refuse("This password is one of those that are tried first.".to_owned());
        }
        Ok(Self(text))
    }

    /// The text that is kept of it.
    pub async fn hash(self, hasher: &dyn Hasher, random: &dyn Random) -> Result<String> {
        let mut salt = [0_u8; 16];
        random.fill(&mut salt);
        let key = hasher.stretch(self.0, salt, COST).await?;
        let Cost { memory_kib, passes, lanes } = COST;
        let (salt, key) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(key));
        Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${key}"))
    }
}

/// Whether `password` is the one that `kept` was made of. Without one the same work is done for nothing, so that the
/// time does not tell which names exist.
pub async fn verify(password: Secret, kept: Option<&str>, hasher: &dyn Hasher) -> Result<bool> {
    let Some(kept) = kept else {
        hasher.stretch(password, [0; 16], COST).await?;
        return Ok(false);
    };
    let Kept { salt, key, cost } =
        Kept::parse(kept).ok_or_else(|| Error::internal("a kept password cannot be read"))?;
    let found = hasher.stretch(password, salt, cost).await?;
    Ok(same(&found, &key))
}

struct Kept {
    cost: Cost,
    salt: [u8; 16],
    key: [u8; 32],
}

impl Kept {
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, key) = (fields.next()?, fields.next()?, fields.next()?);
        let mut costs = costs.split(',');
        let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.parse().ok();
        let cost = Cost { memory_kib: cost("m=")?, passes: cost("t=")?, lanes: cost("p=")? };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?;
        let key = STANDARD_NO_PAD.decode(key).ok()?.try_into().ok()?;
        Some(Self { cost, salt, key })
    }
}

/// The work itself.
pub fn stretch(password: &Secret, salt: [u8; 16], cost: Cost) -> Result<[u8; 32]> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let params = params.map_err(Error::internal)?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.expose().as_bytes(), &salt, &mut key)
        .map_err(Error::internal)?;
    Ok(key)
}

/// Does the work where it was asked for: on a platform with one thread there is no other place.
pub struct Inline;

#[async_trait]
impl Hasher for Inline {
    async fn stretch(&self, password: Secret, salt: [u8; 16], cost: Cost) -> Result<[u8; 32]> {
        stretch(&password, salt, cost)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::testing::SeededRandom;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn only_its_own_password_fits_a_hash() {
        let password = Password::parse(secret("a long enough one"), "ada").unwrap();
        let kept = block_on(password.hash(&Inline, &SeededRandom::new(1))).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let fits = |text, kept| block_on(verify(secret(text), kept, &Inline)).unwrap();
        assert!(fits("a long enough one", Some(&*kept)));
        assert!(!fits("a long enough One", Some(&*kept)));
        assert!(!fits("a long enough one", None));
    }

    #[test]
    fn the_cost_is_part_of_what_is_kept() {
        let cheap = Cost { memory_kib: 256, passes: 1, lanes: 1 };
        let key = stretch(&secret("password"), *b"saltsaltsaltsalt", cheap).unwrap();
        let salt = STANDARD_NO_PAD.encode(b"saltsaltsaltsalt");
        let kept = format!("$argon2id$v=19$m=256,t=1,p=1${salt}${}", STANDARD_NO_PAD.encode(key));
        assert!(block_on(verify(secret("password"), Some(&kept), &Inline)).unwrap());
        assert!(block_on(verify(secret("password"), Some("$2b$12$abc"), &Inline)).is_err());
    }

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        for wrong in [
            "",
            "short",
            "eleven char",
            "aaaaaaaaaaaaaaa",
            "Password1234",
            "ADMINISTRATOR",
            "Tidegate12345",
            "ada.lovelace1!",
            &"x1".repeat(PASSWORD_BYTES_MAX),
        ] {
            assert!(Password::parse(secret(wrong), "Ada.Lovelace").is_err(), "{wrong}");
        }
        for right in ["twelve chars", "ключевой пароль", "correct horse battery"] {
            assert!(Password::parse(secret(right), "ada").is_ok(), "{right}");
        }
    }
}
