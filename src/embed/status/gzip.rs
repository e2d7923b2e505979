//! Files that gzip made, unpacked (RFC 1951 and 1952), so that an archived status file can be read as it lies. What is
//! damaged gives what comes before the damage. Knows no status.

/// No more than this is made of a file, however small it is.
const MOST: usize = 64 << 20;

/// What a file held, and what was wrong with it.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    pub wrong: Option<&'static str>,
}

pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// All members of the file, one after the other.
pub(super) fn unpack(bytes: &[u8]) -> Unpacked {
    let mut out = Vec::new();
    let mut rest = bytes;
    while is_packed(rest) {
        let from = out.len();
        let Some(body) = header(rest) else {
            return Unpacked { bytes: out, wrong: Some("it is cut off in its header") };
        };
        let mut bits = Bits { bytes: body, at: 0, kept: 0, count: 0 };
        if let Err(wrong) = inflate(&mut bits, &mut out, from) {
            return Unpacked { bytes: out, wrong: Some(wrong) };
        }
        let Some((sum, after)) = body.get(bits.at..).and_then(|tail| tail.split_at_checked(8)) else {
            return Unpacked { bytes: out, wrong: Some("its checksum is cut off") };
        };
        if sum[..4] != crc(&out[from..]).to_le_bytes() {
            return Unpacked { bytes: out, wrong: Some("its checksum is another") };
        }
        rest = after;
    }
    Unpacked { bytes: out, wrong: None }
}

/// What follows the header of a member.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let flags = *bytes.get(3)?;
    let mut rest = bytes.get(10..)?;
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    // A name and a comment, each up to a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            rest = rest.get(rest.iter().position(|byte| *byte == 0)? + 1..)?;
        }
    }
    if flags & 2 != 0 { rest.get(2..) } else { Some(rest) }
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

type Res<T> = Result<T, &'static str>;

/// Bits from the lowest of each byte up.
struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
    kept: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Res<u32> {
        while self.count < wanted {
            let byte = *self.bytes.get(self.at).ok_or("it is cut off")?;
            self.kept |= u32::from(byte) << self.count;
            (self.at, self.count) = (self.at + 1, self.count + 8);
        }
        let value = self.kept & ((1 << wanted) - 1);
        (self.kept, self.count) = (self.kept >> wanted, self.count - wanted);
        Ok(value)
    }

    fn symbol(&mut self, code: &Code) -> Res<u16> {
        let (mut value, mut first, mut index) = (0u32, 0u32, 0u32);
        for count in &code.counts[1..] {
            value |= self.take(1)?;
            if value < first + count {
                let place = index + (value - first);
                return code.symbols.get(place as usize).copied().ok_or(BROKEN);
            }
            (index, first, value) = (index + count, (first + count) << 1, value << 1);
        }
        Err(BROKEN)
    }
}

const BROKEN: &str = "it holds what gzip does not write";

/// A prefix code: how many codes of each length there are, and the symbols in the order of their codes.
struct Code {
    counts: [u32; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Res<Code> {
        let mut counts = [0u32; 16];
        lengths.iter().for_each(|length| counts[usize::from(*length & 15)] += 1);
        counts[0] = 0;
        let spare = counts[1..].iter().try_fold(1i64, |spare, count| {
            let spare = spare * 2 - i64::from(*count);
            (spare >= 0).then_some(spare)
        });
        spare.ok_or(BROKEN)?;
        let used = (0u16..).zip(lengths).filter(|(_, length)| **length > 0);
        let mut symbols: Vec<(u8, u16)> = used.map(|(symbol, length)| (*length, symbol)).collect();
        symbols.sort_unstable();
        Ok(Code { counts, symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect() })
    }
}

/// Unpacks blocks until the last; `from` is where this member's output begins.
fn inflate(bits: &mut Bits, out: &mut Vec<u8>, from: usize) -> Res<()> {
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(bits, out)?,
            1 => {
                let lengths: Vec<u8> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .iter()
                    .flat_map(|(n, length)| vec![*length; *n])
                    .collect();
                block(bits, out, from, &Code::new(&lengths)?, &Code::new(&[5; 30])?)?;
            }
            2 => {
                let (literals, distances) = codes(bits)?;
                block(bits, out, from, &literals, &distances)?;
            }
            _ => return Err(BROKEN),
        }
        if last {
            return Ok(());
        }
    }
}

fn stored(bits: &mut Bits, out: &mut Vec<u8>) -> Res<()> {
    (bits.kept, bits.count) = (0, 0);
    let head = bits.bytes.get(bits.at..bits.at + 4).ok_or("it is cut off")?;
    let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
    if u16::from_le_bytes([head[2], head[3]]) != !u16::from_le_bytes([head[0], head[1]]) {
        return Err(BROKEN);
    }
    let from = bits.at + 4;
    let there = &bits.bytes[from..(from + length).min(bits.bytes.len())];
    room(out, there.len())?;
    out.extend_from_slice(there);
    bits.at = from + there.len();
    if there.len() < length { Err("it is cut off") } else { Ok(()) }
}

fn room(out: &[u8], more: usize) -> Res<()> {
    if out.len() + more > MOST { Err("it becomes larger than 64 MiB") } else { Ok(()) }
}

/// The order in which the lengths of the code of lengths stand.
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

fn codes(bits: &mut Bits) -> Res<(Code, Code)> {
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    let mut lengths = [0u8; 19];
    for place in &ORDER[..count] {
        lengths[*place] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (again, times) = match bits.symbol(&code)? {
            symbol @ 0..=15 => (symbol as u8, 1),
            16 => (*lengths.last().ok_or(BROKEN)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        lengths.extend(std::iter::repeat_n(again, times as usize));
    }
    if lengths.len() > literals + distances {
        return Err(BROKEN);
    }
    Ok((Code::new(&lengths[..literals])?, Code::new(&lengths[literals..])?))
}

/// Lengths and distances that a symbol stands for: the least, and how many bits follow.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

fn block(bits: &mut Bits, out: &mut Vec<u8>, from: usize, literals: &Code, distances: &Code) -> Res<()> {
    let measure = |bits: &mut Bits, table: &[(u16, u8)], symbol: u16| -> Res<usize> {
        let (least, more) = *table.get(usize::from(symbol)).ok_or(BROKEN)?;
        Ok(usize::from(least) + bits.take(u32::from(more))? as usize)
    };
    loop {
        match bits.symbol(literals)? {
            literal @ 0..=255 => {
                room(out, 1)?;
                out.push(literal as u8);
            }
            256 => return Ok(()),
            symbol => {
                let length = measure(bits, &LENGTHS, symbol - 257)?;
                let symbol = bits.symbol(distances)?;
                let back = measure(bits, &DISTANCES, symbol)?;
                let start = out.len().checked_sub(back).filter(|start| *start >= from).ok_or(BROKEN)?;
                room(out, length)?;
                (start..start + length).for_each(|at| out.push(out[at]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'abcabcabcabc\n' | gzip -n`.
    const SHORT: [u8; 26] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 0x4e, 0x84, 0x21, 0x2e, 0, 0x0c, 0x9c, 0x39,
        0x13, 0x0d, 0, 0, 0,
    ];

    #[test]
    fn the_checksum_is_that_of_everybody() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn no_prefix_of_a_packed_file_breaks_anything() {
        for length in 0..SHORT.len() {
            let unpacked = unpack(&SHORT[..length]);
            assert!(b"abcabcabcabc\n".starts_with(&unpacked.bytes[..]), "{length}: {:?}", unpacked.bytes);
            assert!(unpacked.wrong.is_some() || length < 3, "{length}");
        }
        let whole = unpack(&SHORT);
        assert_eq!((whole.bytes.as_slice(), whole.wrong), (&b"abcabcabcabc\n"[..], None));
        let twice = unpack(&[SHORT, SHORT].concat());
        assert_eq!((twice.bytes.len(), twice.wrong), (26, None));
    }
}
