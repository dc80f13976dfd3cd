//! When does a store get the groups that everybody begins with? Once, however many begin, and what becomes of them stays.

use std::sync::{Arc, atomic::Ordering};

use crate::common::{
    World,
    papers::{Papers, document},
};
use futures_executor::block_on;
use futures_util::future::join3;
use tidegate_core::{
    config::Config,
    store::{Change, Kind},
};

const FIRST: [&str; 7] = [
    "deepseek-auto",
    "dispatcher",
    "fast-flow",
    "gemini-auto",
    "heavy-logic",
    "openai-auto",
    "standard-pro",
];

fn refresh(world: &World) {
    block_on(world.gateway.refresh()).expect("the papers can be read");
}

#[test]
fn many_begin_at_once_and_the_groups_are_given_once() {
    let papers = Arc::new(Papers::default());
    let worlds = [0; 3].map(|_| World::over(papers.clone(), |_| {}));
    let [one, two, three] = worlds.each_ref().map(|world| world.gateway.refresh());
    let (one, two, three) = block_on(join3(one, two, three));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(papers.groups(), FIRST);
    let revisions = papers.documents.lock().expect("no panic").iter().map(|it| it.revision).max();
    assert_eq!(revisions, Some(1), "one commit of one of them");
    for world in &worlds {
        refresh(world);
    }
    assert_eq!(papers.documents.lock().expect("no panic").len(), FIRST.len() + 1);
}

#[test]
fn what_is_deleted_does_not_come_back() {
    let papers = Arc::new(Papers::default());
    refresh(&World::over(papers.clone(), |_| {}));
    let deletions =
        FIRST.map(|id| Change::Delete { kind: Kind::Group, id: id.to_owned(), version: 1 });
    papers.apply(deletions.into()).expect("they are there");
    // A process that goes on, and one that begins.
    let later = World::over(papers.clone(), |_| {});
    refresh(&later);
    refresh(&later);
    assert!(papers.groups().is_empty());
}

#[test]
fn an_id_that_is_in_use_is_left_alone() {
    let papers = Arc::new(Papers::default());
    let own = r#"{"strategy":"priority","targets":[{"name":"mock"}]}"#;
    papers.apply(vec![document(Kind::Group, "dispatcher", own)]).expect("it is free");
    let declared = "[[group]]\nid = \"fast-flow\"\ntargets = [\"mock\"]\n";
    let declared = Config::read(Some(declared), &|_| None).expect("a test writes it well").groups;
    refresh(&World::over(papers.clone(), |config| config.groups = declared));
    let without: Vec<&str> = FIRST.into_iter().filter(|id| *id != "fast-flow").collect();
    assert_eq!(papers.groups(), without);
    let documents = papers.documents.lock().expect("no panic");
    assert!(documents.iter().any(|it| it.id == "dispatcher" && it.body == own));
}

#[test]
fn a_store_that_takes_nothing_is_no_reason_not_to_serve() {
    let papers = Arc::new(Papers::default());
    papers.locked.store(true, Ordering::Relaxed);
    let world = World::over(papers.clone(), |_| {});
    refresh(&world);
    assert!(papers.groups().is_empty());
    papers.locked.store(false, Ordering::Relaxed);
    refresh(&world);
    assert_eq!(papers.groups(), FIRST);
    let _ = World::new();
}
