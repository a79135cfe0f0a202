//! Statements.

use cumulet_api_dynamodb::types::ReturnValue;
use cumulet_attribute::Value;

use super::lexer::{self, Token};
use super::syntax::{Ordering, Select, Selected, Statement, Target};
use super::{Result, malformed, refused, values};
use crate::error::Error;
use crate::expression::{Path, Step, Test};

/// Parentheses, NOTs, lists and maps within one another, at most.
const MAX_DEPTH: usize = 64;
/// Words that are no names unless they are quoted.
const RESERVED: [&str; 27] = [
    "ALL", "AND", "AS", "ASC", "BETWEEN", "BY", "DELETE", "DESC", "EXISTS", "FALSE", "FROM", "IN",
    "INSERT", "INTO", "IS", "MISSING", "NOT", "NULL", "OR", "ORDER", "REMOVE", "SELECT", "SET",
    "TRUE", "UPDATE", "VALUE", "WHERE",
];

/// Where the reading of a statement stands.
pub(super) struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    at: usize,
    parameters: &'s [Value],
    used: usize,
    depth: usize,
    /// Operators and functions of its condition so far.
    pub(super) operators: usize,
}

impl<'s> Parser<'s> {
    pub(super) fn new(text: &'s str, parameters: &'s [Value]) -> Result<Self> {
        let tokens = lexer::tokens(text)?;
        Ok(Self { tokens, at: 0, parameters, used: 0, depth: 0, operators: 0 })
    }

    /// One statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        if self.keyword("SELECT") {
            return Ok(Statement::Select(self.select()?));
        }
        if self.keyword("INSERT") {
            return self.insert();
        }
        if self.keyword("UPDATE") {
            return self.update();
        }
        if self.keyword("DELETE") {
            return self.delete();
        }
        if self.keyword("EXISTS") {
            self.expect("(")?;
            self.expect_keyword("SELECT")?;
            let select = self.select()?;
            self.expect(")")?;
            return Ok(Statement::Exists(select));
        }
        Err(match self.peek() {
            Token::Word(_) => malformed("Unexpected keyword"),
            _ => malformed("Unexpected term"),
        })
    }

    /// Refuses what follows the statement, and parameters that it has no place for.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.symbol(";") && *self.peek() != Token::End {
            return Err(refused("Only one operation is allowed in a statement."));
        }
        if *self.peek() != Token::End {
            return Err(malformed("Unexpected token after expression"));
        }
        if self.used == self.parameters.len() { Ok(()) } else { Err(wrong_parameters()) }
    }

    fn select(&mut self) -> Result<Select> {
        let selected = self.selected()?;
        self.expect_keyword("FROM")?;
        let target = self.target()?;
        if self.symbol(",") {
            return Err(refused("Only select from a single table or index is supported."));
        }
        let condition = self.condition_after("WHERE")?;
        let order = if self.keyword("ORDER") { self.order()? } else { Vec::new() };
        for clause in ["GROUP", "HAVING", "LIMIT", "OFFSET", "UNION", "JOIN"] {
            if self.keyword(clause) {
                return Err(refused(format!("Unsupported clause: {clause}")));
            }
        }
        Ok(Select { target, selected, condition, order })
    }

    fn selected(&mut self) -> Result<Option<Vec<Selected>>> {
        if self.symbol("*") {
            return match self.peek() {
                Token::Symbol(",") => Err(refused(
                    "Other attributes should not be present in the projection when '*' is used.",
                )),
                _ => Ok(None),
            };
        }
        let mut list: Vec<Selected> = Vec::new();
        loop {
            let path = self.path()?;
            if self.keyword("AS") || self.at_name() {
                return Err(refused("Aliasing is not supported"));
            }
            let name = shown(&path);
            if list.iter().any(|one| one.name == name) {
                return Err(refused(format!("Duplicate identifiers in select clause: {name}")));
            }
            list.push(Selected { path, name });
            if !self.symbol(",") {
                return Ok(Some(list));
            }
        }
    }

    fn order(&mut self) -> Result<Vec<Ordering>> {
        self.expect_keyword("BY")?;
        let mut order = Vec::new();
        loop {
            let name = self.name()?;
            let descending = self.keyword("DESC");
            if !descending {
                self.keyword("ASC");
            }
            order.push(Ordering { name, descending });
            if !self.symbol(",") {
                return Ok(order);
            }
        }
    }

    fn insert(&mut self) -> Result<Statement> {
        self.expect_keyword("INTO")?;
        let target = self.target()?;
        if self.keyword("VALUES") {
            return Err(refused(
                "Unsupported operation: Inserting multiple items in a single statement is not \
                 supported, use \"INSERT INTO tableName VALUE item\" instead",
            ));
        }
        self.expect_keyword("VALUE")?;
        let item = self.item()?;
        let mut lenient = false;
        if self.keyword("ON") {
            self.expect_keyword("CONFLICT")?;
            if !(self.keyword("DO") && self.keyword("NOTHING")) {
                return Err(refused(
                    "Invalid conflict action. Only \"DO NOTHING\" action is supported.",
                ));
            }
            lenient = true;
        }
        if self.keyword("RETURNING") {
            return Err(refused("RETURNING is not supported in INSERT"));
        }
        Ok(Statement::Insert { target, item, lenient })
    }

    fn update(&mut self) -> Result<Statement> {
        let target = self.target()?;
        let update = self.changes()?;
        let condition = self.condition_after("WHERE")?.ok_or_else(incomplete_key)?;
        let returning = self.returning()?;
        Ok(Statement::Update { target, update, condition, returning })
    }

    fn delete(&mut self) -> Result<Statement> {
        self.expect_keyword("FROM")?;
        let target = self.target()?;
        let condition = self.condition_after("WHERE")?.ok_or_else(incomplete_key)?;
        let returning = self.returning()?;
        let shown = match returning {
            None | Some(ReturnValue::None | ReturnValue::AllOld) => None,
            Some(ReturnValue::AllNew) => Some("ALL NEW"),
            Some(ReturnValue::UpdatedOld) => Some("MODIFIED OLD"),
            Some(ReturnValue::UpdatedNew) => Some("MODIFIED NEW"),
        };
        if let Some(shown) = shown {
            return Err(refused(format!(
                "Invalid returning clause: RETURNING {shown} *. Only RETURNING ALL OLD * is \
                 allowed in DELETE statements."
            )));
        }
        Ok(Statement::Delete { target, condition, returning })
    }

    fn returning(&mut self) -> Result<Option<ReturnValue>> {
        if !self.keyword("RETURNING") {
            return Ok(None);
        }
        let modified = self.keyword("MODIFIED");
        let known = modified || self.keyword("ALL");
        let new = self.keyword("NEW");
        let old = !new && self.keyword("OLD");
        if !known || !(new || old) || !self.symbol("*") {
            return Err(refused(
                "Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause",
            ));
        }
        if self.symbol(",") {
            return Err(refused(
                "Invalid syntax with multiple returning elements in RETURNING clause",
            ));
        }
        Ok(Some(match (modified, new) {
            (false, false) => ReturnValue::AllOld,
            (false, true) => ReturnValue::AllNew,
            (true, false) => ReturnValue::UpdatedOld,
            (true, true) => ReturnValue::UpdatedNew,
        }))
    }

    fn target(&mut self) -> Result<Target> {
        let table = match self.next() {
            Token::Quoted(name) => name.into_owned(),
            Token::Word(word) if !is_reserved(word) => word.to_owned(),
            Token::Symbol("[" | "<<") => return Err(refused("Invalid list expression in source.")),
            _ => return Err(refused("Unexpected from source")),
        };
        let index = if self.symbol(".") { Some(self.name()?) } else { None };
        if *self.peek() == Token::Symbol(".") {
            return Err(refused("A path may contain at most 2 components in the FROM clause"));
        }
        if self.keyword("AS") || matches!(self.peek(), Token::Quoted(_)) {
            return Err(refused("Aliasing is not supported"));
        }
        Ok(Target { table, index })
    }

    fn condition_after(&mut self, keyword: &str) -> Result<Option<Test>> {
        if self.keyword(keyword) { self.condition().map(Some) } else { Ok(None) }
    }
}

/// What the grammar's parts share.
impl<'s> Parser<'s> {
    /// The next token, which stays.
    pub(super) fn peek(&self) -> &Token<'s> {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    /// The one after it.
    pub(super) fn peek_second(&self) -> &Token<'s> {
        self.tokens.get(self.at + 1).unwrap_or(&Token::End)
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token<'s> {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// Takes the symbol if it is next.
    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        self.at += usize::from(found);
        found
    }

    /// Takes the symbol or fails.
    pub(super) fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.symbol(symbol) {
            return Ok(());
        }
        Err(malformed(&format!("Expected {}", symbol_name(symbol))))
    }

    /// Takes the keyword, in any case, if it is next.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(found);
        found
    }

    /// Takes the keyword or fails.
    pub(super) fn expect_keyword(&mut self, keyword: &str) -> Result<()> {
        if self.keyword(keyword) { Ok(()) } else { Err(malformed(&format!("Expected {keyword}"))) }
    }

    /// What is next may not stand there.
    pub(super) fn unexpected(&self) -> Error {
        match self.peek() {
            Token::Word(_) => malformed("Unexpected keyword"),
            Token::End => malformed("Expected expression"),
            _ => malformed("Unexpected token"),
        }
    }

    /// The value of the next `?`.
    pub(super) fn parameter(&mut self) -> Result<&'s Value> {
        let value = self.parameters.get(self.used).ok_or_else(wrong_parameters)?;
        self.used += 1;
        Ok(value)
    }

    /// Whatever `one` reads, with commas between, and the symbol that ends it.
    pub(super) fn separated(
        &mut self,
        end: &str,
        mut one: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.symbol(end) {
            return Ok(());
        }
        loop {
            one(self)?;
            if !self.symbol(",") {
                return self.expect(end);
            }
        }
    }

    /// One level further in.
    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(malformed("Expression is nested too deeply"));
        }
        Ok(())
    }

    /// And out again.
    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether a name begins at the next token.
    pub(super) fn at_name(&self) -> bool {
        match self.peek() {
            Token::Quoted(_) => true,
            Token::Word(word) => !is_reserved(word),
            _ => false,
        }
    }

    fn name(&mut self) -> Result<String> {
        if !self.at_name() {
            return Err(self.unexpected());
        }
        match self.next() {
            Token::Quoted(name) if name.is_empty() => {
                Err(refused("Path component cannot be an empty string"))
            }
            Token::Quoted(name) => Ok(name.into_owned()),
            Token::Word(word) => Ok(word.to_owned()),
            _ => Err(self.unexpected()),
        }
    }

    /// `a.b[3]."c"['d']`
    pub(super) fn path(&mut self) -> Result<Path> {
        let name = self.name()?;
        let mut steps = Vec::new();
        loop {
            if self.symbol(".") {
                if self.symbol("*") {
                    return Err(refused("Unpivot path component like a.*.b are not supported"));
                }
                steps.push(Step::Name(self.name()?.into()));
            } else if self.symbol("[") {
                steps.push(self.index()?);
                self.expect("]")?;
            } else {
                break;
            }
        }
        Path::new(&name, steps).map_err(|fault| refused(fault.to_string()))
    }

    fn index(&mut self) -> Result<Step> {
        match self.next() {
            // Java's int is the range, as in expressions.
            Token::Number(digits) => match digits.parse() {
                Ok(at) if i32::try_from(at).is_ok() => Ok(Step::Index(at)),
                _ => Err(refused(format!(
                    "List index is not within the allowable range; index: [{digits}]"
                ))),
            },
            Token::Text(name) => Ok(Step::Name(name.into_owned().into())),
            Token::Symbol("*") => {
                Err(refused("Wildcard path component like a[*].b are not supported"))
            }
            _ => Err(refused("Unexpected path component")),
        }
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)) || values::is_literal(word)
}

/// The name under which a part is returned: the last name of its path and what follows that (as in
/// the examples of AWS's announcement of PartiQL for DynamoDB).
fn shown(path: &Path) -> String {
    let mut shown = path.attribute().to_owned();
    for step in path.steps() {
        match step {
            Step::Name(name) => shown = name.to_string(),
            Step::Index(at) => shown = format!("{shown}[{at}]"),
        }
    }
    shown
}

fn symbol_name(symbol: &str) -> &str {
    match symbol {
        "(" => "LEFT_PAREN",
        ")" => "RIGHT_PAREN",
        "[" => "LEFT_BRACKET",
        "]" => "RIGHT_BRACKET",
        "{" => "LEFT_CURLY",
        "}" => "RIGHT_CURLY",
        "<<" => "LEFT_DOUBLE_ANGLE_BRACKET",
        ">>" => "RIGHT_DOUBLE_ANGLE_BRACKET",
        ":" => "COLON",
        other => other,
    }
}

fn wrong_parameters() -> Error {
    refused("Number of parameters in request and statement don't match.")
}

pub(super) fn incomplete_key() -> Error {
    refused("Where clause does not contain a mandatory equality on all key attributes")
}
