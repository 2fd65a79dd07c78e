"""The ledger's tables, and the steps by which an older ledger becomes a newer one.

A ledger of version v has had the first v of `MIGRATIONS`; a new one gets them all, so every library runs every step.

Paths are kept as the bytes of the file system (names need not be UTF-8); comparing them by range finds a folder.
What belongs to a content or a generation goes with it (`ON DELETE CASCADE`), and a line takes its words with it.
"""

from __future__ import annotations

APPLICATION_ID = 0x53494748  # "SIGH": tells a ledger from any other SQLite file

WORDS = "CREATE VIRTUAL TABLE words USING fts5 (terms, tokenize = 'unicode61 remove_diacritics 0')"

_FIRST = (
    """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,           -- never used twice: it names files
    key TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL, width INTEGER NOT NULL, sampling TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('current', 'building')),
    epoch INTEGER NOT NULL DEFAULT 0,               -- compaction writes new files and moves this on
    end_row INTEGER NOT NULL DEFAULT 0,             -- the committed ends of the columns; they only ever grow
    end_run INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX one_generation_per_state ON generations (state);

CREATE TABLE contents (id INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE);
CREATE TABLE paths (
    path BLOB PRIMARY KEY, content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX paths_of_content ON paths (content);
CREATE TABLE forgotten (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE VIEW living AS SELECT path, content FROM paths WHERE path NOT IN (SELECT path FROM forgotten);

CREATE TABLE work (
    content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'indexed', 'failed', 'skipped')),
    reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL DEFAULT '{}',
    frames INTEGER NOT NULL DEFAULT 0, checksum INTEGER,
    first REAL NOT NULL DEFAULT 0, last REAL NOT NULL DEFAULT 0, duration REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (content, generation)
) WITHOUT ROWID;
CREATE INDEX work_of_generation ON work (generation, state);
CREATE VIEW visible AS                              -- what a search may return
    SELECT work.* FROM work JOIN generations ON generations.id = work.generation AND generations.state = 'current'
    WHERE work.state = 'indexed' AND EXISTS (SELECT 1 FROM living WHERE living.content = work.content);

CREATE TABLE units (
    id INTEGER PRIMARY KEY,
    content INTEGER NOT NULL, generation INTEGER NOT NULL, number INTEGER NOT NULL,
    start REAL NOT NULL, end REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'claimed', 'done')),
    owner TEXT NOT NULL DEFAULT '', lease REAL NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    first_row INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,
    first_run INTEGER NOT NULL DEFAULT 0, runs INTEGER NOT NULL DEFAULT 0,
    crc INTEGER NOT NULL DEFAULT 0,
    seen INTEGER NOT NULL DEFAULT 0, similar INTEGER NOT NULL DEFAULT 0,
    decoded INTEGER NOT NULL DEFAULT 0, corrupt INTEGER NOT NULL DEFAULT 0,
    first REAL NOT NULL DEFAULT 0, last REAL NOT NULL DEFAULT 0,
    cuts BLOB NOT NULL DEFAULT x'', edge_first BLOB NOT NULL DEFAULT x'', edge_last BLOB NOT NULL DEFAULT x'',
    UNIQUE (content, generation, number),
    FOREIGN KEY (content, generation) REFERENCES work (content, generation) ON DELETE CASCADE
);
CREATE INDEX units_to_do ON units (generation, content, number) WHERE state != 'done';

CREATE TABLE thumbnails (
    unit INTEGER NOT NULL REFERENCES units (id) ON DELETE CASCADE, second REAL NOT NULL, jpeg BLOB NOT NULL
);
CREATE INDEX thumbnails_of_unit ON thumbnails (unit, second);

CREATE TABLE shots (
    content INTEGER NOT NULL, generation INTEGER NOT NULL, number INTEGER NOT NULL,
    start REAL NOT NULL, end REAL NOT NULL, second REAL NOT NULL,
    jpeg BLOB,                                      -- NULL: the same picture is a unit's thumbnail
    PRIMARY KEY (content, generation, number),
    FOREIGN KEY (content, generation) REFERENCES work (content, generation) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE tracks (
    content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE, track TEXT NOT NULL, key TEXT NOT NULL,
    PRIMARY KEY (content, track)
) WITHOUT ROWID;
CREATE TABLE lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    content INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
    unit INTEGER REFERENCES units (id) ON DELETE CASCADE,   -- NULL: of a track, which outlives generations
    track TEXT NOT NULL, source TEXT NOT NULL, language TEXT NOT NULL,
    start REAL NOT NULL, end REAL NOT NULL, text TEXT NOT NULL, score REAL, box TEXT
);
CREATE INDEX lines_of_content ON lines (content, track);
CREATE INDEX lines_of_unit ON lines (unit);
"""
    + WORDS
    + """;
CREATE TRIGGER words_follow_lines AFTER DELETE ON lines BEGIN DELETE FROM words WHERE rowid = old.id; END;
"""
)

_ROOTS_AND_UNREADABLE = """
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE unreadable (
    path BLOB PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
"""

# What was forgotten is known by its content, whatever it is called by now; and of a folder, what is yet to come.
_FORGOTTEN_CONTENTS_AND_FOLDERS = """
ALTER TABLE forgotten ADD COLUMN digest TEXT;       -- what the file held, so that `remember` works after a compaction
CREATE TABLE forgotten_contents (digest TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE forgotten_folders (                    -- the nearest one above a path decides
    path BLOB PRIMARY KEY,                          -- ends with a slash
    stays_out INTEGER NOT NULL                      -- 0: was named again, below one that stays out
) WITHOUT ROWID;
DROP VIEW living;
CREATE VIEW living AS SELECT path, content FROM paths
    WHERE path NOT IN (SELECT path FROM forgotten)
      AND NOT EXISTS (SELECT 1 FROM contents JOIN forgotten_contents USING (digest) WHERE contents.id = content)
      AND NOT coalesce((
          SELECT stays_out FROM forgotten_folders AS folder
          WHERE substr(CAST(paths.path || '/' AS BLOB), 1, length(folder.path)) = folder.path
          ORDER BY path DESC LIMIT 1), 0);                -- of folders within each other the longest comes last
"""

MIGRATIONS = (_FIRST, _ROOTS_AND_UNREADABLE, _FORGOTTEN_CONTENTS_AND_FOLDERS)
VERSION = len(MIGRATIONS)
