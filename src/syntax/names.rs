//! One copy of each name of a file. Knows nothing of what names mean.

use std::collections::HashSet;

use crate::base::Name;

#[derive(Default)]
pub(super) struct Names {
    known: HashSet<Name>,
}

impl Names {
    pub fn get(&mut self, text: &str) -> Name {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let name = Name::from(text);
        self.known.insert(name.clone());
        name
    }
}
