//! A stable colour and marker for every compared thing.

/// Colours times markers; their counts share no factor, so that each slot is
/// a pair of its own.
const SLOTS: usize = COLOURS * MARKERS;
const COLOURS: usize = 8;
const MARKERS: usize = 7;

/// A slot per label: `slot % 8` is the colour, `slot % 7` the marker. A label
/// keeps its slot from report to report unless it collides with another one;
/// colours repeat only after all are taken.
pub(super) fn slots(labels: &[String]) -> Vec<usize> {
    let mut sorted: Vec<&String> = labels.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut taken: Vec<(&String, usize)> = Vec::new();
    for label in sorted {
        let wanted = hash(label);
        let rotated = || (0..SLOTS).map(move |step| (wanted + step) % SLOTS);
        let unused = |slot: &usize| taken.iter().all(|(_, other)| other != slot);
        let distinct = |slot: &usize| {
            taken.iter().all(|(_, other)| {
                other % COLOURS != slot % COLOURS && other % MARKERS != slot % MARKERS
            })
        };
        let new_colour = |slot: &usize| {
            taken
                .iter()
                .all(|(_, other)| other % COLOURS != slot % COLOURS)
        };
        let slot = rotated()
            .find(distinct)
            .or_else(|| rotated().find(new_colour))
            .or_else(|| rotated().find(unused))
            .unwrap_or(wanted);
        taken.push((label, slot));
    }
    labels
        .iter()
        .map(|label| {
            taken
                .iter()
                .find(|(known, _)| *known == label)
                .map_or(0, |(_, slot)| *slot)
        })
        .collect()
}

/// FNV-1a, folded to a slot.
fn hash(label: &str) -> usize {
    let folded = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // Below SLOTS, so it fits.
    (folded % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(labels: &[&str]) -> Vec<usize> {
        slots(
            &labels
                .iter()
                .map(|label| (*label).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn equal_labels_share_and_others_differ() {
        let found = named(&["gcc", "scream", "nada", "gcc"]);
        assert_eq!(found[0], found[3]);
        assert_ne!(found[0] % COLOURS, found[1] % COLOURS);
        assert_ne!(found[1] % MARKERS, found[2] % MARKERS);
    }

    #[test]
    fn order_does_not_matter() {
        let (a, b) = (
            named(&["gcc", "scream", "bbr"]),
            named(&["bbr", "gcc", "scream"]),
        );
        assert_eq!([a[0], a[1], a[2]], [b[1], b[2], b[0]]);
    }

    #[test]
    fn eight_labels_have_eight_colours() {
        let labels: Vec<String> = (0..40).map(|i| format!("controller-{i}")).collect();
        let mut colours: Vec<usize> = slots(&labels[..8])
            .iter()
            .map(|slot| slot % COLOURS)
            .collect();
        colours.sort_unstable();
        assert_eq!(colours, [0, 1, 2, 3, 4, 5, 6, 7]);
        let mut all = slots(&labels);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 40);
    }
}
