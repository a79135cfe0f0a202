//! Attribute values as shapes: read from a message into the stored form and written from it, with
//! nothing in between.

use cumulet_shape::{
    Faults, Kind, Location, Member, ReadError, Reader, Rules, Schema, Shape, Structure, Writer,
};

use crate::{
    Item, ItemBuilder, MAX_ITEM_SIZE, MapRef, NumberText, Type, Value, ValueError, ValueRef,
};

/// Bytes of a message's map of attribute values by AWS's count, at most: the developer guide gives
/// expression values 2 MB. That an item has 400 KB at most is its user's to check.
const MAX_ATTRIBUTES: usize = 2 << 20;

/// An item, a key or a map of expression values in a message.
///
/// A fault of its values is kept until the handler asks, because DynamoDB checks values after the
/// request's other parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes(pub Result<Item, AttributeFault>);

/// What is wrong with a map of attribute values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeFault {
    /// The outermost name (attribute or placeholder) under which the fault was found.
    pub name: String,
    /// The fault.
    pub error: ValueError,
}

/// One attribute value in a message: an expression's operand. Faults are kept as in [`Attributes`].
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeValue(pub Result<Value, ValueError>);

impl Default for Attributes {
    fn default() -> Self {
        Self(Ok(Item::empty()))
    }
}

impl Default for AttributeValue {
    fn default() -> Self {
        Self(Err(ValueError::Empty))
    }
}

impl From<Item> for Attributes {
    fn from(item: Item) -> Self {
        Self(Ok(item))
    }
}

impl From<Value> for AttributeValue {
    fn from(value: Value) -> Self {
        Self(Ok(value))
    }
}

/// The types in the model's order.
const TYPES: [Type; 10] = [
    Type::S,
    Type::N,
    Type::B,
    Type::SS,
    Type::NS,
    Type::BS,
    Type::M,
    Type::L,
    Type::Null,
    Type::Bool,
];

const fn member(wire: &'static str) -> Member {
    let schema = Schema { kind: Kind::Custom, rules: &Rules::NONE };
    Member { name: wire, wire, at: Location::Body, required: false, schema }
}

static MEMBERS: [Member; 10] = [
    member("S"),
    member("N"),
    member("B"),
    member("SS"),
    member("NS"),
    member("BS"),
    member("M"),
    member("L"),
    member("NULL"),
    member("BOOL"),
];
static STRUCTURE: Structure = Structure { name: "AttributeValue", members: &MEMBERS };
const PLAIN: Schema = Schema { kind: Kind::Custom, rules: &Rules::NONE };

impl Shape for Attributes {
    const KIND: Kind = Kind::Custom;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        let mut builder = ItemBuilder::with_limit(MAX_ATTRIBUTES);
        read_entries(r, &mut builder)?;
        let name = builder.fault().map(|(name, _)| name.to_owned());
        let fault = |error| AttributeFault { name: name.unwrap_or_default(), error };
        Ok(Self(builder.finish().map_err(fault)))
    }

    fn write(&self, _: Schema, w: &mut dyn Writer) {
        if let Ok(item) = &self.0 {
            write_map(item.attributes(), w);
        }
    }
}

impl Shape for AttributeValue {
    const KIND: Kind = Kind::Custom;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        let mut builder = ItemBuilder::single(MAX_ITEM_SIZE);
        read_value(r, &mut builder)?;
        Ok(Self(builder.finish_value()))
    }

    fn write(&self, _: Schema, w: &mut dyn Writer) {
        if let Ok(value) = &self.0 {
            write_value(value.view(), w);
        }
    }
}

fn read_entries(r: &mut dyn Reader, builder: &mut ItemBuilder) -> Result<(), ReadError> {
    r.map(PLAIN, &mut |name, r| {
        builder.name(name);
        read_value(r, builder)
    })
}

fn read_value(r: &mut dyn Reader, builder: &mut ItemBuilder) -> Result<(), ReadError> {
    builder.begin_value();
    if !r.null()? {
        r.structure(&STRUCTURE, &mut |index, r| match TYPES.get(index) {
            Some(kind) => read_typed(*kind, r, builder),
            None => Ok(()),
        })?;
    }
    builder.end_value();
    Ok(())
}

fn read_typed(kind: Type, r: &mut dyn Reader, builder: &mut ItemBuilder) -> Result<(), ReadError> {
    match kind {
        Type::S => builder.string(&r.string()?),
        Type::N => builder.number(&r.string()?),
        Type::B => builder.binary(&r.blob()?),
        Type::Bool => builder.bool(r.boolean()?),
        Type::Null => builder.null(r.boolean()?),
        Type::SS | Type::NS => {
            builder.begin_set(kind);
            r.list(PLAIN, &mut |r| {
                builder.member(&r.string()?);
                Ok(())
            })?;
            builder.end();
        }
        Type::BS => {
            builder.begin_set(kind);
            r.list(PLAIN, &mut |r| {
                builder.member_bytes(&r.blob()?);
                Ok(())
            })?;
            builder.end();
        }
        Type::L => {
            builder.begin_list();
            r.list(PLAIN, &mut |r| read_value(r, builder))?;
            builder.end();
        }
        Type::M => {
            builder.begin_map();
            read_entries(r, builder)?;
            builder.end();
        }
    }
    Ok(())
}

fn write_map(map: MapRef<'_>, w: &mut dyn Writer) {
    w.map(PLAIN, map.len(), &mut |w| {
        for (name, value) in map.iter() {
            w.key(name);
            write_value(value, w);
        }
    });
}

fn write_value(value: ValueRef<'_>, w: &mut dyn Writer) {
    w.structure(&STRUCTURE, PLAIN, &mut |w| {
        let member = TYPES.iter().position(|kind| *kind == value.kind());
        if member.and_then(|index| MEMBERS.get(index)).is_some_and(|member| w.member(member)) {
            write_typed(value, w);
        }
    });
}

fn write_typed(value: ValueRef<'_>, w: &mut dyn Writer) {
    match value {
        ValueRef::S(text) => w.string(PLAIN, text),
        ValueRef::N(number) => w.string(PLAIN, number.text(&mut NumberText::new())),
        ValueRef::B(bytes) => w.blob(PLAIN, bytes),
        ValueRef::Bool(value) => w.boolean(PLAIN, value),
        ValueRef::Null => w.boolean(PLAIN, true),
        ValueRef::SS(_) | ValueRef::NS(_) | ValueRef::BS(_) => {
            let members = value.members();
            w.list(PLAIN, members.len(), &mut |w| {
                for member in value.members() {
                    write_typed(member, w);
                }
            });
        }
        ValueRef::L(list) => w.list(PLAIN, list.len(), &mut |w| {
            for value in list.iter() {
                write_value(value, w);
            }
        }),
        ValueRef::M(map) => write_map(map, w),
    }
}
