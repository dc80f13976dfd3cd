//! Does an address or a name lead into the public internet? Whatever else there is counts as inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: its first address, and how many bits all of its addresses share.
type Network<A> = (A, u32);

/// Private, shared, local, documentation, benchmark, multicast and reserved networks, and Azure's wire server, which has
/// a public address that leads inside.
const INSIDE_V4: [Network<Ipv4Addr>; 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Everything that is handed out to the public today.
const GLOBAL_V6: Network<Ipv6Addr> = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of that leads elsewhere: protocols such as Teredo, and documentation.
const INSIDE_V6: [Network<Ipv6Addr>; 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Names under these lead inside: special ones, the clouds' metadata services, and public services whose names stand for
/// the address that they spell or for this machine.
const INSIDE_NAMES: [&str; 20] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
    "test",
    "instance-data",
    "metadata.goog",
    "localtest.me",
    "lvh.me",
    "nip.io",
    "sslip.io",
    "xip.io",
];

/// Whether an address is one that anybody on the internet may reach. An IPv4 address inside an IPv6 one is looked at
/// instead of its wrapping.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let inside = |&(first, bits)| shares(u32::from(v4) ^ u32::from(first), bits);
            !INSIDE_V4.iter().any(inside)
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = wrapped(v6) {
                return is_global(v4.into());
            }
            let within = |&(first, bits): &Network<Ipv6Addr>| {
                let differing = v6.to_bits() ^ first.to_bits();
                differing.leading_zeros() >= bits
            };
            within(&GLOBAL_V6) && !INSIDE_V6.iter().any(within)
        }
    }
}

/// Whether a name, in its ASCII form and small letters, can only lead inside: one of the table, or one without a dot.
pub(super) fn is_inside_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let under = |last: &&str| {
        name.strip_suffix(*last).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || INSIDE_NAMES.iter().any(under)
}

fn shares(differing: u32, bits: u32) -> bool {
    differing.leading_zeros() >= bits
}

/// The IPv4 address that a mapped, NAT64 or 6to4 address leads to.
fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let v4 = if bits >> 32 == 0xffff || bits >> 32 == 0x0064_ff9b << 64 {
        bits
    } else if bits >> 112 == 0x2002 {
        bits >> 80
    } else {
        return None;
    };
    Some(Ipv4Addr::from_bits((v4 & 0xffff_ffff) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_global() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_inside() {
        for text in [
            "0.0.0.0",
            "10.255.255.255",
            "100.100.100.200",
            "127.255.255.254",
            "169.254.169.254",
            "172.31.255.255",
            "198.19.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "::8.8.8.8",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_global(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn names_that_lead_inside_are_known_by_their_end() {
        for name in [
            "localhost",
            "localhost.",
            "a.localhost",
            "metadata",
            "metadata.google.internal",
            "metadata.google.internal.",
            "printer.local",
            "10.0.0.1.nip.io",
            "1.0.0.10.in-addr.arpa",
            "",
            ".",
        ] {
            assert!(is_inside_name(name), "{name}");
        }
        for name in ["example.com", "local.example.com", "notlocalhost.org", "mylocal.dev"] {
            assert!(!is_inside_name(name), "{name}");
        }
    }
}
