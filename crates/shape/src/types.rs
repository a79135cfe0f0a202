//! The plain types as shapes.

use std::collections::BTreeMap;

use bytes::Bytes;

pub use cumulet_base::Timestamp;

use crate::{Faults, Kind, ReadError, Reader, Schema, Shape, Writer};

impl Shape for String {
    const KIND: Kind = Kind::String;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.string().map(std::borrow::Cow::into_owned)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.string(schema, self);
    }
}

impl Shape for bool {
    const KIND: Kind = Kind::Boolean;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.boolean()
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.boolean(schema, *self);
    }
}

impl Shape for i32 {
    const KIND: Kind = Kind::Integer;

    fn read(schema: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        let expected = ReadError::Type { found: "NUMBER_VALUE", expected: "Integer" };
        Self::try_from(r.integer(schema)?).map_err(|_| expected)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.integer(schema, i64::from(*self));
    }
}

impl Shape for i64 {
    const KIND: Kind = Kind::Long;

    fn read(schema: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.integer(schema)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.integer(schema, *self);
    }
}

impl Shape for f32 {
    const KIND: Kind = Kind::Float;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.float().map(|value| value as Self)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.float(schema, f64::from(*self));
    }
}

impl Shape for f64 {
    const KIND: Kind = Kind::Double;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.float()
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.float(schema, *self);
    }
}

impl Shape for Bytes {
    const KIND: Kind = Kind::Blob;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.blob().map(|blob| Self::from(blob.into_owned()))
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.blob(schema, self);
    }
}

impl Shape for Timestamp {
    const KIND: Kind = Kind::Timestamp;

    fn read(schema: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.timestamp(schema)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.timestamp(schema, *self);
    }
}

impl Shape for serde_json::Value {
    const KIND: Kind = Kind::Document;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.document()
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        w.document(schema, self);
    }
}

impl<T: Shape> Shape for Option<T> {
    const KIND: Kind = T::KIND;

    fn read(schema: Schema, r: &mut dyn Reader, faults: &mut Faults) -> Result<Self, ReadError> {
        if r.null()? { Ok(None) } else { T::read(schema, r, faults).map(Some) }
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        if let Some(value) = self {
            value.write(schema, w);
        }
    }

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn take_stream(&mut self) -> Option<cumulet_base::Body> {
        self.as_mut().and_then(T::take_stream)
    }
}

impl<T: Shape> Shape for Box<T> {
    const KIND: Kind = T::KIND;

    fn read(schema: Schema, r: &mut dyn Reader, faults: &mut Faults) -> Result<Self, ReadError> {
        T::read(schema, r, faults).map(Self::new)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        self.as_ref().write(schema, w);
    }
}

impl<T: Shape> Shape for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(schema: Schema, r: &mut dyn Reader, faults: &mut Faults) -> Result<Self, ReadError> {
        let (each, mut list) = (schema.each(), Self::new());
        r.list(schema, &mut |r| {
            let mark = faults.mark();
            list.push(T::read(each, r, faults)?);
            faults.within_item(mark, &list.len());
            Ok(())
        })?;
        Ok(list)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        let each = schema.each();
        w.list(schema, self.len(), &mut |w| {
            for item in self {
                item.write(each, w);
            }
        });
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);

    fn read(schema: Schema, r: &mut dyn Reader, faults: &mut Faults) -> Result<Self, ReadError> {
        let (each, mut map) = (schema.each(), Self::new());
        r.map(schema, &mut |key, r| {
            let mark = faults.mark();
            let value = T::read(each, r, faults)?;
            faults.within_item(mark, &key);
            map.insert(key.to_owned(), value);
            Ok(())
        })?;
        Ok(map)
    }

    fn write(&self, schema: Schema, w: &mut dyn Writer) {
        let each = schema.each();
        w.map(schema, self.len(), &mut |w| {
            for (key, value) in self {
                w.key(key);
                value.write(each, w);
            }
        });
    }
}
