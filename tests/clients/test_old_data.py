"""Data folders that earlier binaries left are opened by today's, and all is in them."""

import os

import pytest

import filling


def test_everything_outlives_the_process(fresh_cloud):
    expected = filling.fill(fresh_cloud)
    filling.check(fresh_cloud, expected)
    fresh_cloud.kill()
    fresh_cloud.restart()
    filling.check(fresh_cloud, expected)


def test_the_check_finds_what_is_missing(fresh_cloud):
    expected = filling.fill(fresh_cloud)
    fresh_cloud.client("ssm").delete_parameter(Name="/kept/secret")
    with pytest.raises(AssertionError, match="ssm"):
        filling.check(fresh_cloud, expected)


@pytest.mark.parametrize("name", sorted(os.listdir(filling.FOLDER)))
def test_an_old_folder_opens(name, tmp_path):
    cloud, expected = filling.opened(filling.FOLDER / name, tmp_path)
    try:
        filling.check(cloud, expected)
        # What an earlier binary made can be taken down by this one.
        client = cloud.client("cloudformation")
        client.delete_stack(StackName="kept")
        wait = {"Delay": 1, "MaxAttempts": 60}
        client.get_waiter("stack_delete_complete").wait(StackName="kept", WaiterConfig=wait)
    finally:
        cloud.kill()
