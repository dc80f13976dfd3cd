//! What is a call called at a host that takes only some ids?

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::dialect::traits::{CallIds, Traits};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The id as the host takes it: itself, or else the same other one for the same id, so that calls and results still
/// find each other and the provider's cache holds.
pub(super) fn call_id<'a>(id: &'a str, traits: &Traits) -> Cow<'a, str> {
    let fits = match traits.call_ids {
        CallIds::Free => true,
        CallIds::Nine => id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    };
    if fits {
        return Cow::Borrowed(id);
    }
    let digest = Sha256::digest(id.as_bytes());
    let digit = |byte: &u8| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]);
    digest.iter().take(9).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_or_always_becomes_the_same_one() {
        let nine = Traits { call_ids: CallIds::Nine, ..Traits::default() };
        assert_eq!(call_id("call_1", &Traits::default()), "call_1");
        assert_eq!(call_id("aB3dE6gH9", &nine), "aB3dE6gH9");
        for id in ["call_1", "", "é", "aB3dE6gH_", "toolu_01A09q90qw90lq917835lq9"] {
            let made = call_id(id, &nine);
            assert!(made.len() == 9 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(made, call_id(id, &nine));
        }
        assert_ne!(call_id("call_1", &nine), call_id("call_2", &nine));
    }
}
