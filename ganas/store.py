"""The run folder: one SQLite file that remembers every decision and every answer, and the files beside it.

``RunStore`` is the only writer. Each evaluation is committed as it arrives, each batch together with the state of the
engine that follows it, so a run killed at any instant goes on exactly. The schema, in ``SCHEMA`` below, is documented
there and versioned; nothing on disk is a pickle. Reading is ``ganas.history``'s business.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganas.errors import RunError, SpaceError
from ganas.evaluation import Evaluation
from ganas.whole import writing_whole

VERSION = 2
SCHEMA = """
CREATE TABLE facts (          -- what is true of the run as a whole; values are JSON
    key TEXT PRIMARY KEY,     -- version, created, seed, versions, fingerprint, status, result, programs, seconds, ...; how far
                              -- it is: engine, batch, told, searched (evaluations and seconds at the end of the search)
    value TEXT NOT NULL);
CREATE TABLE individuals (    -- every genome that was asked for, in order
    number INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,   -- which ask it came from, from 0
    generation INTEGER NOT NULL,
    genome TEXT NOT NULL,     -- JSON: gene name -> value, group -> list of layers
    operator TEXT NOT NULL,   -- what made it: initial, crossover, mutation names
    parents TEXT NOT NULL);   -- JSON list of the numbers of its parents
CREATE TABLE evaluations (    -- what came back; no row: not yet trained
    number INTEGER PRIMARY KEY REFERENCES individuals(number),
    seed INTEGER NOT NULL,
    status TEXT NOT NULL,     -- ok, stopped, diverged, failed, timed_out, too_large
    error REAL,               -- the task's error, minimised
    objectives TEXT,          -- JSON list in the order of [evolution] objectives; NULL unless ok or stopped
    loss REAL, parameters INTEGER, epochs INTEGER, best_epoch INTEGER, seconds REAL, trainer TEXT, message TEXT,
    plan TEXT NOT NULL,       -- JSON of the network plan
    measures TEXT NOT NULL,   -- JSON: further measures by name
    curves TEXT NOT NULL,     -- JSON: per training, loss and val_loss per epoch
    rungs TEXT NOT NULL);     -- JSON: [epochs, error] at each rung reached
CREATE TABLE generations (    -- one row of the generation log each
    number INTEGER PRIMARY KEY,
    row TEXT NOT NULL);       -- JSON
CREATE TABLE readings (       -- every time the test rows were read
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    evaluations INTEGER NOT NULL,
    scores TEXT NOT NULL);    -- JSON
"""

DAMAGE = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError)
"""What is raised where damaged rows are read: no JSON and no Unicode are ValueErrors, another shape is one of the others."""


@dataclass(frozen=True)
class Asked:
    """A genome that an engine asked to have evaluated, and where it came from."""

    number: int
    batch: int
    generation: int
    genome: dict[str, Any]
    operator: str
    parents: tuple[int, ...]


class RunStore:
    """Writes one run folder. Use :meth:`create` or :meth:`open`; while it lives no other process may write the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.ExitStack() as opened:
            self._lock = _take_lock(folder)
            opened.callback(self._lock.close)
            with _one_line(folder):
                self._db = sqlite3.connect(folder / "run.db", isolation_level=None)
                opened.callback(self._db.close)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
            opened.pop_all()  # until close()
        self._inode = _inode_of(folder / "run.db")

    @classmethod
    def create(cls, folder: Path, config: str, facts: Mapping[str, Any]) -> RunStore:
        """Makes the folder with ``config.toml`` and an empty database.

        Raises:
            RunError: the folder exists, or cannot be written; or a name in the settings is no text.
        """
        try:
            text = config.encode("utf-8")
        except UnicodeEncodeError as error:
            line = config[config.rfind("\n", 0, error.start) + 1 :].split("\n")[0]
            raise RunError(f"config {line!a}: holds bytes that are no UTF-8; rename the file or folder") from None
        try:
            folder.mkdir(parents=True)
            (folder / "config.toml").write_bytes(text)
        except FileExistsError:
            raise RunError(f"{folder}: exists already; choose another --name") from None
        except OSError as error:
            raise RunError(f"{folder}: cannot be written ({error.strerror}); choose another --runs-dir") from None
        begun = folder / "run.part"  # a run.db is whole from its first moment: a process killed here leaves no run
        with _one_line(folder), contextlib.closing(sqlite3.connect(begun, isolation_level=None)) as db:
            for statement in SCHEMA.split("CREATE ")[1:]:
                db.execute(f"CREATE {statement}")
            _put(db, {"version": VERSION, **facts})
        begun.replace(folder / "run.db")
        return cls(folder)

    @classmethod
    def open(cls, folder: Path) -> RunStore:
        """Opens a run to go on with it.

        Raises:
            RunError: in use, damaged, or of another version.
        """
        check_database(folder)
        return cls(folder)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits everything written inside together, or nothing."""
        with _one_line(self.folder):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def put(self, **facts: Any) -> None:
        """Writes facts of the run, each replacing what was there."""
        with _one_line(self.folder):
            _put(self._db, facts)

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a fact of the run.

        Raises:
            RunError: it cannot be read, or is no JSON.
        """
        with _one_line(self.folder), refusing_damage(self.folder):
            row = self._db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
            return default if row is None else json.loads(row[0])

    def refuse_if_gone(self) -> None:
        """Looks whether what is written still arrives in the run's folder: a deleted file takes it and keeps nothing.

        Raises:
            RunError: the folder, or the database in it, was deleted, moved or replaced.
        """
        if _inode_of(self.folder / "run.db") != self._inode:
            raise RunError(f"{self.folder}: run.db was deleted, moved or replaced while the run went on; start again")

    def add_asked(self, rows: Sequence[Asked]) -> None:
        """Remembers what was asked, before it is trained; asking the same again after a crash changes nothing."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO individuals VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (row.number, row.batch, row.generation, _json(row.genome), row.operator, _json(list(row.parents)))
                    for row in rows
                ],
            )

    def add_evaluation(self, number: int, evaluation: Evaluation, objectives: Sequence[float] | None) -> None:
        """Remembers one evaluation, at once and for good."""
        e = evaluation
        texts = (_json(e.plan.to_json()), _json(e.measures), _json(list(e.curves)), _json(list(e.rungs)))
        listed = None if objectives is None else _json(list(objectives))
        numbers = (e.loss, e.parameters, e.epochs, e.best_epoch, e.seconds, e.trainer, e.message)
        row = (number, e.seed, e.status, e.error, listed, *numbers, *texts)
        with self.transaction():
            self._db.execute(f"INSERT OR REPLACE INTO evaluations VALUES ({', '.join('?' * len(row))})", row)

    def add_generation(self, number: int, row: Mapping[str, Any]) -> None:
        """Remembers a row of the generation log."""
        with _one_line(self.folder):
            self._db.execute("INSERT OR REPLACE INTO generations VALUES (?, ?)", (number, _json(dict(row))))

    def generations(self) -> int:
        """Returns how many rows the generation log has."""
        with _one_line(self.folder):
            return int(self._db.execute("SELECT COUNT(*) FROM generations").fetchone()[0])

    def add_reading(self, time: str, evaluations: int, scores: Mapping[str, Any]) -> None:
        """Remembers that the test rows were read, and what they said."""
        with _one_line(self.folder):
            values = (time, evaluations, _json(dict(scores)))
            self._db.execute("INSERT INTO readings (time, evaluations, scores) VALUES (?, ?, ?)", values)

    def write_json(self, name: str, value: Any) -> None:
        """Writes a JSON file beside the database, all or nothing."""
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        with writing_whole(self.folder / name) as part:
            part.write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Leaves a single plain database file behind, readable from a read-only place, and frees the run."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()
        self._lock.close()


def check_database(folder: Path) -> None:
    """Checks that a folder holds a run of this version.

    Raises:
        RunError: no run there, damaged, or of another version.
    """
    path = folder / "run.db"
    if not path.is_file():
        raise RunError(f"{folder}: no run.db there; expected the folder of a run")
    with _one_line(folder), refusing_damage(folder), contextlib.closing(connect_readonly(path)) as db:
        row = db.execute("SELECT value FROM facts WHERE key = 'version'").fetchone()
        found = None if row is None else json.loads(row[0])
        if found != VERSION:
            raise RunError(f"{path}: written by another version of ganas (schema {found}, this one reads {VERSION})")


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Opens a database for reading, from a read-only place too.

    Raises:
        RunError: what a killed process wrote last lies beside the database, and cannot be read from such a place.
    """
    uri = path.resolve().as_uri()
    db = sqlite3.connect(f"{uri}?mode=ro", uri=True)
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if _has_unwritten_changes(path):
            raise RunError(
                f"{path}: the run was killed and {path.name}-wal holds its last changes, which cannot be read here "
                f"({error}); copy the folder to a place that can be written"
            ) from None
        db = sqlite3.connect(f"{uri}?immutable=1", uri=True)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _has_unwritten_changes(path: Path) -> bool:
    """Returns whether SQLite's write-ahead log holds something; a database that is opened as immutable lacks that."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _inode_of(path: Path) -> tuple[int, int] | None:
    """Returns what tells a file from another of its name; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _take_lock(folder: Path) -> sqlite3.Connection:
    """Takes the run for this process: an exclusive SQLite transaction, which works on every system and ends with the process."""
    path = folder / "lock.db"
    with contextlib.ExitStack() as opened:
        try:
            lock = sqlite3.connect(path, isolation_level=None, timeout=0.5)  # a reader may be looking at it
            opened.callback(lock.close)
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise RunError(f"{folder}: another process is working on this run; wait for it or end it") from None
            raise RunError(
                f"{path}: cannot be written ({error}); if the folder can be, delete that file, which holds nothing"
            ) from None
        opened.pop_all()
        return lock


def is_in_use(folder: Path) -> bool | None:
    """Returns whether a process is working on the run; None: the lock cannot be read from here."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{(folder / 'lock.db').resolve().as_uri()}?mode=ro", uri=True, timeout=0)
        ) as lock:
            lock.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        return True if "locked" in str(error) else None
    return False


@contextlib.contextmanager
def refusing_damage(folder: Path) -> Iterator[None]:
    """Turns what rows of wrong contents cause while they are read into one line about the run.

    Raises:
        RunError: no JSON, no text, or not of the shape that was written.
    """
    try:
        yield
    except SpaceError as error:
        raise RunError(f"{folder / 'run.db'}: damaged ({error}); put a whole copy of it back") from None
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise RunError(f"{folder / 'run.db'}: damaged ({reason}); put a whole copy of it back") from None


@contextlib.contextmanager
def _one_line(folder: Path) -> Iterator[None]:
    """Turns what SQLite says into one line about the run."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise RunError(f"{folder / 'run.db'}: cannot be read or written ({error})") from error


def _put(db: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    rows = [(key, json.dumps(value)) for key, value in facts.items()]
    db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
