//! What can be wrong with an expression or its placeholders, in AWS's words.

use std::fmt;

/// Which of a request's expressions; its name in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What an UpdateItem does.
    Update,
    /// Whether a write happens.
    Condition,
    /// Which items a Query reads.
    KeyCondition,
    /// Which items a Query or Scan returns.
    Filter,
    /// Which parts of an item are returned.
    Projection,
}

impl Kind {
    /// The request parameter's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Update => "UpdateExpression",
            Self::Condition => "ConditionExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Filter => "FilterExpression",
            Self::Projection => "ProjectionExpression",
        }
    }
}

/// Why a request's expressions are refused. `Display` is AWS's message of a ValidationException.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionError {
    /// An expression with a fault in it.
    Invalid(Kind, Fault),
    /// `{}` where names are expected.
    EmptyNames,
    /// `{}` where values are expected.
    EmptyValues,
    /// A key of the names that is not `#` and letters, digits, underscores.
    NameKey(String),
    /// A key of the values that is not `:` and letters, digits, underscores.
    ValueKey(String),
    /// A value of ExpressionAttributeValues that is no value: what is wrong, and its key.
    Value(String, String),
    /// Names that no expression uses.
    UnusedNames(Vec<String>),
    /// Values that no expression uses.
    UnusedValues(Vec<String>),
    /// Names, and no expression at all.
    NamesAlone,
    /// Values, and none of the expressions that may use them.
    ValuesAlone(Vec<Kind>),
    /// Expressions beside the parameters that they replaced.
    Mixed {
        /// Names of the parameters present that are no expressions.
        legacy: Vec<&'static str>,
        /// The expressions present.
        expressions: Vec<Kind>,
    },
}

impl std::error::Error for ExpressionError {}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(kind, Fault::KeyOperator(operator)) => {
                write!(f, "Invalid operator used in {}: {operator}", kind.as_str())
            }
            Self::Invalid(kind, Fault::KeyOperands(what)) => {
                write!(f, "Invalid condition in {}: {what}", kind.as_str())
            }
            Self::Invalid(kind, fault) => write!(f, "Invalid {}: {fault}", kind.as_str()),
            Self::EmptyNames => f.write_str("ExpressionAttributeNames must not be empty"),
            Self::EmptyValues => f.write_str("ExpressionAttributeValues must not be empty"),
            Self::NameKey(key) => write!(
                f,
                "ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\""
            ),
            Self::ValueKey(key) => write!(
                f,
                "ExpressionAttributeValues contains invalid key: Syntax error; key: \"{key}\""
            ),
            Self::Value(message, key) => write!(
                f,
                "ExpressionAttributeValues contains invalid value: {message} for key {key}"
            ),
            Self::UnusedNames(keys) => write!(
                f,
                "Value provided in ExpressionAttributeNames unused in expressions: keys: {{{}}}",
                keys.join(", ")
            ),
            Self::UnusedValues(keys) => write!(
                f,
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {{{}}}",
                keys.join(", ")
            ),
            Self::NamesAlone => {
                f.write_str("ExpressionAttributeNames can only be specified when using expressions")
            }
            Self::ValuesAlone(kinds) => write!(
                f,
                "ExpressionAttributeValues can only be specified when using expressions: {} {} \
                 null",
                names(kinds).join(" and "),
                if kinds.len() == 1 { "is" } else { "are" }
            ),
            Self::Mixed { legacy, expressions } => write!(
                f,
                "Can not use both expression and non-expression parameters in the same request: \
                 Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                legacy.join(", "),
                names(expressions).join(", ")
            ),
        }
    }
}

fn names(kinds: &[Kind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.as_str()).collect()
}

/// What is wrong within one expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No text.
    Empty,
    /// More than 4 KB: the size.
    TooLong(usize),
    /// A token that may not stand there, and what stands around it.
    Syntax {
        /// The token, `<EOF>` for the end.
        token: String,
        /// From the token before it to the one after it, as written.
        near: String,
    },
    /// More than 300 operators and functions: their number.
    TooManyOperators(usize),
    /// More than 100 operands of IN: their number.
    TooManyOperands(usize),
    /// A path of more than 32 elements: their number.
    PathTooDeep(usize),
    /// A list index that no list can have.
    Index(String),
    /// `((…))`.
    RedundantParentheses,
    /// A function that does not exist.
    UnknownFunction(String),
    /// A function where it may not stand: a condition as an operand, or the reverse.
    MisusedFunction(String),
    /// A reserved word as a name, in the caller's case.
    Reserved(String),
    /// A `#name` that the names lack.
    UndefinedName(String),
    /// A `:value` that the values lack.
    UndefinedValue(String),
    /// A function with too few or too many operands.
    OperandCount(&'static str, usize),
    /// An operand of a type that the function or operator does not take.
    OperandType(&'static str, String),
    /// An operand of ADD or DELETE of a type that it does not take.
    ActionType(&'static str, &'static str),
    /// A function whose first operand must be a path.
    NoPath(&'static str),
    /// The same path on both sides.
    NotDistinct(&'static str, String),
    /// Bounds of BETWEEN of different types.
    BoundTypes(String, String),
    /// Bounds of BETWEEN the wrong way round.
    BoundOrder(String, String),
    /// An operand of attribute_type that is no type.
    TypeName(String),
    /// SET, REMOVE, ADD or DELETE for the second time.
    RepeatedSection(&'static str),
    /// Paths of which one contains the other.
    Overlap(String, String),
    /// Paths of which one takes for a list what the other takes for a map.
    Conflict(String, String),
    /// An operator that a key condition may not have.
    KeyOperator(String),
    /// Operands that a key condition may not have.
    KeyOperands(&'static str),
    /// Another rule of key conditions.
    Key(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REWRITE: &str = "must remove or rewrite one of these paths";
        match self {
            Self::Empty => f.write_str("The expression can not be empty;"),
            Self::TooLong(size) => write!(
                f,
                "Expression size has exceeded the maximum allowed size; expression size: {size}"
            ),
            Self::Syntax { token, near } => {
                write!(f, "Syntax error; token: \"{token}\", near: \"{near}\"")
            }
            Self::TooManyOperators(count) => {
                write!(f, "The expression contains too many operators; operator count: {count}")
            }
            Self::TooManyOperands(count) => write!(
                f,
                "The IN operator is provided with too many operands; number of operands: {count}"
            ),
            Self::PathTooDeep(count) => {
                write!(f, "The document path has too many nesting levels; nesting levels: {count}")
            }
            Self::Index(index) => {
                write!(f, "List index is not within the allowable range; index: [{index}]")
            }
            Self::RedundantParentheses => f.write_str("The expression has redundant parentheses;"),
            Self::UnknownFunction(name) => write!(f, "Invalid function name; function: {name}"),
            Self::MisusedFunction(name) => write!(
                f,
                "The function is not allowed to be used this way in an expression; function: {name}"
            ),
            Self::Reserved(word) => {
                write!(f, "Attribute name is a reserved keyword; reserved keyword: {word}")
            }
            Self::UndefinedName(name) => write!(
                f,
                "An expression attribute name used in the document path is not defined; attribute \
                 name: {name}"
            ),
            Self::UndefinedValue(name) => write!(
                f,
                "An expression attribute value used in expression is not defined; attribute value: \
                 {name}"
            ),
            Self::OperandCount(..)
            | Self::OperandType(..)
            | Self::ActionType(..)
            | Self::NoPath(_)
            | Self::NotDistinct(..)
            | Self::BoundTypes(..)
            | Self::BoundOrder(..)
            | Self::TypeName(_) => self.fmt_operands(f),
            Self::RepeatedSection(name) => {
                write!(f, "The \"{name}\" section can only be used once in an update expression;")
            }
            Self::Overlap(one, two) => write!(
                f,
                "Two document paths overlap with each other; {REWRITE}; path one: {one}, path two: \
                 {two}"
            ),
            Self::Conflict(one, two) => write!(
                f,
                "Two document paths conflict with each other; {REWRITE}; path one: {one}, path \
                 two: {two}"
            ),
            Self::KeyOperator(name) => f.write_str(name),
            Self::KeyOperands(what) | Self::Key(what) => f.write_str(what),
        }
    }
}

impl Fault {
    /// The faults of operands.
    fn fmt_operands(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const OPERATOR: &str = "for operator or function; operator or function";
        match self {
            Self::OperandCount(name, count) => write!(
                f,
                "Incorrect number of operands {OPERATOR}: {name}, number of operands: {count}"
            ),
            Self::OperandType(name, kind) => {
                write!(f, "Incorrect operand type {OPERATOR}: {name}, operand type: {kind}")
            }
            Self::ActionType(name, kind) => write!(
                f,
                "Incorrect operand type for operator or function; operator: {name}, operand type: \
                 {kind}"
            ),
            Self::NoPath(name) => write!(
                f,
                "Operator or function requires a document path; operator or function: {name}"
            ),
            Self::NotDistinct(name, path) => write!(
                f,
                "The first operand must be distinct from the remaining operands for this operator \
                 or function; operator: {name}, first operand: {path}"
            ),
            Self::BoundTypes(lower, upper) => write!(
                f,
                "The BETWEEN operator requires same data type for lower and upper bounds; lower \
                 bound operand: AttributeValue: {lower}, upper bound operand: AttributeValue: \
                 {upper}"
            ),
            Self::BoundOrder(lower, upper) => write!(
                f,
                "The BETWEEN operator requires upper bound to be greater than or equal to lower \
                 bound; lower bound operand: AttributeValue: {lower}, upper bound operand: \
                 AttributeValue: {upper}"
            ),
            Self::TypeName(name) => write!(
                f,
                "Invalid attribute type name found; type: {name}, valid types: \
                 {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
            ),
            _ => Ok(()),
        }
    }
}
