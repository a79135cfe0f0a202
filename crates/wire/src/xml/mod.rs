//! XML: bodies of restXml and answers of the query protocol.

mod read;
mod write;

pub(crate) use read::{Element, XmlReader};
pub(crate) use write::{XmlWriter, escape};

#[cfg(test)]
mod tests;
