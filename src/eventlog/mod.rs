//! Event logs of other programs: CSV and XES, plain or gzipped, to and from [`crate::learn::Log`]. Judges rows and says what
//! it left out; learns nothing.
