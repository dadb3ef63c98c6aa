"""Settings of all tests."""

import pytest
from hypothesis import settings

from mtinst.features import warm_up

# The same examples in every run, and no time limit on one: a busy machine must not fail a test.
settings.register_profile("mtinst", deadline=None, derandomize=True)
settings.load_profile("mtinst")


def pytest_configure(config: pytest.Config) -> None:
    """Have librosa compile before there are several processes to do it at once."""
    if not hasattr(config, "workerinput"):
        warm_up()
