//! the_rest
