"""S3 over boto3, plain HTTP and the AWS CLI."""

import base64
import hashlib
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import REGION

MIB = 1 << 20


@pytest.fixture(scope="session")
def s3(cloud):
    # For presigned URLs; in headers it is the default.
    return cloud.client("s3", Config(signature_version="s3v4"))


@pytest.fixture(scope="session")
def anonymous(cloud):
    return cloud.client("s3", Config(signature_version=UNSIGNED))


_counter = iter(range(1, 10**6))


@pytest.fixture
def bucket(s3):
    name = f"test-bucket-{next(_counter)}"
    s3.create_bucket(Bucket=name)
    return name


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def status(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def checksum(algorithm, body):
    """Base64 of a checksum; botocore alone has not all of them."""
    if algorithm.startswith("SHA"):
        return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
    polynomial, size = {
        "CRC32": (0xEDB88320, 4),
        "CRC32C": (0x82F63B78, 4),
        "CRC64NVME": (0x9A6C9329AC4BC9B5, 8),
    }[algorithm]
    ones = (1 << size * 8) - 1
    state = ones
    for byte in body:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (polynomial if state & 1 else 0)
    return base64.b64encode((state ^ ones).to_bytes(size, "big")).decode()


def public(s3, bucket, *actions):
    """Lets everybody do `actions` in the bucket."""
    s3.delete_public_access_block(Bucket=bucket)
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": arns}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def fetch(url, method="GET", data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# Buckets


def test_buckets_come_and_go(s3):
    assert s3.create_bucket(Bucket="come-and-go")["Location"] == "/come-and-go"
    s3.create_bucket(Bucket="come-and-go")
    assert "come-and-go" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="come-and-go")["BucketRegion"] == REGION
    assert s3.get_bucket_location(Bucket="come-and-go")["LocationConstraint"] is None
    s3.put_object(Bucket="come-and-go", Key="k", Body=b"v")
    assert code(s3.delete_bucket, Bucket="come-and-go") == "BucketNotEmpty"
    s3.delete_object(Bucket="come-and-go", Key="k")
    s3.delete_bucket(Bucket="come-and-go")
    assert status(s3.head_bucket, Bucket="come-and-go") == 404
    assert code(s3.list_objects_v2, Bucket="come-and-go") == "NoSuchBucket"


def test_other_regions_and_bad_names(cloud, s3):
    west = cloud.client("s3", region_name="eu-west-1")
    configuration = {"LocationConstraint": "eu-west-1"}
    west.create_bucket(Bucket="in-the-west", CreateBucketConfiguration=configuration)
    assert s3.get_bucket_location(Bucket="in-the-west")["LocationConstraint"] == "eu-west-1"
    arguments = {"Bucket": "in-the-west", "CreateBucketConfiguration": configuration}
    assert code(west.create_bucket, **arguments) == "BucketAlreadyOwnedByYou"
    assert code(s3.create_bucket, Bucket="192.168.1.1") == "InvalidBucketName"
    wrong = {"LocationConstraint": "us-west-2"}
    elsewhere = code(west.create_bucket, Bucket="other-west", CreateBucketConfiguration=wrong)
    assert elsewhere == "IllegalLocationConstraintException"
    names = [b["Name"] for b in s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]]
    assert names == ["in-the-west"]


def test_buckets_in_pages(s3):
    for n in range(5):
        s3.create_bucket(Bucket=f"paged-{n}")
    pages = s3.get_paginator("list_buckets").paginate(Prefix="paged-", PaginationConfig={"PageSize": 2})
    names = [[b["Name"] for b in page.get("Buckets", [])] for page in pages]
    assert names == [["paged-0", "paged-1"], ["paged-2", "paged-3"], ["paged-4"]]


# Objects


@pytest.mark.parametrize("size", [0, 1, 16 << 10, (16 << 10) + 1, 3 * MIB])
def test_objects_come_back(s3, bucket, size):
    body = os.urandom(size)
    metadata = {"color": "blue", "note": "two words"}
    put = s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=body,
        Metadata=metadata,
        ContentType="text/plain",
        CacheControl="max-age=60",
        ContentDisposition="inline",
        ContentLanguage="en",
        ContentEncoding="gzip",
        Tagging="a=1&b=2",
    )
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    assert put["ETag"] == etag
    assert put["ChecksumCRC32"] == base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    for answer in [got, s3.head_object(Bucket=bucket, Key="k")]:
        assert answer["ETag"] == etag
        assert answer["ContentLength"] == size
        assert answer["Metadata"] == metadata
        assert answer["ContentType"] == "text/plain"
        assert answer["CacheControl"] == "max-age=60"
        assert answer["ContentDisposition"] == "inline"
        assert answer["ContentLanguage"] == "en"
        assert answer["ContentEncoding"] == "gzip"
        assert answer["TagCount"] == 2
        assert answer["AcceptRanges"] == "bytes"
        assert answer["ServerSideEncryption"] == "AES256"
        assert "x-amz-request-id" in answer["ResponseMetadata"]["HTTPHeaders"]


def test_defaults_and_missing_keys(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"
    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket=bucket, Key="missing")
    assert caught.value.response["Error"]["Key"] == "missing"
    assert status(s3.head_object, Bucket=bucket, Key="missing") == 404
    s3.delete_object(Bucket=bucket, Key="missing")
    assert code(s3.get_object, Bucket="nobody-has-this", Key="k") == "NoSuchBucket"


@pytest.mark.parametrize(
    "key",
    ["a//b", "/lead", "trail/", "..", "../up", "a/./b", "per%20cent", "p%", "plus+sign", "sp ace",
     "é/ü/漢字", "a?b#c&d=e", "quo\"te'", "tab\there", "new\nline", "back\\slash", "//", "~-_.", "acl",
     "emoji-😀"],
)
def test_keys_are_taken_as_they_are(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == key.encode()
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    assert fetch(url)[2] == key.encode()
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}, {"Key": "copy"}]})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_long_keys_and_metadata_are_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k" * 1024, Body=b"")
    assert code(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"") == "KeyTooLongError"
    metadata = {"a": "b" * 2048}
    refused = code(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata=metadata)
    assert refused == "MetadataTooLarge"


@pytest.mark.parametrize("size", [1000, 100_000])
def test_ranges(s3, bucket, size):
    body = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for asked, expect in [
        ("bytes=0-0", body[:1]),
        ("bytes=10-19", body[10:20]),
        ("bytes=-7", body[-7:]),
        ("bytes=990-", body[990:]),
        (f"bytes=5-{size * 2}", body[5:]),
    ]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == expect
        start = body.find(expect)
        assert got["ContentRange"] == f"bytes {start}-{start + len(expect) - 1}/{size}"
    whole = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-1,5-6")
    assert whole["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert whole["Body"].read() == body
    for asked in [f"bytes={size}-", "bytes=-0"]:
        assert code(s3.get_object, Bucket=bucket, Key="k", Range=asked) == "InvalidRange"


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"v")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    get = {"Bucket": bucket, "Key": "k"}
    s3.get_object(**get, IfMatch=etag)
    s3.get_object(**get, IfUnmodifiedSince=modified)
    s3.get_object(**get, IfNoneMatch='"x"')
    assert code(s3.get_object, **get, IfMatch='"x"') == "PreconditionFailed"
    assert status(s3.get_object, **get, IfNoneMatch=etag) == 304
    assert status(s3.head_object, **get, IfModifiedSince=modified) == 304
    with pytest.raises(ClientError) as caught:
        s3.get_object(**get, IfNoneMatch=etag)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag


def test_conditional_writes(s3, bucket):
    put = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(**put, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, **put, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(**put, Body=b"2", IfMatch=etag)
    assert code(s3.put_object, **put, Body=b"3", IfMatch=etag) == "PreconditionFailed"
    missing = {"Bucket": bucket, "Key": "missing"}
    assert code(s3.put_object, **missing, Body=b"", IfMatch=etag) == "NoSuchKey"
    assert s3.get_object(**put)["Body"].read() == b"2"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_are_kept_and_shown(s3, bucket, algorithm):
    arguments = {"Bucket": bucket, "Key": "k"}
    value = checksum(algorithm, b"hello")
    put = s3.put_object(**arguments, Body=b"hello", **{f"Checksum{algorithm}": value})
    assert put[f"Checksum{algorithm}"] == value
    got = s3.get_object(**arguments, ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello"
    assert got[f"Checksum{algorithm}"] == value
    assert got["ChecksumType"] == "FULL_OBJECT"
    attributes = s3.get_object_attributes(**arguments, ObjectAttributes=["Checksum", "ETag"])
    assert attributes["Checksum"][f"Checksum{algorithm}"] == value
    assert attributes["ETag"] == hashlib.md5(b"hello").hexdigest()


def test_wrong_checksums_are_refused(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": b"hello"}
    assert code(s3.put_object, **put, ChecksumCRC32="AAAAAA==") == "BadDigest"
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert code(s3.put_object, **put, ContentMD5=wrong) == "BadDigest"
    assert status(s3.head_object, Bucket=bucket, Key="k") == 404


def test_copies(s3, bucket):
    put = {"Metadata": {"a": "1"}, "ContentType": "text/x", "Tagging": "t=1"}
    s3.put_object(Bucket=bucket, Key="from", Body=b"v" * 20000, **put)
    source = {"Bucket": bucket, "Key": "from"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    got = s3.get_object(Bucket=bucket, Key="to")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"v" * 20000, {"a": "1"}, "text/x")
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "t", "Value": "1"}]
    replaced = {"MetadataDirective": "REPLACE", "Metadata": {"b": "2"}, "TaggingDirective": "REPLACE"}
    s3.copy_object(Bucket=bucket, Key="from", CopySource=source, **replaced)
    got = s3.head_object(Bucket=bucket, Key="from")
    assert (got["Metadata"], got["ContentType"]) == ({"b": "2"}, "binary/octet-stream")
    itself = {"Bucket": bucket, "Key": "from", "CopySource": source}
    assert code(s3.copy_object, **itself) == "InvalidRequest"
    failed = code(s3.copy_object, **itself, CopySourceIfMatch='"x"', MetadataDirective="REPLACE")
    assert failed == "PreconditionFailed"
    missing = {"Bucket": bucket, "Key": "missing"}
    assert code(s3.copy_object, Bucket=bucket, Key="to", CopySource=missing) == "NoSuchKey"


def test_many_are_deleted_at_once(s3, bucket):
    for n in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"")
    objects = [{"Key": f"k{n}"} for n in range(5)]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]
    assert [d["Key"] for d in deleted] == [f"k{n}" for n in range(5)]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet
    assert code(s3.delete_objects, Bucket=bucket, Delete={"Objects": []}) == "MalformedXML"


# Lists


def test_lists(s3, bucket):
    keys = ["a", "b/1", "b/2", "c/d/1", "c/d/2", "c/e", "d", "é"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    page = s3.list_objects_v2(Bucket=bucket)
    assert [o["Key"] for o in page["Contents"]] == keys
    assert page["KeyCount"] == len(keys) and not page["IsTruncated"]
    assert "Owner" not in page["Contents"][0]
    assert "Owner" in s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]

    def everything(operation, **arguments):
        seen = []
        paginator = s3.get_paginator(operation)
        for page in paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": 1}, **arguments):
            seen += [o["Key"] for o in page.get("Contents", [])]
            seen += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        return seen

    for operation in ["list_objects", "list_objects_v2"]:
        assert everything(operation) == keys
        assert everything(operation, Delimiter="/") == ["a", "b/", "c/", "d", "é"]
        assert everything(operation, Delimiter="/", Prefix="c/") == ["c/d/", "c/e"]
        assert everything(operation, Prefix="b") == ["b/1", "b/2"]
    after = s3.list_objects_v2(Bucket=bucket, StartAfter="c/d/1")
    assert [o["Key"] for o in after["Contents"]] == keys[4:]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0
    wrong = code(s3.list_objects_v2, Bucket=bucket, ContinuationToken="?")
    assert wrong == "InvalidArgument"


# Uploads in parts


def test_an_upload_in_parts(s3, bucket):
    body = os.urandom(12 * MIB)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config)
    head = s3.head_object(Bucket=bucket, Key="big")
    parts = [body[at : at + 5 * MIB] for at in range(0, len(body), 5 * MIB)]
    md5 = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == f'"{md5}-3"'
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == body
    across = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={5 * MIB - 3}-{10 * MIB + 2}")
    assert across["Body"].read() == body[5 * MIB - 3 : 10 * MIB + 3]
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert second["Body"].read() == parts[1] and second["PartsCount"] == 3
    target = io.BytesIO()
    s3.download_fileobj(bucket, "big", target, Config=config)
    assert target.getvalue() == body
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})
    copied = s3.head_object(Bucket=bucket, Key="copy")["ETag"]
    assert copied == f'"{hashlib.md5(body).hexdigest()}"'


def test_rules_of_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="text/x")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    small = s3.upload_part(**named, PartNumber=1, Body=b"small")["ETag"]
    large = s3.upload_part(**named, PartNumber=2, Body=b"l" * 5 * MIB)["ETag"]
    listed = s3.list_parts(**named)
    assert [(p["PartNumber"], p["Size"]) for p in listed["Parts"]] == [(1, 5), (2, 5 * MIB)]
    assert [p["PartNumber"] for p in s3.list_parts(**named, PartNumberMarker=1)["Parts"]] == [2]
    uploads = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in uploads] == [("k", upload)]

    def complete(*parts):
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        return s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})

    def refusal(*parts):
        with pytest.raises(ClientError) as caught:
            complete(*parts)
        return caught.value.response["Error"]["Code"]

    assert refusal((1, small), (2, large)) == "EntityTooSmall"
    assert refusal((2, large), (1, small)) == "InvalidPartOrder"
    assert refusal((1, '"0"')) == "InvalidPart"
    assert refusal((3, small)) == "InvalidPart"
    assert status(s3.head_object, Bucket=bucket, Key="k") == 404
    done = complete((2, large))
    assert complete((2, large))["ETag"] == done["ETag"]
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ContentType"]) == (5 * MIB, "text/x")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert code(s3.list_parts, **named) == "NoSuchUpload"


def test_parts_from_copies_and_aborted_uploads(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"0123456789" * MIB)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    source = {"Bucket": bucket, "Key": "from"}
    whole = s3.upload_part_copy(**named, PartNumber=1, CopySource=source)["CopyPartResult"]
    bit = s3.upload_part_copy(**named, PartNumber=2, CopySource=source, CopySourceRange="bytes=3-5")
    parts = [
        {"PartNumber": 1, "ETag": whole["ETag"]},
        {"PartNumber": 2, "ETag": bit["CopyPartResult"]["ETag"]},
    ]
    for part, result in zip(parts, [whole, bit["CopyPartResult"]]):
        part.update({k: v for k, v in result.items() if k.startswith("Checksum")})
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=-4")["Body"].read()
    assert got == b"9345"
    other = s3.create_multipart_upload(Bucket=bucket, Key="other")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="other", UploadId=other)
    again = {"Bucket": bucket, "Key": "other", "UploadId": other}
    assert code(s3.abort_multipart_upload, **again) == "NoSuchUpload"


# Versions


def test_versions(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"0")

    def versioning(state):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": state})

    def listed():
        page = s3.list_object_versions(Bucket=bucket)
        entries = page.get("Versions", []) + page.get("DeleteMarkers", [])
        return {entry["VersionId"]: entry["IsLatest"] for entry in entries}

    def get(**version):
        return s3.get_object(Bucket=bucket, Key="k", **version)["Body"].read()

    versioning("Enabled")
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert listed() == {"null": False, first: False, second: True}
    assert [get(VersionId=v) for v in ["null", first, second]] == [b"0", b"1", b"2"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"]
    with pytest.raises(ClientError) as caught:
        get()
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    assert status(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == 405
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert code(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert get() == b"2"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert get() == b"1"

    versioning("Suspended")
    s3.put_object(Bucket=bucket, Key="k", Body=b"3")
    assert listed() == {"null": True, first: False}
    assert get(VersionId="null") == b"3"
    s3.delete_object(Bucket=bucket, Key="k")
    assert listed() == {"null": True, first: False}
    pages = s3.get_paginator("list_object_versions")
    config = {"PageSize": 1}
    entries = []
    for page in pages.paginate(Bucket=bucket, PaginationConfig=config):
        entries += page.get("Versions", []) + page.get("DeleteMarkers", [])
    assert [entry["VersionId"] for entry in entries] == ["null", first]
    for version in ["null", first]:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    wrong = {"Bucket": bucket, "Key": "k", "VersionId": first}
    assert code(s3.get_object, **wrong) == "NoSuchVersion"
    assert code(s3.get_object, Bucket=bucket, Key="k", VersionId="x") == "InvalidArgument"
    s3.delete_bucket(Bucket=bucket)


# Who may


def test_policies_and_public_access(s3, anonymous, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert code(anonymous.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert code(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy=text) == "AccessDenied"
    block = dict.fromkeys(
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], False
    )
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [statement]
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert anonymous.get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    # Who may not list does not learn what is missing.
    assert code(anonymous.get_object, Bucket=bucket, Key="missing") == "AccessDenied"
    assert code(anonymous.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert code(anonymous.put_object, Bucket=bucket, Key="x", Body=b"") == "AccessDenied"
    override = {"Bucket": bucket, "Key": "k", "ResponseContentType": "text/html"}
    assert code(anonymous.get_object, **override) == "InvalidRequest"
    block["RestrictPublicBuckets"] = True
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert code(anonymous.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy="{}") == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket=bucket)
    assert code(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"


def test_a_policy_denies_even_the_owner(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": statement}))
    assert code(s3.delete_object, Bucket=bucket, Key="k") == "AccessDenied"
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")


def test_presigned_urls(s3, bucket):
    params = {"Bucket": bucket, "Key": "a b", "ContentType": "text/x"}
    url = s3.generate_presigned_url("put_object", Params=params)
    answer = fetch(url, "PUT", b"body", {"Content-Type": "text/x"})
    assert answer[0] == 200, answer
    shown = {"Bucket": bucket, "Key": "a b", "ResponseContentDisposition": 'attachment; filename="x"'}
    number, headers, body = fetch(s3.generate_presigned_url("get_object", Params=shown))
    assert (number, body, headers["Content-Type"]) == (200, b"body", "text/x")
    assert headers["Content-Disposition"] == 'attachment; filename="x"'
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "other"})
    number, _, body = fetch(url.replace("other", "a%20b"))
    assert number == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    number, _, body = fetch(f"{s3.meta.endpoint_url}/{bucket}/a%20b")
    assert number == 403 and b"<Code>AccessDenied</Code>" in body


# Configurations


def test_what_is_not_configured_has_its_own_error(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for call, expect in [
        (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
        (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (s3.get_bucket_policy, "NoSuchBucketPolicy"),
        (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (s3.get_bucket_tagging, "NoSuchTagSet"),
        (s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
    ]:
        with pytest.raises(ClientError) as caught:
            call(Bucket=bucket)
        error = caught.value.response
        assert error["Error"]["Code"] == expect
        assert error["Error"]["BucketName"] == bucket
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    default = encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    assert default == {"SSEAlgorithm": "AES256"}
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    s3.get_bucket_notification_configuration(Bucket=bucket)
    for acl in [s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")]:
        assert [g["Permission"] for g in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    refused = code(s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
    assert refused == "AccessControlListNotSupported"
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    controls = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_tags(s3, bucket):
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    named = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**named, Body=b"")
    assert s3.get_object_tagging(**named)["TagSet"] == []
    s3.put_object_tagging(**named, Tagging={"TagSet": tags})
    assert s3.get_object_tagging(**named)["TagSet"] == tags
    s3.delete_object_tagging(**named)
    assert s3.get_object_tagging(**named)["TagSet"] == []
    many = [{"Key": str(n), "Value": ""} for n in range(11)]
    assert code(s3.put_object_tagging, **named, Tagging={"TagSet": many}) == "BadRequest"


def test_pages_of_other_origins(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    public(s3, bucket, "s3:GetObject")
    url = f"{s3.meta.endpoint_url}/{bucket}/k"
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    number, _, body = fetch(url, "OPTIONS", headers=ask)
    assert number == 403 and b"CORS is not enabled for this bucket" in body
    rule = {
        "AllowedOrigins": ["https://*.example"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    }
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == [rule]
    ask["Access-Control-Request-Headers"] = "content-type, x-amz-date"
    number, headers, _ = fetch(url, "OPTIONS", headers=ask)
    assert number == 200
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert headers["Access-Control-Allow-Headers"] == "content-type, x-amz-date"
    _, headers, body = fetch(url, headers={"Origin": "https://a.example"})
    assert body == b"v"
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    _, headers, _ = fetch(url, headers={"Origin": "https://other.test"})
    assert "Access-Control-Allow-Origin" not in headers
    s3.delete_bucket_cors(Bucket=bucket)


# Addressing and the website


def test_buckets_in_host_names(cloud, s3, bucket, monkeypatch):
    port = urllib.parse.urlsplit(cloud.endpoint).port
    config = Config(s3={"addressing_style": "virtual"})
    client = cloud.client("s3", config, endpoint_url=f"http://localhost:{port}")
    resolve = socket.getaddrinfo

    def below_localhost(host, *more, **named):
        return resolve("127.0.0.1" if host == f"{bucket}.localhost" else host, *more, **named)

    # Not every machine resolves names below localhost.
    monkeypatch.setattr(socket, "getaddrinfo", below_localhost)
    client.put_object(Bucket=bucket, Key="a/b", Body=b"v")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"v"
    assert [o["Key"] for o in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b"]


def test_hosts_of_aws(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    public(s3, bucket, "s3:GetObject")
    for host in ["s3.us-east-1.amazonaws.com", "s3.amazonaws.com", "s3.us-east-1.localhost"]:
        answer = fetch(f"{s3.meta.endpoint_url}/k", headers={"Host": f"{bucket}.{host}"})
        assert (answer[0], answer[2]) == (200, b"v"), host


def test_a_website(s3, bucket):
    site = {"Host": f"{bucket}.s3-website.us-east-1.localhost"}

    def visit(path, **headers):
        return fetch(s3.meta.endpoint_url + path, headers={**site, **headers})

    number, headers, body = visit("/")
    assert number == 404 and b"NoSuchWebsiteConfiguration" in body
    rules = [
        {
            "Condition": {"KeyPrefixEquals": "old/"},
            "Redirect": {"ReplaceKeyPrefixWith": "new/", "HostName": "w.example"},
        }
    ]
    configuration = {
        "IndexDocument": {"Suffix": "index.html"},
        "ErrorDocument": {"Key": "oops.html"},
        "RoutingRules": rules,
    }
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)
    shown = s3.get_bucket_website(Bucket=bucket)
    assert {name: shown[name] for name in configuration} == configuration
    for key in ["index.html", "docs/index.html", "oops.html"]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="away", Body=b"", WebsiteRedirectLocation="https://b.example/")
    assert visit("/")[0] == 403
    public(s3, bucket, "s3:GetObject")
    number, headers, body = visit("/")
    assert (number, headers["Content-Type"], body) == (200, "text/html", b"index.html")
    assert visit("/docs/")[2] == b"docs/index.html"
    assert (visit("/docs")[0], visit("/docs")[1]["Location"]) == (302, "/docs/")
    # Everybody may read, but not list: what is missing is forbidden.
    assert (visit("/missing")[0], visit("/missing")[2]) == (403, b"oops.html")
    public(s3, bucket, "s3:GetObject", "s3:ListBucket")
    assert (visit("/missing")[0], visit("/missing")[2]) == (404, b"oops.html")
    assert visit("/old/page")[1]["Location"] == "http://w.example/new/page"
    assert (visit("/away")[0], visit("/away")[1]["Location"]) == (301, "https://b.example/")
    etag = visit("/")[1]["ETag"]
    assert visit("/", **{"If-None-Match": etag})[0] == 304
    assert fetch(s3.meta.endpoint_url + "/", "POST", b"", site)[0] == 405
    s3.delete_bucket_website(Bucket=bucket)


# What goes wrong on the way


def test_a_truncated_upload_leaves_nothing(s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "half"})
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + b"x" * 50000)
    assert status(s3.head_object, Bucket=bucket, Key="half") == 404


def test_objects_survive_a_kill(fresh_cloud):
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="durable")
    bodies = {f"k{size}": os.urandom(size) for size in [10, 20000, 6 * MIB]}
    for key, body in bodies.items():
        s3.put_object(Bucket="durable", Key=key, Body=body)
    fresh_cloud.restart()
    s3 = fresh_cloud.client("s3")
    for key, body in bodies.items():
        assert s3.get_object(Bucket="durable", Key=key)["Body"].read() == body


def test_replaced_files_go(fresh_cloud):
    s3 = fresh_cloud.client("s3")
    s3.create_bucket(Bucket="tidy")
    for _ in range(3):
        s3.put_object(Bucket="tidy", Key="k", Body=os.urandom(MIB))
    s3.delete_object(Bucket="tidy", Key="k")
    fresh_cloud.restart()
    s3 = fresh_cloud.client("s3")
    s3.put_object(Bucket="tidy", Key="last", Body=os.urandom(MIB))
    deadline = 100
    while True:
        files = [f for f in (fresh_cloud.folder / "data" / "blobs").rglob("*") if f.is_file()]
        if len(files) == 1 or deadline == 0:
            break
        deadline -= 1
        time.sleep(0.05)
    assert len(files) == 1


# Tools


def test_the_aws_cli(cloud, s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "folder").mkdir(parents=True)
    (source / "a.txt").write_bytes(b"a")
    (source / "folder" / "b c.txt").write_bytes(b"b")
    (source / "big.bin").write_bytes(os.urandom(9 * MIB))
    # S3 tells times in whole seconds: what is uploaded in the second it was written looks older
    # than the file, and `sync` would send it again.
    for file in source.rglob("*"):
        os.utime(file, (time.time() - 60, time.time() - 60))

    def aws(*arguments):
        command = ["aws", "s3", *map(str, arguments)]
        done = subprocess.run(
            command, env=cloud.environment(), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    aws("sync", source, f"s3://{bucket}/up")
    listing = aws("ls", "--recursive", f"s3://{bucket}/")
    assert "up/a.txt" in listing and "up/folder/b c.txt" in listing
    assert aws("sync", source, f"s3://{bucket}/up") == ""
    aws("cp", "--recursive", f"s3://{bucket}/up", target)
    for file in ["a.txt", "folder/b c.txt", "big.bin"]:
        assert (target / file).read_bytes() == (source / file).read_bytes()
    aws("rm", "--recursive", f"s3://{bucket}/up")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
