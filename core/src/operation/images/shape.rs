//! Which of the shapes that a model knows is nearest to a size in pixels?

/// A shape as the API writes it, and its sides.
pub(super) type Shape = (&'static str, f64, f64);

/// The shapes of models that make pictures by predicting.
pub(super) const FEW: &[Shape] = &[
    ("1:1", 1.0, 1.0),
    ("3:4", 3.0, 4.0),
    ("4:3", 4.0, 3.0),
    ("9:16", 9.0, 16.0),
    ("16:9", 16.0, 9.0),
];

/// The shapes of models that make pictures by talking.
pub(super) const MANY: &[Shape] = &[
    ("1:1", 1.0, 1.0),
    ("2:3", 2.0, 3.0),
    ("3:2", 3.0, 2.0),
    ("3:4", 3.0, 4.0),
    ("4:3", 4.0, 3.0),
    ("4:5", 4.0, 5.0),
    ("5:4", 5.0, 4.0),
    ("9:16", 9.0, 16.0),
    ("16:9", 16.0, 9.0),
    ("21:9", 21.0, 9.0),
];

/// The nearest shape: of two that are off, the one by the smaller factor.
pub(super) fn nearest((width, height): (u32, u32), shapes: &[Shape]) -> &'static str {
    let wanted = (f64::from(width) / f64::from(height)).ln();
    let off = |(_, width, height): &Shape| ((width / height).ln() - wanted).abs();
    let nearest = shapes.iter().min_by(|one, other| off(one).total_cmp(&off(other)));
    nearest.map_or("1:1", |(name, ..)| name)
}

/// Reads a size such as `1024x1536`; `None` when it is none.
pub(super) fn size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (1..=16_384).contains(side));
    Some((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_becomes_the_nearest_shape() {
        let check = |text: &str, few: &str, many: &str| {
            let size = size(text).unwrap();
            assert_eq!((nearest(size, FEW), nearest(size, MANY)), (few, many), "{text}");
        };
        check("1024x1024", "1:1", "1:1");
        check("1024x1536", "3:4", "2:3");
        check("1536x1024", "4:3", "3:2");
        check("1792x1024", "16:9", "16:9");
        check("1024x1792", "9:16", "9:16");
        check("3000x1000", "16:9", "21:9");
        for text in ["", "x", "1024", "0x1", "1x-1", "99999x1", "1x1x1"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
