//! Values in statements: literals and parameters.

use cumulet_attribute::{Item, ItemBuilder, MAX_ITEM_SIZE, Type, Value, ValueRef};

use super::lexer::Token;
use super::parser::Parser;
use super::{Result, malformed, refused};
use crate::error::Error;

impl Parser<'_> {
    /// Whether a value begins at the next token, and no path or function.
    pub(super) fn at_value(&self) -> bool {
        match self.peek() {
            Token::Text(_) | Token::Number(_) | Token::Parameter => true,
            Token::Symbol(symbol) => matches!(*symbol, "[" | "{" | "<<" | "-" | "+"),
            Token::Word(word) => is_literal(word),
            Token::Quoted(_) | Token::End => false,
        }
    }

    /// A value.
    pub(super) fn value(&mut self) -> Result<Value> {
        let mut builder = ItemBuilder::single(MAX_ITEM_SIZE);
        self.build(&mut builder)?;
        builder.finish_value().map_err(Error::Value)
    }

    /// The attributes of `{'name': value, …}`.
    pub(super) fn item(&mut self) -> Result<Item> {
        if *self.peek() != Token::Symbol("{") {
            return Err(refused(
                "Unsupported format in item expression. Please use struct format {...} to express \
                 item values for insert statement.",
            ));
        }
        let mut builder = ItemBuilder::new();
        self.pairs(&mut builder)?;
        builder.finish().map_err(Error::Value)
    }

    fn build(&mut self, builder: &mut ItemBuilder) -> Result<()> {
        self.enter()?;
        let built = self.build_within(builder);
        self.leave();
        built
    }

    fn build_within(&mut self, builder: &mut ItemBuilder) -> Result<()> {
        match self.peek().clone() {
            Token::Text(text) => {
                self.next();
                builder.string(&text);
                Ok(())
            }
            Token::Parameter => {
                self.next();
                let value = self.parameter()?;
                builder.value(value.view());
                Ok(())
            }
            Token::Number(_) | Token::Symbol("-" | "+") => {
                builder.number(&self.number()?);
                Ok(())
            }
            Token::Symbol("[") => {
                self.next();
                builder.begin_list();
                self.separated("]", |parser| parser.build(builder))?;
                builder.end();
                Ok(())
            }
            Token::Symbol("{") => {
                builder.begin_map();
                self.pairs(builder)?;
                builder.end();
                Ok(())
            }
            Token::Symbol("<<") => self.bag(builder),
            Token::Word(word) => self.word(word, builder),
            Token::Quoted(_) | Token::Symbol(_) | Token::End => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str, builder: &mut ItemBuilder) -> Result<()> {
        let word = word.to_ascii_uppercase();
        match word.as_str() {
            "TRUE" | "FALSE" => builder.bool(word == "TRUE"),
            "NULL" => builder.null(true),
            "MISSING" => return Err(refused("MISSING must be compared using IS operator")),
            _ => return Err(self.unexpected()),
        }
        self.next();
        Ok(())
    }

    fn number(&mut self) -> Result<String> {
        let negative = self.symbol("-");
        if !negative {
            self.symbol("+");
        }
        match self.next() {
            Token::Number(digits) if negative => Ok(format!("-{digits}")),
            Token::Number(digits) => Ok((*digits).to_owned()),
            _ => Err(malformed("Expected expression")),
        }
    }

    /// The names and values of a map.
    fn pairs(&mut self, builder: &mut ItemBuilder) -> Result<()> {
        self.expect("{")?;
        let mut seen = std::collections::BTreeSet::new();
        self.separated("}", |parser| {
            let name = match parser.next() {
                Token::Text(name) | Token::Quoted(name) => name.clone().into_owned(),
                _ => return Err(malformed("Expected expression")),
            };
            parser.expect(":")?;
            if seen.contains(&name) {
                return Err(refused(format!("Duplicate keys in tuple. Key: {name}")));
            }
            builder.name(&name);
            seen.insert(name);
            parser.build(builder)
        })
    }

    /// `<<…>>`, a set. Numbers and strings alone can be written; a parameter may be a binary.
    fn bag(&mut self, builder: &mut ItemBuilder) -> Result<()> {
        self.next();
        let mut members = Vec::new();
        self.separated(">>", |parser| {
            members.push(parser.value()?);
            Ok(())
        })?;
        let Some(first) = members.first() else {
            return Err(refused("Empty bags are not supported"));
        };
        let kind = match first.kind() {
            Type::S => Type::SS,
            Type::N => Type::NS,
            Type::B => Type::BS,
            _ => return Err(unsupported_bag()),
        };
        if members.iter().any(|member| member.kind() != first.kind()) {
            return Err(unsupported_bag());
        }
        builder.begin_set(kind);
        for member in &members {
            builder.member_value(member.view());
        }
        builder.end();
        Ok(())
    }
}

/// Words that are values.
pub(super) fn is_literal(word: &str) -> bool {
    ["TRUE", "FALSE", "NULL", "MISSING"].iter().any(|one| word.eq_ignore_ascii_case(one))
}

fn unsupported_bag() -> Error {
    refused(
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
    )
}

/// Whether a value is a set.
pub(super) fn is_set(value: &Value) -> bool {
    matches!(value.view(), ValueRef::SS(_) | ValueRef::NS(_) | ValueRef::BS(_))
}
