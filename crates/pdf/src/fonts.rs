//! The fonts in the binary: Inter and Literata, cut to Latin, Greek and
//! Cyrillic (`fonts/README.md`); beside them those of an operator's folder.
//! Nothing is ever read from the machine's own fonts.

use std::path::{Path, PathBuf};

use typst::foundations::Bytes;
use typst::text::Font;

const FILES: [&[u8]; 6] = [
    include_bytes!("../fonts/Inter-Regular.ttf"),
    include_bytes!("../fonts/Inter-Italic.ttf"),
    include_bytes!("../fonts/Inter-Medium.ttf"),
    include_bytes!("../fonts/Inter-SemiBold.ttf"),
    include_bytes!("../fonts/Literata-Regular.ttf"),
    include_bytes!("../fonts/Literata-SemiBold.ttf"),
];

/// All fonts a template may name: ours, then those in the files of a folder and of the folders in
/// it, in the order of their names.
pub(crate) fn all(folder: Option<&Path>) -> Vec<Font> {
    let mut fonts: Vec<Font> = FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect();
    for path in folder.map(files_in).unwrap_or_default() {
        // What can't be read is not there; what is no font has none in it.
        if let Ok(bytes) = std::fs::read(path) {
            fonts.extend(Font::iter(Bytes::new(bytes)));
        }
    }
    fonts
}

/// The families of fonts that a template may name: the built-in ones and those of a folder, by name.
pub fn families(folder: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = all(folder).iter().map(|font| font.info().family.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let is_font = |path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
        ending.is_some_and(|ending| ["ttf", "otf", "ttc", "otc"].contains(&ending.as_str()))
    };
    entries
        .into_iter()
        .flat_map(|path| if path.is_dir() { files_in(&path) } else { Vec::from_iter(is_font(&path).then_some(path)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_face_of_ours_has_the_letters_of_europe() {
        let fonts = all(None);
        assert_eq!(fonts.len(), FILES.len());
        for font in fonts {
            assert!(["Inter", "Literata"].contains(&font.info().family.as_str()), "{}", font.info().family);
            for letter in "æøåÆØÅäöüßéñçąęłżźćčřěšžůőűîțșđğıİĳ€£−…–—„”’·²αωжії№\u{a0}\u{200b}".chars()
            {
                assert!(font.info().coverage.contains(letter as u32), "{letter:?}");
            }
        }
    }

    #[test]
    fn a_folders_fonts_come_after_ours_in_the_order_of_their_names() {
        let folder = std::env::temp_dir().join(format!("ledgerbee-fonts-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("b")).unwrap();
        std::fs::write(folder.join("c.TTF"), FILES[1]).unwrap();
        std::fs::write(folder.join("b/a.otf"), FILES[5]).unwrap();
        std::fs::write(folder.join("no-font.ttf"), b"no font").unwrap();
        std::fs::write(folder.join("readme.txt"), FILES[0]).unwrap();
        let fonts = all(Some(&folder));
        assert_eq!(super::families(Some(&folder)), ["Inter", "Literata"], "each is named once");
        std::fs::remove_dir_all(&folder).unwrap();
        let families: Vec<&str> = fonts[FILES.len()..].iter().map(|font| font.info().family.as_str()).collect();
        assert_eq!(families, ["Literata", "Inter"]);
        assert_eq!(all(Some(&folder)).len(), FILES.len(), "a folder that is not there has none");
    }
}
