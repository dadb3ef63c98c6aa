"""Settings of all tests."""

from hypothesis import settings

# The same examples in every run, and no time limit on one: a busy machine must not fail a test.
settings.register_profile("mtinst", deadline=None, derandomize=True)
settings.load_profile("mtinst")
