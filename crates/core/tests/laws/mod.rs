//! What must hold for every input. The fuzz targets and the tests that replay their corpus call the
//! same functions; a law that is broken panics.

pub(crate) mod hints;
pub(crate) mod sse;
pub(crate) mod stream;

/// Cuts `bytes` into pieces whose lengths follow from `seed`: mostly short, sometimes empty.
pub(crate) fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut state = u32::from(seed).wrapping_mul(0x9e37_79b9) | 1;
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = match state >> 29 {
            0 => 0,
            1..=3 => 1,
            4 | 5 => 2 + (state >> 24) as usize % 6,
            _ => 8 + (state >> 16) as usize % 200,
        };
        let (piece, others) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = others;
    }
    pieces
}
