"""How long a client waits before it calls again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossgrid.judging.asking.back_off import (
    LONGEST_DELAY,
    LONGEST_PAUSE,
    BackOff,
    get_delay,
    read_retry_after,
)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3.0),
        ({"retry-after": "Wed, 01 Jan 2020 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Wed, 01 Jan 2020 00:00:00 +99999999999999999999"}, None),
        ({"retry-after": "Wed, 01 Jan 2020 00:00:00 +9999999999"}, None),
    ],
)
def test_reads_what_servers_write(headers, seconds):
    assert read_retry_after(headers) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_reads_a_date(zone):
    """A date 100 s from now, cut to whole seconds, is 99 to 100 s away, less what the test takes."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100)).replace("+0000", zone)
    assert 60.0 < read_retry_after({"retry-after": date}) <= 100.0


@given(st.integers(1, 2000))
def test_delays_double_up_to_a_limit(failures):
    """0.5 s after the first failure, doubled by every further one, and of that between half and the whole."""
    longest = min(LONGEST_DELAY, 0.5 * 2 ** min(failures - 1, 20))
    assert longest / 2 <= get_delay(failures) <= longest


def test_the_longer_pause_stays_and_none_lasts_for_ever():
    back_off = BackOff()
    assert back_off.get_pause() == 0.0
    back_off.pause(1000.0)
    back_off.pause(1.0)
    assert 900.0 < back_off.get_pause() <= 1000.0
    back_off.pause(1e9)
    assert 0.9 * LONGEST_PAUSE < back_off.get_pause() <= LONGEST_PAUSE
