//! What pictures are painted with.

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// Which part of a text is at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

/// A white sheet; the origin is its top left corner.
pub(super) trait Canvas {
    /// Fills a rectangle; one without extent is nothing.
    fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, colour: Colour);
    /// Writes text on a base line.
    fn text(&mut self, x: i32, y: i32, large: bool, align: Align, colour: Colour, text: &str);
}
