//! The fonts in the binary: Inter in four weights, cut to Latin, Greek and
//! Cyrillic (`fonts/README.md`). Nothing is ever read from the machine's fonts.

use typst::foundations::Bytes;
use typst::text::Font;

const FILES: [&[u8]; 4] = [
    include_bytes!("../fonts/Inter-Regular.ttf"),
    include_bytes!("../fonts/Inter-Italic.ttf"),
    include_bytes!("../fonts/Inter-Medium.ttf"),
    include_bytes!("../fonts/Inter-SemiBold.ttf"),
];

/// All fonts a template may name.
pub(crate) fn all() -> Vec<Font> {
    FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect()
}
