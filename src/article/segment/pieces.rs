//! A text in NFKC, in pieces that each map back to their place in the original.

use unicode_normalization::UnicodeNormalization;

use super::units::{Class, Nature, is_word_part, vanishes};

/// A text's pieces, and the normalised characters that they are made of.
pub(super) struct Pieces {
    pub list: Vec<Piece>,
    normal: String,
}

/// A run of letters, marks and digits, or of white space; every other character by itself.
///
/// Where the original wrote one character for several, or several for one, pieces share a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub class: Class,
    /// Its first character, normalised.
    pub first: char,
    /// Place in the original.
    pub start_byte: u32,
    pub end_byte: u32,
    pub start_chars: u32,
    pub end_chars: u32,
    /// Place in the normalised text, in bytes.
    normal_start: u32,
    normal_end: u32,
}

impl Pieces {
    /// Its characters, normalised.
    pub fn text(&self, piece: &Piece) -> &str {
        &self.normal[piece.normal_start as usize..piece.normal_end as usize]
    }

    /// Whether it is a single letter.
    pub fn is_letter(&self, piece: &Piece) -> bool {
        (piece.normal_end - piece.normal_start) as usize == piece.first.len_utf8() && piece.first.is_alphabetic()
    }

    /// Adds a piece, or draws it into the one before where both go together.
    fn add(&mut self, piece: Piece) {
        match self.list.last_mut() {
            Some(last) if piece.class == last.class && piece.class.runs() => {
                (last.end_byte, last.end_chars) = (piece.end_byte, piece.end_chars);
                last.normal_end = piece.normal_end;
            }
            _ => self.list.push(piece),
        }
    }
}

/// A piece and what stands between it and the next take so many bytes; guessed low, so that the list seldom grows.
const BYTES_PER_PIECE: usize = 2;

/// Cuts `text` into pieces by its characters' `classes`. Soft hyphens and zero-width marks are left out.
pub(super) fn pieces(text: &str, classes: &[Class; 256]) -> Pieces {
    let mut maker = Maker::new(text, classes);
    while maker.byte < text.len() {
        match ascii_len(&text.as_bytes()[maker.byte..]) {
            0 => maker.cluster(),
            len => maker.ascii(len),
        }
    }
    maker.pieces
}

/// How many ASCII characters `bytes` begin with. Of the last of them, marks behind it may make another character; it is
/// left out then.
fn ascii_len(bytes: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let blocks = bytes.chunks_exact(BLOCK).take_while(|block| block.is_ascii()).count() * BLOCK;
    let len = blocks + bytes[blocks..].iter().take_while(|byte| byte.is_ascii()).count();
    if len < bytes.len() { len.saturating_sub(1) } else { len }
}

struct Maker<'a> {
    text: &'a str,
    classes: &'a [Class; 256],
    /// Where it is in `text`.
    byte: usize,
    chars: u32,
    pieces: Pieces,
    /// Where the pieces of a stretch begin; kept for its room.
    starts: Vec<u32>,
}

impl<'a> Maker<'a> {
    fn new(text: &'a str, classes: &'a [Class; 256]) -> Self {
        let list = Vec::with_capacity(text.len() / BYTES_PER_PIECE);
        let pieces = Pieces { list, normal: String::with_capacity(text.len()) };
        Self { text, classes, byte: 0, chars: 0, pieces, starts: Vec::new() }
    }

    /// Takes so many ASCII characters.
    fn ascii(&mut self, len: usize) {
        let stretch = &self.text[self.byte..self.byte + len];
        let (byte, chars, normal) = (self.byte as u32, self.chars, self.pieces.normal.len() as u32);
        self.pieces.normal.push_str(stretch);
        self.note_starts(stretch.as_bytes());
        for edges in self.starts.windows(2) {
            let [start, end] = [edges[0], edges[1]];
            let first = stretch.as_bytes()[start as usize];
            self.pieces.add(Piece {
                class: self.classes[usize::from(first)],
                first: char::from(first),
                start_byte: byte + start,
                end_byte: byte + end,
                start_chars: chars + start,
                end_chars: chars + end,
                normal_start: normal + start,
                normal_end: normal + end,
            });
        }
        self.byte += len;
        self.chars += len as u32;
    }

    /// Notes where the pieces of a stretch begin, and its end.
    fn note_starts(&mut self, stretch: &[u8]) {
        self.starts.resize(stretch.len() + 1, 0);
        let (mut count, mut before) = (0, Class::Beyond);
        for (at, &byte) in stretch.iter().enumerate() {
            let class = self.classes[usize::from(byte)];
            // Written each time and kept if it is a start: neither we nor the processor can guess where a word ends.
            self.starts[count] = at as u32;
            count += usize::from(class != before || !class.runs());
            before = class;
        }
        self.starts[count] = stretch.len() as u32;
        self.starts.truncate(count + 1);
    }

    /// Takes any character and the marks that normalisation may draw into it.
    fn cluster(&mut self) {
        let rest = &self.text[self.byte..];
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { return };
        let nature = Nature::of(c);
        let (mut len, mut count) = (c.len_utf8(), 1);
        if !nature.vanishes {
            for mark in chars.take_while(|&mark| Nature::of(mark).joins_the_one_before) {
                len += mark.len_utf8();
                count += 1;
            }
            let written = &rest[..len];
            if nature.is_nfkc && count == 1 {
                let class = match self.classes[usize::from(rest.as_bytes()[0])] {
                    Class::Beyond => nature.class,
                    class => class,
                };
                self.push(c, class, len, count);
            } else {
                self.normalised(c, written, count);
            }
        }
        self.byte += len;
        self.chars += count;
    }

    /// Adds what normalisation makes of a character and its marks.
    fn normalised(&mut self, c: char, written: &str, count: u32) {
        // A symbol such as № is no letter of the word that it stands at, though its letters are: `№2797`, `Acme™`.
        let is_symbol = !is_word_part(c) && c.nfkc().next().is_some_and(char::is_alphanumeric);
        let edge = is_symbol.then_some(' ');
        let inside = written.nfkc().filter(|&c| !vanishes(c));
        for c in edge.into_iter().chain(inside).chain(edge) {
            self.push(c, Nature::of(c).class, written.len(), count);
        }
    }

    /// Adds a normalised character, whose original begins here and takes so many bytes and characters.
    fn push(&mut self, c: char, class: Class, bytes: usize, chars: u32) {
        let normal_start = self.pieces.normal.len() as u32;
        self.pieces.normal.push(c);
        self.pieces.add(Piece {
            class,
            first: c,
            start_byte: self.byte as u32,
            end_byte: (self.byte + bytes) as u32,
            start_chars: self.chars,
            end_chars: self.chars + chars,
            normal_start,
            normal_end: self.pieces.normal.len() as u32,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::units::{CLASSES, CLASSES_IN_PATTERNS},
        *,
    };

    /// As if no character were ASCII.
    fn without_the_short_cut(text: &str) -> Pieces {
        let mut maker = Maker::new(text, &CLASSES);
        while maker.byte < text.len() {
            maker.cluster();
        }
        maker.pieces
    }

    proptest::proptest! {
        #[test]
        fn ascii_takes_a_short_cut_to_the_same(text in "(\\PC|[ -~]|[a-zA-Z.' \n\u{301}\u{ad}ﾞｶ각½№-]){0,80}") {
            let (short, long) = (pieces(&text, &CLASSES), without_the_short_cut(&text));
            proptest::prop_assert_eq!(short.list, long.list);
            proptest::prop_assert_eq!(short.normal, long.normal);
        }

        #[test]
        fn pieces_map_back(text in "(\\PC|[a-zA-Z.' \n\u{301}\u{ad}ﾞｶ각½№-]){0,40}") {
            for piece in pieces(&text, &CLASSES).list {
                let written = &text[piece.start_byte as usize..piece.end_byte as usize];
                proptest::prop_assert_eq!(written.chars().count() as u32, piece.end_chars - piece.start_chars);
            }
        }
    }

    #[test]
    fn wildcards_are_letters_in_patterns_as_typed_only() {
        let classes = |text: &str| pieces(text, &CLASSES_IN_PATTERNS).list.iter().map(|p| p.class).collect::<Vec<_>>();
        assert_eq!(classes("miss*l?"), [Class::Word]);
        assert_eq!(classes("ж*é?"), [Class::Word]);
        assert_eq!(classes("a？"), [Class::Word, Class::Other]);
    }
}
