//! crediting
