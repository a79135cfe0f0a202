//! What a mapping expression stands for: a literal in quotes, or a part of the request.

use super::access_log::Variables;
use super::incoming::Incoming;

/// What expressions are about.
pub(crate) struct Source<'a> {
    pub(crate) incoming: &'a Incoming,
    /// Values of `$context.…`.
    pub(crate) context: &'a Variables,
}

impl Source<'_> {
    /// The value of `'literal'`, `method.request.header.X`, `method.request.querystring.x`,
    /// `context.requestId` or `stageVariables.x`; `None` for what there is not.
    pub(crate) fn value(&self, expression: &str) -> Option<String> {
        let expression = expression.trim();
        if let Some(literal) = expression.strip_prefix('\'').and_then(|e| e.strip_suffix('\'')) {
            return Some(literal.to_owned());
        }
        if let Some(header) = expression.strip_prefix("method.request.header.") {
            return self.incoming.header(header).map(str::to_owned);
        }
        if let Some(name) = expression.strip_prefix("method.request.querystring.") {
            return self.incoming.query_value(name);
        }
        if let Some(name) = expression.strip_prefix("context.") {
            return self.context.get(name).cloned();
        }
        self.incoming.stage_variables.get(expression.strip_prefix("stageVariables.")?).cloned()
    }

    /// A gateway response's template: `$context.…` and `$stageVariables.…` are replaced, nothing
    /// else is known to it ("Gateway response templates … simple variable substitution").
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
            let end = after.find(|c| !fits(c)).unwrap_or(after.len());
            let name = after.get(..end).unwrap_or_default().trim_end_matches(['.', '-', ':']);
            let known = ["context.", "stageVariables."].iter().any(|start| name.starts_with(start));
            if known {
                // Unknown variables are empty.
                text.push_str(&self.value(name).unwrap_or_default());
                rest = after.get(name.len()..).unwrap_or_default();
            } else {
                text.push('$');
                rest = after;
            }
        }
        text.push_str(rest);
        text
    }
}
