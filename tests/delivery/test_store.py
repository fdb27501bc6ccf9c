"""SQLite as we use it: writers share commits, survive each other's ends, and lose nothing."""

import asyncio
import sqlite3
import subprocess
import threading

import pytest

import onefold as of
from onefold.delivery.store import Store

TABLE = "CREATE TABLE IF NOT EXISTS t (n INTEGER, words TEXT)"
INSERT = "INSERT INTO t VALUES (?, ?)"


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "rows.db", TABLE)
    yield made
    if not made.closed:
        made.db.execute("PRAGMA max_page_count = 1073741823")
        made.close()


def rows(store):
    with sqlite3.connect(store.path) as other:
        found = [n for (n,) in other.execute("SELECT n FROM t ORDER BY n")]
    other.close()
    return found


def commits(store):
    """Counts the transactions that are begun from now on."""
    begun = []
    store.db.set_trace_callback(lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None)
    return begun


def fill(store, pages=2):
    """Leave so many pages of room: SQLite then says that the disk is full, as it would."""
    (used,) = store.db.execute("PRAGMA page_count").fetchone()
    store.db.execute(f"PRAGMA max_page_count = {used + pages}")


def test_a_row_is_there_for_others_once_the_write_returns(store):
    asyncio.run(store.write(INSERT, (1, "x")))
    assert rows(store) == [1]


def test_writers_that_wait_together_share_one_commit(store):
    begun = commits(store)

    async def main():
        await asyncio.gather(*(store.write(INSERT, (n, "x")) for n in range(500)))

    asyncio.run(main())
    assert rows(store) == list(range(500))
    assert len(begun) == 1


def test_cancelling_one_writer_leaves_the_others_and_its_row_alone(store):
    async def main():
        tasks = [asyncio.create_task(store.write(INSERT, (n, "x"))) for n in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = asyncio.run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert others == [None, None]
    assert rows(store) == [0, 1, 2]


def test_a_loop_that_died_before_its_commit_does_not_block_the_next(store):
    async def interrupted():
        task = asyncio.create_task(store.write(INSERT, (1, "x")))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(interrupted())
    asyncio.run(asyncio.wait_for(store.write(INSERT, (2, "x")), 20))
    assert rows(store) == [1, 2]


def test_threads_with_loops_of_their_own_write_side_by_side(store):
    def thread(number):
        async def main():
            for n in range(20):
                await store.write(INSERT, (100 * number + n, "x"))

        asyncio.run(main())

    threads = [threading.Thread(target=thread, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert rows(store) == sorted(100 * number + n for number in range(4) for n in range(20))


def test_a_full_disk_says_so_and_keeps_what_was_written(store):
    async def main():
        await store.write(INSERT, (1, "x"))
        fill(store)
        with pytest.raises(of.NotRecorded, match=r"full.*make room"):
            await store.write(INSERT, (2, "x" * 100_000))

    asyncio.run(main())
    assert rows(store) == [1]


def test_rows_that_did_not_fit_are_written_once_there_is_room(store):
    async def main():
        fill(store)
        with pytest.raises(of.NotRecorded):
            await store.write(INSERT, (1, "x" * 100_000))
        store.db.execute("PRAGMA max_page_count = 1073741823")
        await store.write(INSERT, (2, "x"))

    asyncio.run(main())
    assert rows(store) == [1, 2]


def test_everyone_who_shares_a_failed_commit_is_told(store):
    async def main():
        fill(store)
        writes = (store.write(INSERT, (n, "x" * 50_000)) for n in range(5))
        return await asyncio.gather(*writes, return_exceptions=True)

    assert [type(said) for said in asyncio.run(main())] == [of.NotRecorded] * 5


def test_a_row_that_could_not_be_written_may_be_taken_back(store):
    async def main():
        fill(store)
        row = (1, "x" * 100_000)
        with pytest.raises(of.NotRecorded):
            await store.write(INSERT, row)
        store.withdraw(INSERT, row)
        store.withdraw(INSERT, row)
        store.db.execute("PRAGMA max_page_count = 1073741823")
        await store.write(INSERT, (2, "x"))

    asyncio.run(main())
    assert rows(store) == [2]


def test_a_row_and_its_change_in_one_commit_are_written_in_this_order(store):
    async def main():
        change = "UPDATE t SET words = ? WHERE n = ?"
        await asyncio.gather(
            store.write(change, ("changed", 1)), *(store.write(INSERT, (n, "x")) for n in range(3))
        )

    asyncio.run(main())
    assert store.read("SELECT n FROM t WHERE words = ?", ("changed",)) == [(1,)]


def test_writing_nothing_is_no_commit(store):
    begun = commits(store)
    store.flush()
    assert begun == []


def test_a_statement_that_is_wrong_keeps_its_rows_and_says_so(store):
    store.waiting.append(("INSERT INTO nowhere VALUES (?)", (1,)))
    with pytest.raises(of.NotRecorded, match="nowhere"):
        store.flush()
    assert not store.db.in_transaction
    assert len(store.waiting) == 1
    store.waiting.clear()


def test_closing_writes_what_waits(tmp_path):
    store = Store(tmp_path / "rows.db", TABLE)
    store.waiting.append((INSERT, (7, "x")))
    store.close()
    assert rows(store) == [7]


def test_writing_to_a_closed_store_is_an_error_and_no_hang(store):
    store.close()
    with pytest.raises(of.OnefoldError, match="closed"):
        asyncio.run(asyncio.wait_for(store.write(INSERT, (1, "x")), 20))


def test_a_store_locked_by_another_process_is_an_error_that_loses_nothing(store):
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store.db.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(of.NotRecorded, match="locked"):
        asyncio.run(store.write(INSERT, (1, "x")))
    other.execute("ROLLBACK")
    other.close()
    store.flush()
    assert rows(store) == [1]


@pytest.mark.parametrize("what", ["folder", "garbage"])
def test_a_file_that_is_no_store_is_refused(tmp_path, what):
    path = tmp_path / "x.db"
    path.mkdir() if what == "folder" else path.write_bytes(b"not a database " * 100)
    with pytest.raises(of.ConfigError, match="cannot be used as a store"):
        Store(path, TABLE)


def test_missing_folders_are_made(tmp_path):
    store = Store(tmp_path / "a" / "b" / "rows.db", TABLE)
    store.close()
    assert (tmp_path / "a" / "b" / "rows.db").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 512 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_says_so_and_goes_on_once_there_is_room(small_disk):
    store = Store(small_disk / "rows.db", TABLE)
    ballast = small_disk / "ballast"

    async def main():
        await store.write(INSERT, (1, "x"))
        with pytest.raises(OSError, match="space"):
            ballast.write_bytes(b"x" * 600_000)
        with pytest.raises(of.NotRecorded, match="make room"):
            await store.write(INSERT, (2, "x" * 100_000))
        assert rows(store) == [1]
        ballast.unlink()
        store.flush()

    asyncio.run(main())
    assert rows(store) == [1, 2]
    store.close()
