//! Can a request go round in a circle between groups, or through too many? Then the group is not saved.

use std::collections::BTreeSet;

use super::groups::Groups;
use crate::{
    error::{Error, Result},
    limits::GROUP_DEPTH_MAX,
};

/// Refuses a group from which a request could come back to it, or go through too many.
pub(crate) fn refuse(groups: &Groups, start: &str) -> Result<()> {
    let mut done = BTreeSet::new();
    // Groups on the way to the one that is looked at, and those that are still to be looked at from each.
    let mut way = vec![(start, next(groups, start))];
    while let Some((id, open)) = way.last_mut() {
        let Some(next_id) = open.pop() else {
            done.insert(*id);
            way.pop();
            continue;
        };
        if done.contains(next_id) {
            continue;
        }
        let names: Vec<&str> = way.iter().map(|(id, _)| *id).chain([next_id]).collect();
        if names[..names.len() - 1].contains(&next_id) {
            return Err(told(&names).coded("cycle"));
        }
        if names.len() > GROUP_DEPTH_MAX {
            return Err(too_deep().coded("too_deep"));
        }
        way.push((next_id, next(groups, next_id)));
    }
    Ok(())
}

/// A circle, in words.
pub(super) fn told(names: &[&str]) -> Error {
    let message = format!("The groups go round in a circle: {}.", names.join(" → "));
    Error::bad_request(message).at("targets")
}

/// A way that is too long, in words.
pub(super) fn too_deep() -> Error {
    let message = format!("Groups lead to groups more than {GROUP_DEPTH_MAX} deep.");
    Error::bad_request(message).at("targets")
}

fn next<'a>(groups: &'a Groups, id: &str) -> Vec<&'a str> {
    let names = groups.find(id).into_iter().flat_map(|entry| entry.group.leads_to());
    let found: BTreeSet<&str> = names.filter_map(|name| Some(&*groups.find(name)?.id)).collect();
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::route::Entry;

    fn groups(list: &[(&str, &[&str])]) -> Groups {
        let group = |targets: &[&str]| {
            let targets: Vec<_> =
                targets.iter().map(|name| serde_json::json!({ "name": name })).collect();
            let body = serde_json::json!({ "strategy": "priority", "targets": targets });
            serde_json::from_value(body).unwrap()
        };
        Groups::new(list.iter().map(|(id, targets)| Arc::new(Entry::new(id, group(targets)))))
    }

    #[test]
    fn a_circle_is_refused_and_told() {
        let check = |list: &[(&str, &[&str])], message: Option<&str>| {
            let found = refuse(&groups(list), "a").err();
            assert_eq!(found.as_ref().map(|error| &*error.message), message);
        };
        check(&[("a", &["gpt-4o", "b"]), ("b", &["c", "x/y"]), ("c", &["gpt-4o"])], None);
        check(&[("a", &["a"])], Some("The groups go round in a circle: a → a."));
        let circle = "The groups go round in a circle: a → b → c → a.";
        check(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])], Some(circle));
        // Two ways to one place are no circle.
        check(&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &["m"])], None);
    }

    #[test]
    fn a_long_way_is_refused() {
        let ids: Vec<String> = ('a'..='l').map(String::from).collect();
        let next: Vec<[&str; 1]> = ids[1..].iter().map(|id| [id.as_str()]).collect();
        let list: Vec<(&str, &[&str])> =
            ids.iter().zip(&next).map(|(id, next)| (id.as_str(), &next[..])).collect();
        assert!(refuse(&groups(&list[..10]), "a").is_ok());
        assert!(refuse(&groups(&list), "a").is_err());
    }
}
