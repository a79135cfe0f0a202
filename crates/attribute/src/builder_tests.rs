use super::*;
use crate::view::MapRef;

fn finish(build: impl FnOnce(&mut ItemBuilder)) -> Result<Item, ValueError> {
    let mut builder = ItemBuilder::new();
    build(&mut builder);
    builder.finish()
}

fn message(build: impl FnOnce(&mut ItemBuilder)) -> String {
    finish(build).expect_err("a fault").to_string()
}

/// One attribute of the name `a`.
fn attribute(build: impl FnOnce(&mut ItemBuilder)) -> Result<Item, ValueError> {
    finish(|b| {
        b.name("a");
        build(b);
    })
}

fn set(kind: Type, members: &[&str]) -> Result<Item, ValueError> {
    attribute(|b| {
        b.begin_set(kind);
        for member in members {
            if kind == Type::BS { b.member_bytes(member.as_bytes()) } else { b.member(member) }
        }
        b.end();
    })
}

fn everything() -> Item {
    finish(|b| {
        b.name("s");
        b.begin_value();
        b.string("Grüße");
        b.end_value();
        b.name("n");
        b.number("-12.50");
        b.name("b");
        b.binary(&[0, 255, 7]);
        b.name("t");
        b.bool(true);
        b.name("z");
        b.null(true);
        b.name("ss");
        b.begin_set(Type::SS);
        b.member("y");
        b.member("x");
        b.end();
        b.name("ns");
        b.begin_set(Type::NS);
        b.member("10");
        b.member("-2");
        b.end();
        b.name("bs");
        b.begin_set(Type::BS);
        b.member_bytes(b"q");
        b.end();
        b.name("l");
        b.begin_list();
        b.begin_value();
        b.string("e");
        b.end_value();
        b.begin_map();
        b.name("k");
        b.number("1");
        b.end();
        b.begin_list();
        b.end();
        b.end();
    })
    .unwrap()
}

#[test]
fn reads_back_what_was_built() {
    let item = everything();
    assert_eq!(
        format!("{item:?}"),
        r#"{"b": {B:AP8H}, "bs": {BS:[{B:cQ==}]}, "l": {L:[{S:e}, {M:{"k": {N:1}}}, {L:[]}]}, "n": {N:-12.5}, "ns": {NS:[{N:-2}, {N:10}]}, "s": {S:Grüße}, "ss": {SS:[{S:x}, {S:y}]}, "t": {BOOL:true}, "z": {NULL:true}}"#
    );
    assert_eq!(item.get("s"), Some(ValueRef::S("Grüße")));
    assert_eq!(item.get("nothing"), None);
    assert_eq!(item.attributes().get_key_value("s"), Some(("s", ValueRef::S("Grüße"))));
    let Some(ValueRef::L(list)) = item.get("l") else { panic!() };
    let Some(ValueRef::M(map)) = list.get(1) else { panic!() };
    assert_eq!(map.get("k").unwrap().kind(), Type::N);
    assert_eq!((list.get(3), list.len(), map.get("")), (None, 3, None));
    assert!(item.get("ns").unwrap().has_member(Value::number(10.into()).view()));
    assert!(!item.get("ns").unwrap().has_member(ValueRef::S("10")));
    // Names 12; s 7, n 4, b 3, t 1, z 1, ss 2, ns 2 + 3, bs 1; l 3 + (1+1) + (1+3+1+1+2) + (1+3).
    assert_eq!(item.size(), 12 + 7 + 4 + 3 + 1 + 1 + 2 + 5 + 1 + 17);
    assert_eq!(item.attributes().size(), item.size());
    assert_eq!(item.check(), Ok(()));
    let again = Item::from_bytes(item.clone().into_bytes()).unwrap();
    assert_eq!(again, item);
}

#[test]
fn order_and_copying_do_not_matter_to_equality() {
    let item = everything();
    let backwards: Vec<_> = item.iter().collect();
    let builder: ItemBuilder = backwards.into_iter().rev().collect();
    let other = builder.finish().unwrap();
    assert_ne!(other.as_bytes(), item.as_bytes());
    assert_eq!((&other, other.size()), (&item, item.size()));
    for (_, value) in item.iter() {
        let owned = Value::from(value);
        assert_eq!(owned.view(), value);
        let mut single = ItemBuilder::single(1000);
        single.value(value);
        assert_eq!(single.finish_value().unwrap(), owned);
    }
}

#[test]
fn the_last_of_equal_names_stays() {
    let item = finish(|b| {
        for (name, text) in [("b", "1"), ("a", "22"), ("b", "333"), ("b", "4444")] {
            b.name(name);
            b.string(text);
        }
        b.name("m");
        b.begin_map();
        for text in ["1", "22"] {
            b.name("k");
            b.string(text);
        }
        b.end();
    })
    .unwrap();
    assert_eq!(format!("{item:?}"), r#"{"a": {S:22}, "b": {S:4444}, "m": {M:{"k": {S:22}}}}"#);
    assert_eq!(item.size(), item.attributes().size());
    assert_eq!(item.check(), Ok(()));
}

#[test]
fn one_type_in_each_value() {
    let empty =
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
    let many = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
                the supported datatypes";
    let value = |build: fn(&mut ItemBuilder)| {
        message(|b| {
            b.name("a");
            b.begin_value();
            build(b);
            b.end_value();
        })
    };
    assert_eq!(value(|_| {}), empty);
    assert_eq!(
        value(|b| {
            b.string("a");
            b.bool(true);
        }),
        many
    );
    assert_eq!(
        value(|b| {
            b.begin_list();
            b.end();
            b.string("a");
            b.null(true);
        }),
        many
    );
    // What is wrong within a type comes first, as it stands first.
    assert_eq!(
        value(|b| {
            b.string("a");
            b.null(false);
        }),
        ValueError::NullNotTrue.to_string()
    );
    assert_eq!(message(|b| b.name("a")), empty);
    assert_eq!(
        message(|b| {
            b.name("a");
            b.name("b");
        }),
        empty
    );
    assert_eq!(message(|b| b.string("no name")), empty);
    assert_eq!(
        message(|b| {
            b.name("a");
            b.begin_map();
            b.name("k");
            b.end();
        }),
        empty
    );
    assert_eq!(
        message(|b| {
            b.name("a");
            b.begin_list();
            b.begin_value();
            b.end_value();
        }),
        empty
    );
    assert_eq!(
        message(|b| {
            b.name("a");
            b.begin_list();
        }),
        empty
    );
}

#[test]
fn sets_have_members_once() {
    let invalid = "One or more parameter values were invalid: ";
    for (kind, members, expect) in [
        (Type::SS, &[][..], format!("{invalid}An string set  may not be empty")),
        (Type::NS, &[], format!("{invalid}An number set  may not be empty")),
        (Type::BS, &[], format!("{invalid}Binary sets should not be empty")),
        (
            Type::SS,
            &["b", "a", "b"],
            format!("{invalid}Input collection [b, a, b] contains duplicates."),
        ),
        (Type::NS, &["1", "2", "1.0"], "Input collection contains duplicates".to_owned()),
        (
            Type::BS,
            &["b", "b"],
            format!("{invalid}Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ),
        (Type::NS, &["x"], "The parameter cannot be converted to a numeric value: x".to_owned()),
    ] {
        assert_eq!(set(kind, members).unwrap_err().to_string(), expect);
    }
    assert!(set(Type::SS, &["", "a"]).is_ok());
}

fn nested(levels: usize, build: impl FnOnce(&mut ItemBuilder)) -> Result<Item, ValueError> {
    attribute(|b| {
        for level in 0..levels {
            if level % 2 == 0 {
                b.begin_list();
            } else {
                b.begin_map();
                b.name("k");
            }
        }
        build(b);
        for _ in 0..levels {
            b.end();
        }
    })
}

#[test]
fn nesting_is_bounded() {
    assert!(nested(31, |b| b.string("leaf")).is_ok());
    assert_eq!(nested(32, |b| b.string("leaf")), Err(ValueError::NestingTooDeep));
    assert_eq!(
        nested(31, |b| {
            b.begin_list();
            b.end();
        })
        .unwrap()
        .check(),
        Ok(())
    );
    assert_eq!(nested(100_000, |_| {}), Err(ValueError::NestingTooDeep));
    // A value that is copied counts with all its levels.
    let ten = nested(10, |b| b.string("leaf")).unwrap();
    let ten = ten.get("a").unwrap();
    assert!(nested(21, |b| b.value(ten)).is_ok());
    assert_eq!(nested(22, |b| b.value(ten)), Err(ValueError::NestingTooDeep));
}

#[test]
fn size_is_bounded_while_building() {
    let of = |length: usize| attribute(|b| b.string(&"x".repeat(length)));
    assert_eq!(of(MAX_ITEM_SIZE - 1).unwrap().size(), MAX_ITEM_SIZE);
    assert_eq!(of(MAX_ITEM_SIZE), Err(ValueError::ItemTooLarge));
    let mut builder = ItemBuilder::new();
    builder.name("a");
    builder.begin_list();
    for _ in 0..1_000_000 {
        builder.bool(true);
    }
    builder.end();
    assert_eq!(builder.bytes.capacity(), 0);
    assert_eq!(builder.finish(), Err(ValueError::ItemTooLarge));
}

#[test]
fn the_first_fault_is_told() {
    assert_eq!(
        message(|b| {
            b.name("a");
            b.number("x");
            b.name("b");
            b.number("1e126");
            b.end();
            b.end_value();
        }),
        "The parameter cannot be converted to a numeric value: x"
    );
}

#[test]
fn the_name_with_the_fault_is_told() {
    let mut builder = ItemBuilder::with_limit(2 << 20);
    builder.name(":a");
    builder.string("x");
    builder.name(":b");
    builder.begin_value();
    builder.begin_map();
    builder.name("inner");
    builder.begin_list();
    assert_eq!(builder.fault(), None);
    builder.number("x");
    builder.name(":c");
    assert_eq!(builder.fault(), Some((":b", &ValueError::NotNumeric("x".to_owned()))));
}

/// Drives a builder by bytes: any order of calls, mostly sensible ones.
fn drive(builder: &mut ItemBuilder, calls: &[u8]) {
    let mut open = 0;
    for (at, call) in calls.iter().enumerate() {
        let name = format!("{}", call % 7);
        builder.name(&name);
        match call / 16 {
            0 => builder.string(&name),
            1 => builder.number(&format!("{call}e{}", at % 9)),
            2 => builder.binary(&[*call, 0]),
            3 => builder.bool(call % 2 == 0),
            4 => builder.null(true),
            5 => {
                builder.begin_set([Type::SS, Type::NS][usize::from(call % 2)]);
                builder.member(&call.to_string());
                builder.member(&at.to_string());
                builder.end();
            }
            6..=9 => {
                builder.begin_map();
                open += 1;
            }
            10 => {
                builder.begin_list();
                builder.string("e");
                builder.begin_map();
                builder.end();
                builder.end();
            }
            _ if open > 0 => {
                builder.string("");
                builder.end();
                open -= 1;
            }
            _ => builder.string("last"),
        }
    }
    for _ in 0..open {
        builder.end();
    }
}

#[test]
fn random_items_come_back() {
    bolero::check!().with_type::<Vec<u8>>().with_iterations(5_000).for_each(|calls| {
        let mut builder = ItemBuilder::new();
        drive(&mut builder, calls);
        let Ok(item) = builder.finish() else { return };
        assert_eq!(item.check(), Ok(()));
        assert_eq!(item.size(), item.attributes().size());
        let copy: ItemBuilder = item.iter().collect();
        let copy = copy.finish().unwrap();
        assert_eq!(copy, item);
        for (name, value) in item.iter() {
            assert_eq!(item.get(name), Some(value));
        }
    });
}

fn walk(map: MapRef<'_>) -> usize {
    map.iter().map(|(name, value)| name.len() + format!("{value:?}").len()).sum()
}

#[test]
fn damage_never_panics() {
    let good = everything().as_bytes().to_vec();
    bolero::check!().with_type().with_iterations(5_000).for_each(
        |(at, bits, cut): &(u16, u8, u16)| {
            let mut bytes = good.clone();
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= bits;
            bytes.truncate(bytes.len() - usize::from(*cut) % 40 / 20 * usize::from(*cut % 20));
            if let Ok(item) = Item::from_bytes(bytes.into()) {
                let _ = (item.check(), item.get("l"), item.size(), walk(item.attributes()));
            }
        },
    );
    assert_eq!(Item::from_bytes(Bytes::new()).unwrap_err(), crate::Damaged);
    assert_eq!(Item::from_bytes(Bytes::from_static(&[9; 9])).unwrap_err(), crate::Damaged);
    assert_eq!(Item::empty(), ItemBuilder::new().finish().unwrap());
}
