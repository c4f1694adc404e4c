"""A producer that is to be killed: emits for ever, one by one and in batches, and prints what was acknowledged.

python -m tests.emitter.producer_main FOLDER BOOTSTRAP SOURCE FIRST
"""

import sys
import time
from pathlib import Path

from tests.emitter.kit import make_emitter

CUSTOMERS = 7
BATCH = 50


def main(folder, bootstrap, source, first):
    emitter = make_emitter(Path(folder), bootstrap, source, patience_s=0.5)
    number = int(first)
    while True:
        with emitter.batch() as batch:
            begun = number
            for number in range(begun, begun + BATCH):
                batch.ticket_created(f"{number:08d}", customer=f"c{number % CUSTOMERS}")
        sys.stdout.write("".join(f"{done}\n" for done in range(begun, number + 1)))
        for number in range(begun + BATCH, begun + BATCH + 5):
            emitter.ticket_created(f"{number:08d}", customer=f"c{number % CUSTOMERS}")
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
        number += 1
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
