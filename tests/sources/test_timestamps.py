"""Every way of writing a moment comes out as UTC, whole seconds, Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_mind.sources.timestamps import utc

MOMENT = "2026-02-05T22:19:35Z"


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-05T22:19:35.585826", "2026-02-05T22:19:35", "2026-02-05 22:19:35", "2026-02-05T22:19:35Z",
        "2026-02-05T22:19:35z", "2026-02-05T22:19:35.5Z", "2026-02-05T22:19:35.585826123Z", "2026-02-06T03:49:35+05:30",
        "2026-02-05T17:19:35-0500", "20260205T221935Z", " 2026-02-05T22:19:35 ", 1770329975, 1770329975.585826,
        1770329975585, 1770329975585826, 1770329975585826123, "1770329975", "1770329975.58", "1770329975585",
        datetime(2026, 2, 5, 22, 19, 35, 585826), datetime(2026, 2, 5, 22, 19, 35, tzinfo=UTC),
    ],
    ids=str,
)  # fmt: skip
def test_all_spellings_of_one_moment(written: object) -> None:
    assert utc(written) == MOMENT


@pytest.mark.parametrize("absent", [None, ""])
def test_none_stays_none(absent: object) -> None:
    assert utc(absent) is None


@pytest.mark.parametrize(
    "unreadable",
    [
        "yesterday",
        "2026-13-05T00:00:00",
        "05/02/2026",
        True,
        -5,
        float("nan"),
        float("inf"),
        [2026],
        {},
        "9999-12-31T23:59:59-10:00",
    ],
    ids=str,
)
def test_what_is_no_moment_is_said_to_be_none(unreadable: object) -> None:
    with pytest.raises(ValueError):
        utc(unreadable)


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_any_moment_in_any_zone_keeps_its_second(moment: datetime, zone: timezone) -> None:
    aware = moment.replace(tzinfo=UTC)
    expected = aware.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    assert utc(aware.astimezone(zone).isoformat()) == expected
    assert utc(moment.isoformat()) == expected
    assert utc(int(aware.timestamp())) == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", expected)
