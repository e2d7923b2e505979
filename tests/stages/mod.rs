//! Tests of the stages side.
