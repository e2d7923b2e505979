//! Progress for a person and event lines for tools: own folds over events, best effort.
