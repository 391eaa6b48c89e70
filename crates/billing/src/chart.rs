//! Chart (being written).
