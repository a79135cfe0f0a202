import json

from hello_world import app


def test_lambda_handler():
    ret = app.lambda_handler({}, "")
    assert ret["statusCode"] == 200
    assert json.loads(ret["body"])["message"] == "hello world"
