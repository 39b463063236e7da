//! Feeds that arrive still packed: a server that serves `feed.xml.gz` as it lies there, or packs what was packed.

use std::{borrow::Cow, io::Read};

use flate2::read::MultiGzDecoder;

/// Packed more often is built.
const TIMES_MAX: usize = 2;
/// The daemon's own limit of a body stands before this; here is what a packed one may become.
const BYTES_MAX: usize = 16 << 20;
/// How many times its length it may become, as `fetch` has it for what is announced.
const RATIO_MAX: usize = 200;
const RATIO_BYTES_MIN: usize = 1 << 20;

/// What is in the pack, and whether it was one. A pack that breaks off gives what stands before the break.
pub fn unpacked(bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut document = Cow::Borrowed(bytes);
    let mut is_packed = false;
    for _ in 0..TIMES_MAX {
        if !is_gzip(&document) {
            break;
        }
        let limit = (document.len() * RATIO_MAX).clamp(RATIO_BYTES_MIN, BYTES_MAX);
        let mut inside = Vec::new();
        let read = MultiGzDecoder::new(&*document).take(limit as u64 + 1).read_to_end(&mut inside);
        if inside.len() > limit || (read.is_err() && inside.is_empty()) {
            break;
        }
        (document, is_packed) = (Cow::Owned(inside), true);
    }
    (document, is_packed)
}

/// Whether it begins as gzip does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use crate::feed::{FeedError, parse};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_feeds_are_read_with_a_note() {
        let items: String = (0..2_000).map(|i| format!("<item><title>{i}</title></item>")).collect();
        let feed = format!("<rss version='2.0'><channel>{items}</channel></rss>").into_bytes();
        for document in [packed(&feed), packed(&packed(&feed))] {
            let read = parse(&document, None, None).unwrap();
            assert_eq!((read.entries.len(), read.notes.len()), (2_000, 1), "{:?}", read.notes);
        }
        // What breaks off is read up to there.
        let whole = packed(&feed);
        let read = parse(&whole[..whole.len() / 2], None, None).unwrap();
        assert!(read.is_cut && (100..2_000).contains(&read.entries.len()), "{}", read.entries.len());
    }

    #[test]
    fn a_pack_that_is_a_bomb_or_holds_others_is_no_feed() {
        let bomb = packed(&vec![b' '; 100 << 20]);
        let nest = packed(&packed(&packed(b"<rss version='2.0'><channel><item/></channel></rss>")));
        for document in [bomb, nest, vec![0x1f, 0x8b, 8, 0, 1, 2, 3]] {
            let read = parse(&document, None, None);
            assert!(matches!(read, Err(FeedError::NotAFeed { what }) if what.starts_with("gzip")), "{read:?}");
        }
    }
}
