//! A provider with many keys, perhaps with another one behind it, and which keys were shown.

use tidegate_core::{
    config::Config,
    identity::Secret,
    provider::{Host, Key, Provider},
};

use super::World;

/// Gives `up` so many keys, and puts another provider of the same model behind it.
pub(crate) fn keys(count: usize, second: &str) -> impl FnOnce(&mut Config) {
    let second = second.to_owned();
    move |config| {
        let up = &mut config.providers[0];
        let key = |at| Key::new(format!("up-{at}"), Secret::new(format!("sk-{at}")));
        up.keys = (1..=count).map(key).collect();
        if !second.is_empty() {
            let host = Host::Url(format!("http://{second}.example/v1"));
            let keys = vec![Key::new(format!("{second}-1"), Secret::new("sk-second".to_owned()))];
            let provider = Provider { id: second, host, keys, ..up.clone() };
            config.providers.push(provider);
        }
    }
}

/// The keys that were asked with, in order.
pub(crate) fn asked(world: &World) -> Vec<String> {
    let key = |(name, value): &(String, String)| {
        (name == "authorization").then(|| value.trim_start_matches("Bearer ").to_owned())
    };
    world.upstream.asked().iter().filter_map(|asked| asked.headers.iter().find_map(key)).collect()
}
