//! Telling a torn journal from a damaged one, before the engine opens it.
//!
//! Fjall ends a journal at the first entry that makes no sense and cuts the rest off. After a
//! power cut that is right: the last group had not been answered. But it refuses to open where a
//! torn group still parses and only its checksum is wrong, and where old pages have gone bad it
//! silently drops answered groups behind them. Here the journal is read first: whatever cannot be
//! read at its end is cut off; whatever cannot be read before a sound group is damage.
//!
//! The format (fjall 3.1, `journal/entry.rs`), little endian: a group is
//! `1 count:u32 seqno:u64`, then `count` entries `2 type:u8 compression:u8 keyspace:u64 key:u16
//! length:u32 stored:u32 key value` or `4 keyspace:u64`, then `3 xxh3(entries):u64 "FJL" 3`.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::OpenError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = *b"FJL\x03";
/// No group comes near it; a length beyond is nonsense and not worth reading.
const MAX_GROUP: u64 = 1 << 30;

/// Checks the journals of the engine in `folder`: cuts off what was torn, refuses damage.
pub(crate) fn check(folder: &Path) -> Result<(), OpenError> {
    remove_copies(folder)?;
    let journals = journals(folder)?;
    let Some((active, sealed)) = journals.split_last() else { return Ok(()) };
    for path in sealed {
        // The engine syncs a journal before it begins the next one.
        if let Tail::Torn { at } | Tail::Damaged { at } = read(path)? {
            return Err(damaged(path, at));
        }
    }
    match read(active)? {
        Tail::Clean => Ok(()),
        Tail::Damaged { at } => Err(damaged(active, at)),
        Tail::Torn { at } => {
            tracing::warn!(path = %active.display(), at, "cutting an unfinished group off");
            let file = File::options().write(true).open(active)?;
            file.set_len(at)?;
            file.sync_all()?;
            Ok(())
        }
    }
}

/// Writes the journals anew, byte by byte, after a failed write or fsync.
///
/// The kernel reports such a failure once and may then take the pages for clean: what is read
/// back from its cache need not be on the disk, and a later fsync says nothing about it. New
/// files make everything durable that the engine is about to recover from them.
pub(crate) fn rewrite(folder: &Path) -> io::Result<()> {
    for path in journals(folder)? {
        let copy = path.with_extension("copy");
        let mut from = File::open(&path)?;
        let mut to = File::create(&copy)?;
        // Not `io::copy`: it may share extents instead of reading and writing.
        let mut chunk = vec![0; 1 << 20];
        loop {
            let read = from.read(&mut chunk)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            to.write_all(bytes)?;
        }
        to.sync_all()?;
        fs::rename(&copy, &path)?;
    }
    File::open(folder)?.sync_all()
}

/// Removes what a rewriting that was cut off has left.
fn remove_copies(folder: &Path) -> io::Result<()> {
    if folder.try_exists()? {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "copy") {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

fn damaged(path: &Path, at: u64) -> OpenError {
    OpenError::Corrupt(format!(
        "{} is damaged at byte {at}, and what follows was stored: restore a backup",
        path.display()
    ))
}

/// The journal files, oldest first.
fn journals(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.try_exists()? {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if let Some(number) = number
                && path.extension().is_some_and(|extension| extension == "jnl")
            {
                found.push((number, path));
            }
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// How a journal ends.
#[derive(Debug, PartialEq, Eq)]
enum Tail {
    /// With a whole group, then nothing or zeros.
    Clean,
    /// With a group that was not completely written, from here on.
    Torn { at: u64 },
    /// There is a group that cannot be read here, and sound ones behind it.
    Damaged { at: u64 },
}

fn read(path: &Path) -> io::Result<Tail> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = Reader { file: BufReader::with_capacity(1 << 16, file), at: 0, length };
    let mut sound = 0;
    let mut last = 0;
    loop {
        match reader.group()? {
            Some(seqno) => {
                sound = reader.at;
                last = seqno;
            }
            None if reader.is_zero_from(sound)? => return Ok(Tail::Clean),
            None => break,
        }
    }
    Ok(if reader.sound_group_behind(sound, last)? {
        Tail::Damaged { at: sound }
    } else {
        Tail::Torn { at: sound }
    })
}

struct Reader {
    file: BufReader<File>,
    at: u64,
    length: u64,
}

impl Reader {
    /// The sequence number of the group at this place; `None` where there is no sound one.
    fn group(&mut self) -> io::Result<Option<u64>> {
        let Some([START]) = self.bytes()? else { return Ok(None) };
        let Some(count) = self.bytes()?.map(u32::from_le_bytes) else { return Ok(None) };
        let Some(seqno) = self.bytes()?.map(u64::from_le_bytes) else { return Ok(None) };
        let mut checksum = Xxh3::new();
        let begin = self.at;
        for _ in 0..count {
            if !self.entry(&mut checksum)? || self.at - begin > MAX_GROUP {
                return Ok(None);
            }
        }
        let Some([END]) = self.bytes()? else { return Ok(None) };
        let expected = self.bytes()?.map(u64::from_le_bytes);
        let whole = expected == Some(checksum.digest()) && self.bytes()? == Some(TRAILER);
        Ok(whole.then_some(seqno))
    }

    /// Reads one entry into the checksum; whether there was one.
    fn entry(&mut self, checksum: &mut Xxh3) -> io::Result<bool> {
        let Some([tag]) = self.bytes()? else { return Ok(false) };
        checksum.update(&[tag]);
        match tag {
            CLEAR => {
                let Some(keyspace) = self.bytes::<8>()? else { return Ok(false) };
                checksum.update(&keyspace);
                Ok(true)
            }
            ITEM => {
                let Some(head) = self.bytes::<20>()? else { return Ok(false) };
                checksum.update(&head);
                let [_, _, _, _, _, _, _, _, _, _, k0, k1, _, _, _, _, v @ ..] = head;
                let key = u64::from(u16::from_le_bytes([k0, k1]));
                let value = u64::from(u32::from_le_bytes(v));
                self.skip(key + value, checksum)
            }
            _ => Ok(false),
        }
    }

    /// The next `N` bytes; `None` at the end of the file.
    fn bytes<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        if self.length - self.at < N as u64 {
            return Ok(None);
        }
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(Some(bytes))
    }

    /// Reads `count` bytes into the checksum; whether the file has them.
    fn skip(&mut self, count: u64, checksum: &mut Xxh3) -> io::Result<bool> {
        if self.length - self.at < count {
            return Ok(false);
        }
        let mut left = count;
        let mut chunk = [0; 8192];
        while left > 0 {
            let Some(part) = chunk.get_mut(..left.min(8192) as usize) else { break };
            self.file.read_exact(part)?;
            checksum.update(part);
            left -= part.len() as u64;
        }
        self.at += count;
        Ok(true)
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        self.at = to;
        self.file.seek(SeekFrom::Start(to)).map(drop)
    }

    /// Whether nothing but zeros follows. A new journal is 64 MB of hole, which is not read.
    fn is_zero_from(&mut self, at: u64) -> io::Result<bool> {
        let mut at = at;
        let mut chunk = vec![0; 1 << 16];
        while at < self.length {
            match rustix::fs::seek(self.file.get_ref(), rustix::fs::SeekFrom::Data(at)) {
                Ok(data) => at = data,
                Err(rustix::io::Errno::NXIO) => return Ok(true),
                // A file system without holes: read it all.
                Err(_) => {}
            }
            self.seek(at)?;
            let read = self.file.read(&mut chunk)?;
            let bytes = chunk.get(..read).unwrap_or_default();
            if bytes.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            if read == 0 {
                break;
            }
            at += read as u64;
        }
        Ok(true)
    }

    /// Whether a whole group with a higher sequence number than `last` begins behind `from`.
    /// Groups follow a trailer, so that is where to look.
    fn sound_group_behind(&mut self, from: u64, last: u64) -> io::Result<bool> {
        let mut at = from;
        while let Some(next) = self.after_trailer(at)? {
            self.seek(next)?;
            if self.group()?.is_some_and(|seqno| seqno > last) {
                return Ok(true);
            }
            at = next;
        }
        Ok(false)
    }

    /// Where the next trailer at or behind `from` ends.
    fn after_trailer(&mut self, from: u64) -> io::Result<Option<u64>> {
        self.seek(from)?;
        let mut window = [0; 4];
        while let Some([byte]) = self.bytes()? {
            window.rotate_left(1);
            window[3] = byte;
            if window == TRAILER {
                return Ok(Some(self.at));
            }
        }
        Ok(None)
    }
}
