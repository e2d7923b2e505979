fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let t = std::time::Instant::now();
        let (file, diags) = wfl::syntax::parse(wfl::base::FileId(0), &text);
        let took = t.elapsed();
        let mut map = wfl::base::SourceMap::default();
        map.add(wfl::base::SourceFile::new(path.clone(), text.as_str()));
        println!(
            "{path}: {} parsed {} refused {} top, {:?}",
            file.parsed,
            file.refused,
            file.statements.len(),
            took
        );
        for d in diags.iter().take(40) {
            println!(
                "  {} {} {} [{}] help={:?} related={:?}",
                map.place(d.span),
                d.code.id,
                d.message,
                d.label.as_deref().unwrap_or(""),
                d.help,
                d.related.iter().map(|r| (map.place(r.span), r.message.clone())).collect::<Vec<_>>()
            );
        }
    }
}
