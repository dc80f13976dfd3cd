//! What could not cross from one dialect to another?

/// The names of request fields that the provider's dialect cannot express, as the client wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    names: Vec<String>,
}

impl Losses {
    /// Notes a field once, however often it is lost.
    pub(crate) fn lose(&mut self, name: impl Into<String>) {
        let name = name.into();
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Notes a field if it is there.
    pub(crate) fn lose_if(&mut self, present: bool, name: &str) {
        if present {
            self.lose(name);
        }
    }

    /// A field that is taken; where it is not, it is lost if it is there.
    pub(crate) fn keep_if<T>(&mut self, taken: bool, value: Option<T>, name: &str) -> Option<T> {
        self.lose_if(!taken && value.is_some(), name);
        value.filter(|_| taken)
    }

    /// The names, in the order they were lost.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}
