#!/usr/bin/env python3
"""What redis-py's own tests of string and key commands expect, written anew, against a running node.

    pip install redis && python3 redis_py.py 7412 7422 7432

Each function is named after the test of redis-py (tests/test_commands.py) whose expectations it has.
Ports are taken in turn, so that what one node was told another one answers. No part of `cargo test`.
"""
import datetime
import itertools
import sys
import time

import redis

PORTS = itertools.cycle([int(port) for port in sys.argv[1:] or [7412]])
RUN = f"{time.time_ns():x}"


def node(**more):
    return redis.Redis(port=next(PORTS), db=9, **more)


def k(name):
    """A key that no other run has."""
    return f"{RUN}:{name}"


def soon(seconds):
    return datetime.datetime.now() + datetime.timedelta(seconds=seconds)


def test_ping():
    assert node().ping() is True


def test_echo():
    assert node().echo("foo bar") == b"foo bar"


def test_client_setname_and_getname():
    connection = redis.Redis(port=next(PORTS), single_connection_client=True)
    assert connection.client_setname("redis_py_test") is True
    assert connection.client_getname() == "redis_py_test"


def test_get_and_set():
    assert node().get(k("a")) is None
    assert node().set(k("byte"), b"value") and node().set(k("int"), 5)
    assert node().set(k("unicode"), chr(3456) + "abcd" + chr(3421))
    assert node().get(k("byte")) == b"value" and node().get(k("int")) == b"5"
    assert node().get(k("unicode")).decode() == chr(3456) + "abcd" + chr(3421)


def test_getitem_and_setitem():
    node()[k("item")] = "bar"
    assert node()[k("item")] == b"bar"
    try:
        node()[k("absent")]
        raise AssertionError("an absent key is a KeyError")
    except KeyError:
        pass


def test_delete_and_delitem():
    assert node().delete(k("d")) == 0
    node().set(k("d"), "foo")
    assert node().delete(k("d")) == 1
    node().set(k("e"), "foo")
    del node()[k("e")]
    assert node().get(k("e")) is None


def test_delete_with_multiple_keys_and_unlink_with_multiple_keys():
    for remove in ("delete", "unlink"):
        node().set(k("m1"), "foo"), node().set(k("m2"), "bar")
        assert getattr(node(), remove)(k("m1"), k("m2")) == 2
        assert node().get(k("m1")) is None and node().get(k("m2")) is None


def test_exists_and_exists_contains():
    assert node().exists(k("x")) == 0
    node().set(k("x"), "1"), node().set(k("y"), "2")
    assert node().exists(k("x"), k("y")) == 2 and node().exists(k("x"), k("x")) == 2
    assert k("x") in node()


def test_expire_ttl_persist():
    assert node().expire(k("t"), 10) is False
    node().set(k("t"), "foo")
    assert node().expire(k("t"), 10) is True and 0 < node().ttl(k("t")) <= 10
    assert node().persist(k("t")) and node().ttl(k("t")) == -1


def test_ttl_nokey_and_no_expire():
    assert node().ttl(k("nokey")) == -2 and node().pttl(k("nokey")) == -2
    node().set(k("plain"), "1")
    assert node().ttl(k("plain")) == -1 and node().pttl(k("plain")) == -1


def test_pexpire():
    assert node().pexpire(k("p"), 60000) is False
    node().set(k("p"), "foo")
    assert node().pexpire(k("p"), 60000) is True and 0 < node().pttl(k("p")) <= 60000


def test_set_ex_timedelta_and_px():
    assert node().set(k("ex"), "1", ex=10) and 0 < node().ttl(k("ex")) <= 10
    assert node().set(k("exd"), "1", ex=datetime.timedelta(seconds=60)) and 0 < node().ttl(k("exd")) <= 60
    assert node().set(k("px"), "1", px=10000) and 0 < node().pttl(k("px")) <= 10000


def test_set_exat_and_pxat():
    assert node().set(k("exat"), "1", exat=soon(10)) and 0 < node().ttl(k("exat")) <= 10
    assert node().set(k("pxat"), "1", pxat=soon(10)) and 0 < node().ttl(k("pxat")) <= 10


def test_set_keepttl():
    node().set(k("keep"), "val", ex=10)
    node().set(k("keep"), "val2", keepttl=True)
    assert node().get(k("keep")) == b"val2" and 0 < node().ttl(k("keep")) <= 10


def test_set_get():
    assert node().set(k("sg"), "foo", get=True) is None
    assert node().set(k("sg"), "bar", get=True) == b"foo" and node().get(k("sg")) == b"bar"


def test_setex_and_psetex():
    assert node().setex(k("se"), 60, "1") and node().get(k("se")) == b"1" and 0 < node().ttl(k("se")) <= 60
    assert node().psetex(k("ps"), 1000, "value") and 0 < node().pttl(k("ps")) <= 1000


def test_getdel():
    assert node().getdel(k("gd")) is None
    node().set(k("gd"), 1)
    assert node().getdel(k("gd")) == b"1" and node().getdel(k("gd")) is None


def test_getex():
    node().set(k("gx"), 1)
    assert node().getex(k("gx")) == b"1" and node().ttl(k("gx")) == -1
    assert node().getex(k("gx"), ex=60) == b"1" and 0 < node().ttl(k("gx")) <= 60
    assert node().getex(k("gx"), px=6000) == b"1" and 0 < node().ttl(k("gx")) <= 6
    assert node().getex(k("gx"), exat=soon(10)) == b"1" and 0 < node().ttl(k("gx")) <= 10
    assert node().getex(k("gx"), persist=True) == b"1" and node().ttl(k("gx")) == -1


def test_mset_and_mget():
    assert node().mget([]) == []
    assert node().mget(k("o1"), k("o2")) == [None, None]
    assert node().mset({k("o1"): b"1", k("o2"): b"2", k("o3"): b"3"})
    assert node().mget(k("o1"), k("other"), k("o2"), k("o3")) == [b"1", None, b"2", b"3"]


def test_strlen_and_type():
    assert node().strlen(k("sl")) == 0 and node().type(k("sl")) == b"none"
    node().set(k("sl"), "foo")
    assert node().strlen(k("sl")) == 3 and node().type(k("sl")) == b"string"


def test_scan_scan_iter_and_scan_type():
    wanted = {k(f"scan{number}").encode() for number in range(20)}
    for name in wanted:
        node().set(name, 1)
    found = set(node().scan_iter(match=k("scan*")))
    assert found == wanted, (found, wanted)
    assert set(node().scan_iter(match=k("scan*"), count=3, _type="STRING")) == wanted


def test_dbsize():
    assert node().dbsize() >= 0


def test_binary_get_set():
    for name, value in [(b" foo bar ", b"123"), (b" foo\r\nbar\r\n ", b"456"), (b" \r\n\t\x07\x13 ", b"789")]:
        name = RUN.encode() + name
        assert node().set(name, value) and node().get(name) == value


def test_pipeline_without_transaction():
    with node().pipeline(transaction=False) as pipe:
        pipe.set(k("pa"), "a1").get(k("pa")).set(k("pb"), "b1").mget(k("pa"), k("pb"))
        assert pipe.execute() == [True, b"a1", True, [b"a1", b"b1"]]


def test_resp3_handshake():
    assert redis.Redis(port=next(PORTS), protocol=3).ping() is True


def test_set_nx_xx_and_incr_are_refused():
    """Otherwise than Redis, and said so: these need more than always-writable can give."""
    for ask in (lambda: node().set(k("nx"), "1", nx=True), lambda: node().set(k("nx"), "1", xx=True),
                lambda: node().incr(k("nx")), lambda: node().setnx(k("nx"), "1")):
        try:
            ask()
            raise AssertionError("it is refused")
        except redis.ResponseError as error:
            assert "linearizab" in str(error).lower() or "strong" in str(error).lower(), error
    assert node().get(k("nx")) is None


if __name__ == "__main__":
    failed = 0
    for name, test in [(name, f) for name, f in globals().items() if name.startswith("test_")]:
        try:
            test()
            print("ok    ", name)
        except Exception as error:  # whatever it is, it is told and counted
            failed += 1
            print("FAILED", name, repr(error))
    print(f"redis-py {redis.__version__}: {failed} failed")
    sys.exit(1 if failed else 0)
