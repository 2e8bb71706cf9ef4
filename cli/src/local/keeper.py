"""Runs ministack until the process at the other end of standard input closes it.

However that ends (a kill -9 included), the kernel closes the pipe. ministack doesn't end the functions'
processes itself, so the whole process group goes.
"""

import contextvars
import functools
import os
import runpy
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


def wait_for_lines() -> None:
    """Waits longer than ministack's 50 ms for what a function has logged before it answered. On a busy machine the thread
    that reads it may get its turn later, and the line would then stand in the log of the next invocation, if ever."""
    from ministack.core.lambda_runtime import ProvidedWorker

    drain = ProvidedWorker._drain_stderr_bounded
    patient = functools.partialmethod(drain, first_line_wait=FIRST_LINE_SECONDS, hard_cap=2 * FIRST_LINE_SECONDS)
    ProvidedWorker._drain_stderr_bounded = patient


FIRST_LINE_SECONDS = 1.0


def watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=watch, daemon=True).start()
    sys.argv = ["ministack"]
    name_requests()
    wait_for_lines()
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
