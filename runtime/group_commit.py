"""Transactions that reach the disk together: what SQLite's flush costs is paid once for several.

With `synchronous=FULL` each commit waits until the disk has it, which costs more than all that a request writes. While
works wait for their turn to write, the connection keeps what they commit open, each in a savepoint of its own, and
commits all of it at the end of the group. Nobody hears of a work before that (`runtime.threads`): as before, what was
answered is on the disk. A work that rolls back takes nothing of the others with it; when the group as a whole cannot be
committed, all that is in it failed.
"""

import sqlite3


class GroupingConnection(sqlite3.Connection):
    """A connection whose commits wait for the end of a group, while one is under way; without one it is a plain one.

    `begin`, `commit` and `rollback` are what its transactions begin and end with. The driver's own BEGIN is switched
    off (`isolation_level` None).
    """

    _is_grouping = False
    _is_open = False
    """A transaction has begun and not ended, as its user sees it."""
    _is_pending = False
    """Something was committed that is not on the disk yet."""

    def begin_group(self) -> None:
        """From here on commits wait for `end_group`."""
        self._is_grouping = True

    def end_group(self) -> None:
        """Commit what the group wrote. Raises sqlite3.Error when all of that is lost."""
        self._is_grouping = False
        if not self._is_pending:
            return
        self._is_pending = False
        self._require_group()
        try:
            super().commit()
        except sqlite3.Error:
            super().rollback()
            raise

    def begin(self) -> None:
        """Begin a transaction, with the lock to write, unless one has begun."""
        if self._is_open:
            return
        if self._is_pending:
            self._require_group()
            self.execute("SAVEPOINT member")
        else:
            self.execute("BEGIN IMMEDIATE")
        self._is_open = True

    def commit(self) -> None:
        """Keep what was written; on the disk now, or at the end of the group."""
        if not self._is_open:
            return
        if self._is_pending:
            self.execute("RELEASE member")
        elif not self._is_grouping:
            super().commit()
        self._is_pending = self._is_grouping
        self._is_open = False

    def rollback(self) -> None:
        """Undo what was written since `begin`, and nothing else."""
        is_open, self._is_open = self._is_open, False
        if not self._is_pending:
            super().rollback()
        elif is_open and self.in_transaction:
            self.execute("ROLLBACK TO member")
            self.execute("RELEASE member")

    def _require_group(self) -> None:
        """After some failures (a full disk among them) SQLite rolls back everything that is open, by itself."""
        if not self.in_transaction:
            raise sqlite3.OperationalError("the transactions of this group were rolled back")
