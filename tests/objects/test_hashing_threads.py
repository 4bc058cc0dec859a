"""Object ids in several threads at once, as many mirrors ask for them."""

from __future__ import annotations

import subprocess
import sys

SEVERAL = """
import sys, threading
from ckstore.objects.hashing import object_id
sys.setswitchinterval(1e-5)
found = [[] for _ in range(3)]
def work(mine):
    for number in range(4000):
        mine.append(object_id("tree", b"100644 a%d\\0" % number + b"\\1" * 20))
threads = [threading.Thread(target=work, args=(mine,)) for mine in found]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(set(found[0])) == 4000 and found[0] == found[1] == found[2]
"""


def test_threads_do_not_wait_for_each_other_for_ever() -> None:
    subprocess.run([sys.executable, "-c", SEVERAL], check=True, timeout=60)
