//! The shim (`shim.c`) between the program and the C library: compiled once, put under a command, its record read.
//! Knows nothing of what the calls are for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What the Nth call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The program is killed just before it.
    Kill,
    /// It fails, once.
    Eio,
    /// It fails, and so does everything after it that takes room.
    Enospc,
    Eintr,
    Short,
    /// From here on, what is written and synced is thrown away with a smile.
    Lose,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Act::Kill => "kill",
            Act::Eio => "eio",
            Act::Enospc => "enospc",
            Act::Eintr => "eintr",
            Act::Short => "short",
            Act::Lose => "lose",
        }
    }
}

/// A line of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// How many calls were counted until it.
    pub count: u64,
    pub kind: String,
    pub path: PathBuf,
    /// Offset, length or descriptor.
    pub number: i64,
    pub data: Vec<u8>,
}

/// The compiled shim. SQLite is compiled for every build, so there is a C compiler.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shim-{}.so", std::process::id()));
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&target, &source])
            .args(["-ldl", "-lpthread"])
            .status()
            .expect("a C compiler");
        assert!(status.success(), "the shim does not compile");
        target
    })
}

/// Puts the shim under a command: the files below `folder` are watched, what happens is written to `record`.
pub fn watch<'a>(command: &'a mut Command, folder: &Path, record: &Path) -> &'a mut Command {
    command
        .env("LD_PRELOAD", library())
        .env("SHIM_EXE", Path::new(env!("CARGO_BIN_EXE_wfl")).canonicalize().expect("the program"))
        .env("SHIM_DIR", folder)
        .env("SHIM_LOG", record)
}

/// Lets the Nth counted call (from 1) meet `act`.
pub fn fault(command: &mut Command, at: u64, act: Act) -> &mut Command {
    command.env("SHIM_AT", at.to_string()).env("SHIM_DO", act.word())
}

/// The record so far.
pub fn read(record: &Path) -> Vec<Op> {
    let text = std::fs::read_to_string(record).unwrap_or_default();
    text.lines().filter_map(parsed).collect()
}

fn parsed(line: &str) -> Option<Op> {
    let mut words = line.split(' ');
    let count = words.next()?.parse().ok()?;
    let (kind, path) = (words.next()?.to_string(), PathBuf::from(words.next()?));
    let number = words.next()?.parse().ok()?;
    Some(Op { count, kind, path, number, data: bytes(words.next().unwrap_or_default()) })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

impl Op {
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }
}
