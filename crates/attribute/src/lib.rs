//! DynamoDB's attribute values: numbers of 38 digits, the stored form of an item, borrowed views
//! of it, sizes as AWS counts them, and key bytes that sort as DynamoDB sorts.
//!
//! Pure values only. This crate knows no wire format (a `Reader` of crate `shape` drives
//! [`ItemBuilder`], a `Writer` walks [`ValueRef`]), no storage engine and no expressions.
//!
//! ```
//! use cumulet_attribute::{ItemBuilder, ValueRef};
//!
//! let mut builder = ItemBuilder::new();
//! builder.name("id");
//! builder.string("a");
//! builder.name("tags");
//! builder.begin_list();
//! builder.number("1.50");
//! builder.end();
//! let item = builder.finish().unwrap();
//! assert_eq!(item.get("id"), Some(ValueRef::S("a")));
//! assert_eq!(item.size(), 2 + 1 + 4 + 3 + 1 + 3);
//! ```

mod builder;
mod entries;
mod error;
mod format;
mod item;
mod key;
mod number;
mod number_bytes;
mod size;
mod view;
mod wire;

pub use builder::{ItemBuilder, MAX_ITEM_SIZE, MAX_NESTING};
pub use error::{Damaged, ValueError};
pub use item::{Item, Value};
pub use key::{KeyType, decode_key, encode_key, encode_key_prefix, partition_hash};
pub use number::Number;
pub use number_bytes::{NumberRef, NumberText};
pub use view::{ListRef, MapRef, SetRef, Type, ValueRef};
pub use wire::{AttributeFault, AttributeValue, Attributes};
