//! Compiles the one piece of C: a function with a variable number of arguments, as libxslt calls it.

fn main() {
    println!("cargo::rerun-if-changed=src/xml/messages.c");
    cc::Build::new()
        .file("src/xml/messages.c")
        .compile("fletching_xml");
}
