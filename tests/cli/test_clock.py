from __future__ import annotations

import time

from automl.cli.clock import process_start


def test_the_process_began_before_now_and_stays_where_it_began():
    first, second = process_start(), process_start()
    assert first < time.monotonic()
    assert abs(first - second) < 0.5
