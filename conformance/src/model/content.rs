//! Bytes by where they came from: ranges of numbered writes, and zero elsewhere. A world of the model keeps a few of these
//! for each object, and real bytes are made of them only to compare.

use std::collections::BTreeMap;

/// How many bytes one pattern word has.
const WORD: u64 = 8;
/// How many found bytes must be a write's before a message says that they are.
const TELLING: usize = 16;

/// Something that gave bytes: a client's write or an image, by the number of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stamp(pub(crate) u32);

impl Stamp {
    /// The bytes that it gives from `offset` on. They depend on where they are, so that moved bytes are noticed.
    pub(crate) fn fill(self, into: &mut [u8], offset: u64) {
        let mut at = offset;
        let mut rest = into;
        while !rest.is_empty() {
            let word = self.word(at / WORD);
            let skipped = usize::try_from(at % WORD).unwrap_or(0);
            let fits = (word.len() - skipped).min(rest.len());
            let (part, after) = rest.split_at_mut(fits);
            part.copy_from_slice(&word[skipped..skipped + fits]);
            at = at.saturating_add(u64::try_from(fits).unwrap_or(1));
            rest = after;
        }
    }

    /// No byte of it is zero: what a write gave is never taken for what nobody wrote.
    fn word(self, nth: u64) -> [u8; 8] {
        (mix((u64::from(self.0) << 40) ^ nth) | 0x0101_0101_0101_0101).to_le_bytes()
    }
}

/// One step of `splitmix64`: bytes without a pattern that a backend could fold.
fn mix(from: u64) -> u64 {
    let mut z = from.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The bytes of a volume or snapshot, without its size.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    /// By start: the end, and who gave the bytes. They do not touch zero bytes, nor overlap.
    pieces: BTreeMap<u64, (u64, Stamp)>,
}

impl Content {
    /// What a volume holds that was filled by one image.
    #[must_use]
    pub(crate) fn image(length: u64, stamp: Stamp) -> Self {
        let mut content = Self::default();
        content.write(0, length, stamp);
        content
    }

    /// A client wrote.
    pub(crate) fn write(&mut self, start: u64, length: u64, stamp: Stamp) {
        let end = start.saturating_add(length);
        if start < end {
            self.clear(start, end);
            self.pieces.insert(start, (end, stamp));
        }
    }

    /// What of it fits into so many bytes.
    #[must_use]
    pub(crate) fn within(&self, size: u64) -> Self {
        let mut content = self.clone();
        content.clear(size, u64::MAX);
        content
    }

    fn clear(&mut self, start: u64, end: u64) {
        let touched: Vec<_> = self.pieces.range(..end).filter(|(_, (to, _))| *to > start).collect();
        let touched: Vec<_> = touched.into_iter().map(|(from, (to, stamp))| (*from, *to, *stamp)).collect();
        for (from, to, stamp) in touched {
            self.pieces.remove(&from);
            if from < start {
                self.pieces.insert(from, (start, stamp));
            }
            if to > end {
                self.pieces.insert(end, (to, stamp));
            }
        }
    }

    /// The real bytes of `size` bytes of it.
    #[must_use]
    pub(crate) fn bytes(&self, size: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        for (start, (end, stamp)) in &self.pieces {
            let range = usize::try_from(*start).unwrap_or(usize::MAX)..usize::try_from(*end).unwrap_or(usize::MAX);
            if let Some(part) = bytes.get_mut(range) {
                stamp.fill(part, *start);
            }
        }
        bytes
    }

    /// In what the found bytes differ from it, for people; `None` if they do not.
    #[must_use]
    pub(crate) fn difference(&self, found: &[u8]) -> Option<String> {
        let meant = self.bytes(u64::try_from(found.len()).unwrap_or(u64::MAX));
        if meant == found {
            return None;
        }
        let at = meant.iter().zip(found).position(|(meant, found)| meant != found)?;
        let offset = u64::try_from(at).unwrap_or(u64::MAX);
        let meant = match self.pieces.range(..=offset).next_back() {
            Some((_, (end, stamp))) if *end > offset => format!("the bytes of step {}", stamp.0),
            _ => "zero".to_owned(),
        };
        let wrong = meant_otherwise(found.get(at..).unwrap_or_default(), offset);
        Some(format!("at byte {offset} there should be {meant}, and there is {wrong}"))
    }
}

/// What these bytes look like.
fn meant_otherwise(found: &[u8], offset: u64) -> String {
    let sample = found.get(..TELLING).unwrap_or(found);
    if sample.iter().all(|byte| *byte == 0) {
        return "zero".to_owned();
    }
    let mut bytes = vec![0; sample.len()];
    for stamp in (0..1000).map(Stamp) {
        stamp.fill(&mut bytes, offset);
        if bytes == sample {
            return format!("the bytes of step {}", stamp.0);
        }
    }
    format!("{sample:02x?}")
}

#[cfg(test)]
mod tests {
    use super::{Content, Stamp};

    #[test]
    fn later_writes_hide_earlier_ones_where_they_overlap() {
        let mut content = Content::default();
        content.write(0, 100, Stamp(1));
        content.write(40, 20, Stamp(2));
        let mut meant = vec![0; 120];
        Stamp(1).fill(&mut meant[..100], 0);
        Stamp(2).fill(&mut meant[40..60], 40);
        assert_eq!(content.bytes(120), meant);
        assert_eq!(content.difference(&meant), None);
    }

    #[test]
    fn what_does_not_fit_is_gone_for_good() {
        let content = Content::image(100, Stamp(1)).within(10);
        assert_eq!(content, Content::image(10, Stamp(1)));
    }

    #[test]
    fn a_difference_is_told_in_words() {
        let content = Content::image(100, Stamp(3));
        let mut found = content.bytes(200);
        found[50..].fill(0);
        let told = content.difference(&found).expect("a difference");
        assert_eq!(told, "at byte 50 there should be the bytes of step 3, and there is zero");
        let mut found = content.bytes(200);
        Stamp(2).fill(&mut found[150..], 150);
        let told = content.difference(&found).expect("a difference");
        assert_eq!(told, "at byte 150 there should be zero, and there is the bytes of step 2");
    }

    #[test]
    fn two_writes_of_the_same_range_differ_in_every_word() {
        let (one, two) = (Content::image(4096, Stamp(1)).bytes(4096), Content::image(4096, Stamp(2)).bytes(4096));
        assert!(one.chunks(8).zip(two.chunks(8)).all(|(one, two)| one != two));
    }
}
