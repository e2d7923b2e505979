//! scratch
use wfl::base::*;
use wfl::syntax::module::Unit;
fn main() {
    let mut sources = SourceMap::default();
    let mut units = vec![];
    let mut diags = vec![];
    for p in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&p).unwrap();
        let id = sources.add(SourceFile::new(p.clone(), text.clone()));
        let t = std::time::Instant::now();
        let (tree, d) = wfl::syntax::parse(id, &text);
        eprintln!("{p}: parsed {} refused {} in {:?}", tree.parsed, tree.refused, t.elapsed());
        diags.extend(d);
        let std = p.contains("stdlib/");
        let name = if std {
            format!("std.{}", p.rsplit('/').next().unwrap().trim_end_matches(".wfl"))
        } else {
            p.clone()
        };
        units.push(Unit { name, std, given: !std, tree, imports: vec![] });
    }
    let t = std::time::Instant::now();
    let c = wfl::model::check(&sources, &units);
    eprintln!("check {:?} stages {}", t.elapsed(), c.model.stages.len());
    diags.extend(c.diagnostics);
    for d in diags {
        println!(
            "{} {}[{}] {} | {:?} | help {:?}",
            sources.place(d.span),
            d.severity,
            d.code.id,
            d.message,
            d.related.iter().map(|r| format!("{} {}", sources.place(r.span), r.message)).collect::<Vec<_>>(),
            d.help
        );
    }
}
