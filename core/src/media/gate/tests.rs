//! Is there a spelling of an inside address that passes? Hundreds are tried.

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::*;

/// An address in each network that is not public, at its edges or where a cloud has its services.
const INSIDE: [Ipv4Addr; 24] = [
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::new(0, 255, 255, 255),
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(10, 255, 255, 255),
    Ipv4Addr::new(100, 64, 0, 1),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::LOCALHOST,
    Ipv4Addr::new(127, 255, 255, 254),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(172, 16, 0, 1),
    Ipv4Addr::new(172, 31, 255, 255),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(192, 0, 2, 1),
    Ipv4Addr::new(192, 88, 99, 1),
    Ipv4Addr::new(192, 168, 1, 1),
    Ipv4Addr::new(198, 18, 0, 1),
    Ipv4Addr::new(198, 19, 255, 255),
    Ipv4Addr::new(198, 51, 100, 7),
    Ipv4Addr::new(203, 0, 113, 9),
    Ipv4Addr::new(224, 0, 0, 1),
    Ipv4Addr::new(240, 0, 0, 1),
    Ipv4Addr::BROADCAST,
];

/// The ways to write an IPv4 address that some parser or other understands.
fn hosts(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let (whole, low) = (u32::from(address), u32::from_be_bytes([0, b, c, d]));
    let half = u32::from_be_bytes([0, 0, c, d]);
    let wide = |text: String| {
        let digit = |c: char| match c {
            '0'..='9' => char::from_u32(0xff10 + c as u32 - '0' as u32).unwrap(),
            '.' => '\u{3002}',
            other => other,
        };
        text.chars().map(digit).collect::<String>()
    };
    vec![
        format!("{address}"),
        format!("{address}."),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("0x{whole:08X}"),
        format!("0{whole:o}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{half}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#x}.{low:#o}").replace("0o", "0"),
        format!("000{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        wide(format!("{address}")),
        format!("{a}%2e{b}%2E{c}.{d}"),
        format!("%3{}{}", a / 100, &format!("{address}")[1..]),
        format!("[::{address}]"),
        format!("[::ffff:{address}]"),
        format!("[0:0:0:0:0:ffff:{:x}:{half:x}]", whole >> 16),
        format!("[64:ff9b::{address}]"),
        format!("[64:ff9b:1::{address}]"),
        format!("[2002:{:x}:{half:x}::1]", whole >> 16),
        format!("{address}.nip.io"),
        format!("{}.sslip.io", address.to_string().replace('.', "-")),
    ]
}

/// URLs that lead to a host, or that some parser or other takes for such.
fn urls(host: &str) -> Vec<String> {
    [
        "http://<>/",
        "https://<>:443/x.png",
        "HTTP://<>:8080/x.png",
        "http://user@<>/",
        "http://user:word@<>/",
        "http://a.example@<>/",
        "http://a.example%40@<>/",
        "http://<>#@a.example/",
        "http://<>?@a.example/",
        "http://<>\\@a.example/",
        "http://a.example\\@<>/",
        "http:\\\\<>\\",
        "http:///<>/",
        "http:<>/",
        "http://\t<>/",
        "\u{0}http://<>/",
        " http://<>/",
        "ht\ntp://<>/",
        "//<>/",
        "ftp://<>/",
        "file://<>/etc/passwd",
        "gopher://<>:6379/_",
        "jar:http://<>!/",
    ]
    .iter()
    .map(|form| form.replace("<>", host))
    .collect()
}

const NAMES: [&str; 22] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost..",
    "a.localhost",
    "localhost.localdomain",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "loc%61lhost",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "metadata.goog",
    "instance-data",
    "kubernetes.default.svc.cluster.local",
    "intranet",
    "①②⑦.⓪.⓪.①",
    "[::]",
    "[::1]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[fe80::1%25eth0]",
];

#[test]
fn no_spelling_of_an_inside_address_passes() {
    let hosts = INSIDE.into_iter().flat_map(hosts);
    let hosts: BTreeSet<String> = hosts.chain(NAMES.map(str::to_owned)).collect();
    let urls: BTreeSet<String> = hosts.iter().flat_map(|host| urls(host)).collect();
    assert!(hosts.len() >= 500 && urls.len() >= 10_000, "{} {}", hosts.len(), urls.len());
    let gate = Gate::default();
    let passed: Vec<&String> = urls.iter().filter(|url| gate.admit(url).is_ok()).collect();
    assert!(passed.is_empty(), "{} of {} pass: {passed:?}", passed.len(), urls.len());
}

#[test]
fn what_passes_goes_where_it_says() {
    for (url, sent) in [
        ("https://a.example/x.png?a=b@c", "https://a.example/x.png?a=b@c"),
        ("HTTPS://A.Example:443", "https://a.example/"),
        ("http://a.example#@127.0.0.1/", "http://a.example/"),
        ("http://a.example?@127.0.0.1/", "http://a.example/?@127.0.0.1/"),
        ("http://a.example/@127.0.0.1/", "http://a.example/@127.0.0.1/"),
        ("https://XN--bcher-kva.example/é", "https://xn--bcher-kva.example/%C3%A9"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://134744072/", "http://8.8.8.8/"),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/"),
    ] {
        assert_eq!(Gate::default().admit(url).map(|it| it.as_str().to_owned()), Ok(sent.into()));
    }
}

/// A name of other letters may be another name to the next reader.
#[test]
fn hosts_are_written_in_ascii() {
    for host in ["bücher.example", "a。example", "ａ.example", "a%C3%BC.example", "example.한국"]
    {
        let url = format!("https://{host}/x.png");
        assert!(Gate::default().admit(&url).is_err(), "{url}");
    }
}

#[test]
fn a_redirect_is_read_from_where_it_stands_and_checked() {
    let gate = Gate::default();
    let at = gate.admit("https://a.example/b/c.png").unwrap();
    let next = |location| gate.admit_next(&at, location).map(|it| it.as_str().to_owned());
    assert_eq!(next("d.png"), Ok("https://a.example/b/d.png".to_owned()));
    assert_eq!(next("//c.example/"), Ok("https://c.example/".to_owned()));
    for location in
        ["http://127.0.0.1/", "//0x7f.1/", "//[::1]/", "file:///etc/passwd", "/\\127.0.0.1", "//"]
    {
        assert!(next(location).is_err(), "{location}");
    }
}

#[test]
fn an_allowed_place_is_a_host_and_a_port() {
    let places = ["127.0.0.1:9100", "Files.Internal:80", "[::1]:9000"];
    let gate = Gate::new(places.map(|place| Place::parse(place).unwrap()).to_vec());
    for url in ["http://127.0.0.1:9100/x", "http://files.internal/", "https://[0::1]:9000/"] {
        assert!(gate.admit(url).unwrap().is_allowed(), "{url}");
    }
    assert!(!gate.admit("http://8.8.8.8/").unwrap().is_allowed());
    for url in ["http://127.0.0.1/", "http://127.0.0.2:9100/", "https://files.internal/"] {
        assert!(gate.admit(url).is_err(), "{url}");
    }
}

#[test]
fn a_place_that_nobody_may_reach_is_not_allowed() {
    for text in [
        "",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:90000",
        "127.0.0.1:80/x",
        "http://127.0.0.1:80",
        "user@a.example:80",
        "169.254.169.254:80",
        "metadata.google.internal:80",
        "[fd00:ec2::254]:80",
        "127.1:80",
        "::1:80",
    ] {
        assert!(Place::parse(text).is_err(), "{text}");
    }
}
