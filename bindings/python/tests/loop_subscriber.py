"""What the conformance suite starts: takes frames in a loop, gives each back soon, and connects again.

    python3 loop_subscriber.py RUN-DIR KEY POLICY
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cuframes  # noqa: E402

try:
    with cuframes.subscribe(sys.argv[2], run_dir=sys.argv[1], policy=sys.argv[3], connect_timeout=None) as subscriber:
        for frame in subscriber:
            frame.memoryview(0)[0]
except cuframes.Error as e:
    sys.exit(f"{type(e).__name__}: {e}")
