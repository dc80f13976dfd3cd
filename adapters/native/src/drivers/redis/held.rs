//! What do requests of this process hold, and where? Whoever begins to count is told, so that nothing is given twice.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidegate_core::store::{Add, Reservation};

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Redis.
    Redis,
    /// The database, while Redis is away.
    Store,
}

/// What is reserved and not yet settled.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<String, One>>);

/// What one request holds.
#[derive(Default)]
struct One {
    parts: Vec<(Reservation, Vec<Place>)>,
}

impl Held {
    /// A request holds this there.
    pub(super) fn note(&self, reservation: &Reservation, place: Place) {
        let mut all = self.all();
        let one = all.entry(reservation.id.clone()).or_default();
        let part = one.parts.iter_mut().find(|(held, _)| held.part == reservation.part);
        match part {
            Some((_, places)) if places.contains(&place) => {}
            Some((_, places)) => places.push(place),
            None => one.parts.push((uncapped(reservation), vec![place])),
        }
    }

    /// What a request holds is known there, too, if it still holds it.
    pub(super) fn told(&self, reservation: &Reservation, place: Place) {
        if let Some(one) = self.all().get_mut(&reservation.id) {
            let parts = one.parts.iter_mut().filter(|(held, _)| held.part == reservation.part);
            parts.for_each(|(_, places)| places.push(place));
        }
    }

    /// Redis knows of nothing any more.
    pub(super) fn forget_redis(&self) {
        for (_, places) in self.all().values_mut().flat_map(|one| &mut one.parts) {
            places.retain(|place| *place == Place::Store);
        }
    }

    /// What is held and not known there. It was let in, so it has no cap any more.
    pub(super) fn unknown_to(&self, place: Place) -> Vec<Reservation> {
        let all = self.all();
        let parts = all.values().flat_map(|one| &one.parts);
        let missing = parts.filter(|(_, places)| !places.contains(&place));
        missing.map(|(reservation, _)| reservation.clone()).collect()
    }

    /// Forgets a request that is settled. Whether the database may know that it held something.
    pub(super) fn settle(&self, id: &str) -> Option<bool> {
        let one = self.all().remove(id)?;
        Some(one.parts.iter().any(|(_, places)| places.contains(&Place::Store)))
    }

    /// Forgets what is held for so long that nobody can be using it any more.
    pub(super) fn expire(&self, now_ms: i64) {
        self.all().retain(|_, one| one.parts.iter().any(|(held, _)| held.until_ms > now_ms));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, One>> {
        // Every change is complete before anything in here could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn uncapped(reservation: &Reservation) -> Reservation {
    let adds = reservation.adds.iter().map(|add| Add { cap: None, ..add.clone() }).collect();
    Reservation { adds, ..reservation.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reservation(id: &str, part: i64) -> Reservation {
        let name = "a".to_owned();
        let add = Add { name, by: 1, floor: None, cap: Some(1), expires_at_ms: 9 };
        Reservation { id: id.to_owned(), part, adds: vec![add], until_ms: 5 }
    }

    #[test]
    fn what_is_held_is_told_to_whoever_does_not_know() {
        let held = Held::default();
        held.note(&reservation("r1", 0), Place::Redis);
        held.note(&reservation("r1", 1), Place::Store);
        held.note(&reservation("r2", 0), Place::Redis);
        let told = |place| {
            let mut all: Vec<_> = held
                .unknown_to(place)
                .into_iter()
                .map(|it| (it.id, it.part, it.adds[0].cap))
                .collect();
            all.sort();
            all
        };
        assert_eq!(told(Place::Redis), [("r1".to_owned(), 1, None)]);
        assert_eq!(told(Place::Store).len(), 2);
        held.told(&reservation("r1", 1), Place::Redis);
        assert_eq!(told(Place::Redis).len(), 0);
        held.forget_redis();
        assert_eq!(told(Place::Redis).len(), 3);
        assert_eq!((held.settle("r1"), held.settle("r1")), (Some(true), None));
        assert_eq!(held.settle("r2"), Some(false));
        held.told(&reservation("r2", 0), Place::Store);
        assert_eq!(held.settle("r2"), None);
    }

    #[test]
    fn what_nobody_settles_is_forgotten() {
        let held = Held::default();
        held.note(&reservation("r1", 0), Place::Redis);
        held.expire(4);
        assert_eq!(held.unknown_to(Place::Store).len(), 1);
        held.expire(5);
        assert_eq!(held.unknown_to(Place::Store).len(), 0);
    }
}
