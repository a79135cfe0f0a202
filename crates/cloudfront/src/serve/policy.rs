//! Response headers policies: remove, then CORS, security, custom headers, in this order
//! ("Understand response headers policies", developer guide).

use cumulet_api_cloudfront::types::{
    ResponseHeadersPolicyConfig, ResponseHeadersPolicyCorsConfig,
    ResponseHeadersPolicySecurityHeadersConfig,
};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};

/// Applies a policy to an answer. `preflight`: the request was OPTIONS.
pub(crate) fn apply(
    policy: &ResponseHeadersPolicyConfig,
    asked: &HeaderMap,
    preflight: bool,
    headers: &mut HeaderMap,
) {
    let removed = policy.remove_headers_config.iter().flat_map(|list| &list.items).flatten();
    for header in removed {
        if let Ok(name) = HeaderName::from_bytes(header.header.as_bytes()) {
            headers.remove(name);
        }
    }
    if let Some(config) = &policy.cors_config
        && let Some(origin) = asked.get(ORIGIN).and_then(|origin| origin.to_str().ok())
    {
        cors(config, origin, preflight, headers);
    }
    if let Some(config) = &policy.security_headers_config {
        security(config, headers);
    }
    let custom = policy.custom_headers_config.iter().flat_map(|list| &list.items).flatten();
    for header in custom {
        if let Ok(name) = HeaderName::from_bytes(header.header.as_bytes()) {
            put(headers, name, &header.value, header.r#override);
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: &str, replace: bool) {
    if let Ok(value) = HeaderValue::from_str(text)
        && (replace || !headers.contains_key(&name))
    {
        headers.insert(name, value);
    }
}

fn cors(
    config: &ResponseHeadersPolicyCorsConfig,
    origin: &str,
    preflight: bool,
    headers: &mut HeaderMap,
) {
    const ALL: [HeaderName; 6] = [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ];
    // "If the response from the origin includes one or more of these": all or nothing.
    if !config.origin_override && ALL.iter().any(|name| headers.contains_key(name)) {
        return;
    }
    for name in ALL {
        headers.remove(name);
    }
    let origins = &config.access_control_allow_origins.items;
    let allowed = if origins.iter().any(|pattern| pattern == "*") {
        "*"
    } else if origins.iter().any(|pattern| is_of(pattern, origin)) {
        origin
    } else {
        return;
    };
    put(headers, ACCESS_CONTROL_ALLOW_ORIGIN, allowed, true);
    if config.access_control_allow_credentials {
        put(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true", true);
    }
    let exposed = config.access_control_expose_headers.as_ref();
    if let Some(exposed) = exposed.and_then(|list| list.items.as_ref()).filter(|l| !l.is_empty()) {
        put(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &exposed.join(", "), true);
    }
    if preflight {
        let methods = &config.access_control_allow_methods.items;
        let methods: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        let methods = match methods.as_slice() {
            ["ALL"] => "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS".to_owned(),
            methods => methods.join(", "),
        };
        put(headers, ACCESS_CONTROL_ALLOW_METHODS, &methods, true);
        let allowed = config.access_control_allow_headers.items.join(", ");
        put(headers, ACCESS_CONTROL_ALLOW_HEADERS, &allowed, true);
        if let Some(seconds) = config.access_control_max_age_sec {
            put(headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string(), true);
        }
    }
}

/// Whether an origin is of a pattern: `https://*.example.com`, or a host without a scheme.
fn is_of(pattern: &str, origin: &str) -> bool {
    let origin = if pattern.contains("://") {
        origin
    } else {
        origin.split_once("://").map_or(origin, |(_, host)| host)
    };
    match pattern.split_once('*') {
        Some((before, after)) => {
            origin.len() > before.len() + after.len()
                && origin.starts_with(before)
                && origin.ends_with(after)
        }
        None => pattern == origin,
    }
}

fn security(config: &ResponseHeadersPolicySecurityHeadersConfig, headers: &mut HeaderMap) {
    if let Some(xss) = &config.xss_protection {
        let text = match (&xss.report_uri, xss.mode_block) {
            _ if !xss.protection => "0".to_owned(),
            (_, Some(true)) => "1; mode=block".to_owned(),
            (Some(uri), _) => format!("1; report={uri}"),
            (None, _) => "1".to_owned(),
        };
        put(headers, X_XSS_PROTECTION, &text, xss.r#override);
    }
    if let Some(frame) = &config.frame_options {
        put(headers, X_FRAME_OPTIONS, frame.frame_option.as_str(), frame.r#override);
    }
    if let Some(referrer) = &config.referrer_policy {
        put(headers, REFERRER_POLICY, referrer.referrer_policy.as_str(), referrer.r#override);
    }
    if let Some(policy) = &config.content_security_policy {
        let (text, replace) = (&policy.content_security_policy, policy.r#override);
        put(headers, CONTENT_SECURITY_POLICY, text, replace);
    }
    if let Some(options) = &config.content_type_options {
        put(headers, X_CONTENT_TYPE_OPTIONS, "nosniff", options.r#override);
    }
    if let Some(transport) = &config.strict_transport_security {
        let mut text = format!("max-age={}", transport.access_control_max_age_sec);
        if transport.include_subdomains == Some(true) {
            text.push_str("; includeSubDomains");
        }
        if transport.preload == Some(true) {
            text.push_str("; preload");
        }
        put(headers, STRICT_TRANSPORT_SECURITY, &text, transport.r#override);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carry;
    use crate::config::managed;
    use crate::model::PolicyKind;

    fn managed(name: &str) -> ResponseHeadersPolicyConfig {
        let all = managed::of(PolicyKind::ResponseHeadersPolicy);
        let mut found = all.filter(|p| p.config.get("Name").unwrap().as_str() == Some(name));
        carry::shape(&found.next().unwrap().config).unwrap()
    }

    fn applied(policy: &str, own: &[(&'static str, &str)], origin: Option<&str>) -> Vec<String> {
        let (mut headers, mut asked) = (HeaderMap::new(), HeaderMap::new());
        for (name, value) in own {
            headers.insert(*name, value.parse().unwrap());
        }
        if let Some(origin) = origin {
            asked.insert(ORIGIN, origin.parse().unwrap());
        }
        apply(&managed(policy), &asked, false, &mut headers);
        let mut shown: Vec<String> =
            headers.iter().map(|(k, v)| format!("{k}: {}", v.to_str().unwrap())).collect();
        shown.sort();
        shown
    }

    #[test]
    fn managed_policies_do_what_their_names_say() {
        let cors = "Managed-SimpleCORS";
        assert_eq!(applied(cors, &[], None), Vec::<String>::new());
        let open = ["access-control-allow-origin: *"];
        assert_eq!(applied(cors, &[], Some("https://a.test")), open);
        let own = [("access-control-allow-origin", "https://b.test")];
        let kept = ["access-control-allow-origin: https://b.test"];
        assert_eq!(applied(cors, &own, Some("https://a.test")), kept);
        let security = applied(
            "Managed-SecurityHeadersPolicy",
            &[("x-frame-options", "DENY"), ("x-content-type-options", "own")],
            None,
        );
        let expect = [
            "referrer-policy: strict-origin-when-cross-origin",
            "strict-transport-security: max-age=31536000",
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "x-xss-protection: 1; mode=block",
        ];
        assert_eq!(security, expect);
    }

    #[test]
    fn origins_are_matched() {
        for (pattern, origin, fits) in [
            ("https://a.test", "https://a.test", true),
            ("https://a.test", "http://a.test", false),
            ("https://*.a.test", "https://x.a.test", true),
            ("https://*.a.test", "https://.a.test", false),
            ("https://*.a.test", "https://a.test", false),
            ("a.test", "https://a.test", true),
            ("*.a.test", "http://x.a.test", true),
        ] {
            assert_eq!(is_of(pattern, origin), fits, "{pattern} {origin}");
        }
    }
}
