//! What the disk does to us, for real.
