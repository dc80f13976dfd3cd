//! What identifies a record? 26 characters that sort by time: 48 bits of milliseconds, 80 random bits.

use crate::ports::{Millis, Random};

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A fresh id.
pub(crate) fn sortable(now: Millis, random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes[6..]);
    bytes[..6].copy_from_slice(&now.max(0).to_be_bytes()[2..]);
    let bits = u128::from_be_bytes(bytes);
    (0..26).rev().map(|at| char::from(DIGITS[(bits >> (at * 5)) as usize & 31])).collect()
}

/// When an id was made; `None` for what is no id.
pub(crate) fn time(id: &str) -> Option<Millis> {
    if id.len() != 26 {
        return None;
    }
    let mut bits = 0_u128;
    for byte in id.bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        bits = (bits << 5) | digit as u128;
    }
    Millis::try_from(bits >> 80).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededRandom;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let random = SeededRandom::new(1);
        let ids: Vec<_> = [0, 1, 1_800_000_000_000, 1_800_000_000_001]
            .iter()
            .flat_map(|now| [sortable(*now, &random), sortable(*now, &random)])
            .collect();
        assert!(ids.iter().all(|id| id.len() == 26));
        assert!(ids.chunks(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(time(&ids[4]), Some(1_800_000_000_000));
        assert_eq!(time("01ab"), None);
        assert!(ids.windows(2).all(|pair| pair[0][..10] <= pair[1][..10]));
    }
}
