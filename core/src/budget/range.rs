//! Which addresses are meant? One, or a range in CIDR notation.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Range {
    first: IpAddr,
    bits: u32,
}

impl Range {
    /// Whether an address is among them. An IPv4 address that came over IPv6 is an IPv4 address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let same_family = address.is_ipv4() == self.first.is_ipv4();
        same_family && (wide(address) ^ wide(self.first)) & mask(self.first, self.bits) == 0
    }
}

/// The address in the lowest bits.
fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn length(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(address: IpAddr, bits: u32) -> u128 {
    let all = u128::MAX >> (128 - length(address));
    let low = u128::MAX.checked_shr(128 - (length(address) - bits)).unwrap_or(0);
    all & !low
}

impl FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "An address range looks like 10.0.0.0/8 or 2001:db8::/32.";
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.trim().parse().map_err(|_| WRONG)?;
        let length = length(first);
        let bits = match bits {
            None => length,
            Some(bits) => bits.trim().parse().map_err(|_| WRONG)?,
        };
        if bits > length {
            return Err(WRONG);
        }
        let kept = wide(first) & mask(first, bits);
        let first = match first {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(kept).unwrap_or_default().into()),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(kept)),
        };
        Ok(Self { first, bits })
    }
}

impl TryFrom<String> for Range {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == length(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_begins_alike() {
        let check = |range: &str, address: &str, expected: bool| {
            let holds = range.parse::<Range>().unwrap().holds(address.parse().unwrap());
            assert_eq!(holds, expected, "{range} {address}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.2", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::/0", "2001:db9::1", true);
        check("::/0", "10.0.0.1", false);
        check("192.168.1.77/24", "192.168.1.1", true);
    }

    #[test]
    fn ranges_are_written_as_they_count() {
        let check = |text: &str, written: &str| {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), written);
        };
        check("192.168.1.77/24", "192.168.1.0/24");
        check("127.0.0.1/32", "127.0.0.1");
        check("2001:DB8::1/64", "2001:db8::/64");
        for text in
            ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "example.com", "1.2.3.4/-1"]
        {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }
}
