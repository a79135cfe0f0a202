//! Consumed capacity, in units. Source: the developer guide, "DynamoDB read and write operations"
//! and "Provisioned capacity mode". Sizes are AWS's item sizes in bytes.

/// Bytes that a read unit covers.
const READ_UNIT: usize = 4096;
/// Bytes that a write unit covers.
const WRITE_UNIT: usize = 1024;

/// How a read is made; decides what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Half a unit for each 4 KB.
    Eventual,
    /// One unit for each 4 KB.
    Strong,
    /// Two units for each 4 KB.
    Transactional,
}

/// Units for reading `size` bytes together: one item, or all that a page of a Query or Scan
/// evaluated. What is not there costs the least there is.
pub fn read(size: usize, read: Read) -> f64 {
    let blocks = size.div_ceil(READ_UNIT).max(1) as f64;
    match read {
        Read::Eventual => blocks / 2.0,
        Read::Strong => blocks,
        Read::Transactional => blocks * 2.0,
    }
}

/// Units for writing an item of a table: the larger of the two images counts, an absent one as 0.
/// Failed conditions cost the same; a transaction costs twice that.
pub fn write(old: usize, new: usize, transactional: bool) -> f64 {
    let blocks = old.max(new).div_ceil(WRITE_UNIT).max(1) as f64;
    if transactional { blocks * 2.0 } else { blocks }
}

/// What a write does to one index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChange {
    /// The index has no entry before or after, or the same one.
    None,
    /// An entry comes: its size.
    Insert(usize),
    /// An entry goes: its size.
    Delete(usize),
    /// Projected attributes change and the key stays: sizes before and after.
    Update(usize, usize),
    /// The entry moves to another key: sizes before and after. A deletion and an insertion.
    Move(usize, usize),
}

/// Units for what a write does to one index.
pub fn index_write(change: IndexChange, transactional: bool) -> f64 {
    match change {
        IndexChange::None => 0.0,
        IndexChange::Insert(size) | IndexChange::Delete(size) => write(size, 0, transactional),
        IndexChange::Update(old, new) => write(old, new, transactional),
        IndexChange::Move(old, new) => write(old, 0, transactional) + write(0, new, transactional),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(got: f64, expect: f64, what: &str) {
        assert!((got - expect).abs() < f64::EPSILON, "{what}: {got} instead of {expect}");
    }

    #[test]
    fn reads() {
        for (size, eventual) in
            [(0, 0.5), (1, 0.5), (4096, 0.5), (4097, 1.0), (8192, 1.0), (409_600, 50.0)]
        {
            equal(read(size, Read::Eventual), eventual, "eventual");
            equal(read(size, Read::Strong), eventual * 2.0, "strong");
            equal(read(size, Read::Transactional), eventual * 4.0, "transactional");
        }
    }

    #[test]
    fn writes() {
        for (old, new, units) in [
            (0, 0, 1.0),
            (0, 1, 1.0),
            (1024, 0, 1.0),
            (0, 1025, 2.0),
            (5000, 10, 5.0),
            (1, 409_600, 400.0),
        ] {
            equal(write(old, new, false), units, "write");
            equal(write(old, new, true), units * 2.0, "transactional");
        }
    }

    #[test]
    fn indexes() {
        for (change, units) in [
            (IndexChange::None, 0.0),
            (IndexChange::Insert(10), 1.0),
            (IndexChange::Delete(1025), 2.0),
            (IndexChange::Update(10, 2000), 2.0),
            (IndexChange::Move(10, 20), 2.0),
            (IndexChange::Move(1025, 20), 3.0),
        ] {
            equal(index_write(change, false), units, "index");
            equal(index_write(change, true), units * 2.0, "transactional");
        }
    }
}
