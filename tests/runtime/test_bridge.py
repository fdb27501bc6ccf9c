"""The bridge: the same call from scripts, threads, notebooks, forks, and out of Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

import onefold as of
from onefold.runtime.bridge import bridge

HELLO = of.Model("hello", provider=of.Fake(("hello",)))
colour: ContextVar[str] = ContextVar("colour", default="none")


@of.operator
async def painted(query):
    return colour.get()


def script(code, *arguments, seconds=30):
    """Run a script to its end; a hang is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def test_a_script_asks_and_ends_by_itself():
    done = script("import onefold as of\nprint(of.Model('fake:hi').ask('q').text)")
    assert (done.stdout, done.stderr, done.returncode) == ("hi\n", "", 0)


def test_asking_works_inside_a_running_loop():
    async def main():
        return HELLO.ask("q").text, (await HELLO("q")).text

    assert asyncio.run(main()) == ("hello", "hello")


def test_asking_works_from_many_threads_at_once():
    panel = of.Panel([HELLO] * 3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: panel.ask(f"q{i}").agreement, range(200)))
    assert answers == [1.0] * 200


def test_errors_come_out_as_they_are():
    with pytest.raises(of.Refused, match="told to fail"):
        of.Model("no", provider=of.Fake(error="Refused")).ask("q")


def test_context_variables_of_the_caller_reach_the_call():
    token = colour.set("green")
    try:
        assert painted.ask("q").text == "green"
    finally:
        colour.reset(token)
    assert painted.ask("q").text == "none"


def test_the_caller_s_session_reaches_the_call():
    with of.Session({"m": "fake:outer"}):
        with of.Session({"m": "fake:inner"}):
            assert of.Model("m").ask("q").text == "inner"
        assert of.Model("m").ask("q").text == "outer"


def test_each_thread_has_the_session_it_entered():
    def asks(number):
        with of.Session({"m": f"fake:{number}"}):
            return of.Model("m").ask("q").text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(asks, range(50))) == [str(number) for number in range(50)]


def test_waiting_on_the_bridge_s_own_loop_is_a_clear_error_and_no_hang():
    @of.operator
    async def blocks(query):
        return HELLO.ask(query)

    with pytest.raises(of.OnefoldError, match="await op"):
        blocks.ask("q")


def test_walking_a_stream_on_the_bridge_s_own_loop_is_the_same_clear_error():
    @of.operator
    async def walks(query):
        return [event.text for event in HELLO.stream("q")]

    with pytest.raises(of.OnefoldError, match="await op"):
        walks.ask("q")


def test_a_blocking_function_may_ask_from_inside_an_answer():
    @of.operator
    def asks(query):
        return HELLO.ask(query).text.upper()

    assert of.Panel([asks, asks]).ask("q").text == "HELLO"


def test_many_blocking_functions_that_ask_blocking_functions_do_not_wait_for_ever():
    done = script(
        """
        import onefold as of

        @of.operator
        def inner(query):
            return "inner"

        @of.operator
        def outer(query):
            return inner.ask(query).text

        print(of.Panel([outer] * 100).ask("q").agreement, flush=True)
        """,
        seconds=20,
    )
    assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr


def test_a_member_that_exits_does_not_take_the_bridge_with_it():
    done = script(
        """
        import onefold as of

        @of.operator
        async def quits(query):
            raise SystemExit(3)

        try:
            print(of.Panel([quits, "fake:x"]).ask("q").text)
        except SystemExit as exit:
            print("exit", exit.code)
        print(of.Model("fake:still here").ask("q").text, flush=True)
        """,
        seconds=20,
    )
    assert done.stdout.splitlines()[-1:] == ["still here"], done.stderr


INTERRUPTED = """
    import signal, sqlite3, sys, threading
    import onefold as of

    slow = of.Fake(("late",), seconds=(600.0,), tokens=(10, 10), price=(1.0, 1.0))
    panel = of.Panel([of.Model(name, provider=slow) for name in "abc"])
    def tell(phase, span, what, value):
        if phase == "start" and span.verb == "complete" and span.name == "c":
            print("asked", flush=True)
    try:
        with of.Session(journal=sys.argv[1], listeners=[tell]):
            panel.ask("q")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    rows = sqlite3.connect(sys.argv[1]).execute("SELECT model, status, estimated FROM calls")
    print(sorted(rows), flush=True)
    print(of.Model("fake:again").ask("q").text, flush=True)
"""


def test_ctrl_c_cancels_the_calls_and_books_them(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path / "paid.db")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    booked = [(name, "interrupted", 1) for name in "abc"]
    assert out.splitlines() == ["interrupted", str(booked), "again"], err


def test_cancelling_the_future_cancels_the_work():
    ended = threading.Event()

    async def work():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    future = bridge.submit(work())
    bridge.run(asyncio.sleep(0))
    future.cancel()
    assert ended.wait(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_gets_a_bridge_of_its_own():
    done = script(
        """
        import os, sys
        import onefold as of

        hello = of.Model("fake:hello")
        assert hello.ask("q").text == "hello"
        child = os.fork()
        if child == 0:
            print("child", hello.ask("q").text, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("parent", hello.ask("q").text, status, flush=True)
        """
    )
    assert done.stdout.splitlines() == ["child hello", "parent hello 0"], done.stderr


def test_iterating_passes_errors_on_and_closes_the_source():
    closed = threading.Event()

    async def source():
        try:
            yield 1
            raise LookupError("two")
        finally:
            closed.set()

    walk = bridge.iterate(source())
    assert next(walk) == 1
    with pytest.raises(LookupError, match="two"):
        next(walk)
    assert closed.is_set()
