//! Sizes as AWS counts them for limits and capacity. Source: the developer guide, "DynamoDB item
//! sizes and formats".

use crate::view::{MapRef, ValueRef};

/// What a list or a map counts besides its elements.
pub(crate) const CONTAINER: usize = 3;
/// What each element of a list and each pair of a nested map counts besides itself.
pub(crate) const ELEMENT: usize = 1;

impl ValueRef<'_> {
    /// Bytes that the value counts for in an item, without its name.
    pub fn size(self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::SS(_) | Self::NS(_) | Self::BS(_) => self.members().map(ValueRef::size).sum(),
            Self::L(list) => {
                CONTAINER + list.iter().map(|value| ELEMENT + value.size()).sum::<usize>()
            }
            Self::M(map) => CONTAINER + ELEMENT * map.len() + map.size(),
        }
    }
}

impl MapRef<'_> {
    /// Bytes of the names and values as an item's attributes: without what a nested map adds.
    pub fn size(self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.size()).sum()
    }
}
