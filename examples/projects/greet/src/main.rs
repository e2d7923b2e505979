//! Prints a greeting: `greet [LANGUAGE] [NAME]`.

fn main() {
    let mut words = std::env::args().skip(1);
    let language = words.next().unwrap_or_else(|| "en".into());
    let name = words.next().unwrap_or_else(|| "world".into());
    println!("{}", greet::greeting(&language, &name));
}
