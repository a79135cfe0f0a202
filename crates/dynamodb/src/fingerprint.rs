//! A fingerprint of a message: equal for equal content, however its JSON was ordered.

use aws_lc_rs::digest::{Context, SHA256};
use cumulet_base::Timestamp;
use cumulet_shape::{Member, Schema, Shape, Structure, Writer};

/// SHA-256 of a shape's content, in hexadecimal digits.
pub(crate) fn of<T: Shape>(shape: &T) -> String {
    let mut writer = Digest(Context::new(&SHA256));
    shape.write(Schema::of::<T>(), &mut writer);
    let digest = writer.0.finish();
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes a message into a digest: each part with a tag and a length, so that no two messages give
/// the same bytes.
struct Digest(Context);

impl Digest {
    fn part(&mut self, tag: u8, bytes: &[u8]) {
        self.0.update(&[tag]);
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }
}

impl Writer for Digest {
    fn structure(
        &mut self,
        _: &'static Structure,
        _: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        self.part(b'{', &[]);
        members(self);
        self.part(b'}', &[]);
    }

    fn member(&mut self, member: &'static Member) -> bool {
        self.part(b'm', member.wire.as_bytes());
        true
    }

    fn list(&mut self, _: Schema, len: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        self.part(b'[', &(len as u64).to_be_bytes());
        items(self);
    }

    fn map(&mut self, _: Schema, len: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        self.part(b'<', &(len as u64).to_be_bytes());
        entries(self);
    }

    fn key(&mut self, key: &str) {
        self.part(b'k', key.as_bytes());
    }

    fn boolean(&mut self, _: Schema, value: bool) {
        self.part(b'b', &[u8::from(value)]);
    }

    fn integer(&mut self, _: Schema, value: i64) {
        self.part(b'i', &value.to_be_bytes());
    }

    fn float(&mut self, _: Schema, value: f64) {
        self.part(b'f', &value.to_be_bytes());
    }

    fn string(&mut self, _: Schema, value: &str) {
        self.part(b's', value.as_bytes());
    }

    fn blob(&mut self, _: Schema, value: &[u8]) {
        self.part(b'x', value);
    }

    fn timestamp(&mut self, _: Schema, value: Timestamp) {
        self.part(b't', &value.millis().to_be_bytes());
    }

    fn document(&mut self, _: Schema, value: &serde_json::Value) {
        self.part(b'd', value.to_string().as_bytes());
    }
}
