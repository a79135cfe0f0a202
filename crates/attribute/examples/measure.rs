//! Measures the stored form on an item of 1 KB and ten attributes:
//! `cargo run --release -p cumulet-attribute --example measure`.

use std::hint::black_box;
use std::time::Instant;

use cumulet_attribute::{Item, ItemBuilder, NumberText, Type, ValueRef};

/// Each figure is the best of these batches: others may use the machine, too.
const BATCHES: u32 = 200;
const ROUNDS: u32 = 1_000;

fn build(text: &str) -> Option<Item> {
    let mut builder = ItemBuilder::new();
    for (name, text) in [("pk", "customer#1729"), ("sk", "order#2026-11-21"), ("body", text)] {
        builder.name(name);
        builder.begin_value();
        builder.string(text);
        builder.end_value();
    }
    for (name, number) in [("total", "1234.56"), ("count", "42"), ("created", "1795219200000")] {
        builder.name(name);
        builder.begin_value();
        builder.number(number);
        builder.end_value();
    }
    builder.name("open");
    builder.bool(true);
    builder.name("tags");
    builder.begin_set(Type::SS);
    builder.member("new");
    builder.member("gift");
    builder.end();
    builder.name("lines");
    builder.begin_list();
    for number in ["1", "2"] {
        builder.begin_map();
        builder.name("item");
        builder.string("teapot");
        builder.name("quantity");
        builder.number(number);
        builder.end();
    }
    builder.end();
    builder.name("note");
    builder.null(true);
    builder.finish().ok()
}

/// What a writer does: every byte of every value once.
fn walk(value: ValueRef<'_>, text: &mut NumberText) -> usize {
    match value {
        ValueRef::S(text) => text.len(),
        ValueRef::N(number) => number.text(text).len(),
        ValueRef::B(bytes) => bytes.len(),
        ValueRef::Bool(_) | ValueRef::Null => 1,
        ValueRef::SS(_) | ValueRef::NS(_) | ValueRef::BS(_) => {
            value.members().map(|member| walk(member, text)).sum()
        }
        ValueRef::L(list) => list.iter().map(|element| walk(element, text)).sum(),
        ValueRef::M(map) => map.iter().map(|(name, value)| name.len() + walk(value, text)).sum(),
    }
}

fn measure(what: &str, mut run: impl FnMut()) {
    let mut batch = || {
        let start = Instant::now();
        for _ in 0..ROUNDS {
            run();
        }
        start.elapsed()
    };
    let best = (0..BATCHES).map(|_| batch()).min().unwrap_or_default();
    println!("{what:<24}{:>8.1} ns", best.as_nanos() as f64 / f64::from(ROUNDS));
}

fn main() {
    let text = "x".repeat(800);
    let Some(item) = build(&text) else { return };
    let stored = item.as_bytes().len();
    println!("{} attributes, {} bytes by AWS's count, {stored} stored", item.len(), item.size());
    measure("build", || drop(black_box(build(black_box(&text)))));
    for name in ["body", "created", "total", "absent"] {
        measure(&format!("look up {name}"), || {
            black_box(black_box(&item).get(black_box(name)));
        });
    }
    let mut buffer = NumberText::new();
    measure("walk everything", || {
        let names = black_box(&item).iter();
        black_box(names.map(|(name, value)| name.len() + walk(value, &mut buffer)).sum::<usize>());
    });
    measure("check everything", || {
        black_box(black_box(&item).check().is_ok());
    });
}
