//! Ground types every layer shares. Knows nothing of the language, of runs or of files on disk.

pub mod clock;
pub mod credential;
mod few;
mod ids;
mod name;
mod shared;
pub mod source;
pub mod suggest;
pub mod templates;
pub mod value;
pub mod workflow_command;

pub use clock::{Clock, Moment, Timestamp};
pub use few::Few;
pub use ids::{IdMap, IdSet};
pub use name::Name;
pub use shared::Shared;
pub use source::{FileId, Position, SourceFile, SourceMap, Span};
pub use value::{Type, Value};
