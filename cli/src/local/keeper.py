"""Runs ministack, with two repairs, until the process at the other end of standard input closes it.

However that ends (a kill -9 included), the kernel closes the pipe. ministack doesn't end the functions'
processes itself, so the whole process group goes.
"""

import contextvars
import os
import queue
import runpy
import select
import signal
import sys
import threading


def name_requests() -> None:
    """Names the request in each answer of an HTTP API, as AWS does (`apigw-requestid`): the id of the function's event."""
    from ministack.services import apigateway

    made = contextvars.ContextVar("made", default="")
    new_uuid, invoke = apigateway.new_uuid, apigateway._invoke_lambda_proxy

    def remembered() -> str:
        made.set(new_uuid())
        return made.get()

    async def named(*arguments, **keywords):
        status, headers, body = await invoke(*arguments, **keywords)
        return status, {**headers, "apigw-requestid": made.get()}, body

    apigateway.new_uuid, apigateway._invoke_lambda_proxy = remembered, named


def read_lines_in_time() -> None:
    """Has all that a function logged before its answer in the log of that invocation. ministack leaves the reading to a
    thread and waits 5 to 50 ms for it, which is too short on a busy machine: the line then stands in the log of the next
    invocation, if there is one."""
    from ministack.core.lambda_runtime import ProvidedWorker

    reading = threading.Lock()

    def has_more(stream) -> bool:
        return not stream.closed and bool(select.select([stream], [], [], 0)[0])

    def read(worker, stream, lines: queue.Queue) -> bool:
        """Reads what there is. False: it was the end."""
        got = os.read(stream.fileno(), READ_AT_ONCE)
        *whole, worker.unfinished = (worker.unfinished + got).split(b"\n")
        if not got and worker.unfinished:
            whole, worker.unfinished = [worker.unfinished], b""
        for line in whole:
            if lines.full():
                lines.get_nowait()
            lines.put_nowait(line.decode("utf-8", errors="replace").rstrip("\r"))
        return bool(got)

    def pump(worker, stream, lines: queue.Queue) -> None:
        is_open = True
        while is_open:
            select.select([stream], [], [])
            with reading:
                is_open = not has_more(stream) or read(worker, stream, lines)
        with reading:
            stream.close()

    def drain(worker, **_waits) -> str:
        stream = worker._proc.stdout if worker._proc else None
        with reading:
            while stream and has_more(stream) and read(worker, stream, worker._stderr_queue):
                pass
        return worker._drain_stderr()

    ProvidedWorker.unfinished = b""
    ProvidedWorker._pump_output, ProvidedWorker._drain_stderr_bounded = pump, drain


READ_AT_ONCE = 65_536


def watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=watch, daemon=True).start()
    sys.argv = ["ministack"]
    name_requests()
    read_lines_in_time()
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
