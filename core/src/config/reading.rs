//! How does a reading go on after a mistake? It notes it and takes the next value.

use std::collections::BTreeSet;

use super::{
    document::{Said, Table},
    mistake::Mistake,
    variables::Environment,
};

/// The environment, and the mistakes so far.
pub(super) struct Reading<'r> {
    /// The variables.
    pub(super) environment: Environment<'r>,
    mistakes: Vec<Mistake>,
    /// Lines that are not TOML: what follows from them is not a mistake of its own.
    broken: BTreeSet<Option<usize>>,
}

impl<'r> Reading<'r> {
    /// A reading without mistakes.
    pub(super) fn new(environment: Environment<'r>) -> Self {
        Self { environment, mistakes: Vec::new(), broken: BTreeSet::new() }
    }

    /// Notes a mistake.
    pub(super) fn note(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// Notes what the parser could not read. The first thing of a line counts: the others follow from it.
    pub(super) fn note_syntax(&mut self, mistake: Mistake) {
        if self.broken.insert(mistake.line) {
            self.mistakes.push(mistake);
        }
    }

    /// Notes that something is not there. That means nothing in a file that could not be read whole, and little in a
    /// table that is switched off.
    pub(super) fn note_missing(&mut self, table: &Table<'_>, what: &str) {
        if self.broken.is_empty() && !table.is_disabled() {
            self.note(table.mistake(&format!("needs {what}")));
        }
    }

    /// The value that was read, or else its mistake is noted.
    pub(super) fn keep<T>(&mut self, read: Result<T, Mistake>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(mistake) if self.broken.contains(&mistake.line) => None,
            Err(mistake) => {
                self.note(mistake);
                None
            }
        }
    }

    /// The values of a list that were read; the mistakes of the others are noted.
    pub(super) fn keep_all<T>(&mut self, read: Vec<Result<T, Mistake>>) -> Vec<T> {
        read.into_iter().filter_map(|read| self.keep(read)).collect()
    }

    /// A value that a variable may give too; the variable wins, and both must be right.
    pub(super) fn setting<T>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        variable: &'static str,
        read: impl Fn(&Said<'_>) -> Result<T, Mistake>,
    ) -> Option<T> {
        let of_file = table.take(key).and_then(|said| self.keep(read(&said)));
        let of_variable = self.environment.said(variable).and_then(|said| self.keep(read(&said)));
        of_variable.or(of_file)
    }

    /// A value that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        read: impl Fn(&Said<'_>) -> Result<T, Mistake>,
    ) -> Option<T> {
        table.take(key).and_then(|said| self.keep(read(&said)))
    }

    /// A value that must be there.
    pub(super) fn needed<T>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        mut read: impl FnMut(&Said<'_>) -> Result<T, Mistake>,
    ) -> Option<T> {
        let Some(said) = table.take(key) else {
            self.note_missing(table, &format!("`{key}`"));
            return None;
        };
        self.keep(read(&said))
    }

    /// A value that must be there unless there is a usual one.
    pub(super) fn needed_or<T>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        usual: Option<T>,
        read: impl Fn(&Said<'_>) -> Result<T, Mistake>,
    ) -> Option<T> {
        match (table.has(key), usual) {
            (false, Some(usual)) => {
                table.take(key);
                Some(usual)
            }
            (true, _) | (false, None) => self.needed(table, key, read),
        }
    }

    /// Whether a declared thing is switched on, as it is unless it says `enabled = false`.
    pub(super) fn enabled(&mut self, table: &mut Table<'_>) -> bool {
        let enabled = table.enabled();
        self.keep(enabled).unwrap_or(true)
    }

    /// The table `key`, empty when it is not there. `name` is how the file writes it.
    pub(super) fn table<'t>(
        &mut self,
        parent: &mut Table<'t>,
        key: &'static str,
        name: &'static str,
    ) -> Table<'t> {
        let table = parent.table(key, name);
        self.keep(table).unwrap_or_else(|| parent.nothing(name))
    }

    /// The tables `key`, one for each `[[key]]`.
    pub(super) fn tables<'t>(
        &mut self,
        parent: &mut Table<'t>,
        key: &'static str,
        name: &'static str,
    ) -> Vec<Table<'t>> {
        let tables = parent.tables(key, name);
        tables.into_iter().filter_map(|table| self.keep(table)).collect()
    }

    /// Ends a table: the keys that nobody took are mistakes.
    pub(super) fn end_table(&mut self, table: Table<'_>) {
        for mistake in table.end() {
            self.keep::<()>(Err(mistake));
        }
    }

    /// All mistakes: the file's by line, then the environment's.
    pub(super) fn end(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|mistake| mistake.line.unwrap_or(usize::MAX));
        self.mistakes.dedup();
        self.mistakes
    }
}
