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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_face_is_inter_and_has_the_letters_of_europe() {
        let fonts = all();
        assert_eq!(fonts.len(), FILES.len());
        for font in fonts {
            assert_eq!(font.info().family, "Inter");
            for letter in "æøåÆØÅäöüßéñçąęłżźćčřěšžůőűîțșđğıİĳ€£−…–—„”’·²αωжії№ \u{a0}\u{200b}".chars()
            {
                assert!(font.info().coverage.contains(letter as u32), "{letter:?}");
            }
        }
    }
}
