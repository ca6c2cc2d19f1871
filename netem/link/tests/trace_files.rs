//! Every trace of the library: told by its content, and made again from the
//! canonical form byte for byte. Needs the library of traces in
//! `WEAKNET_SHARED` (default: `shared` beside the workspace).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use weaknet_netem::trace::{Format, Options, TraceReader, restore, transcribe};

/// The folder of traces; without it there is nothing to test, except where it
/// has to be.
fn library() -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    #[expect(
        clippy::disallowed_methods,
        reason = "only the driver of this test looks for files"
    )]
    let (shared, ci) = (std::env::var("WEAKNET_SHARED"), std::env::var("CI").is_ok());
    let folder = shared
        .map_or_else(|_| beside(), PathBuf::from)
        .join("traces");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!ci, "{} is absent", folder.display());
    eprintln!(
        "NOTICE: {} is absent, its test has nothing to test",
        folder.display()
    );
    None
}

/// All traces below a folder: all files but papers.
fn traces(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(traces(&path));
        } else if !["README", "LICENSE", "COPYING"]
            .iter()
            .any(|paper| name.starts_with(paper))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_comes_back_from_the_canonical_form() {
    let Some(folder) = library() else { return };
    let mut formats: BTreeMap<Format, usize> = BTreeMap::new();
    for path in traces(&folder) {
        let name = path.display();
        let bytes = fs::read(&path).unwrap();
        let open = |bytes| {
            TraceReader::open(bytes, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
        };
        let reader = open(&bytes[..]);
        *formats.entry(reader.format()).or_default() += 1;
        let mut canonical = Vec::new();
        let rows =
            transcribe(reader, &[], &mut canonical).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut again = Vec::new();
        let reader = open(&canonical[..]);
        assert_eq!(reader.format(), Format::Canonical, "{name}");
        let back = restore(reader, &mut again).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(rows, back, "{name}");
        assert!(again == bytes, "{name} differs");
        // Both forms say the same.
        let (mut one, mut other) = (open(&bytes[..]), open(&canonical[..]));
        loop {
            let (a, b) = (one.next().unwrap(), other.next().unwrap());
            assert_eq!(a, b, "{name}");
            if a.is_none() {
                break;
            }
        }
        assert_eq!(one.length(), other.length(), "{name}");
    }
    let expected = [
        (Format::Mahimahi, 10),
        (Format::SecondsMbps, 10 + 9 + 8),
        (Format::Csv, 5 + 2),
        (Format::Frames, 3),
    ];
    assert_eq!(formats, BTreeMap::from(expected));
}
