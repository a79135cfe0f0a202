"""CloudFront with boto3: distributions over buckets and APIs, and what the cache does."""

import contextlib
import io
import json
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError
from conftest import running_cloud

SECONDS = 30
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode(errors="replace")
        self.cache = headers.get("X-Cache")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def fetch(cloud, host, path="/", method="GET", body=None, **headers):
    """A request over the cloud's own port, by the site's name."""
    url = cloud.endpoint + path
    sent = {"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}
    request = urllib.request.Request(url, data=body, headers=sent, method=method)
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


@pytest.fixture(scope="module", name="edge")
def _edge():
    with running_cloud() as cloud:
        yield cloud


def bucket(cloud, name):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    return s3


def let_in(cloud, name, arn, actions=("s3:GetObject",)):
    """What the console proposes as a bucket's policy for an origin access control."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::{name}" + ("" if action == "s3:ListBucket" else "/*"),
            "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
        }
        for action in actions
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=policy)


def access_control(cloud):
    config = {
        "Name": f"oac-{uuid.uuid4().hex[:8]}",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    made = cloud.client("cloudfront").create_origin_access_control(
        OriginAccessControlConfig=config
    )
    return made["OriginAccessControl"]["Id"]


def bucket_origin(name, oac="", origin_id="bucket"):
    return {
        "Id": origin_id,
        "DomainName": f"{name}.s3.us-east-1.amazonaws.com",
        "OriginAccessControlId": oac,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }


def http_origin(domain, origin_id="api"):
    return {
        "Id": origin_id,
        "DomainName": domain,
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        },
    }


METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]


def behaviour(target, policy=OPTIMIZED, methods=None, **more):
    config = {
        "TargetOriginId": target,
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": policy,
        **more,
    }
    if methods:
        config["AllowedMethods"] = {
            "Quantity": len(methods),
            "Items": methods,
            "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
        }
    return config


def listed(items):
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def config(origins, default, behaviours=(), errors=(), **more):
    return {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": listed(origins),
        "DefaultCacheBehavior": default,
        "CacheBehaviors": listed(list(behaviours)),
        "CustomErrorResponses": listed(list(errors)),
        **more,
    }


def create(cloud, wanted):
    made = cloud.client("cloudfront").create_distribution(DistributionConfig=wanted)
    return made["Distribution"]


def private(cloud, name, **more):
    """A distribution over a private bucket that lets it in."""
    s3 = bucket(cloud, name)
    origin = bucket_origin(name, access_control(cloud))
    made = create(cloud, config([origin], behaviour("bucket"), **more))
    let_in(cloud, name, made["ARN"])
    return s3, made


def refused(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_private_bucket_is_read_through_the_distribution_alone(edge):
    s3 = bucket(edge, "private-one")
    s3.put_object(Bucket="private-one", Key="index.html", Body=b"<h1>hello</h1>", ContentType="text/html")
    s3.put_object(Bucket="private-one", Key="a/ü x.txt", Body=b"text")
    origin = bucket_origin("private-one", access_control(edge))
    made = create(edge, config([origin], behaviour("bucket"), DefaultRootObject="index.html"))
    assert made["Status"] == "InProgress"
    host = made["DomainName"]
    assert host.startswith("d") and host.endswith(".cloudfront.net")
    # The bucket's policy decides.
    assert fetch(edge, host).status == 403
    let_in(edge, "private-one", made["ARN"].replace(made["Id"], "EOTHER"))
    assert fetch(edge, host).status == 403
    let_in(edge, "private-one", made["ARN"])
    answer = fetch(edge, host)
    assert (answer.status, answer.text) == (200, "<h1>hello</h1>")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.cache == "Miss from cloudfront"
    assert answer.headers["Via"] == f"1.1 {host} (CloudFront)"
    assert len(answer.headers["X-Amz-Cf-Id"]) == 56 and answer.headers["X-Amz-Cf-Pop"]
    assert "Age" not in answer.headers
    again = fetch(edge, host)
    assert again.cache == "Hit from cloudfront" and int(again.headers["Age"]) >= 0
    # The name of this machine, and anybody without the distribution.
    local = host.replace("cloudfront.net", "cloudfront.localhost")
    assert fetch(edge, local, "/index.html").text == "<h1>hello</h1>"
    assert fetch(edge, host, "/a/%C3%BC%20x.txt").text == "text"
    direct = fetch(edge, "private-one.s3.us-east-1.localhost", "/index.html")
    assert direct.status == 403
    assert fetch(edge, "dnone.cloudfront.net").status == 403
    # A key that is not there is not told from one that may not be read.
    missing = fetch(edge, host, "/none")
    assert missing.status == 403 and missing.cache == "Error from cloudfront"
    let_in(edge, "private-one", made["ARN"], ("s3:GetObject", "s3:ListBucket"))
    assert fetch(edge, host, "/nothing").status == 404


def test_conditions_ranges_and_head_are_answered_from_the_cache(edge):
    s3, made = private(edge, "parts")
    s3.put_object(Bucket="parts", Key="digits", Body=b"0123456789", ContentType="text/plain")
    host = made["DomainName"]
    head = fetch(edge, host, "/digits", method="HEAD")
    assert head.headers["Content-Length"] == "10" and head.body == b""
    # The first request wants a part: the whole is fetched and kept.
    part = fetch(edge, host, "/digits", Range="bytes=2-4")
    assert (part.status, part.text) == (206, "234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    whole = fetch(edge, host, "/digits")
    assert (whole.text, whole.cache) == ("0123456789", "Hit from cloudfront")
    etag = whole.headers["ETag"]
    same = fetch(edge, host, "/digits", If_None_Match=etag)
    assert same.status == 304 and same.body == b"" and same.cache == "Hit from cloudfront"
    assert fetch(edge, host, "/digits", Range="bytes=20-").status == 416
    head = fetch(edge, host, "/digits", method="HEAD")
    assert head.cache == "Hit from cloudfront" and head.headers["Content-Length"] == "10"


def test_large_objects_pass_through(edge):
    s3, made = private(edge, "large")
    body = bytes(range(256)) * (40 << 10)
    s3.put_object(Bucket="large", Key="big", Body=body)
    host = made["DomainName"]
    for _ in range(2):
        answer = fetch(edge, host, "/big")
        assert answer.body == body and answer.cache == "Miss from cloudfront"
    part = fetch(edge, host, "/big", Range="bytes=1048576-1048579")
    assert (part.status, part.body) == (206, body[1048576:1048580])


def test_an_invalidation_is_seen_by_the_next_request(edge):
    s3, made = private(edge, "changing")
    cloudfront, host, number = edge.client("cloudfront"), made["DomainName"], made["Id"]
    for key in ("a/1", "a/2", "b"):
        s3.put_object(Bucket="changing", Key=key, Body=b"old")
        assert fetch(edge, host, "/" + key).text == "old"
        s3.put_object(Bucket="changing", Key=key, Body=b"new")
        assert fetch(edge, host, "/" + key).text == "old"

    def invalidate(*paths):
        batch = {"Paths": listed(list(paths)), "CallerReference": uuid.uuid4().hex}
        made = cloudfront.create_invalidation(DistributionId=number, InvalidationBatch=batch)
        assert made["Invalidation"]["Status"] == "InProgress"
        return made["Invalidation"]["Id"]

    first = invalidate("/a/*")
    assert fetch(edge, host, "/a/1").text == "new" and fetch(edge, host, "/a/2").text == "new"
    assert fetch(edge, host, "/b").text == "old"
    second = invalidate("/b", "/none")
    answer = fetch(edge, host, "/b")
    assert (answer.text, answer.cache) == ("new", "Miss from cloudfront")
    cloudfront.get_waiter("invalidation_completed").wait(DistributionId=number, Id=first)
    shown = cloudfront.get_invalidation(DistributionId=number, Id=second)["Invalidation"]
    assert shown["Status"] == "Completed"
    assert shown["InvalidationBatch"]["Paths"]["Items"] == ["/b", "/none"]
    listing = cloudfront.list_invalidations(DistributionId=number)["InvalidationList"]
    assert [item["Id"] for item in listing["Items"]] == [second, first]
    assert refused(invalidate, "a") == ("InvalidArgument", 400)
    assert refused(invalidate, "/*/a") == ("InvalidArgument", 400)
    assert refused(cloudfront.get_invalidation, DistributionId=number, Id="INONE") == (
        "NoSuchInvalidation",
        404,
    )


def test_a_single_page_application_has_its_errors_replaced(edge):
    errors = [
        {
            "ErrorCode": 403,
            "ResponsePagePath": "/index.html",
            "ResponseCode": "200",
            "ErrorCachingMinTTL": 0,
        }
    ]
    s3, made = private(edge, "spa", errors=errors, DefaultRootObject="index.html")
    host = made["DomainName"]
    # No page yet: the error itself is answered.
    assert fetch(edge, host, "/notes/1").status == 403
    s3.put_object(Bucket="spa", Key="index.html", Body=b"app", ContentType="text/html")
    answer = fetch(edge, host, "/notes/1")
    assert (answer.status, answer.text) == (200, "app")
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.cache == "Error from cloudfront"
    head = fetch(edge, host, "/notes/1", method="HEAD")
    assert (head.status, head.body) == (200, b"")


def test_the_origins_lifetime_counts(edge):
    s3, made = private(edge, "living")
    host = made["DomainName"]
    # CachingOptimized keeps everything for a second at least.
    s3.put_object(Bucket="living", Key="short", Body=b"1", CacheControl="max-age=1")
    s3.put_object(Bucket="living", Key="long", Body=b"1", CacheControl="max-age=600")
    assert fetch(edge, host, "/long").cache == "Miss from cloudfront"
    first = fetch(edge, host, "/short")
    assert first.cache == "Miss from cloudfront"
    time.sleep(1.5)
    # Unchanged there: asked about and shown again; changed: fetched.
    assert fetch(edge, host, "/short").cache == "RefreshHit from cloudfront"
    s3.put_object(Bucket="living", Key="short", Body=b"2", CacheControl="max-age=1")
    time.sleep(1.5)
    changed = fetch(edge, host, "/short")
    assert (changed.text, changed.cache) == ("2", "Miss from cloudfront")
    old = fetch(edge, host, "/long")
    assert old.cache == "Hit from cloudfront" and int(old.headers["Age"]) >= 2


def test_what_is_cached_survives_the_origin_and_a_restart_forgets_it():
    with running_cloud() as cloud:
        s3, made = private(cloud, "kept")
        host = made["DomainName"]
        s3.put_object(Bucket="kept", Key="a", Body=b"kept", CacheControl="max-age=600")
        assert fetch(cloud, host, "/a").text == "kept"
        s3.delete_object(Bucket="kept", Key="a")
        assert fetch(cloud, host, "/a").text == "kept"
        cloud.restart()
        assert fetch(cloud, host, "/a").status == 403


FUNCTION = """
import json

def handler(event, context):
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps({
            "method": event["requestContext"]["http"]["method"],
            "path": event["rawPath"],
            "query": event["rawQueryString"],
            "headers": event["headers"],
            "body": event.get("body"),
        }),
    }
"""


def api(cloud):
    """An HTTP API whose every route tells what it was asked."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    iam, functions = cloud.client("iam"), cloud.client("lambda")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName="echo", AssumeRolePolicyDocument=json.dumps(trust))
    function = functions.create_function(
        FunctionName="echo",
        Runtime=f"python3.{sys.version_info.minor}",
        Role=role["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": package.getvalue()},
    )
    gateway = cloud.client("apigatewayv2")
    made = gateway.create_api(Name="echo", ProtocolType="HTTP", Target=function["FunctionArn"])
    functions.add_permission(
        FunctionName="echo",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return made["ApiId"]


def test_an_api_is_behind_a_path():
    with running_cloud() as cloud:
        s3 = bucket(cloud, "pages")
        s3.put_object(Bucket="pages", Key="index.html", Body=b"page")
        number = api(cloud)
        origins = [
            bucket_origin("pages", access_control(cloud)),
            http_origin(f"{number}.execute-api.us-east-1.amazonaws.com"),
        ]
        behaviours = [
            {
                "PathPattern": "/api/*",
                **behaviour(
                    "api",
                    DISABLED,
                    METHODS,
                    OriginRequestPolicyId=ALL_VIEWER_EXCEPT_HOST,
                    ResponseHeadersPolicyId=SECURITY_HEADERS,
                ),
            }
        ]
        wanted = config(origins, behaviour("bucket"), behaviours, DefaultRootObject="index.html")
        made = create(cloud, wanted)
        let_in(cloud, "pages", made["ARN"])
        host = made["DomainName"]
        assert fetch(cloud, host).text == "page"
        answer = fetch(
            cloud,
            host,
            "/api/notes?a=1&b=2",
            method="POST",
            body=b'{"x": 1}',
            Content_Type="application/json",
            Authorization="Bearer t",
            X_Own="mine",
        )
        assert answer.status == 200, answer.text
        told = json.loads(answer.text)
        assert told["method"] == "POST" and told["path"] == "/api/notes"
        assert told["query"] == "a=1&b=2" and told["body"] == '{"x": 1}'
        seen = told["headers"]
        assert seen["host"] == f"{number}.execute-api.us-east-1.amazonaws.com"
        assert seen["authorization"] == "Bearer t" and seen["x-own"] == "mine"
        assert seen["x-forwarded-for"].startswith("127.0.0.1")
        assert seen["via"].endswith(f"{host} (CloudFront)") and seen["x-amz-cf-id"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for _ in range(2):
            assert fetch(cloud, host, "/api/x").cache == "Miss from cloudfront"
        # The default behaviour allows reading alone.
        assert fetch(cloud, host, "/index.html", method="POST", body=b"x").status == 403
        # The own port of the distribution.
        sites = wait_for_site(cloud, host.replace("cloudfront.net", "cloudfront.localhost"))
        with urllib.request.urlopen(sites, timeout=30) as answer:
            assert answer.read() == b"page"


def wait_for_site(cloud, host):
    token = (cloud.folder / "data" / "admin-token").read_text().strip()
    deadline = time.monotonic() + SECONDS
    while True:
        request = urllib.request.Request(
            cloud.endpoint + "/_cumulet/sites", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            sites = {site["host"]: site["url"] for site in json.loads(answer.read())}
        if host in sites:
            return sites[host]
        assert time.monotonic() < deadline, sites
        time.sleep(0.05)


def test_plain_http_is_redirected_by_name_and_not_at_the_own_port(edge):
    s3 = bucket(edge, "redirecting")
    s3.put_object(Bucket="redirecting", Key="a", Body=b"a")
    default = behaviour("bucket") | {"ViewerProtocolPolicy": "redirect-to-https"}
    origin = bucket_origin("redirecting", access_control(edge))
    made = create(edge, config([origin], default))
    let_in(edge, "redirecting", made["ARN"])
    host = made["DomainName"]
    answer = fetch(edge, host, "/a?b=c")
    assert answer.status == 301 and answer.headers["Location"] == f"https://{host}/a?b=c"
    assert answer.cache == "Redirect from cloudfront"
    own = wait_for_site(edge, host.replace("cloudfront.net", "cloudfront.localhost"))
    with urllib.request.urlopen(own + "/a", timeout=30) as answer:
        assert answer.read() == b"a"


def test_versions_guard_changes(edge):
    cloudfront = edge.client("cloudfront")
    bucket(edge, "versions")
    wanted = config([bucket_origin("versions")], behaviour("bucket"))
    made = cloudfront.create_distribution(DistributionConfig=wanted)
    number, etag = made["Distribution"]["Id"], made["ETag"]
    # The same reference answers the same distribution, and no other.
    again = cloudfront.create_distribution(DistributionConfig=wanted)
    assert again["Distribution"]["Id"] == number
    other = {**wanted, "Comment": "other"}
    assert refused(cloudfront.create_distribution, DistributionConfig=other) == (
        "DistributionAlreadyExists",
        409,
    )
    shown = cloudfront.get_distribution_config(Id=number)
    assert shown["ETag"] == etag
    assert shown["DistributionConfig"]["Origins"]["Items"][0]["Id"] == "bucket"
    update = cloudfront.update_distribution
    call = {"Id": number, "DistributionConfig": {**wanted, "Comment": "new"}}
    assert refused(update, **call) == ("InvalidIfMatchVersion", 400)
    assert refused(update, **call, IfMatch="EOTHER") == ("PreconditionFailed", 412)
    changed = update(**call, IfMatch=etag)
    assert changed["ETag"] != etag
    assert refused(update, **call, IfMatch=etag) == ("PreconditionFailed", 412)
    cloudfront.get_waiter("distribution_deployed").wait(Id=number)
    listing = cloudfront.list_distributions()["DistributionList"]["Items"]
    assert next(item for item in listing if item["Id"] == number)["Comment"] == "new"
    # Disabled first, then deleted.
    etag = changed["ETag"]
    delete = cloudfront.delete_distribution
    assert refused(delete, Id=number, IfMatch=etag) == ("DistributionNotDisabled", 409)
    off = {**wanted, "Enabled": False}
    etag = update(Id=number, DistributionConfig=off, IfMatch=etag)["ETag"]
    delete(Id=number, IfMatch=etag)
    assert refused(cloudfront.get_distribution, Id=number) == ("NoSuchDistribution", 404)
    assert refused(delete, Id=number, IfMatch=etag) == ("NoSuchDistribution", 404)


def test_what_is_wrong_is_refused(edge):
    cloudfront = edge.client("cloudfront")
    origin = bucket_origin("any")

    def code(**more):
        wanted = {**config([origin], behaviour("bucket")), **more}
        return refused(cloudfront.create_distribution, DistributionConfig=wanted)[0]

    assert code(DefaultRootObject="/index.html") == "InvalidDefaultRootObject"
    assert code(DefaultCacheBehavior=behaviour("none")) == "NoSuchOrigin"
    assert code(DefaultCacheBehavior=behaviour("bucket", "none")) == "NoSuchCachePolicy"
    assert code(Origins={"Quantity": 2, "Items": [origin]}) == "InconsistentQuantities"
    assert code(Origins=listed([{**origin, "OriginAccessControlId": "ENONE"}])) == (
        "InvalidOriginAccessControl"
    )
    assert code(Origins=listed([{**origin, "DomainName": "https://x"}])) == "InvalidOrigin"
    ttls = {"MinTTL": 5, "DefaultTTL": 1, "MaxTTL": 10}
    legacy = {
        "TargetOriginId": "bucket",
        "ViewerProtocolPolicy": "allow-all",
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    assert code(DefaultCacheBehavior={**legacy, **ttls}) == "InvalidTTLOrder"
    geo = {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["DE"]}
    assert code(Restrictions={"GeoRestriction": geo}) == "InvalidArgument"
    errors = [{"ErrorCode": 401, "ErrorCachingMinTTL": 1}]
    assert code(CustomErrorResponses=listed(errors)) == "InvalidErrorCode"


def test_older_configurations_work(edge):
    s3 = bucket(edge, "legacy")
    s3.put_object(Bucket="legacy", Key="a", Body=b"1")
    default = {
        "TargetOriginId": "bucket",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 0,
        "DefaultTTL": 600,
        "MaxTTL": 600,
        "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}},
    }
    origin = bucket_origin("legacy", access_control(edge))
    made = create(edge, config([origin], default))
    let_in(edge, "legacy", made["ARN"])
    host = made["DomainName"]
    assert fetch(edge, host, "/a?v=1").cache == "Miss from cloudfront"
    assert fetch(edge, host, "/a?v=2").cache == "Miss from cloudfront"
    assert fetch(edge, host, "/a?v=1").cache == "Hit from cloudfront"


def test_aliases_are_hosts_and_belong_to_one(edge):
    s3, made = private(edge, "aliased", Aliases=listed(["www.example.test"]))
    s3.put_object(Bucket="aliased", Key="a", Body=b"a")
    deadline = time.monotonic() + SECONDS
    while fetch(edge, "www.example.test", "/a").text != "a":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    wanted = config([bucket_origin("aliased")], behaviour("bucket"))
    wanted["Aliases"] = listed(["www.example.test"])
    create_distribution = edge.client("cloudfront").create_distribution
    assert refused(create_distribution, DistributionConfig=wanted) == ("CNAMEAlreadyExists", 409)


def test_policies_are_made_changed_and_kept_while_in_use(edge):
    cloudfront = edge.client("cloudfront")
    name = f"pages-{uuid.uuid4().hex[:8]}"
    wanted = {
        "Name": name,
        "MinTTL": 0,
        "DefaultTTL": 60,
        "MaxTTL": 60,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": False,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {
                "QueryStringBehavior": "whitelist",
                "QueryStrings": listed(["page"]),
            },
        },
    }
    made = cloudfront.create_cache_policy(CachePolicyConfig=wanted)
    number = made["CachePolicy"]["Id"]
    assert refused(cloudfront.create_cache_policy, CachePolicyConfig=wanted) == (
        "CachePolicyAlreadyExists",
        409,
    )
    s3 = bucket(edge, "paged")
    s3.put_object(Bucket="paged", Key="a", Body=b"a")
    origin = bucket_origin("paged", access_control(edge))
    distribution = create(edge, config([origin], behaviour("bucket", number)))
    let_in(edge, "paged", distribution["ARN"])
    host = distribution["DomainName"]
    assert fetch(edge, host, "/a?page=1&x=1").cache == "Miss from cloudfront"
    assert fetch(edge, host, "/a?x=2&page=1").cache == "Hit from cloudfront"
    assert fetch(edge, host, "/a?page=2").cache == "Miss from cloudfront"
    assert refused(cloudfront.delete_cache_policy, Id=number, IfMatch=made["ETag"]) == (
        "CachePolicyInUse",
        409,
    )
    custom = cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    assert number in [item["CachePolicy"]["Id"] for item in custom]
    managed = cloudfront.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    names = [item["CachePolicy"]["CachePolicyConfig"]["Name"] for item in managed]
    assert "Managed-CachingOptimized" in names
    shown = cloudfront.get_cache_policy(Id=OPTIMIZED)["CachePolicy"]["CachePolicyConfig"]
    assert shown["DefaultTTL"] == 86400
    assert refused(cloudfront.get_cache_policy, Id="none") == ("NoSuchCachePolicy", 404)
    policy = cloudfront.get_origin_request_policy(Id=ALL_VIEWER_EXCEPT_HOST)
    headers = policy["OriginRequestPolicy"]["OriginRequestPolicyConfig"]["HeadersConfig"]
    assert headers == {"HeaderBehavior": "allExcept", "Headers": listed(["Host"])}


def test_tags(edge):
    cloudfront = edge.client("cloudfront")
    wanted = config([bucket_origin("tagged")], behaviour("bucket"))
    made = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": wanted,
            "Tags": {"Items": [{"Key": "a", "Value": "1"}]},
        }
    )
    arn = made["Distribution"]["ARN"]
    cloudfront.tag_resource(Resource=arn, Tags={"Items": [{"Key": "b", "Value": "2"}]})
    cloudfront.untag_resource(Resource=arn, TagKeys={"Items": ["a"]})
    tags = cloudfront.list_tags_for_resource(Resource=arn)["Tags"]["Items"]
    assert tags == [{"Key": "b", "Value": "2"}]


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Comment: {Type: String}
Resources:
  Pages:
    Type: AWS::S3::Bucket
  Access:
    Type: AWS::CloudFront::OriginAccessControl
    Properties:
      OriginAccessControlConfig:
        Name: !Sub "${AWS::StackName}-pages"
        OriginAccessControlOriginType: s3
        SigningBehavior: always
        SigningProtocol: sigv4
  Cache:
    Type: AWS::CloudFront::CachePolicy
    Properties:
      CachePolicyConfig:
        Name: !Sub "${AWS::StackName}-cache"
        DefaultTTL: 60
        MaxTTL: 60
        MinTTL: 1
        ParametersInCacheKeyAndForwardedToOrigin:
          EnableAcceptEncodingGzip: false
          CookiesConfig: {CookieBehavior: none}
          HeadersConfig: {HeaderBehavior: none}
          QueryStringsConfig: {QueryStringBehavior: whitelist, QueryStrings: [v]}
  Headers:
    Type: AWS::CloudFront::ResponseHeadersPolicy
    Properties:
      ResponseHeadersPolicyConfig:
        Name: !Sub "${AWS::StackName}-headers"
        CustomHeadersConfig:
          Items: [{Header: X-Stack, Value: !Ref AWS::StackName, Override: true}]
  Site:
    Type: AWS::CloudFront::Distribution
    Properties:
      DistributionConfig:
        Enabled: true
        Comment: !Ref Comment
        DefaultRootObject: index.html
        Origins:
          - Id: pages
            DomainName: !GetAtt Pages.RegionalDomainName
            OriginAccessControlId: !GetAtt Access.Id
            S3OriginConfig: {OriginAccessIdentity: ""}
        DefaultCacheBehavior:
          TargetOriginId: pages
          ViewerProtocolPolicy: allow-all
          AllowedMethods: [GET, HEAD]
          CachedMethods: [GET, HEAD]
          CachePolicyId: !Ref Cache
          ResponseHeadersPolicyId: !Ref Headers
        CustomErrorResponses:
          - {ErrorCode: 403, ResponseCode: 200, ResponsePagePath: /index.html}
  PagesPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Pages
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: cloudfront.amazonaws.com}
            Action: s3:GetObject
            Resource: !Sub "${Pages.Arn}/*"
            Condition:
              StringEquals:
                AWS:SourceArn: !Sub "arn:aws:cloudfront::${AWS::AccountId}:distribution/${Site}"
Outputs:
  Bucket: {Value: !Ref Pages}
  Domain: {Value: !GetAtt Site.DomainName}
  Id: {Value: !GetAtt Site.Id}
"""


def test_a_stack_makes_a_site_of_its_own(edge):
    stacks, cloudfront = edge.client("cloudformation"), edge.client("cloudfront")

    def deploy(call, done, comment):
        parameters = [{"ParameterKey": "Comment", "ParameterValue": comment}]
        tags = [{"Key": "team", "Value": comment}]
        call(StackName="site", TemplateBody=TEMPLATE, Parameters=parameters, Tags=tags)
        stacks.get_waiter(done).wait(StackName="site", WaiterConfig={"Delay": 1, "MaxAttempts": 120})
        outputs = stacks.describe_stacks(StackName="site")["Stacks"][0]["Outputs"]
        return {item["OutputKey"]: item["OutputValue"] for item in outputs}

    made = deploy(stacks.create_stack, "stack_create_complete", "first")
    page = {"Bucket": made["Bucket"], "Key": "index.html", "ContentType": "text/html"}
    edge.client("s3").put_object(**page, Body=b"hello")
    answer = fetch(edge, made["Domain"])
    assert (answer.status, answer.text) == (200, "hello")
    assert answer.headers["X-Stack"] == "site"
    assert fetch(edge, made["Domain"], "/any/path").status == 200
    assert fetch(edge, f"{made['Bucket']}.s3.us-east-1.localhost", "/index.html").status == 403
    again = deploy(stacks.update_stack, "stack_update_complete", "second")
    assert again["Id"] == made["Id"]
    shown = cloudfront.get_distribution(Id=made["Id"])["Distribution"]
    assert shown["DistributionConfig"]["Comment"] == "second"
    assert shown["DistributionConfig"]["Enabled"]
    tags = cloudfront.list_tags_for_resource(Resource=shown["ARN"])["Tags"]["Items"]
    assert {"Key": "team", "Value": "second"} in tags
    edge.client("s3").delete_object(Bucket=made["Bucket"], Key="index.html")
    stacks.delete_stack(StackName="site")
    stacks.get_waiter("stack_delete_complete").wait(
        StackName="site", WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    assert refused(cloudfront.get_distribution, Id=made["Id"]) == ("NoSuchDistribution", 404)
    names = cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items", [])
    assert "site-pages" not in [item["Name"] for item in names]
