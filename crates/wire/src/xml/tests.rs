use std::collections::BTreeMap;

use cumulet_shape::{Faults, ReadError, Schema, Shape};

use super::read::Element;
use super::{XmlReader, XmlWriter};

#[derive(Debug, Clone, Default, PartialEq, Shape)]
struct Grantee {
    #[shape(wire = "ID")]
    id: Option<String>,
    // In the start tag, though not the first member.
    #[shape(wire = "xsi:type", attribute)]
    kind: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Shape)]
struct Root {
    #[shape(wire = "Text")]
    text: Option<String>,
    #[shape(wire = "Words")]
    words: Option<Vec<String>>,
    #[shape(wire = "Named", item = "Name")]
    named: Option<Vec<i32>>,
    #[shape(wire = "Part", flattened)]
    parts: Option<Vec<Grantee>>,
    #[shape(wire = "Map")]
    map: Option<BTreeMap<String, String>>,
    #[shape(wire = "Flat", flattened, key = "K", value = "V")]
    flat: Option<BTreeMap<String, bool>>,
    #[shape(wire = "Grantee", xmlns = "http://x", xmlns_prefix = "xsi")]
    grantee: Option<Grantee>,
}

fn read(xml: &str) -> Result<Root, ReadError> {
    let root = Element::parse(xml.as_bytes(), 16)?;
    let mut faults = Faults::default();
    Root::read(Schema::of::<Root>(), &mut XmlReader::Element(&root), &mut faults)
}

fn write(value: &Root) -> String {
    let mut writer = XmlWriter::new("Root");
    value.write(Schema::of::<Root>(), &mut writer);
    writer.into_string()
}

#[test]
fn every_kind_round_trips() {
    let xml = concat!(
        "<Root><Text>a&lt;b&amp;&#xD; é</Text><Words><member>x</member><member></member></Words>",
        "<Named><Name>1</Name></Named><Part><ID>1</ID></Part><Part><ID>2</ID></Part>",
        "<Map><entry><key>a</key><value>b</value></entry><entry><key>c</key><value>d</value></entry></Map>",
        "<Flat><K>t</K><V>true</V></Flat>",
        "<Grantee xmlns:xsi=\"http://x\" xsi:type=\"User\"><ID>u</ID></Grantee></Root>"
    );
    let value = read(xml).unwrap();
    assert_eq!(value.text.as_deref(), Some("a<b&\r é"));
    assert_eq!(value.grantee.as_ref().unwrap().kind.as_deref(), Some("User"));
    assert_eq!(write(&value), xml);
}

#[test]
fn order_prefixes_cdata_and_strangers() {
    let value = read(concat!(
        "<?xml version=\"1.0\"?><!-- c --><p:Root xmlns:p='u'><Unknown><deep/></Unknown>",
        "<Named/><Text><![CDATA[<&>]]></Text></p:Root>"
    ));
    let expect = Root { text: Some("<&>".into()), named: Some(vec![]), ..Root::default() };
    assert_eq!(value.unwrap(), expect);
}

#[test]
fn hostile_documents_are_refused() {
    for xml in [
        "",
        "text",
        "<Root>",
        "<Root></Other>",
        "<Root/><Root/>",
        "<Root>&nope;</Root>",
        "<!DOCTYPE r [<!ENTITY a 'aaaa'>]><Root>&a;</Root>",
        "<Root a='1' a='2'/>",
    ] {
        assert_eq!(read(xml), Err(ReadError::Syntax), "{xml}");
    }
    let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
    assert_eq!(read(&deep), Err(ReadError::TooDeep));
    assert_eq!(read("<Root><Text><b/></Text></Root>"), Err(ReadError::UnexpectedStart));
}

#[test]
fn any_bytes_are_read_or_refused() {
    bolero::check!().with_iterations(10_000).for_each(|bytes: &[u8]| {
        let _ = Element::parse(bytes, 16);
    });
}

#[test]
fn any_text_survives() {
    bolero::check!().with_type::<String>().with_iterations(5_000).for_each(|text| {
        // Characters that XML 1.0 cannot carry are the exception; S3's clients live with it.
        if text.chars().all(|c| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')) {
            let value = Root { text: Some(text.clone()), ..Root::default() };
            assert_eq!(read(&write(&value)).unwrap(), value);
        }
    });
}
