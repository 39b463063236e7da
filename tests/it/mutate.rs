//! Seeded damage to documents: the same seed always gives the same document.

/// A small generator of numbers (xorshift64*): the runs of a test are to be repeated, not to be unpredictable.
pub struct Random(u64);

impl Random {
    /// From any seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below `end`, or 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % end.max(1)
    }
}

/// Pieces that parsers trip over.
const PIECES: [&[u8]; 28] = [
    b"<",
    b">",
    b"&",
    b"\"",
    b"'",
    b"/",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"<?",
    b"<item>",
    b"</item>",
    b"<entry>",
    b"</entry>",
    b"<title>",
    b"</title>",
    b"<link/>",
    b"</channel>",
    b"&#x0;",
    b"&nbsp;",
    b"xmlns=\"\"",
    b"xml:base=\"::\"",
    b"\xff\xfe",
    b"\xe2\x80\x9c",
    b"<!DOCTYPE x [",
    b" type=\"xhtml\"",
    b"\0",
];

/// Damages a document in one to eight places; `other` gives it foreign parts.
pub fn damage(document: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(9) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let from = random.below(other.len());
                let part = other[from..(from + random.below(200)).min(other.len())].to_vec();
                bytes.splice(at..at, part);
            }
            6 => {
                let times = 1 + random.below(40);
                bytes.splice(at..at, PIECES[random.below(PIECES.len())].repeat(times));
            }
            7 => bytes[at..end].reverse(),
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        }
    }
    bytes
}
