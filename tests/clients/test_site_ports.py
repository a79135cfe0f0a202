"""Each site has a loopback port of its own, the same one after a restart."""

import json
import time
import urllib.error
import urllib.request

import pytest
from conftest import running_cloud

SECONDS = 20


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sites(cloud):
    return {site["host"]: site["url"] for site in cloud.admin("sites")}


def wait_for(cloud, host, there=True):
    deadline = time.monotonic() + SECONDS
    while (host in sites(cloud)) is not there:
        assert time.monotonic() < deadline, f"{host}: {sites(cloud)}"
        time.sleep(0.05)
    return sites(cloud).get(host)


@pytest.fixture(name="own_cloud")
def _own_cloud():
    with running_cloud() as cloud:
        yield cloud


def website(cloud, bucket, text):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_object(Bucket=bucket, Key="index.html", Body=text, ContentType="text/html")
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    return f"{bucket}.s3-website.us-east-1.localhost"


def test_sites_have_ports_that_stay(own_cloud):
    cloud = own_cloud
    first, second = website(cloud, "first", "one"), website(cloud, "second", "two")
    one, two = wait_for(cloud, first), wait_for(cloud, second)
    assert one != two and one.startswith("http://127.0.0.1:")
    assert get(one) == (200, "one")
    # Whichever of this machine's names is asked for: the port is the site's.
    for host in ["localhost", "[::1]:1", first, second]:
        assert get(two, Host=host) == (200, "two")
    # A name that leads here from elsewhere is somebody else's page.
    for host in ["rebound.example.com", "127.0.0.1.example.com", "192.168.0.1"]:
        status, said = get(two, Host=host)
        assert status == 421 and "DNS rebinding" in said, host
    # Nothing else is reached there.
    assert get(one + "/_cumulet/health")[0] in (403, 404)
    cloud.restart()
    assert wait_for(cloud, first) == one and wait_for(cloud, second) == two
    assert get(one) == (200, "one")


def test_an_api_has_a_port(own_cloud):
    cloud = own_cloud
    api = cloud.client("apigatewayv2").create_api(Name="empty", ProtocolType="HTTP")["ApiId"]
    url = wait_for(cloud, f"{api}.execute-api.us-east-1.localhost")
    assert get(url + "/nothing") == (404, '{"message":"Not Found"}')


def test_ports_close_with_their_sites(own_cloud):
    cloud = own_cloud
    host = website(cloud, "passing", "gone soon")
    url = wait_for(cloud, host)
    cloud.client("s3").delete_bucket_website(Bucket="passing")
    wait_for(cloud, host, there=False)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            get(url)
        except urllib.error.URLError:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
