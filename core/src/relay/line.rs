//! Who stands in line for a request? Its targets, and after some failures those that its groups name for them.

use std::collections::VecDeque;

use super::resolve::Target;
use crate::route::Instead;

/// The targets of a request in their order.
pub(super) struct Line {
    next: VecDeque<Target>,
    asked: Vec<Target>,
    /// For which failure the next ones are.
    reason: Option<Instead>,
}

impl Line {
    /// These, one after another.
    pub(super) fn new(targets: Vec<Target>) -> Self {
        Self { next: targets.into(), asked: Vec::new(), reason: None }
    }

    /// Whose turn it is.
    pub(super) fn take(&mut self) -> Option<Target> {
        self.next.pop_front()
    }

    /// Whose turn would be next.
    pub(super) fn peek(&self) -> Option<&Target> {
        self.next.front()
    }

    /// They have had their turn out of turn.
    pub(super) fn skip(&mut self) {
        self.asked.extend(self.next.pop_front());
    }

    /// It has had its turn.
    pub(super) fn leave(&mut self, target: Target) {
        self.asked.push(target);
    }

    /// From here on only those are asked that are named for this failure, and nobody twice.
    pub(super) fn turn_to(&mut self, reason: Instead, named: Vec<Target>) {
        if self.reason != Some(reason) {
            self.next.clear();
        }
        let rest = std::mem::take(&mut self.next);
        for target in named.into_iter().chain(rest) {
            let known = self.asked.iter().chain(&self.next).any(|known| known.is(&target));
            if !known {
                self.next.push_back(target);
            }
        }
        self.reason = Some(reason);
    }
}
