//! A list that is nearly always empty and then costs one word. Knows nothing of what it holds.

use std::ops::{Deref, DerefMut};

/// Reads like a slice; holds nothing without an allocation.
// A boxed vector is one word where a vector is three, and that is the whole point.
#[allow(clippy::box_collection)]
#[derive(Clone, PartialEq)]
pub struct Few<T>(Option<Box<Vec<T>>>);

impl<T> Few<T> {
    pub const fn new() -> Self {
        Few(None)
    }

    pub fn push(&mut self, item: T) {
        self.0.get_or_insert_default().push(item);
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few(None)
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        Few(if items.is_empty() { None } else { Some(Box::new(items)) })
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], |items| items)
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_deref_mut().map_or(&mut [], |items| items)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map_or_else(Vec::new, |items| *items).into_iter()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_read_like_a_slice() {
        let mut few: Few<u8> = Vec::new().into();
        assert!(few.is_empty() && few == Few::new() && few.iter().next().is_none());
        few.push(1);
        few.extend([2, 3]);
        few[0] = 9;
        assert_eq!(few.to_vec(), [9, 2, 3]);
        assert_eq!(format!("{few:?}"), "[9, 2, 3]");
        assert_eq!(few.into_iter().collect::<Few<u8>>().len(), 3);
    }
}
