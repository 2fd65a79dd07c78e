"""A decoding child that falls ill on request; everything else is the real one."""

import os
import signal
import sys
import time

from sightline.indexing import child


class IllWorker(child._Worker):
    def do_well(self, head, alive):
        return {"well": True}, {}

    def do_kill(self, head, alive):
        os.kill(os.getpid(), getattr(signal, head["signal"]))
        time.sleep(10)

    def do_spin(self, head, alive):
        while True:
            pass

    def do_sleep(self, head, alive):
        time.sleep(60)

    def do_swell(self, head, alive):
        hoard = []
        while True:
            hoard.append(bytearray(64 << 20))

    def do_write(self, head, alive):
        with open(head["path"], "wb") as file:
            file.write(b"x" * (8 << 20))
        return {"written": True}, {}

    def do_dial(self, head, alive):
        import socket

        socket.create_connection(("127.0.0.1", head["port"]), timeout=2).close()
        return {"connected": True}, {}


child._Worker = IllWorker
if __name__ == "__main__":
    sys.exit(child.main())
