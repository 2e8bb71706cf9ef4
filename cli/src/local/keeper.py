"""Runs ministack until the process at the other end of standard input closes it.

However that ends (a kill -9 included), the kernel closes the pipe. ministack doesn't end the functions'
processes itself, so the whole process group goes.
"""

import os
import runpy
import signal
import sys
import threading


def watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=watch, daemon=True).start()
sys.argv = ["ministack"]
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
