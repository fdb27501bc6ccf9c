"""A fresh log for each test of a run."""

import pytest
from crowd import LOG


@pytest.fixture(autouse=True)
def fresh_log():
    LOG.clear()
    LOG.update(now=0, most=0, asked=[])
