import GRDB

/// The tables, version by version. A migration that was published never changes; a new one is appended.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            // Times are seconds since 1970.
            try db.execute(sql: """
                CREATE TABLE folder (
                    id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, claimed REAL NOT NULL,
                    state TEXT NOT NULL, resultFolder TEXT, failedAs TEXT
                ) STRICT;
                CREATE INDEX folderByState ON folder (state, id);

                CREATE TABLE job (
                    number INTEGER PRIMARY KEY AUTOINCREMENT, folder TEXT NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
                    run INTEGER NOT NULL, specificationFile TEXT, name TEXT NOT NULL, priority INTEGER NOT NULL, notBefore REAL,
                    state TEXT NOT NULL, attempts INTEGER NOT NULL, error TEXT, lastEnd TEXT, publishedAs TEXT,
                    workerPid INTEGER, workerStarted INTEGER, isCancelling INTEGER NOT NULL DEFAULT 0, memory INTEGER, hook TEXT,
                    queued REAL NOT NULL, started REAL, ended REAL, progress TEXT, progressed REAL,
                    UNIQUE (folder, run)
                ) STRICT;
                CREATE INDEX jobByState ON job (state, priority DESC, folder, run);
                CREATE INDEX jobByHook ON job (hook) WHERE hook IS NOT NULL;

                CREATE TABLE attempt (
                    job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, attempt INTEGER NOT NULL,
                    started REAL NOT NULL, ended REAL, pid INTEGER, outcome TEXT
                ) STRICT;
                CREATE INDEX attemptByJob ON attempt (job, started);

                CREATE TABLE event (
                    id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE, time REAL NOT NULL,
                    text TEXT NOT NULL
                ) STRICT;
                CREATE INDEX eventByJob ON event (job, id);

                -- What lies in the inbox and cannot be taken, and why nothing is started.
                CREATE TABLE notice (subject TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL, since REAL NOT NULL) STRICT;
                """)
        }
        return migrator
    }
}
