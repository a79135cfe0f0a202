"""Cognito user pools as real clients see them: boto3, pycognito's SRP, PyJWT over the published keys."""

import base64
import json
import urllib.error
import urllib.request

import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import ForceChangePasswordException

from conftest import REGION, refused

PASSWORD = "Corr3ct-horse"


@pytest.fixture(scope="module")
def cognito(cloud):
    return cloud.client("cognito-idp")


@pytest.fixture(scope="module")
def anyone(cloud):
    """An application in a browser: it has no AWS credentials."""
    return cloud.client("cognito-idp", Config(signature_version=UNSIGNED))


@pytest.fixture
def pool(cognito, name):
    made = cognito.create_user_pool(PoolName=name, AutoVerifiedAttributes=["email"])["UserPool"]
    yield made["Id"]
    cognito.delete_user_pool(UserPoolId=made["Id"])


def create_client(cognito, pool, **settings):
    settings.setdefault("PreventUserExistenceErrors", "ENABLED")
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="web",
        ExplicitAuthFlows=[
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ],
        **settings,
    )
    return made["UserPoolClient"]


@pytest.fixture
def client_id(cognito, pool):
    return create_client(cognito, pool)["ClientId"]


@pytest.fixture
def user(cognito, pool):
    cognito.admin_create_user(
        UserPoolId=pool,
        Username="ann",
        UserAttributes=[
            {"Name": "email", "Value": "ann@example.com"},
            {"Name": "email_verified", "Value": "true"},
        ],
        MessageAction="SUPPRESS",
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="ann", Password=PASSWORD, Permanent=True
    )
    return "ann"


def srp(anyone, pool, client_id, username, password, **more):
    return AWSSRP(
        username=username,
        password=password,
        pool_id=pool,
        client_id=client_id,
        client=anyone,
        **more,
    )


def sign_in(anyone, pool, client_id, username="ann", password=PASSWORD, **more):
    answer = srp(anyone, pool, client_id, username, password, **more).authenticate_user()
    return answer["AuthenticationResult"]


def published(cloud, pool, document, host=None):
    request = urllib.request.Request(f"{cloud.endpoint}/{pool}/.well-known/{document}")
    if host:
        request.add_header("Host", host)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_srp_tokens_verify_with_the_published_keys(cloud, anyone, pool, client_id, user):
    tokens = sign_in(anyone, pool, client_id)
    host = f"cognito-idp.{REGION}.amazonaws.com"
    keys = jwt.PyJWKSet.from_dict(published(cloud, pool, "jwks.json", host))
    issuer = f"https://{host}/{pool}"
    assert published(cloud, pool, "openid-configuration")["issuer"] == issuer

    def verified(token, **options):
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=["RS256"], issuer=issuer, **options)

    access = verified(tokens["AccessToken"])
    assert access["client_id"] == client_id
    assert access["token_use"] == "access"
    identity = verified(tokens["IdToken"], audience=client_id)
    assert identity["email"] == "ann@example.com"
    assert identity["email_verified"] is True
    me = anyone.get_user(AccessToken=tokens["AccessToken"])
    assert me["Username"] == "ann"
    assert {"Name": "sub", "Value": access["sub"]} in me["UserAttributes"]


def test_srp_many_times(anyone, pool, client_id, user):
    """Salts, public values and keys of every shape: what is padded wrongly fails now and then."""
    for _ in range(12):
        assert sign_in(anyone, pool, client_id)["TokenType"] == "Bearer"


def test_srp_with_a_client_secret(cognito, anyone, pool, user):
    made = create_client(cognito, pool, GenerateSecret=True)
    tokens = sign_in(anyone, pool, made["ClientId"], client_secret=made["ClientSecret"])
    assert tokens["AccessToken"]
    with refused("NotAuthorizedException"):
        sign_in(anyone, pool, made["ClientId"], client_secret="x" * 51)


def test_wrong_passwords_and_unknown_users_fail_alike(anyone, pool, client_id, user):
    for name in ["ann", "nobody"]:
        with refused("NotAuthorizedException", "Incorrect username or password."):
            sign_in(anyone, pool, client_id, name, "Wr0ng-one")
        with refused("NotAuthorizedException", "Incorrect username or password."):
            anyone.initiate_auth(
                ClientId=client_id,
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": "Wr0ng-one"},
            )


def test_a_temporary_password_is_replaced_over_srp(cognito, anyone, pool, client_id):
    cognito.admin_create_user(
        UserPoolId=pool, Username="bob", TemporaryPassword="Temp0rary-1", MessageAction="SUPPRESS"
    )
    first = srp(anyone, pool, client_id, "bob", "Temp0rary-1")
    with pytest.raises(ForceChangePasswordException):
        first.authenticate_user()
    first = srp(anyone, pool, client_id, "bob", "Temp0rary-1")
    assert first.set_new_password_challenge(PASSWORD)["AuthenticationResult"]["IdToken"]
    assert sign_in(anyone, pool, client_id, "bob")
    assert cognito.admin_get_user(UserPoolId=pool, Username="bob")["UserStatus"] == "CONFIRMED"


def test_sign_up_confirmed_by_an_administrator(cognito, anyone, pool, client_id):
    attributes = [{"Name": "email", "Value": "cleo@example.com"}]
    made = anyone.sign_up(
        ClientId=client_id, Username="cleo", Password=PASSWORD, UserAttributes=attributes
    )
    assert made["UserConfirmed"] is False
    assert made["CodeDeliveryDetails"] == {
        "Destination": "c***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    with refused("UsernameExistsException", "User already exists"):
        anyone.sign_up(ClientId=client_id, Username="cleo", Password=PASSWORD)
    with refused("CodeMismatchException"):
        anyone.confirm_sign_up(ClientId=client_id, Username="cleo", ConfirmationCode="abcdef")
    with refused("UserNotConfirmedException", "User is not confirmed."):
        sign_in(anyone, pool, client_id, "cleo")
    cognito.admin_confirm_sign_up(UserPoolId=pool, Username="cleo")
    assert sign_in(anyone, pool, client_id, "cleo")
    with refused("InvalidPasswordException"):
        anyone.sign_up(ClientId=client_id, Username="dan", Password="weakling")


def test_refresh_revoke_and_sign_out(anyone, pool, client_id, user):
    tokens = sign_in(anyone, pool, client_id)

    def refresh():
        return anyone.initiate_auth(
            ClientId=client_id,
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )["AuthenticationResult"]

    fresh = refresh()
    assert "RefreshToken" not in fresh
    assert anyone.get_user(AccessToken=fresh["AccessToken"])["Username"] == "ann"
    anyone.revoke_token(ClientId=client_id, Token=tokens["RefreshToken"])
    with refused("NotAuthorizedException", "Refresh Token has been revoked"):
        refresh()
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        anyone.get_user(AccessToken=fresh["AccessToken"])
    other = sign_in(anyone, pool, client_id)
    anyone.global_sign_out(AccessToken=other["AccessToken"])
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        anyone.get_user(AccessToken=other["AccessToken"])


def test_unsigned_and_forged_tokens_are_refused(anyone, pool, client_id, user):
    access = sign_in(anyone, pool, client_id)["AccessToken"]
    claims = jwt.decode(access, options={"verify_signature": False})
    for forged in [
        jwt.encode(claims, None, algorithm="none"),
        jwt.encode(claims, "a secret of thirty-two characters", algorithm="HS256"),
        access[:-4] + base64.urlsafe_b64encode(b"xyz").decode(),
        "nonsense",
    ]:
        with refused("NotAuthorizedException", "Invalid Access Token"):
            anyone.get_user(AccessToken=forged)


def test_administration_wants_a_signature(anyone, pool):
    with refused("MissingAuthenticationTokenException", status=400):
        anyone.list_users(UserPoolId=pool)


def test_broken_input_is_cognitos_own_error(anyone):
    with refused("ResourceNotFoundException", "User pool client nosuchclient does not exist."):
        anyone.initiate_auth(
            ClientId="nosuchclient",
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ann", "PASSWORD": "x"},
        )


def test_what_is_not_published_is_not_found(cloud):
    with pytest.raises(urllib.error.HTTPError) as caught:
        published(cloud, f"{REGION}_NoSuch", "jwks.json")
    assert caught.value.code == 404


def test_pools_users_and_sessions_survive_kill_9(fresh_cloud):
    cognito = fresh_cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    client_id = create_client(cognito, pool)["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="ann", Password=PASSWORD, Permanent=True
    )
    anyone = fresh_cloud.client("cognito-idp", Config(signature_version=UNSIGNED))
    kept, revoked = (sign_in(anyone, pool, client_id) for _ in range(2))
    anyone.revoke_token(ClientId=client_id, Token=revoked["RefreshToken"])
    fresh_cloud.kill()
    fresh_cloud.restart()
    anyone = fresh_cloud.client("cognito-idp", Config(signature_version=UNSIGNED))
    assert anyone.get_user(AccessToken=kept["AccessToken"])["Username"] == "ann"
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        anyone.get_user(AccessToken=revoked["AccessToken"])
    assert sign_in(anyone, pool, client_id)
