//! What a sandbox's first process is told to run, and what to put around it.

use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::link::{Message, Reader, malformed};

/// What runs in a sandbox.
pub(super) struct Assignment {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// The working directory.
    pub(super) code: PathBuf,
    /// Whether the program waits for what is its function's, which comes later: its environment
    /// over a socket of its own, its files as further furniture.
    pub(super) waits: bool,
    pub(super) furniture: Furniture,
}

/// What is put into a sandbox.
pub(super) struct Furniture {
    /// Bytes of ephemeral storage.
    pub(super) storage: u64,
    /// Where which copies of mounts belong, and whether each is a folder.
    pub(super) targets: Vec<(PathBuf, bool)>,
}

const ASSIGN: &str = "assign";
const EQUIP: &str = "equip";

impl Assignment {
    /// Without its descriptors: the output, where it waits the socket, then one for each target.
    pub(super) fn message(&self) -> Message {
        let mut message = Message::new(ASSIGN);
        message.word(self.program.as_os_str().as_encoded_bytes());
        message.number(self.arguments.len() as u64);
        for argument in &self.arguments {
            message.word(argument);
        }
        message.number(self.environment.len() as u64);
        for (name, value) in &self.environment {
            message.word(name).word(value);
        }
        message.word(self.code.as_os_str().as_encoded_bytes()).number(self.waits.into());
        self.furniture.write(&mut message);
        message
    }

    pub(super) fn read(reader: &mut Reader) -> io::Result<Self> {
        expect(reader, ASSIGN)?;
        Ok(Self {
            program: path(reader)?,
            arguments: reader.list(Reader::text)?,
            environment: reader.list(|reader| Ok((reader.text()?, reader.text()?)))?,
            code: path(reader)?,
            waits: reader.number()? != 0,
            furniture: Furniture::read(reader)?,
        })
    }
}

impl Furniture {
    /// What a sandbox whose program waits gets in addition. Without its descriptors, one for each
    /// target.
    pub(super) fn equipment(&self) -> Message {
        let mut message = Message::new(EQUIP);
        self.write(&mut message);
        message
    }

    pub(super) fn read_equipment(reader: &mut Reader) -> io::Result<Self> {
        expect(reader, EQUIP)?;
        Self::read(reader)
    }

    fn write(&self, message: &mut Message) {
        message.number(self.storage).number(self.targets.len() as u64);
        for (target, is_folder) in &self.targets {
            message.word(target.as_os_str().as_encoded_bytes()).number((*is_folder).into());
        }
    }

    fn read(reader: &mut Reader) -> io::Result<Self> {
        Ok(Self {
            storage: reader.number()?,
            targets: reader.list(|reader| Ok((path(reader)?, reader.number()? != 0)))?,
        })
    }
}

fn expect(reader: &mut Reader, verb: &str) -> io::Result<()> {
    if reader.text()? == verb { Ok(()) } else { Err(malformed()) }
}

fn path(reader: &mut Reader) -> io::Result<PathBuf> {
    Ok(PathBuf::from(std::ffi::OsString::from_vec(reader.bytes()?)))
}
