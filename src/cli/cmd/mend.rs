//! `wfl mend KIND`: puts right what interrupted programs left, of one kind. Repair rules of the library call it; people may.

use serde_json::json;

use crate::cli::args::{Format, Mend};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::Error;
use crate::facts::amiss::{self, Kind};

/// What the failed attempt said, where a repair rule calls.
const FAILURE: &str = "WFL_STDERR";

pub fn run(args: &Mend, terminal: &Terminal) -> Result<Code, Error> {
    let kind = Kind::named(&args.kind)
        .map_err(|why| Error::refused(why, "`wfl mend --help` says what each of them is"))?;
    let cannot = |why: String| Error::refused(why, "see to it by hand, then go on with `wfl resume`");
    let here = std::env::current_dir().map_err(|e| cannot(format!("cannot tell the folder: {e}")))?;
    let root = crate::workspace::project_root(&here);
    let failure = std::env::var(FAILURE).ok();
    let found = match args.dry_run {
        true => amiss::find(&root, kind, failure.as_deref()),
        false => amiss::mend(&root, kind, failure.as_deref()),
    };
    let found = found.map_err(cannot)?;
    match args.format {
        Format::Json => terminal.json(&json!({ "kind": args.kind, "found": found, "dry_run": args.dry_run })),
        Format::Human if found.is_empty() => terminal.say(&format!("nothing is amiss: {}", args.kind)),
        Format::Human => terminal.data(&found.join("\n")),
    }
    // A repair that found nothing has not repaired.
    Ok(if found.is_empty() && !args.dry_run { Code::Findings } else { Code::Ok })
}
