//! Output of attempts: framed logs, masking, the bounded window of stderr. Knows no stage semantics.
